"""Coverage of the emulated behaviour: counts of what clients used, and reports of what they missed."""

from emulator.coverage.report import Report
from emulator.state.journal import Coverage

__all__ = ["Coverage", "Report"]
