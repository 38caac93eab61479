"""Every command in every state: the transition table decides whether it succeeds and which state follows."""

from __future__ import annotations

from typing import Any

import pytest

from emulator import Emulator
from tests.domain.commands.arranging import KINDS, Kind, in_state, parameters, ready_for, send

pytestmark = pytest.mark.slow

TRANSITIONS = [(kind, transition) for kind in KINDS for transition in kind.commands]
STATES = [(kind, state) for kind in KINDS for state in kind.states]


@pytest.fixture(scope="module")
def unchanged_world() -> Emulator:
    """Return a shared world that no test changes."""
    return Emulator("demo")


@pytest.mark.parametrize(
    ("kind", "transition"), TRANSITIONS, ids=[transition["slug"] for _, transition in TRANSITIONS]
)
def test_allowed_command_reaches_the_destination_state(kind: Kind, transition: dict[str, Any]) -> None:
    """Commands are sent by slug. The answer is 204, or 200 with a document; the log contains the state change."""
    oms = Emulator("demo")
    record = ready_for(oms, kind, transition)
    before = logs(oms, kind, record.id)
    answer = send(oms, kind, record.id, {"slug": transition["slug"], "input_parameters": parameters(oms, record)})
    assert answer.status_code == (200 if answer.content else 204), answer.text
    detail = oms.session().get(f"/api/v1/oms/{kind.path}/{record.id}/").json()
    assert detail["state"]["id"] == transition["destination_state"]
    is_state_changed = transition["source_state"] != transition["destination_state"]
    added = [log for log in logs(oms, kind, record.id) if log not in before]
    assert [(log["old_state"]["id"], log["new_state"]["id"]) for log in added] == (
        [(transition["source_state"], transition["destination_state"])] if is_state_changed else []
    )


@pytest.mark.parametrize(("kind", "state"), STATES, ids=[f"{kind.path}-{state}" for kind, state in STATES])
def test_command_from_another_state_is_refused(kind: Kind, state: int, unchanged_world: Emulator) -> None:
    """The answer is a 400 with an error in `transition` and a hint; the world does not change."""
    oms = unchanged_world
    record = in_state(oms, kind, state)
    root, body = oms.world.records, parameters(oms, record)
    for transition in kind.commands:
        if transition["source_state"] == state:
            continue
        answer = send(oms, kind, record.id, {"transition": transition["id"], "input_parameters": body})
        assert (answer.status_code, list(answer.json()["error"])) == (400, ["transition"]), transition["slug"]
        assert f"is in state {state} " in answer.headers["X-Emulator-Hint"]
        assert oms.world.records is root


@pytest.mark.parametrize(
    ("kind", "transition"), TRANSITIONS, ids=[transition["slug"] for _, transition in TRANSITIONS]
)
def test_command_is_listed_only_in_its_source_state(
    kind: Kind, transition: dict[str, Any], unchanged_world: Emulator
) -> None:
    for state in kind.states:
        record = in_state(unchanged_world, kind, state)
        listed = unchanged_world.session().get(f"/api/v1/oms/{kind.path}/{record.id}/").json()["commands"]
        assert (transition["id"] in [command["id"] for command in listed]) == (state == transition["source_state"])


def logs(oms: Emulator, kind: Kind, pk: int) -> list[dict[str, Any]]:
    answer = oms.session().get(f"/api/v1/oms/{kind.path}/{pk}/transition_logs/")
    found: list[dict[str, Any]] = answer.json()["results"]
    return found
