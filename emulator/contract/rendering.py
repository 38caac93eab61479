"""A report as text for people, as a document for machines, as JUnit for CI."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from xml.etree import ElementTree

from emulator.contract.findings import KINDS, OUTCOMES, Finding, Report, Result, Summary
from emulator.contract.target import SURFACES
from emulator.core.printing import plain


def as_text(report: Report) -> str:
    """Write counts, a row for each operation, then every finding."""
    rows = (plain(line) for operation in report.operations for line in row_of(operation))
    found = (plain(line) for operation in report.operations for line in findings_of(operation))
    return "\n".join([summary(report), "", *rows, *found])


def summary(report: Report) -> str:
    """Say in one line what came of it."""
    operations = counted(operation.outcome for operation in report.operations)
    checks = counted(result.outcome for result in report.results)
    return (
        f"{report.base_url}: {len(report.operations)} operations, {said(operations)}; "
        f"{len(report.results)} checks, {said(checks)}"
    )


def counted(outcomes: Iterable[str]) -> dict[str, int]:
    found = Counter(outcomes)
    return {outcome: found[outcome] for outcome in OUTCOMES}


def said(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{counts[outcome]} {outcome}" for outcome in ("verified", "drifted", "not verified"))


def row_of(operation: Summary) -> Iterator[str]:
    """Yield the operation's row, and below it why some of its checks were not verified."""
    of = f"{operation.verified} of {len(operation.results)}"
    yield f"{operation.outcome:12}  {of:>8}  {operation.route.operation}"
    for reason, topics in operation.reasons.items():
        which = "" if len(topics) == len(operation.results) else f"{', '.join(topics)}: "
        yield f"{'':24}{which}{reason}"


def findings_of(operation: Summary) -> Iterator[str]:
    if not operation.findings:
        return
    yield ""
    yield f"{operation.route.operation}: {operation.route.method} {operation.route.path}"
    for found in operation.findings:
        yield f"  {line_of(found)}"
        yield f"  {'':14}{' · '.join(part for part in (found.source, found.asked) if part)}"


def line_of(found: Finding) -> str:
    where = f"{found.pointer} " if found.pointer else ""
    return f"{found.kind:14}{where}{found.text}"


def as_document(report: Report) -> dict[str, Any]:
    """Give the report as JSON-ready values, as `schemas/own/verify-report.json` describes them."""
    return {
        "target": report.base_url,
        "operations": counted(operation.outcome for operation in report.operations),
        "checks": counted(result.outcome for result in report.results),
        "kinds": {str(kind): meaning for kind, meaning in KINDS.items()},
        "results": [of_operation(operation) for operation in report.operations],
    }


def of_operation(operation: Summary) -> dict[str, Any]:
    return {
        "operation": operation.route.operation,
        "surface": SURFACES[operation.route.scheme] if operation.route.scheme else None,
        "method": operation.route.method,
        "path": operation.route.path,
        "outcome": operation.outcome,
        "findings": [of_finding(found) for found in operation.findings],
        "checks": [of_result(result) for result in operation.results],
    }


def of_finding(found: Finding) -> dict[str, str]:
    return {
        "kind": str(found.kind),
        "pointer": plain(found.pointer),
        "seen": plain(found.seen),
        "contract": plain(found.wanted),
        "source": found.source,
        "request": plain(found.asked),
    }


def of_result(result: Result) -> dict[str, Any]:
    return {
        "name": result.check.name,
        "promise": result.check.promise,
        "outcome": result.outcome,
        "reason": None if result.not_verified is None else plain(result.not_verified),
    }


def as_junit(report: Report) -> str:
    """Give the report as JUnit's XML: a suite for each operation, a test case for each check."""
    suites = ElementTree.Element("testsuites", {"name": "oms-emulator verify", **totals(report.results)})
    for operation in report.operations:
        named = {"name": operation.route.operation, **totals(operation.results)}
        ElementTree.SubElement(suites, "testsuite", named).extend(map(case_of, operation.results))
    ElementTree.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(suites, encoding="unicode")


def totals(results: Iterable[Result]) -> dict[str, str]:
    counts = Counter(result.outcome for result in results)
    numbers = {"tests": counts.total(), "failures": counts["drifted"], "errors": 0, "skipped": counts["not verified"]}
    return {name: str(number) for name, number in numbers.items()}


def case_of(result: Result) -> ElementTree.Element:
    case = ElementTree.Element("testcase", classname=result.check.operation, name=result.check.topic)
    if result.findings:
        kinds = ", ".join(dict.fromkeys(str(found.kind) for found in result.findings))
        lines = [plain(f"{line_of(found)}  ({found.source}; {found.asked})") for found in result.findings]
        failure = ElementTree.SubElement(case, "failure", type=kinds, message=lines[0])
        failure.text = "\n".join(lines)
    elif result.not_verified is not None:
        ElementTree.SubElement(case, "skipped", message=plain(result.not_verified))
    return case
