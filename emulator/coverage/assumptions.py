"""Summaries of provenance: how many tests of a run rest on assumptions, and on which."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from emulator.core.json_text import JsonObject, escape_unprintable
from emulator.state.journal import Basis, ProvenanceLog

TESTS, REQUESTS = "tests", "requests"


class AssumptionSummary(NamedTuple):
    """How many tests or requests rest on assumptions, and how many on each."""

    unit: str
    """`tests` or `requests`."""
    total: int
    resting: int
    """How many rest on an assumption."""
    counts: Mapping[Basis | str, int]
    """Assumption -> how many rest on it."""

    def lines(self) -> Iterator[str]:
        """Yield the summary as lines of text, the assumption with the highest count first."""
        head = f"{self.resting} of {self.total} {self.unit} rest on {len(self.counts)} assumptions"
        yield f"oms-emulator: {head}{':' if self.counts else ''}"
        for assumption, count in self.sorted_counts():
            unit = self.unit[:-1] if count == 1 else self.unit
            yield f"  {count} {unit}: {escape_unprintable(str(assumption))}"

    def sorted_counts(self) -> list[tuple[Basis | str, int]]:
        return sorted(self.counts.items(), key=lambda row: (-row[1], str(row[0])))


def summarize(unit: str, groups: Iterable[tuple[Sequence[Basis | str], int]]) -> AssumptionSummary:
    """Return the summary of tests or requests: the assumptions of some of them, and how many have these."""
    total, resting, counts = 0, 0, Counter[Basis | str]()
    for assumptions, number in groups:
        total += number
        resting += number if assumptions else 0
        counts.update(dict.fromkeys(assumptions, number))
    return AssumptionSummary(unit, total, resting, counts)


def summarize_log(log: ProvenanceLog) -> list[AssumptionSummary]:
    """Return the summary of the tests whose names clients sent, and the one of other requests, if there are any."""
    tests = summarize(TESTS, ((assumptions, 1) for assumptions in log.tests.values()))
    requests = summarize(REQUESTS, log.other_requests.items())
    return [each for each in (tests, requests) if each.total]


def log_document(log: ProvenanceLog) -> JsonObject:
    """Return the summaries as JSON, with the names of the tests that rest on each assumption."""
    return {each.unit: summary_document(each, log) for each in summarize_log(log)}


def summary_document(summary: AssumptionSummary, log: ProvenanceLog) -> JsonObject:
    rows = []
    for assumption, count in summary.sorted_counts():
        if isinstance(assumption, Basis):
            rows.append({**assumption._asdict(), "count": count})
            if summary.unit == TESTS:
                rows[-1]["tests"] = [name for name, assumptions in log.tests.items() if assumption in assumptions]
    return {"total": summary.total, "resting": summary.resting, "assumptions": rows}
