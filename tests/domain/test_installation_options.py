"""Options of an installation: assumed transitions, optional `input_parameters`, and the text of a 404."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import requests

from emulator import Emulator
from emulator.core.records import Package, State, Transition
from emulator.domain import installation

PREPARE = "package__prepare_package_command__waiting__preparing"
DELIVERED = "800"


def with_options(**options: Any) -> Emulator:
    return Emulator("demo", installation=json.dumps(options))


def package_in_state(oms: Emulator, value: str) -> int:
    view = oms.world.records
    return next(each.id for each in view.all(Package) if view.get_existing(State, each.state).enum_value == value)


def commands_of(oms: Emulator, pk: int) -> list[dict[str, Any]]:
    commands: list[dict[str, Any]] = oms.session().get(f"/api/v1/oms/packages/{pk}/").json()["commands"]
    return commands


def run(oms: Emulator, pk: int, body: dict[str, Any], prefix: str = "/api/v1/oms") -> requests.Response:
    client = oms.session()
    if not prefix:
        client.headers["Authorization"] = f"Bearer {oms.jwt()}"
    return client.post(f"{prefix}/packages/{pk}/command/", json=body)


# --- assumed transitions --------------------------------------------------------------------------------------------


def test_delivered_package_offers_no_commands(oms: Emulator) -> None:
    """The page prints an empty list for it."""
    assert commands_of(oms, package_in_state(oms, DELIVERED)) == []


@pytest.mark.medium
def test_waiting_package_offers_the_documented_commands_first(oms: Emulator) -> None:
    origins = installation.complete_installation("default").origins
    marks = [origins[Transition, each["id"]].provenance for each in commands_of(oms, package_in_state(oms, "100"))]
    assert set(marks) == {"observed", "assumed"}
    assert marks == sorted(marks, reverse=True)


@pytest.mark.medium
def test_assumed_commands_can_be_switched_off() -> None:
    oms = with_options(assumed_transitions=False)
    pk = package_in_state(oms, "100")
    assert [each["id"] for each in commands_of(oms, pk)] == [166, 199, 138, 430, 232, 3, 331]
    assert commands_of(oms, package_in_state(oms, "500")) == []
    answer = run(oms, pk, {"transition": 1021, "input_parameters": {}})
    assert answer.json()["error"] == {"transition": ['Invalid pk "1021" - object does not exist.']}
    assert run(oms, pk, {"slug": PREPARE, "input_parameters": {}}).status_code == 204


@pytest.mark.medium
def test_world_without_assumed_commands_can_be_exported(tmp_path: Path) -> None:
    oms = with_options(assumed_transitions=False, input_parameters_required=False)
    assert run(oms, package_in_state(oms, "100"), {"slug": PREPARE}).status_code == 204
    file = tmp_path / "world.json"
    oms.save(file)
    again = Emulator(str(file))
    assert commands_of(again, package_in_state(again, "500")) == []
    assert run(again, package_in_state(again, "100"), {"slug": PREPARE}).status_code == 204


def test_options_of_a_file_are_part_of_its_portable_form(tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text(json.dumps({"assumed_transitions": False, "not_found_text": "named"}), "utf-8")
    text = installation.portable_form(str(file))
    assert installation.complete_installation(text).options == installation.InstallationOptions(
        assumed_transitions=False, not_found_text="named"
    )


def test_unknown_value_of_an_option_is_refused() -> None:
    with pytest.raises(ValueError, match="not_found_text"):
        with_options(not_found_text="other")


# --- input_parameters -----------------------------------------------------------------------------------------------


def test_guide_requires_input_parameters(oms: Emulator) -> None:
    answer = run(oms, package_in_state(oms, "100"), {"slug": PREPARE})
    assert (answer.status_code, answer.json()["error"]) == (400, {"input_parameters": ["This field is required."]})


def test_reference_has_a_default_for_input_parameters(oms: Emulator) -> None:
    """The page prints the default {}."""
    assert run(oms, package_in_state(oms, "100"), {"transition": 199}, prefix="").status_code == 204


@pytest.mark.medium
@pytest.mark.parametrize("body", [{"slug": PREPARE}, {"transition": 199, "slug": PREPARE, "package": 1}])
def test_option_lets_a_body_without_input_parameters_pass(body: dict[str, Any]) -> None:
    """The page on shipping without shipment prints a body of this kind."""
    oms = with_options(input_parameters_required=False)
    assert run(oms, package_in_state(oms, "100"), body).status_code == 204


@pytest.mark.parametrize("is_required", [True, False])
def test_metadata_says_whether_input_parameters_are_required(is_required: bool) -> None:
    """OPTIONS describes the body that the installation accepts."""
    oms = with_options(input_parameters_required=is_required)
    for path in ("packages/6501/command/", "transfer_orders/1301/command/"):
        described = oms.session().options(f"/api/v1/oms/{path}").json()["actions"]["POST"]
        assert described["input_parameters"]["required"] is is_required


def test_option_does_not_make_parameters_of_commands_optional() -> None:
    oms = with_options(input_parameters_required=False)
    answer = run(oms, package_in_state(oms, "100"), {"transition": 430})
    assert answer.json()["error"] == {"package_items": ["This field is required."]}


# --- text of a 404 --------------------------------------------------------------------------------------------------

MISSING = {
    "/api/v1/oms/packages/1/": "Package",
    "/api/v1/oms/transfer_orders/1/": "TransferOrder",
    "/whisperer/hooks/99999/": "Webhook",
    "/whisperer/hook_events/99999999/": "WebhookEvent",
}


@pytest.mark.parametrize("path", MISSING)
def test_404_names_the_model_if_the_installation_says_so(oms: Emulator, path: str) -> None:
    named = with_options(not_found_text="named").session().get(path)
    assert (named.status_code, named.json()) == (404, {"detail": f"No {MISSING[path]} matches the given query."})
    assert oms.session().get(path).json() == {"detail": "Not found."}


def test_404_names_the_model_of_a_nested_record() -> None:
    oms = with_options(not_found_text="named")
    pk = oms.world.records.ids(Package)[0]
    for part, model in (("transition_logs", "StateTransitionLog"), ("webhook_events", "WebhookEvent")):
        answer = oms.session().get(f"/api/v1/oms/packages/{pk}/{part}/99999999/")
        assert answer.json() == {"detail": f"No {model} matches the given query."}


def test_other_404_texts_stay() -> None:
    client = with_options(not_found_text="named").session()
    assert client.get("/api/v1/oms/packages/?page=99999").json() == {"detail": "Invalid page."}
    assert client.get("/api/v1/oms/packages/?format=xml").json() == {"detail": "Not found."}
