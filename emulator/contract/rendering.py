"""A report as text for people and as a document for machines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from emulator.contract.findings import Report, Result


def as_text(report: Report) -> str:
    """Write counts, then every finding, then what was not verified and why."""
    return "\n".join([summary(report), *drift_lines(report), *not_verified_lines(report)])


def summary(report: Report) -> str:
    counts = Counter(result.outcome for result in report.results)
    return (
        f"{report.base_url}: {len(report.results)} checks, {counts['passed']} passed, "
        f"{counts['drift']} with drift, {counts['not verified']} not verified"
    )


def drift_lines(report: Report) -> Iterator[str]:
    for result in report.having("drift"):
        yield ""
        yield f"{result.check.name}: {result.check.promise}"
        for finding in result.findings:
            where = f"{finding.pointer} " if finding.pointer else ""
            asked = f"  ({finding.asked})" if finding.asked else ""
            yield f"  {finding.kind:12} {where}{finding.text}{asked}"


def not_verified_lines(report: Report) -> Iterator[str]:
    reasons: dict[str, list[str]] = {}
    for result in report.having("not verified"):
        reasons.setdefault(str(result.not_verified), []).append(result.check.name)
    for reason, names in reasons.items():
        yield ""
        yield f"not verified, {reason}:"
        yield f"  {', '.join(names)}"


def as_document(report: Report) -> dict[str, Any]:
    """Give the report as JSON-ready values."""
    return {
        "target": report.base_url,
        "counts": Counter(result.outcome for result in report.results),
        "checks": [of_result(result) for result in report.results],
    }


def of_result(result: Result) -> dict[str, Any]:
    return {
        "name": result.check.name,
        "operation": result.check.operation,
        "promise": result.check.promise,
        "outcome": result.outcome,
        "reason": result.not_verified,
        "findings": [
            {
                "kind": str(finding.kind),
                "operation": finding.operation,
                "pointer": finding.pointer,
                "text": finding.text,
                "request": finding.asked,
            }
            for finding in result.findings
        ],
    }
