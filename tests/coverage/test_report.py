"""A report lists everything that requests can cover, can be limited to a part, and never rounds up."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator import Emulator
from emulator.api.filters import FILTER_SETS
from emulator.api.routes import ROUTES
from emulator.core import schemas
from emulator.core.credentials import CREDENTIALS
from emulator.core.event_types import EVENT_TYPES
from emulator.core.records import Transition
from emulator.coverage import Report
from emulator.coverage.counts import (
    Counts,
    CoverageError,
    command_transitions,
    default_graph,
    merge_counts,
    read_counts,
)
from emulator.coverage.report import as_document, build_report, percent
from emulator.domain import installation
from emulator.state.journal import DIMENSIONS

LIST = "/api/v1/oms/packages/"


def report_of(**names: list[str]) -> Report:
    return build_report(
        merge_counts([Counts({dimension: dict.fromkeys(found, 1) for dimension, found in names.items()})])
    )


def rows(found: Report, dimension: str) -> dict[str, int]:
    return {row.name: row.hits for each in found.dimensions if each.name == dimension for row in each.rows}


def test_every_operation_and_status_can_be_covered() -> None:
    """No row of the route table is missing. A status that every operation may return has one row."""
    nothing = report_of()
    assert set(rows(nothing, "operations")) == {route.operation for route in ROUTES}
    promised = {f"{route.operation} {status}" for route in ROUTES for status in route.responses}
    assert set(rows(nothing, "statuses")) == promised | {"* 401", "* 403", "* 429"}


def test_every_transition_of_a_command_has_a_row_for_success_and_one_for_refusal() -> None:
    """Carrier, planner and operator do not use the API, so their transitions have no row."""
    transitions = installation.load_installation("default")[Transition].values()
    slugs = {str(each.slug) for each in transitions if each.actor == "command"}
    assert set(rows(report_of(), "transitions")) == set(rows(report_of(), "refusals")) == slugs
    assert len(slugs) == sum(each.actor == "command" for each in transitions)


def test_every_filter_event_and_credential_can_be_covered() -> None:
    filters = {f"{name}.{one.name}" for name, table in FILTER_SETS.items() for one in table.filters}
    sorts = {f"{name}.sort" for name, table in FILTER_SETS.items() if table.sortable}
    assert set(rows(report_of(), "filters")) == filters | sorts
    assert set(rows(report_of(), "events")) == {each.name for each in EVENT_TYPES}
    schemes = {str(route.auth_scheme) for route in ROUTES if route.auth_scheme}
    callers = {f"{scheme} {role}" for scheme in schemes for role in (*CREDENTIALS, "none", "invalid")}
    assert set(rows(report_of(), "credentials")) == callers | {"Bearer expired"}


def test_one_operation_covers_a_shared_status() -> None:
    found = report_of(statuses=["list_packages 401", "* 405", "get_package 404", "login 401"])
    statuses = rows(found, "statuses")
    assert (statuses["* 401"], statuses["* 403"], statuses["get_package 404"]) == (2, 0, 1)
    (dimension,) = found.narrowed(only=["statuses"]).dimensions
    assert [row.name for row in dimension.extra] == ["* 405"]
    assert "* 401" not in dimension.missing


def test_names_that_are_not_required_are_extra() -> None:
    found = report_of(operations=["list_packages", "fly_package"])
    (dimension,) = found.narrowed(only=["operations"]).dimensions
    assert ([row.name for row in dimension.extra], dimension.covered) == (["fly_package"], 1)


def test_coverage_of_everything_is_100_percent() -> None:
    nothing = report_of()
    assert nothing.percent == 0.0
    everything = report_of(**nothing.missing)
    assert (everything.percent, everything.missing, everything.covered) == (100.0, {}, nothing.total)
    assert [each.name for each in everything.dimensions] == list(DIMENSIONS)


MOVES = command_transitions(default_graph(), "transfers")
NARROWED: dict[str, tuple[dict[str, list[str]], dict[str, int]]] = {
    "one list": (
        {"operations": ["list_packages"]},
        {
            "operations": 1,
            "statuses": 5,
            "filters": len(FILTER_SETS["package"].filters) + 1,
            "credentials": len(CREDENTIALS) + 2,
        },
    ),
    "some dimensions": (
        {"only": ["operations", "events"]},
        {"operations": len(rows(report_of(), "operations")), "events": len(EVENT_TYPES)},
    ),
    "both": ({"only": ["operations"], "operations": ["list_transfers*", "!*_simple"]}, {"operations": 1}),
    "commands of transfer orders": (
        {"only": ["transitions", "refusals", "events"], "operations": ["command_transfer"]},
        {
            "transitions": len(MOVES),
            "refusals": len(MOVES),
            "events": sum("transfer_order" in each.subjects for each in EVENT_TYPES),
        },
    ),
}


@pytest.mark.parametrize(("asked", "totals"), NARROWED.values(), ids=NARROWED)
def test_report_can_be_limited_to_reachable_behaviours(asked: dict[str, list[str]], totals: dict[str, int]) -> None:
    """It has the chosen dimensions, with the rows of the chosen operations."""
    assert {each.name: each.total for each in report_of().narrowed(**asked).dimensions} == totals


def test_excluding_one_surface_keeps_the_other() -> None:
    found = report_of().narrowed(operations=["!reference_*", "!*transition_log*"])
    assert not any(name.startswith("reference_") for name in rows(found, "operations"))
    assert not any(name.startswith("Bearer") for name in rows(found, "credentials"))
    assert rows(found, "transitions") == rows(report_of(), "transitions")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"only": ["speed"]}, "unknown dimension 'speed'; known: operations, statuses, transitions"),
        ({"operations": ["fly_*"]}, "no operation matches 'fly_\\*'"),
        ({"operations": ["!fly_*"]}, "no operation matches '!fly_\\*'"),
        ({"operations": ["login", "!login"]}, "leaves no operation"),
    ],
)
def test_an_unknown_name_is_an_error_that_lists_known_names(asked: dict[str, list[str]], said: str) -> None:
    with pytest.raises(CoverageError, match=said):
        report_of().narrowed(**asked)


@pytest.mark.medium
@given(st.integers(1, 10**6).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))))
def test_a_percentage_is_never_rounded_up(numbers: tuple[int, int]) -> None:
    """100.0 means that everything is covered."""
    found = percent(*numbers)
    exact = Fraction(numbers[0] * 100, numbers[1])
    assert Fraction(str(found)) <= exact < Fraction(str(found)) + Fraction(1, 10)
    assert (found == 100.0) == (numbers[0] == numbers[1])


def test_a_minimum_is_compared_without_rounding() -> None:
    """99.99 % is not 100 %, and a minimum may have more digits than the printed percentage."""
    nothing = report_of()
    almost = report_of(**{name: names[name == "operations" :] for name, names in nothing.missing.items()})
    assert almost.covered == almost.total - 1
    assert not almost.reaches(100)
    assert almost.reaches(almost.covered * 100 / almost.total - 1e-9)
    assert not almost.reaches(almost.covered * 100 / almost.total + 1e-9)


@pytest.mark.medium
def test_the_report_from_python(tmp_path: Path) -> None:
    """`oms.coverage` is the report of the requests so far. The suffix of a file selects its format."""
    oms = Emulator("demo")
    before = oms.coverage
    oms.session().get(LIST)
    assert (before.covered, oms.coverage.covered) == (0, 3)
    assert "list_packages" not in oms.coverage.missing["operations"]
    forms = {"a.json": b"{", "a.txt": b"operations called", "a.xml": b"<?xml", "a.html": b"<!DOCTYPE html>"}
    for name, start in forms.items():
        oms.coverage.save(tmp_path / name)
        assert (tmp_path / name).read_bytes().startswith(start)
    assert read_counts([tmp_path / "a.json"]) == oms.coverage.counts
    with pytest.raises(CoverageError, match=r"known suffixes: \.txt, \.json, \.xml, \.html"):
        oms.coverage.save(tmp_path / "a.pdf")


@pytest.mark.medium
def test_the_report_has_the_transitions_of_the_installation() -> None:
    """It has them before the first request, too."""
    oms = Emulator("demo", installation="second")
    assert [graph["installation"] for graph in oms.coverage.graphs] == ["second"]
    document = Emulator("demo", installation="second").session().get("http://oms.test/__admin/coverage").json()
    assert document["graphs"] == list(oms.coverage.graphs)


@pytest.mark.medium
def test_the_control_api_returns_the_document() -> None:
    """The response to `GET /__admin/coverage` conforms to its schema, and counts all worlds of the server."""
    oms = Emulator("demo")
    oms.session().get(LIST)
    oms.in_world("other").session().get(f"{LIST}?state=35")
    for path in ("/__admin/coverage", "/w/other/__admin/coverage"):
        document = oms.session().get(f"http://oms.test{path}").json()
        assert schemas.find_problem("coverage", document) is None
        assert document["dimensions"]["operations"]["counts"] == {"list_packages": 2}
        assert document["dimensions"]["filters"]["counts"] == {"package.state": 1}
        assert "get_package" in document["dimensions"]["operations"]["missing"]
    assert document == as_document(oms.coverage)
    assert oms.session().get("http://oms.test/w/unknown/__admin/coverage").status_code == 404
