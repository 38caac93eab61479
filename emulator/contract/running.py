"""Runs checks against a target; whatever it answers, a report comes of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

import requests

from emulator.contract.findings import Check, Drift, Finding, Kind, NotVerified, Report, Result
from emulator.contract.table import CHECKS
from emulator.contract.target import Target, short

WRITES_NOT_ALLOWED = "it writes, and writes are not allowed"
INDEX = re.compile(r"/\d+(?=/|$)")


def run(target: Target, checks: Iterable[Check] = CHECKS, tell: Callable[[Result], None] = lambda _: None) -> Report:
    """Run the checks; `tell` hears of each result as it comes. Raises `Unreachable` if nothing answers."""
    reason = target.greet()
    results = []
    for check in traces_first(checks):
        result = run_one(check, target) if reason is None else Result(check, not_verified=reason)
        tell(result)
        results.append(result)
    return Report(target.base_url, tuple(results))


def traces_first(checks: Iterable[Check]) -> list[Check]:
    """Put what writes before what reads: it leaves logs and events to look at."""
    return sorted(checks, key=lambda check: not check.writes)


def run_one(check: Check, target: Target) -> Result:
    """Run one check; what it finds before it ends too early counts."""
    if check.writes and not target.allow_writes:
        return Result(check, not_verified=WRITES_NOT_ALLOWED)
    found: list[Finding] = []
    reason = None
    try:
        found.extend(found_by(check, target))
    except NotVerified as error:
        reason = str(error)
    return Result(check, tuple(once_each(found)), reason)


def found_by(check: Check, target: Target) -> Iterator[Finding]:
    """Yield what the check finds; an answer that it cannot go on with is a finding itself."""
    try:
        yield from check.look(target, check.route)
    except Drift as drift:
        yield drift.finding
    except requests.RequestException as error:
        yield Finding(Kind.OTHER, check.operation, "", f"no answer: {short(error)}")
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        text = f"an answer lacks what this check looks at ({type(error).__name__}: {error})"
        yield Finding(Kind.OTHER, check.operation, "", text)


def once_each(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Yield of the findings that differ in the row or record only the first."""
    seen = set()
    for finding in findings:
        key = (finding.kind, INDEX.sub("/*", finding.pointer), finding.kind is Kind.TYPE or finding.text)
        if key not in seen:
            seen.add(key)
            yield finding
