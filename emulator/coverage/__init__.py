"""Coverage of the emulated behaviour: counts of what clients used, and reports of what they missed."""

from emulator.coverage.counts import (
    Counts,
    CoverageError,
    clear_counts,
    counts_of,
    counts_path,
    merge_counts,
    read_counts,
    write_text,
)
from emulator.coverage.report import FORMATS, Report, build_report, render, shortfall, summary, write_counts
from emulator.state.journal import DIMENSIONS, Coverage

__all__ = [
    "DIMENSIONS",
    "FORMATS",
    "Counts",
    "Coverage",
    "CoverageError",
    "Report",
    "build_report",
    "clear_counts",
    "counts_of",
    "counts_path",
    "merge_counts",
    "read_counts",
    "render",
    "shortfall",
    "summary",
    "write_counts",
    "write_text",
]
