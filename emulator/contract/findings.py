"""Checks, their findings, and the report of all results."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from emulator.api.routes import Route
from emulator.contract.target import SURFACES, Target
from emulator.core.files import fill_template
from emulator.core.json_text import JsonObject, escape_unprintable

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


def render(report: Report, form: str) -> str:
    """Return the report as `text`, `json` or `junit`."""
    if form == "json":
        return json.dumps(as_document(report), indent=2)
    return as_junit(report) if form == "junit" else as_text(report)


def as_text(report: Report) -> str:
    """Return the summary, a row for each operation, and all findings."""
    rows = (escape_unprintable(line) for operation in report.operations for line in operation_rows(operation))
    findings = (escape_unprintable(line) for operation in report.operations for line in finding_lines(operation))
    return "\n".join([summary(report), "", *rows, *findings])


def summary(report: Report) -> str:
    """Return the outcome in one line."""
    operations = count_outcomes(operation.outcome for operation in report.operations)
    checks = count_outcomes(result.outcome for result in report.results)
    return (
        f"{report.base_url}: {len(report.operations)} operations, {join_counts(operations)}; "
        f"{len(report.results)} checks, {join_counts(checks)}"
    )


def count_outcomes(outcomes: Iterable[str]) -> dict[str, int]:
    counts = Counter(outcomes)
    return {outcome: counts[outcome] for outcome in OUTCOMES}


def join_counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{counts[outcome]} {outcome}" for outcome in ("verified", "drifted", "not verified"))


def operation_rows(operation: OperationResult) -> Iterator[str]:
    """Yield the row of the operation and the reasons why checks were not verified."""
    verified = f"{operation.verified} of {len(operation.results)}"
    yield f"{operation.outcome:12}  {verified:>8}  {operation.route.operation}"
    for reason, topics in operation.reasons.items():
        names = "" if len(topics) == len(operation.results) else f"{', '.join(topics)}: "
        yield f"{'':24}{names}{reason}"


def finding_lines(operation: OperationResult) -> Iterator[str]:
    if not operation.findings:
        return
    yield ""
    yield f"{operation.route.operation}: {operation.route.method} {operation.route.path}"
    for finding in operation.findings:
        yield f"  {finding_line(finding)}"
        yield f"  {'':14}{' · '.join(part for part in (finding.source, finding.request) if part)}"


def finding_line(finding: Finding) -> str:
    pointer = f"{finding.pointer} " if finding.pointer else ""
    return f"{finding.kind:14}{pointer}{finding.text}"


def as_document(report: Report) -> JsonObject:
    """Return the report as JSON values. `schemas/own/verify-report.json` describes them."""
    return {
        "target": report.base_url,
        "operations": count_outcomes(operation.outcome for operation in report.operations),
        "checks": count_outcomes(result.outcome for result in report.results),
        "kinds": {str(kind): meaning for kind, meaning in KINDS.items()},
        "results": [operation_value(operation) for operation in report.operations],
    }


def operation_value(operation: OperationResult) -> JsonObject:
    route = operation.route
    return {
        "operation": route.operation,
        "surface": SURFACES[route.auth_scheme] if route.auth_scheme else None,
        "method": route.method,
        "path": route.path,
        "outcome": operation.outcome,
        "findings": [finding_value(finding) for finding in operation.findings],
        "checks": [check_value(result) for result in operation.results],
    }


def finding_value(finding: Finding) -> dict[str, str]:
    return {
        "kind": str(finding.kind),
        "pointer": escape_unprintable(finding.pointer),
        "seen": escape_unprintable(finding.seen),
        "contract": escape_unprintable(finding.expected),
        "source": finding.source,
        "request": escape_unprintable(finding.request),
    }


def check_value(result: Result) -> JsonObject:
    return {
        "name": result.check.name,
        "promise": result.check.promise,
        "outcome": result.outcome,
        "reason": None if result.not_verified is None else escape_unprintable(result.not_verified),
    }


def as_junit(report: Report) -> str:
    """Return JUnit XML: a suite for each operation and a case for each check."""
    return fill_template("contract", "junit.xml", report=report, finding_line=finding_line).rstrip()
