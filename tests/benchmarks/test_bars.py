"""The table shows each bar with its result, and failed measurements do not stop the run."""

import json
from itertools import pairwise

import pytest
from click.testing import CliRunner

from benchmarks import __main__ as command
from benchmarks import report
from benchmarks.bars import BARS, DEEP_PAGES, FEW, MANY, PAGE, deep_pages
from benchmarks.rounds import (
    Bar,
    Bound,
    MeasurementFailedError,
    Plan,
    Result,
    Round,
    at_least,
    at_most,
    interleave,
)

ROUNDS = (Round(80.0, 100.0), Round(90.0, 100.0), Round(85.0, 50.0))


def bar(name: str = "speed", bound: Bound | None = None, rounds=ROUNDS) -> Bar:
    return Bar(name, "we", "they", "requests/s", bound or at_least(0.8), lambda _plan: iter(rounds))


def failing_measurement(_plan: Plan):
    raise MeasurementFailedError("3 of 9 requests failed")


@pytest.fixture
def run(monkeypatch):
    """Return a function that runs the command with these bars."""

    def invoke(bars, *arguments):
        monkeypatch.setattr(command, "BARS", bars)
        monkeypatch.setattr(command.select_bars, "__defaults__", (bars,))
        return CliRunner().invoke(command.main, arguments)

    return invoke


def test_rounds_alternate_the_first_side():
    """The order is A B, B A, A B."""
    order: list[str] = []

    def side(name: str, value: float):
        return lambda: order.append(name) or value

    rounds = list(interleave(3, side("A", 1.0), side("B", 2.0)))
    assert "".join(order) == "ABBAAB"
    assert rounds == [Round(1.0, 2.0)] * 3


def test_a_result_is_the_ratio_of_the_medians():
    """An outlier changes the spread, not the ratio."""
    result = Result(bar(), ROUNDS)
    assert (result.ours, result.theirs, result.ratio) == (85.0, 100.0, 0.85)
    assert result.spread == (0.8, 1.7)


@pytest.mark.parametrize(
    ("bound", "ratio", "expected"),
    [
        (at_least(0.8), 0.8, True),
        (at_least(0.8), 0.79, False),
        (at_most(1.3), 1.3, True),
        (at_most(1.3), 1.31, False),
    ],
)
def test_a_bound_includes_its_limit(bound, ratio, expected):
    assert bound.is_met(ratio) is expected


def test_the_table_shows_both_sides_and_the_result():
    """A row has both figures, the ratio, the spread, the bound, and whether the bound is met."""
    lines = report.table([Result(bar(), ROUNDS), Result(bar("late", at_most(0.5)), ROUNDS)]).splitlines()
    assert " ".join(lines[2].split()) == "speed 85 100 requests/s 0.85 0.80-1.70 of 3 ≥ 0.8 yes"
    assert lines[3].endswith("≤ 0.5  NO")
    assert "speed: we / they" in lines


def test_the_table_shows_the_means_of_the_details():
    rounds = (Round(80.0, 100.0, {"CPU time": (1.0, 3.0)}), Round(90.0, 100.0, {"CPU time": (2.0, 5.0)}))
    lines = report.table([Result(bar(rounds=rounds), rounds)]).splitlines()
    assert lines[-2:] == ["speed: we / they", "  CPU time: 1.5 / 4"]


def test_a_missed_bar_does_not_fail_the_run(run, tmp_path):
    """It is printed, and the file has all rounds."""
    file = tmp_path / "figures.json"
    done = run((bar(bound=at_least(2)),), "--json", str(file))
    assert done.exit_code == 0, done.output
    assert "NO" in done.output
    written = json.loads(file.read_text())["bars"]["speed"]
    assert written["met"] is False
    assert written["rounds"][0] == {"ours": 80.0, "theirs": 100.0, "details": {}}


def test_a_failed_measurement_fails_the_run_after_the_other_bars(run, tmp_path):
    file = tmp_path / "figures.json"
    wrong = Bar("wrong", "we", "they", "s", at_most(1), failing_measurement)
    done = run((wrong, bar()), "--json", str(file))
    assert done.exit_code == 1
    assert "wrong: MeasurementFailedError: 3 of 9 requests failed" in done.output
    assert set(json.loads(file.read_text())["bars"]) == {"wrong", "speed"}


def test_the_error_of_an_unknown_bar_lists_the_known_bars(run):
    done = run((bar("one"), bar("two")), "three")
    assert done.exit_code == 2
    assert "Unknown bar three; known: one, two." in done.output


def test_named_bars_are_measured_in_the_order_of_the_table(run):
    done = run((bar("one"), bar("two"), bar("six")), "six", "one")
    shown = [line.split()[0] for line in done.output.splitlines() if " of 3 " in line]
    assert shown == ["one", "six"]


def test_names_are_unique():
    names = [row.name for row in BARS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("packages", [FEW, MANY])
def test_deep_pages_spread_over_all_full_pages(packages):
    """They include the first and the last full page, in even steps."""
    numbers = [int(request.path.partition("page=")[2]) for request in deep_pages(packages)]
    steps = {after - before for before, after in pairwise(numbers)}
    assert len(numbers) == DEEP_PAGES
    assert (numbers[0], numbers[-1]) == (1, packages // PAGE)
    assert max(steps) - min(steps) <= 1
