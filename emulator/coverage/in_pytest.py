"""The plugin of pytest that counts what a whole run meets: in a folder, a file for each process of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.core.coverage import Coverage
from emulator.coverage.counts import FILES, CoverageProblem, read_counts
from emulator.coverage.report import report
from emulator.coverage.writing import clear_counts, write_counts


class Counting:
    """Counts in this process; under pytest-xdist the workers count, and the one that started them tells the sum."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.coverage = Coverage()
        """For every emulator of this process."""

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Let the counts of an earlier run go, before any worker is there."""
        if is_worker(session.config) or session.config.option.collectonly:
            return
        try:
            clear_counts(self.folder)
        except CoverageProblem as error:
            raise pytest.UsageError(f"--oms-coverage: {error}") from None
        for other in sorted(self.folder.glob(FILES)):
            raise pytest.UsageError(f"--oms-coverage: {other} is no coverage file; remove it, or name another folder")

    def pytest_sessionfinish(self) -> None:
        """Write what this process met, if it met anything."""
        if not any(self.coverage.counts().values()):
            return
        try:
            write_counts(self.folder, self.coverage)
        except CoverageProblem as error:
            pytest.exit(f"--oms-coverage: {error}", returncode=pytest.ExitCode.USAGE_ERROR)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
        """Say how much all processes met."""
        if config.option.collectonly:
            return
        try:
            found = report(read_counts([self.folder]))
        except CoverageProblem as error:
            terminalreporter.write_line(f"oms-emulator: nothing is counted: {error}")
        else:
            said = f"{found.met} of {found.total} are met: {found.percent} %"
            terminalreporter.write_line(f"oms-emulator: {said}; see `oms-emulator coverage {self.folder}`")


def is_worker(config: pytest.Config) -> bool:
    """Tell whether this is a process that pytest-xdist started."""
    return hasattr(config, "workerinput")
