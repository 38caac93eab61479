"""Checks, their findings, and the report of all results."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from emulator.contract.target import Target
from emulator.routes import Route

ARRAY_INDEX = re.compile(r"/\d+(?=/|$)")


class Kind(StrEnum):
    """The kinds of drift: how a response can differ from the contract."""

    MISSING = "missing"
    UNDOCUMENTED = "undocumented"
    TYPE = "type"
    STATUS = "status"
    ORDER = "order"
    HEADER = "header"
    PAGING = "paging"
    VALUE = "value"


KINDS: Mapping[Kind, str] = {
    Kind.MISSING: "A documented key is missing.",
    Kind.UNDOCUMENTED: "The response has a key that no page documents.",
    Kind.TYPE: "A value has another type or format than documented, or the body is not JSON.",
    Kind.STATUS: "The response has another status, or there is no response.",
    Kind.ORDER: "Keys, or the rows of a list, are in another order.",
    Kind.HEADER: "A header is missing or has another value.",
    Kind.PAGING: "The count, the links or the number of rows of a page do not fit the request.",
    Kind.VALUE: "A value is well formed, but differs from the request, the stored value or the documented text.",
}


@dataclass(frozen=True)
class Finding:
    """One difference between a target and the contract."""

    kind: Kind
    operation: str
    pointer: str
    """JSON pointer into the body. It is empty for the whole body, and for what is not in a body."""
    seen: str
    expected: str = ""
    source: str = ""
    """The schema or page that documents the expectation."""
    request: str = ""
    """The request whose response has the difference."""

    @property
    def text(self) -> str:
        return f"{self.seen}, {self.expected}" if self.expected else self.seen

    @property
    def identity(self) -> tuple[str, Kind, str, str]:
        """Equal for the same difference in another row, record or check."""
        text = "" if self.kind in (Kind.TYPE, Kind.ORDER) else ARRAY_INDEX.sub("/*", self.text)
        return self.operation, self.kind, ARRAY_INDEX.sub("/*", self.pointer), text


class Drift(Exception):
    """Ends a check with a finding after which the check cannot continue."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.text)
        self.finding = finding


CheckFunction = Callable[[Target, Route], Iterator[Finding]]


@dataclass(frozen=True)
class Check:
    """One promise of one operation, and the function that checks it."""

    name: str
    """`<operation>.<topic>`"""
    topic: str
    promise: str
    resource: str
    """The file of the contract's test suite that runs this check."""
    route: Route
    function: CheckFunction
    writes: bool = False

    @property
    def operation(self) -> str:
        return self.route.operation


@dataclass(frozen=True)
class Result:
    """The findings of a check. `not_verified` is the reason if it could not run, or not completely."""

    check: Check
    findings: tuple[Finding, ...] = ()
    not_verified: str | None = None

    @property
    def outcome(self) -> str:
        if self.findings:
            return "drifted"
        return "verified" if self.not_verified is None else "not verified"


OUTCOMES = ("drifted", "verified", "not verified")
"""The outcomes of a check. An operation has the first outcome that any of its checks has."""


@dataclass(frozen=True)
class OperationResult:
    """The results of all checks of one operation."""

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
        """Each finding once, even if several checks found it."""
        return list(unique(finding for result in self.results for finding in result.findings))

    @property
    def reasons(self) -> dict[str, list[str]]:
        """Reason -> the topics that were not verified because of it."""
        reasons: dict[str, list[str]] = {}
        for result in self.results:
            if result.outcome == "not verified":
                reasons.setdefault(str(result.not_verified), []).append(result.check.topic)
        return reasons


@dataclass(frozen=True)
class Report:
    """The results of all checks of one target."""

    base_url: str
    results: tuple[Result, ...]

    def having(self, outcome: str) -> list[Result]:
        return [result for result in self.results if result.outcome == outcome]

    @cached_property
    def operations(self) -> list[OperationResult]:
        """The results by operation, in the order of the checks."""
        by_operation: dict[str, list[Result]] = {}
        for result in self.results:
            by_operation.setdefault(result.check.operation, []).append(result)
        return [OperationResult(results[0].check.route, tuple(results)) for results in by_operation.values()]

    @property
    def findings(self) -> list[Finding]:
        return [finding for operation in self.operations for finding in operation.findings]

    @property
    def verified_nothing(self) -> bool:
        return len(self.having("not verified")) == len(self.results)


def unique(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Yield the first of the findings that differ only in the row or record."""
    first: dict[object, Finding] = {}
    for finding in findings:
        first.setdefault(finding.identity, finding)
    yield from first.values()
