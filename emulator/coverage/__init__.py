"""Coverage of the emulated behaviour: counts of what clients used, and reports of what they missed."""

from emulator.coverage.counts import Counts, CoverageError, clear_counts, counts_of, merge_counts, read_counts
from emulator.coverage.formats import FORMATS, render
from emulator.coverage.report import Report, build_report, write_counts
from emulator.state.counters import DIMENSIONS, Coverage

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
    "merge_counts",
    "read_counts",
    "render",
    "write_counts",
]
