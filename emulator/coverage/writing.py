"""Files of counts: one for a server, or one for each process of a run in parallel."""

from __future__ import annotations

import os
from os import PathLike
from pathlib import Path

from emulator.core.coverage import Coverage
from emulator.coverage.counts import FILES, CoverageProblem, check_target, counted, is_own, write_text
from emulator.coverage.rendering import rendered
from emulator.coverage.report import report


def write_counts(path: str | PathLike[str], coverage: Coverage) -> Path:
    """Write what an emulator counted, for `oms-emulator coverage` to read; give the file.

    A folder gets one file for each process, so that several may write at once. `CoverageProblem` if it cannot be
    written, or if what is there is no coverage file.
    """
    target = target_of(path)
    write_text(target, rendered(report(counted(coverage)), "json").encode())
    return target


def target_of(path: str | PathLike[str]) -> Path:
    """Give the file that counts are written to: of a folder, that of this process, or of this worker of pytest-xdist.
    `CoverageProblem` if they cannot be, as far as that can be told before.
    """
    target = Path(path)
    if target.is_dir():
        target /= f"coverage-{os.environ.get('PYTEST_XDIST_WORKER') or os.getpid()}.json"
    return check_target(target)


def clear_counts(folder: str | PathLike[str]) -> None:
    """Make a folder ready for a new run's coverage files: those of an earlier run go, other files stay.
    `CoverageProblem` if it cannot be made.
    """
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CoverageProblem(f"cannot make the folder {folder}: {error.strerror or error}") from None
    for file in Path(folder).glob(FILES):
        if is_own(file):
            file.unlink(missing_ok=True)
