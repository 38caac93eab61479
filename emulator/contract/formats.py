"""The formats of a report: text, JSON and JUnit XML."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from xml.etree import ElementTree

from emulator.contract.findings import KINDS, OUTCOMES, Finding, OperationResult, Report, Result
from emulator.contract.target import SURFACES
from emulator.core.printing import plain


def as_text(report: Report) -> str:
    """Return the summary, a row for each operation, and all findings."""
    rows = (plain(line) for operation in report.operations for line in operation_rows(operation))
    findings = (plain(line) for operation in report.operations for line in finding_lines(operation))
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


def as_document(report: Report) -> dict[str, Any]:
    """Return the report as JSON values. `schemas/own/verify-report.json` describes them."""
    return {
        "target": report.base_url,
        "operations": count_outcomes(operation.outcome for operation in report.operations),
        "checks": count_outcomes(result.outcome for result in report.results),
        "kinds": {str(kind): meaning for kind, meaning in KINDS.items()},
        "results": [operation_value(operation) for operation in report.operations],
    }


def operation_value(operation: OperationResult) -> dict[str, Any]:
    route = operation.route
    return {
        "operation": route.operation,
        "surface": SURFACES[route.scheme] if route.scheme else None,
        "method": route.method,
        "path": route.path,
        "outcome": operation.outcome,
        "findings": [finding_value(finding) for finding in operation.findings],
        "checks": [check_value(result) for result in operation.results],
    }


def finding_value(finding: Finding) -> dict[str, str]:
    return {
        "kind": str(finding.kind),
        "pointer": plain(finding.pointer),
        "seen": plain(finding.seen),
        "contract": plain(finding.expected),
        "source": finding.source,
        "request": plain(finding.request),
    }


def check_value(result: Result) -> dict[str, Any]:
    return {
        "name": result.check.name,
        "promise": result.check.promise,
        "outcome": result.outcome,
        "reason": None if result.not_verified is None else plain(result.not_verified),
    }


def as_junit(report: Report) -> str:
    """Return JUnit XML: a suite for each operation and a case for each check."""
    suites = ElementTree.Element("testsuites", {"name": "oms-emulator verify", **totals(report.results)})
    for operation in report.operations:
        attributes = {"name": operation.route.operation, **totals(operation.results)}
        ElementTree.SubElement(suites, "testsuite", attributes).extend(map(case_element, operation.results))
    ElementTree.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(suites, encoding="unicode")


def totals(results: Iterable[Result]) -> dict[str, str]:
    counts = Counter(result.outcome for result in results)
    numbers = {"tests": counts.total(), "failures": counts["drifted"], "errors": 0, "skipped": counts["not verified"]}
    return {name: str(number) for name, number in numbers.items()}


def case_element(result: Result) -> ElementTree.Element:
    case = ElementTree.Element("testcase", classname=result.check.operation, name=result.check.topic)
    if result.findings:
        kinds = ", ".join(dict.fromkeys(str(finding.kind) for finding in result.findings))
        lines = [plain(f"{finding_line(each)}  ({each.source}; {each.request})") for each in result.findings]
        failure = ElementTree.SubElement(case, "failure", type=kinds, message=lines[0])
        failure.text = "\n".join(lines)
    elif result.not_verified is not None:
        ElementTree.SubElement(case, "skipped", message=plain(result.not_verified))
    return case
