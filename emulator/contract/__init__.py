"""The contract: what every server that claims to be the OMS must do, asked over HTTP and nothing else.

`run(Target(url, token, jwt=jwt))` gives a `Report`; it reads only, unless the target allows writes.
"""

from emulator.contract.findings import Check, Finding, Kind, NotVerified, Report, Result
from emulator.contract.rendering import as_document, as_junit, as_text
from emulator.contract.running import run
from emulator.contract.table import CHECKS
from emulator.contract.target import Target, Unreachable

__all__ = [
    "CHECKS",
    "Check",
    "Finding",
    "Kind",
    "NotVerified",
    "Report",
    "Result",
    "Target",
    "Unreachable",
    "as_document",
    "as_junit",
    "as_text",
    "run",
]
