"""Runs checks against a target; whatever it answers, a report comes of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from emulator.contract.findings import Check, Drift, Finding, Kind, NotVerified, Report, Result, once_each
from emulator.contract.table import CHECKS
from emulator.contract.target import SURFACES, NoAnswer, Target
from emulator.routes.table import Scheme

WRITES_NOT_ALLOWED = "it writes, and writes are not allowed"
SILENT = "the operation left questions unanswered before"
LOST = "the target does not answer any more"
PATIENCE = 2
"""How many checks of one operation may wait in vain."""


def run(target: Target, checks: Iterable[Check] = CHECKS, tell: Callable[[Result], None] = lambda _: None) -> Report:
    """Run the checks; `tell` hears of each result as it comes. Raises `Unreachable` if nothing answers at first."""
    reasons = Reasons(target.greet())
    kept = list(checks)
    results: dict[int, Result] = {}
    for at in traces_first(kept):
        before, reason = target.unanswered, reasons.of(kept[at])
        results[at] = run_one(kept[at], target) if reason is None else Result(kept[at], not_verified=reason)
        if target.unanswered > before:
            reasons.hear_silence(kept[at], target)
        tell(results[at])
    return Report(target.base_url, tuple(results[at] for at in range(len(kept))))


class Reasons:
    """Why checks need not be run any more: no surface, an operation that does not answer, a target that is gone."""

    def __init__(self, surfaces: Mapping[Scheme, str]) -> None:
        self.surfaces = surfaces
        self.in_vain: Counter[str] = Counter()
        self.lost = False

    def of(self, check: Check) -> str | None:
        if self.lost:
            return LOST
        if self.in_vain[check.operation] >= PATIENCE:
            return SILENT
        if check.route.scheme is None:
            return next(iter(self.surfaces.values())) if len(self.surfaces) == len(SURFACES) else None
        return self.surfaces.get(check.route.scheme)

    def hear_silence(self, check: Check, target: Target) -> None:
        self.in_vain[check.operation] += 1
        self.lost = not target.answers()


def traces_first(checks: Sequence[Check]) -> list[int]:
    """Put what writes before what reads: it leaves logs and events to look at."""
    return sorted(range(len(checks)), key=lambda at: not checks[at].writes)


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
    """Yield what the check finds; no answer is a finding itself."""
    try:
        yield from check.look(target, check.route)
    except Drift as drift:
        yield drift.finding
    except NoAnswer as silence:
        yield Finding(Kind.STATUS, check.operation, "", f"no answer: {silence}", "must be one", check.route.doc)
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        # The check of the operation's shape tells of it; this one has nothing to compare.
        raise NotVerified(f"an answer lacks what is compared ({type(error).__name__}: {error})") from None
