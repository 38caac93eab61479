"""Runs checks against a target. Any response of the target leads to a report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from emulator.api.routes import AuthScheme
from emulator.contract.checks import CHECKS
from emulator.contract.findings import Check, Drift, Finding, Kind, Report, Result, unique
from emulator.contract.target import SURFACES, NoResponse, NotVerified, Target

WRITES_NOT_ALLOWED = "the check writes, and writes are not allowed"
OPERATION_SILENT = "the operation did not answer earlier requests"
TARGET_LOST = "the target does not answer any more"
MAX_SILENT_CHECKS = 2
"""Number of checks of one operation that may wait for a response without success."""


def run(
    target: Target, checks: Iterable[Check] = CHECKS, on_result: Callable[[Result], None] = lambda _: None
) -> Report:
    """Run the checks and call `on_result` after each. Raise `Unreachable` if the target does not respond at all."""
    skips = SkipReasons(target.probe())
    all_checks = list(checks)
    results: dict[int, Result] = {}
    for index in writes_first(all_checks):
        check = all_checks[index]
        before, reason = target.unanswered, skips.reason(check)
        results[index] = run_check(check, target) if reason is None else Result(check, not_verified=reason)
        if target.unanswered > before:
            skips.record_silence(check, target)
        on_result(results[index])
    return Report(target.base_url, tuple(results[index] for index in range(len(all_checks))))


class SkipReasons:
    """The reasons to skip checks: no such surface, a silent operation, or a target that is gone."""

    def __init__(self, surfaces: Mapping[AuthScheme, str]) -> None:
        self.surfaces = surfaces
        self.silent_checks: Counter[str] = Counter()
        self.is_lost = False

    def reason(self, check: Check) -> str | None:
        if self.is_lost:
            return TARGET_LOST
        if self.silent_checks[check.operation] >= MAX_SILENT_CHECKS:
            return OPERATION_SILENT
        if check.route.auth_scheme is None:
            return next(iter(self.surfaces.values())) if len(self.surfaces) == len(SURFACES) else None
        return self.surfaces.get(check.route.auth_scheme)

    def record_silence(self, check: Check, target: Target) -> None:
        self.silent_checks[check.operation] += 1
        self.is_lost = not target.is_reachable()


def writes_first(checks: Sequence[Check]) -> list[int]:
    """Return the order of the checks. Writes come first, because they leave logs and events that reads need."""
    return sorted(range(len(checks)), key=lambda index: not checks[index].writes)


def run_check(check: Check, target: Target) -> Result:
    """Run one check. Findings before an early end count."""
    if check.writes and not target.allow_writes:
        return Result(check, not_verified=WRITES_NOT_ALLOWED)
    found: list[Finding] = []
    reason = None
    try:
        found.extend(findings_of(check, target))
    except NotVerified as error:
        reason = str(error)
    return Result(check, tuple(unique(found)), reason)


def findings_of(check: Check, target: Target) -> Iterator[Finding]:
    """Yield the findings of the check. A missing response is a finding too."""
    try:
        yield from check.function(target, check.route)
    except Drift as drift:
        yield drift.finding
    except NoResponse as error:
        yield Finding(Kind.STATUS, check.operation, "", f"no response: {error}", "must respond", check.route.doc)
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        # The check of the operation's schema reports the cause. This check has nothing to compare.
        raise NotVerified(f"a response lacks what is compared ({type(error).__name__}: {error})") from None
