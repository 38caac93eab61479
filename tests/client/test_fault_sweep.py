"""The outcomes of a fault sweep: what a client does when one of its calls goes wrong."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import requests

from emulator import Emulator
from emulator.client.fault_sweep import (
    CELLS,
    FAULTS,
    FINDINGS,
    Grid,
    Sweeper,
    SweepSettings,
    SweptCall,
    render,
    select_kinds,
    summary,
    sweep,
    sweeping,
)
from emulator.core.errors import InvalidDocument
from emulator.domain.fault_rules import FAULT_KINDS
from emulator.state.faults import OVERTAKEN

PACKAGE = "/api/v1/oms/packages/6501/"
NUMBER = f"{PACKAGE}set_remote_id/"
ERRORS = (requests.RequestException, ValueError, KeyError)
Client = Callable[[requests.Session], object]
"""Does its work, and raises an error if it notices that this failed."""


def strict(session: requests.Session) -> None:
    response = session.post(NUMBER, json={"remote_id": "A"}, timeout=5)
    assert response.status_code == 204


def careless(session: requests.Session) -> None:
    """Ignore all errors."""
    try:
        session.post(NUMBER, json={"remote_id": "A"}, timeout=5)
    except ERRORS:
        return


def impatient(session: requests.Session) -> None:
    """Repeat a write whatever the reason."""
    for _ in range(2):
        try:
            if session.post(NUMBER, json={"remote_id": "A"}, timeout=5).ok:
                return
        except ERRORS:
            continue
    raise AssertionError


def patient(session: requests.Session) -> None:
    """Wait without a timeout."""
    assert session.get(PACKAGE).json()["id"] == 6501


def run(client: Client, sweeper: Sweeper) -> bool:
    with sweeping(sweeper):
        try:
            client(Emulator("demo").session())
        except (AssertionError, *ERRORS):
            return False
    return True


def grid(client: Client, *kinds: str) -> dict[str, str]:
    """Return the row of a client with one call: kind -> outcome."""
    baseline = Sweeper()
    assert run(client, baseline)
    settings = SweepSettings(select_kinds(kinds))
    rows = sweep("test", baseline, settings, lambda sweeper: run(client, sweeper)).rows
    assert len(rows) == 1
    return dict(zip(settings.kinds, *rows.values(), strict=True))


def test_a_client_that_notices_all_errors_fails_cleanly() -> None:
    outcomes = grid(strict)
    assert outcomes.keys() == FAULTS.keys()
    assert {kind for kind, outcome in outcomes.items() if outcome != "failed cleanly"} == set()


def test_a_client_that_ignores_errors_loses_a_write() -> None:
    lost = {kind for kind, outcome in grid(careless).items() if outcome == "lost a write"}
    assert lost == {"status-500", "status-503", "status-429", "reset", "lost_request"}, "the others are stored"


def test_a_client_that_repeats_everything_writes_twice() -> None:
    outcomes = grid(impatient)
    twice = {kind for kind, outcome in outcomes.items() if outcome == "wrote twice"}
    assert twice == {"lost_response", "truncated", "delay"}
    assert {outcomes[kind] for kind in outcomes.keys() - twice} == {"survived"}


def test_a_client_without_a_timeout_hangs() -> None:
    outcomes = grid(patient)
    assert [kind for kind, outcome in outcomes.items() if outcome == "hung"] == ["delay"]


@pytest.mark.medium
def test_the_same_client_has_the_same_grid() -> None:
    assert grid(impatient) == grid(impatient)


def test_a_call_that_is_not_made_again_is_not_reached() -> None:
    baseline = Sweeper()
    run(strict, baseline)
    unused = Sweeper(SweptCall("GET", PACKAGE, 1), FAULTS["reset"])
    assert unused.outcome(baseline, has_passed=run(strict, unused)) == "not reached"


def test_calls_with_the_same_path_are_counted() -> None:
    def client(session: requests.Session) -> None:
        for _ in range(2):
            session.get(PACKAGE, timeout=5)

    run(client, baseline := Sweeper())
    assert [call.describe() for call in baseline.calls] == [f"GET {PACKAGE}", f"GET {PACKAGE} (2)"]


def test_every_kind_of_fault_is_part_of_a_sweep() -> None:
    """All but `overtaken`, which needs another actor and not a failure."""
    assert {fault.kind for fault in FAULTS.values()} == FAULT_KINDS.keys() - {OVERTAKEN}


def test_kinds_are_selected_in_the_order_of_the_table() -> None:
    assert select_kinds(["reset", "delay"]) == ["delay", "reset"]
    assert select_kinds(["each"]) == select_kinds([]) == list(FAULTS)
    with pytest.raises(InvalidDocument, match=r"unknown kind of fault 'rest'.*Did you mean reset"):
        select_kinds(["rest"])


GRID = Grid("test_a", ["reset", "delay"], {SweptCall("GET", "/a/", 1): ["survived", "hung"]})


def test_a_grid_is_read_as_it_was_written() -> None:
    assert Grid.from_document(GRID.as_document()) == GRID
    assert GRID.findings == ["GET /a/, delay: hung"]


def test_the_text_has_a_cell_for_each_outcome() -> None:
    assert GRID.as_text().splitlines() == ["test_a", "           reset  delay", "  GET /a/  ok     HUNG"]
    assert set(FINDINGS) == {outcome for outcome, cell in CELLS.items() if cell.isupper()}
    assert render([GRID], "text").endswith(summary([GRID]))
    assert summary([GRID]) == "2 runs with a fault in 1 tests: 1 hung, 0 wrote twice, 0 lost a write"
