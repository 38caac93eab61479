"""How much of the emulated behaviour a consumer's suite met: counts, what could be met, and the reports of both."""

from emulator.core.coverage import DIMENSIONS, Coverage
from emulator.coverage.counts import Counts, CoverageProblem, counted, merged, read_counts
from emulator.coverage.rendering import FORMATS, rendered
from emulator.coverage.report import Report, report
from emulator.coverage.writing import clear_counts, write_counts

__all__ = [
    "DIMENSIONS",
    "FORMATS",
    "Counts",
    "Coverage",
    "CoverageProblem",
    "Report",
    "clear_counts",
    "counted",
    "merged",
    "read_counts",
    "rendered",
    "report",
    "write_counts",
]
