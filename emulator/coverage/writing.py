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

    A folder (one that is there, or a path without a suffix) gets one file for each process, so that several may write
    at once. `CoverageProblem` if it cannot be written, or if what is there is no coverage file.
    """
    target = Path(path)
    if target.is_dir() or not target.suffix:
        target = file_in(target)
    write_text(check_target(target), rendered(report(counted(coverage)), "json").encode())
    return target


def file_in(folder: Path) -> Path:
    """Give the file of this process in a folder, which is made: of the worker of pytest-xdist, if it is one."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CoverageProblem(f"cannot write into {folder}: {error.strerror or error}") from None
    return folder / f"coverage-{os.environ.get('PYTEST_XDIST_WORKER') or os.getpid()}.json"


def clear_counts(folder: str | PathLike[str]) -> None:
    """Remove the coverage files of an earlier run from a folder; other files stay."""
    for file in Path(folder).glob(FILES):
        if is_own(file):
            file.unlink(missing_ok=True)
