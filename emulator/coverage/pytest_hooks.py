"""The pytest plugin behind `--oms-coverage`: it counts a whole test run, with one file for each process."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.coverage.counts import FILE_PATTERN, CoverageError, clear_counts, read_counts
from emulator.coverage.report import build_report, summary, write_counts
from emulator.state.journal import Coverage


class CoverageRecorder:
    """Count in this process. Under pytest-xdist the workers count, and the controller prints the sum."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.coverage = Coverage()
        """Shared by all emulators of this process."""

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Delete the counts of an earlier run before any worker starts."""
        if hasattr(session.config, "workerinput") or session.config.option.collectonly:  # a worker of pytest-xdist
            return
        try:
            clear_counts(self.folder)
        except CoverageError as error:
            raise pytest.UsageError(f"--oms-coverage: {error}") from None
        for other in sorted(self.folder.glob(FILE_PATTERN)):
            reason = f"{other} is not a coverage file; remove it, or choose another folder"
            raise pytest.UsageError(f"--oms-coverage: {reason}")

    def pytest_sessionfinish(self) -> None:
        """Write the counts of this process, if there are any."""
        if not any(self.coverage.counts().values()):
            return
        try:
            write_counts(self.folder, self.coverage)
        except CoverageError as error:
            pytest.exit(f"--oms-coverage: {error}", returncode=pytest.ExitCode.USAGE_ERROR)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
        """Print the coverage of all processes together."""
        if config.option.collectonly:
            return
        try:
            report = build_report(read_counts([self.folder]))
        except CoverageError as error:
            terminalreporter.write_line(f"oms-emulator: no coverage was counted: {error}")
        else:
            line = f"oms-emulator: {summary(report)}; see `oms-emulator coverage {self.folder}`"
            terminalreporter.write_line(line)
