"""The contract: checks, over HTTP alone, that a server behaves as the documented OMS.

`run(Target(url, token, jwt=jwt))` returns a `Report`. It only reads, unless the target allows writes.
"""

from emulator.contract.checks import CHECKS, run
from emulator.contract.findings import Check, Kind, Report, Result, as_text, render, summary
from emulator.contract.target import NotVerified, Target, Unreachable

__all__ = [
    "CHECKS",
    "Check",
    "Kind",
    "NotVerified",
    "Report",
    "Result",
    "Target",
    "Unreachable",
    "as_text",
    "render",
    "run",
    "summary",
]
