"""Every state × every command: what the graph allows lands where the data says; all else changes nothing."""

from __future__ import annotations

from typing import Any

import pytest

from emulator import Emulator
from tests.commands.arranging import KINDS, Kind, in_state, parameters, ready_for, send

pytestmark = pytest.mark.slow

EDGES = [(kind, edge) for kind in KINDS for edge in kind.commands]
PLACES = [(kind, state) for kind in KINDS for state in kind.states]


@pytest.fixture(scope="module")
def untouched() -> Emulator:
    """A world that every refusal leaves as it was."""
    return Emulator("demo")


@pytest.mark.parametrize(("kind", "edge"), EDGES, ids=[edge["slug"] for _, edge in EDGES])
def test_an_allowed_command_lands_where_the_data_says(kind: Kind, edge: dict[str, Any]) -> None:
    """By its slug: 204, or 200 for what is made elsewhere; the state is the edge's destination; the log says so."""
    oms = Emulator("demo")
    record = ready_for(oms, kind, edge)
    before = logs(oms, kind, record.id)
    answer = send(oms, kind, record.id, {"slug": edge["slug"], "input_parameters": parameters(oms, record)})
    assert answer.status_code == (200 if answer.content else 204), answer.text
    detail = oms.session().get(f"/api/v1/oms/{kind.path}/{record.id}/").json()
    assert detail["state"]["id"] == edge["destination_state"]
    moved = edge["source_state"] != edge["destination_state"]
    added = [log for log in logs(oms, kind, record.id) if log not in before]
    assert [(log["old_state"]["id"], log["new_state"]["id"]) for log in added] == (
        [(edge["source_state"], edge["destination_state"])] if moved else []
    )


@pytest.mark.parametrize(("kind", "state"), PLACES, ids=[f"{kind.path}-{state}" for kind, state in PLACES])
def test_every_other_command_is_refused(kind: Kind, state: int, untouched: Emulator) -> None:
    """400 under `transition`, a hint, and the very same root as before."""
    oms = untouched
    record = in_state(oms, kind, state)
    root, body = oms.world.root, parameters(oms, record)
    for edge in kind.commands:
        if edge["source_state"] == state:
            continue
        answer = send(oms, kind, record.id, {"transition": edge["id"], "input_parameters": body})
        assert (answer.status_code, list(answer.json()["error"])) == (400, ["transition"]), edge["slug"]
        assert f"is in state {state} " in answer.headers["X-Emulator-Hint"]
        assert oms.world.root is root


@pytest.mark.parametrize(("kind", "edge"), EDGES, ids=[edge["slug"] for _, edge in EDGES])
def test_commands_are_listed_where_they_start(kind: Kind, edge: dict[str, Any], untouched: Emulator) -> None:
    """`commands` of a record in the source state has the edge, and every other record's has not."""
    for state in kind.states:
        record = in_state(untouched, kind, state)
        listed = untouched.session().get(f"/api/v1/oms/{kind.path}/{record.id}/").json()["commands"]
        assert (edge["id"] in [command["id"] for command in listed]) == (state == edge["source_state"])


def logs(oms: Emulator, kind: Kind, pk: int) -> list[dict[str, Any]]:
    answer = oms.session().get(f"/api/v1/oms/{kind.path}/{pk}/transition_logs/")
    found: list[dict[str, Any]] = answer.json()["results"]
    return found
