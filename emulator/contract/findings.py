"""What a check is, and what comes of it: findings are values, and so is what could not be verified."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from emulator.routes import Route

if TYPE_CHECKING:
    from emulator.contract.target import Target

INDEX = re.compile(r"/\d+(?=/|$)")


class Kind(StrEnum):
    """The ways in which an answer can leave the contract."""

    MISSING = "missing"
    UNDOCUMENTED = "undocumented"
    TYPE = "type"
    STATUS = "status"
    ORDER = "order"
    HEADER = "header"
    PAGING = "paging"
    VALUE = "value"


KINDS: Mapping[Kind, str] = {
    Kind.MISSING: "a documented key is not there",
    Kind.UNDOCUMENTED: "a key is there that no page shows",
    Kind.TYPE: "a value has another type or form than documented, or the body is no JSON",
    Kind.STATUS: "another status, or no answer at all",
    Kind.ORDER: "keys, or the rows of a list, stand in another order",
    Kind.HEADER: "a header is missing or says something else",
    Kind.PAGING: "count, links or number of rows of a page do not agree with what was asked",
    Kind.VALUE: "well formed, but not what was asked for, stored or said elsewhere; other words of an error",
}


@dataclass(frozen=True)
class Finding:
    """One place where a target leaves the contract."""

    kind: Kind
    operation: str
    pointer: str
    """JSON pointer into the body; empty for the whole, and for what is not in a body."""
    seen: str
    wanted: str = ""
    """What the contract says instead."""
    source: str = ""
    """Where it says so: a schema, a page."""
    asked: str = ""
    """The request whose answer shows it."""

    @property
    def text(self) -> str:
        return f"{self.seen}, {self.wanted}" if self.wanted else self.seen

    @property
    def place(self) -> tuple[str, Kind, str, str]:
        """What makes it the same finding in another row, record or check."""
        kept = "" if self.kind in (Kind.TYPE, Kind.ORDER) else INDEX.sub("/*", self.text)
        return self.operation, self.kind, INDEX.sub("/*", self.pointer), kept


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
            return "drifted"
        return "verified" if self.not_verified is None else "not verified"


@dataclass(frozen=True)
class Summary:
    """What came of all checks of one operation."""

    route: Route
    results: tuple[Result, ...]

    @property
    def outcome(self) -> str:
        outcomes = {result.outcome for result in self.results}
        return next(outcome for outcome in OUTCOMES if outcome in outcomes)

    @property
    def verified(self) -> int:
        return sum(result.outcome == "verified" for result in self.results)

    @cached_property
    def findings(self) -> list[Finding]:
        """Every finding once, however many checks met it."""
        return list(once_each(finding for result in self.results for finding in result.findings))

    @property
    def reasons(self) -> dict[str, list[str]]:
        """Reason -> the topics that it kept from being verified."""
        found: dict[str, list[str]] = {}
        for result in self.results:
            if result.outcome == "not verified":
                found.setdefault(str(result.not_verified), []).append(result.check.topic)
        return found


OUTCOMES = ("drifted", "verified", "not verified")
"""Of a check; of an operation the first one that any of its checks has."""


@dataclass(frozen=True)
class Report:
    """The results of all checks against one target."""

    base_url: str
    results: tuple[Result, ...]

    def having(self, outcome: str) -> list[Result]:
        return [result for result in self.results if result.outcome == outcome]

    @cached_property
    def operations(self) -> list[Summary]:
        """One row for each operation, in the order of the checks."""
        found: dict[str, list[Result]] = {}
        for result in self.results:
            found.setdefault(result.check.operation, []).append(result)
        return [Summary(results[0].check.route, tuple(results)) for results in found.values()]

    @property
    def findings(self) -> list[Finding]:
        return [finding for operation in self.operations for finding in operation.findings]

    @property
    def verified_nothing(self) -> bool:
        return len(self.having("not verified")) == len(self.results)


def once_each(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Yield of the findings that differ in the row or record only the first."""
    first: dict[object, Finding] = {}
    for finding in findings:
        first.setdefault(finding.place, finding)
    yield from first.values()
