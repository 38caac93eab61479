"""The files that `serve` and `exec` write when the server stops, and the check of a path before it is written."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import click

from emulator.client.emulator import Emulator
from emulator.core.files import check_target


def check_writable(output: Path) -> None:
    """Raise `UsageError` before the first request if the output file cannot be written."""
    if output.is_dir() or not output.parent.is_dir():
        reason = "it is a folder" if output.is_dir() else f"the folder {output.parent} does not exist"
        raise click.UsageError(f"cannot write {output}: {reason}")
    if not os.access(output if output.exists() else output.parent, os.W_OK):
        raise click.UsageError(f"cannot write {output}: permission denied")


class ExitFiles(NamedTuple):
    """The files that are written when the server stops. The names are those of the options."""

    coverage: Path | None
    provenance_report: Path | None
    export_on_exit: Path | None
    force: bool
    with_secrets: bool

    def check(self) -> None:
        """Raise an error if a file cannot be written."""
        if self.coverage is not None:
            from emulator.coverage import counts_path  # noqa: PLC0415 - imported when used

            counts_path(self.coverage)
        if self.provenance_report is not None:
            check_writable(self.provenance_report)
        if self.export_on_exit is not None:
            check_target(self.export_on_exit, force=self.force)

    def write(self, emulator: Emulator) -> None:
        """Write the files. Print how many tests or requests rest on assumptions."""
        if self.coverage is not None or emulator.provenance is not None:
            self._write_reports(emulator)
        if self.export_on_exit is not None:
            emulator.save(self.export_on_exit, force=self.force, with_secrets=self.with_secrets)

    def _write_reports(self, emulator: Emulator) -> None:
        from emulator import coverage  # noqa: PLC0415 - imported when used

        if self.coverage is not None:
            coverage.write_counts(self.coverage, emulator.world.coverage)
        if emulator.provenance is not None:
            for each in coverage.summarize_log(emulator.provenance):
                click.echo("\n".join(each.lines()), err=True)
            if self.provenance_report is not None:
                document = coverage.log_document(emulator.provenance)
                coverage.write_text(self.provenance_report, coverage.json_lines(document))
