"""What a check is, and what comes of it: findings are values, and so is what could not be verified."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from emulator.routes import Route

if TYPE_CHECKING:
    from emulator.contract.target import Target


class Kind(StrEnum):
    """The ways in which an answer can leave the contract."""

    UNDOCUMENTED = "undocumented"
    MISSING = "missing"
    TYPE = "type"
    STATUS = "status"
    ORDER = "order"
    HEADER = "header"
    PAGING = "paging"
    OTHER = "other"


@dataclass(frozen=True)
class Finding:
    """One place where a target leaves the contract."""

    kind: Kind
    operation: str
    pointer: str
    """JSON pointer into the body; empty for the whole, and for what is not in a body."""
    text: str
    asked: str = ""
    """The request whose answer shows it."""


class Drift(Exception):
    """Ends a check with a finding that makes its further questions pointless."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.text)
        self.finding = finding


class NotVerified(Exception):
    """Ends a check that the target cannot be asked; the message is the reason."""


Asked = Callable[["Target", Route], Iterator[Finding]]


@dataclass(frozen=True)
class Check:
    """One promise of one operation, and the function that looks whether a target keeps it."""

    name: str
    """`<operation>.<topic>`"""
    topic: str
    promise: str
    resource: str
    """Names the file of the contract's test suite that runs it."""
    route: Route
    look: Asked
    writes: bool = False

    @property
    def operation(self) -> str:
        return self.route.operation


@dataclass(frozen=True)
class Result:
    """What a check found; `not_verified` has the reason if it could not look."""

    check: Check
    findings: tuple[Finding, ...] = ()
    not_verified: str | None = None

    @property
    def outcome(self) -> str:
        if self.findings:
            return "drift"
        return "passed" if self.not_verified is None else "not verified"


@dataclass(frozen=True)
class Report:
    """The results of all checks against one target."""

    base_url: str
    results: tuple[Result, ...]

    def having(self, outcome: str) -> list[Result]:
        return [result for result in self.results if result.outcome == outcome]

    @property
    def findings(self) -> list[Finding]:
        return [finding for result in self.results for finding in result.findings]

    @property
    def verified_nothing(self) -> bool:
        return len(self.having("not verified")) == len(self.results)
