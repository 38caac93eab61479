"""Coverage of the emulated behaviour: counts of what clients used, and reports of what they missed."""

from emulator.coverage.assumptions import log_document, summarize_log
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
from emulator.coverage.report import (
    FORMATS,
    Report,
    build_report,
    json_lines,
    render,
    shortfall,
    summary,
    write_counts,
)
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
    "json_lines",
    "log_document",
    "merge_counts",
    "read_counts",
    "render",
    "shortfall",
    "summarize_log",
    "summary",
    "write_counts",
    "write_text",
]
