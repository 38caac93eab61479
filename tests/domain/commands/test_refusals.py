"""A refusal is a 400 in the documented form with a hint, and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple

import orjson
import pytest

from emulator import Emulator
from emulator.core.fields import BLANK, NULL, REQUIRED, CharField, IntegerField, ListField, ObjectField
from emulator.core.records import (
    Package,
    PackageItem,
    State,
    StockLocation,
    TransferOrder,
    Transition,
    TransitionLog,
    Webhook,
    WebhookEvent,
)
from emulator.domain.commands import COMMANDS, run_command
from tests.domain.command_run import MOVED, CommandRun, transitions_with
from tests.domain.commands.arranging import (
    KINDS,
    PACKAGES,
    STATES,
    TRANSFERS,
    Kind,
    in_state,
    parameters,
    ready_for,
    send,
)
from tests.support.worlds import all_tables, changed_records

INTEGER, LIST = "A valid integer is required.", "Expected a list of items but got type"
PREPARE = "package__prepare_package_command__waiting__preparing"


def refused(oms: Emulator, kind: Kind, record: Any, body: Any) -> dict[str, list[str]]:
    """Send a command that must be refused, check the response, and return its errors."""
    root, now = oms.world.records, oms.world.clock.now()
    answer = send(oms, kind, record.id, body)
    assert answer.status_code == 400, answer.text
    document = answer.json()
    assert (list(document), document["status_code"]) == (["error", "status_code"], 400)
    assert (oms.world.records, oms.world.clock.now()) == (root, now)
    assert oms.world.records is root
    state = STATES[record.state]
    hint = answer.headers["X-Emulator-Hint"]
    assert hint.startswith(f'{record.number} is in state {state["id"]} "{state["name"]}" since ')
    offered = [f"{e['id']} {e['slug']}" for e in kind.commands if e["source_state"] == record.state]
    assert f"; allowed now: {', '.join(offered) or 'nothing'}" in hint
    errors: dict[str, list[str]] = document["error"]
    return errors


class Wrong(NamedTuple):
    """A parameter of a command with an invalid or missing value."""

    kind: Kind
    edge: dict[str, Any]
    parameter: str
    value: Any
    message: str

    def __str__(self) -> str:
        return f"{self.edge['slug']}-{self.parameter}-{'missing' if self.value is ... else repr(self.value)[:20]}"


def wrong_values(field: Any) -> Iterator[tuple[Any, str]]:
    """Yield invalid values of a field with their messages. `...` is a missing value."""
    if field.required:
        yield ..., REQUIRED
    yield None, NULL
    if isinstance(field, IntegerField):
        yield from ((value, INTEGER) for value in ("x", "", True, [1], {}, 1.5, "1,0"))
        yield "1" * 1001, "String value too large."
    elif isinstance(field, CharField):
        yield from ((value, BLANK) for value in ("", "  "))
        yield from ((value, "Not a valid string.") for value in (True, [], {"a": 1}))
        yield "a\x00", "Null characters are not allowed."
        if field.max_length is not None:
            yield "x" * (field.max_length + 1), f"Ensure this field has no more than {field.max_length} characters."
    elif isinstance(field, ListField):
        yield from ((value, LIST) for value in (7, "x", {}, True))
        if not field.allow_empty:
            yield [], "This list may not be empty."
        yield from (([value], message) for value, message in wrong_values(field.child) if value is not ...)
    elif isinstance(field, ObjectField):
        yield from ((value, "non_field_errors: Invalid data.") for value in (7, [], "x"))
        yield {}, "package_items: This field is required."


def wrongs() -> Iterator[Wrong]:
    """Yield every invalid value of every parameter of every command, with the first transition of the command."""
    for kind in KINDS:
        for code, command in COMMANDS[kind.record].items():
            edge = next(edge for edge in kind.commands if edge["command_code"] == code) if command.parameters else {}
            for name, field in command.parameters.items():
                yield from (Wrong(kind, edge, name, value, message) for value, message in wrong_values(field))


NESTED_NULL = "non_field_errors: No data provided"


@pytest.mark.parametrize("wrong", list(wrongs()), ids=str)
def test_invalid_parameter_is_named_and_changes_nothing(wrong: Wrong) -> None:
    """The key is the name of the parameter. The message is the framework's."""
    oms = Emulator("demo")
    record = ready_for(oms, wrong.kind, wrong.edge)
    given = parameters(oms, record)
    given.pop(wrong.parameter)
    if wrong.value is not ...:
        given[wrong.parameter] = wrong.value
    errors = refused(oms, wrong.kind, record, {"transition": wrong.edge["id"], "input_parameters": given})
    assert list(errors) == [wrong.parameter]
    expected = NESTED_NULL if wrong.parameter == "assignment_groups" and wrong.value == [None] else wrong.message
    assert errors[wrong.parameter][0].startswith(expected)


def test_table_of_invalid_parameters_is_not_empty() -> None:
    commands = {wrong.edge["command_code"] for wrong in wrongs()}
    taking = {code for table in COMMANDS.values() for code, command in table.items() if command.parameters}
    assert commands == taking
    assert len(list(wrongs())) > 150


def test_all_invalid_parameters_are_reported_together() -> None:
    oms = Emulator("demo")
    record = in_state(oms, TRANSFERS, 73)
    body = {"transition": 298, "input_parameters": {"cargo_company": "x"}}
    assert refused(oms, TRANSFERS, record, body) == {"cargo_company": [INTEGER], "tracking_number": [REQUIRED]}


UNKNOWN: dict[str, tuple[Kind, int, dict[str, Any], str, str]] = {
    "a carrier": (PACKAGES, 3, {"cargo_company": 999}, "cargo_company", 'Invalid pk "999" - object does not exist.'),
    "a huge carrier": (PACKAGES, 3, {"cargo_company": 10**30}, "cargo_company", f'Invalid pk "{10**30}"'),
    "no carrier at all": (PACKAGES, 3, {"cargo_company": 0}, "cargo_company", 'Invalid pk "0"'),
    "a carrier of advanced shipping": (
        *(PACKAGES, 1037, {"cargo_company": 999, "tracking_number": "1"}),
        *("cargo_company", 'Invalid pk "999" - object does not exist.'),
    ),
    "a transfer's carrier": (TRANSFERS, 100, {"cargo_company": -1}, "cargo_company", 'Invalid pk "-1"'),
    "a transfer's advanced carrier": (
        *(TRANSFERS, 298, {"cargo_company": 999, "tracking_number": "1"}),
        *("cargo_company", 'Invalid pk "999"'),
    ),
    "a denial reason": (PACKAGES, 166, {"denial_reason": 99}, "denial_reason", 'Invalid pk "99" - object does not'),
    "a reason out of use": (PACKAGES, 166, {"denial_reason": 5}, "denial_reason", 'Invalid pk "5" - object does not'),
    "another's item": (
        PACKAGES,
        430,
        {"package_items": [1]},
        "package_items",
        'Invalid pk "1" - {number} has no such',
    ),
    "another's item, advanced": (
        PACKAGES,
        1017,
        {"package_items": [1]},
        "package_items",
        'Invalid pk "1" - {number}',
    ),
    "a location": (
        *(PACKAGES, 1018, {"assignment_groups": [{"package_items": [1], "erp_code": "NOWHERE"}]}),
        *("assignment_groups", "Object with erp_code=NOWHERE does not exist."),
    ),
    "a location out of use": (
        *(PACKAGES, 1018, {"assignment_groups": [{"package_items": [1], "erp_code": "TR-TZX"}]}),
        *("assignment_groups", "Object with erp_code=TR-TZX does not exist."),
    ),
    "another's item in a group": (
        *(PACKAGES, 1018, {"assignment_groups": [{"package_items": [1], "erp_code": "1"}]}),
        *("assignment_groups", 'Invalid pk "1" - {number} has no such item.'),
    ),
}


@pytest.mark.parametrize(("kind", "transition", "given", "key", "message"), UNKNOWN.values(), ids=UNKNOWN)
def test_unknown_reference_is_refused(
    kind: Kind, transition: int, given: dict[str, Any], key: str, message: str
) -> None:
    oms = Emulator("demo")
    record = in_state(oms, kind, oms.world.records.get_existing(Transition, transition).source_state)
    errors = refused(oms, kind, record, {"transition": transition, "input_parameters": given})
    assert list(errors) == [key]
    assert errors[key][0].startswith(message.replace("{number}", record.number))


def test_locations_of_the_table_have_their_names() -> None:
    by_code = {location.erp_code: location for location in Emulator("demo").world.records.all(StockLocation)}
    assert "NOWHERE" not in by_code
    assert not by_code["TR-TZX"].is_active


@pytest.mark.parametrize("edge", transitions_with("UPDATE_SHIPMENT_LABEL"), ids=lambda edge: edge["slug"])
def test_label_for_an_item_of_another_package_is_refused(edge: dict[str, Any]) -> None:
    oms = Emulator("demo")
    record = ready_for(oms, PACKAGES, edge)
    errors = refused(oms, PACKAGES, record, {"slug": edge["slug"], "input_parameters": {"package_items": [1]}})
    assert errors == {"package_items": [f'Invalid pk "1" - {record.number} has no such item.']}


GROUPINGS = {
    "an item left out": lambda items: [{"package_items": items[1:], "erp_code": "1"}],
    "an item in two groups": lambda items: [
        {"package_items": items, "erp_code": "1"},
        {"package_items": items[:1], "erp_code": "3"},
    ],
}


@pytest.mark.parametrize("grouping", GROUPINGS.values(), ids=GROUPINGS)
def test_manual_planning_requires_each_item_exactly_once(grouping: Any) -> None:
    oms = Emulator("demo")
    root = oms.world.records
    waiting = (package for package in root.all(Package) if package.state == 35)
    record = next(package for package in waiting if len(root.related(PackageItem, "package", package.id)) > 1)
    items = list(root.related(PackageItem, "package", record.id))
    body = {"transition": 1018, "input_parameters": {"assignment_groups": grouping(items)}}
    (message,) = refused(oms, PACKAGES, record, body)["assignment_groups"]
    known = ", ".join(map(str, items))
    assert message == f"Each package item must be in exactly one group; {record.number} has {known}."


NEED_SHIPMENT = transitions_with(
    "SHIP_PACKAGE", "SHIPMENT_ORDER", "UPDATE_SHIPMENT_INFO_OF_PACKAGE", "UPDATE_SHIPMENT_LABEL"
)


@pytest.mark.parametrize("edge", NEED_SHIPMENT, ids=lambda edge: edge["slug"])
def test_missing_shipment_is_refused(edge: dict[str, Any]) -> None:
    oms = Emulator("demo")
    record = in_state(oms, PACKAGES, edge["source_state"])
    with oms.world.transaction() as tx:
        tx.change(record, shipment=None)
    body = {"slug": edge["slug"], "input_parameters": parameters(oms, record)}
    assert refused(oms, PACKAGES, record, body) == {"shipment": [f"{record.number} has no shipment."]}


BLOCKS = [
    (block, unblock)
    for block in transitions_with("BLOCK_THE_PACKAGE")
    for unblock in transitions_with("UNBLOCK_THE_PACKAGE")
]
ASTRAY = [(block, unblock) for block, unblock in BLOCKS if block["source_state"] != unblock["destination_state"]]


@pytest.mark.parametrize(("block", "unblock"), ASTRAY, ids=[f"{b['id']}-{u['id']}" for b, u in ASTRAY])
def test_unblocking_to_another_state_is_refused(block: dict[str, Any], unblock: dict[str, Any]) -> None:
    """The message names the state to which it can return. That transition still works."""
    run = CommandRun(block["id"])
    run.send_ok()
    blocked = run.world.records.get_existing(Package, run.subject.id)
    errors = refused(run.oms, PACKAGES, blocked, {"slug": unblock["slug"], "input_parameters": {}})
    name = STATES[block["source_state"]]["name"]
    message = f'{blocked.number} was blocked in state "{name}" and can return to that one only.'
    assert errors == {"transition": [message]}
    back = next(u for b, u in BLOCKS if b is block and u["destination_state"] == block["source_state"])
    assert send(run.oms, PACKAGES, blocked.id, {"transition": back["id"], "input_parameters": {}}).ok


def test_unblocking_uses_the_last_blocking() -> None:
    """A package blocked in Waiting and later in Preparing returns to Preparing."""
    run = CommandRun(1021)
    for transition in (1021, 1025, 199, 1023):
        body = {"transition": transition, "input_parameters": {}}
        assert send(run.oms, PACKAGES, run.subject.id, body).status_code == 204
    blocked = run.world.records.get_existing(Package, run.subject.id)
    assert "Preparing" in str(refused(run.oms, PACKAGES, blocked, {"transition": 1025, "input_parameters": {}}))


@pytest.mark.parametrize("edge", transitions_with("UNBLOCK_THE_PACKAGE"), ids=lambda edge: edge["slug"])
def test_package_without_a_log_can_return_to_any_state(edge: dict[str, Any]) -> None:
    """Recorded responses show packages without their history."""
    oms = Emulator("demo")
    package = in_state(oms, PACKAGES, 35)
    with oms.world.transaction() as tx:
        tx.change(package, state=49)
        for log in tx.find(TransitionLog, "subject", (4, package.id)):
            tx.remove(log)
    answer = send(oms, PACKAGES, package.id, {"transition": edge["id"], "input_parameters": {}})
    assert answer.status_code == 204
    assert oms.world.records.get_existing(Package, package.id).state == edge["destination_state"]


NAMES: dict[str, tuple[Any, str, str]] = {
    "neither": ({}, "transition", "Either transition or slug is required."),
    "a null id": ({"transition": None}, "transition", NULL),
    "an id of another type": ({"transition": [199]}, "transition", INTEGER),
    "an unknown id": ({"transition": 25}, "transition", 'Invalid pk "25" - object does not exist.'),
    "the sample's id of another installation": ({"transition": 25, "slug": PREPARE}, "transition", 'Invalid pk "25"'),
    "the carrier's id": ({"transition": 1102}, "transition", 'Invalid pk "1102" - object does not exist.'),
    "an unknown slug": ({"slug": "x"}, "slug", "Object with slug=x does not exist."),
    "an empty slug": ({"slug": ""}, "slug", BLANK),
    "a null slug": ({"slug": None}, "slug", NULL),
    "a slug of another type": ({"slug": [PREPARE]}, "slug", "Not a valid string."),
    "the operator's slug": ({"slug": "package__cancel__waiting__packaging-canceled"}, "slug", "Object with slug="),
    "a slug that disagrees": (
        {"transition": 3, "slug": PREPARE},
        "slug",
        f'"{PREPARE}" is not the slug of transition 3',
    ),
    "a transfer's command": ({"transition": 100}, "transition", "Transition 100 belongs to transfer orders, and"),
    "another state's": ({"transition": 1034}, "transition", '"Ship" starts from state "Packed all items", but'),
}


@pytest.mark.parametrize(("asked", "key", "message"), NAMES.values(), ids=NAMES)
def test_command_must_be_named_correctly(asked: dict[str, Any], key: str, message: str) -> None:
    oms = Emulator("demo")
    errors = refused(oms, PACKAGES, in_state(oms, PACKAGES, 35), asked | {"input_parameters": {}})
    assert list(errors) == [key]
    assert errors[key][0].startswith(message)


BODIES: dict[str, tuple[Any, str, str]] = {
    "no parameters": ({"transition": 199}, "input_parameters", REQUIRED),
    "null parameters": ({"transition": 199, "input_parameters": None}, "input_parameters", NULL),
    "a list": ({"transition": 199, "input_parameters": []}, "input_parameters", "Expected a dictionary of items"),
    "a text": ({"transition": 199, "input_parameters": "{}"}, "input_parameters", "Expected a dictionary of items"),
    "no object": ([199], "non_field_errors", "Invalid data. Expected a dictionary, but got list."),
}


@pytest.mark.parametrize(("body", "key", "message"), BODIES.values(), ids=BODIES)
def test_body_must_be_an_object_of_the_right_form(body: Any, key: str, message: str) -> None:
    oms = Emulator("demo")
    errors = refused(oms, PACKAGES, in_state(oms, PACKAGES, 35), body)
    assert list(errors) == [key]
    assert errors[key][0].startswith(message)


def test_items_are_required_if_the_transition_requires_them() -> None:
    """The flag of the transition applies to any command."""
    oms = Emulator("demo")
    record = in_state(oms, PACKAGES, 35)
    with oms.world.transaction() as tx:
        tx.change(tx.get_existing(Transition, 199), is_packageitem_parameter_required=True)
    for given in ({}, {"package_items": []}, {"package_items": None}):
        errors = refused(oms, PACKAGES, record, {"transition": 199, "input_parameters": given})
        assert errors == {"package_items": [REQUIRED]}
    good = {"transition": 199, "input_parameters": parameters(oms, record)}
    assert send(oms, PACKAGES, record.id, good).status_code == 204


LED = [(PACKAGES, 199), (PACKAGES, 232), (TRANSFERS, 100), (TRANSFERS, 694)]


@pytest.mark.parametrize(("kind", "transition"), LED)
def test_hint_names_the_request_that_led_to_the_state(kind: Kind, transition: int) -> None:
    """Refused requests are not named. Before the first command, it is the scenario's start."""
    oms = Emulator("demo")
    record = in_state(oms, kind, oms.world.records.get_existing(Transition, transition).source_state)
    body = {"transition": transition, "input_parameters": {}}
    wrong = send(oms, kind, record.id, body | {"transition": 1})
    assert "since the scenario's start; allowed now: " in wrong.headers["X-Emulator-Hint"]
    led = send(oms, kind, record.id, body)
    moment = f"{oms.world.clock.now():%Y-%m-%dT%H:%M:%S}Z"
    for _ in range(2):
        again = send(oms, kind, record.id, body)
        request = led.headers["X-Emulator-Request-Id"]
        assert f"since request {request} at {moment}; allowed now: " in again.headers["X-Emulator-Hint"]


def test_hint_is_percent_encoded() -> None:
    oms = Emulator("demo")
    with oms.world.transaction() as tx:
        tx.change(tx.get_existing(State, 35), name="Bekliyor ğ")
    answer = send(oms, PACKAGES, in_state(oms, PACKAGES, 35).id, {"input_parameters": {}})
    assert 'in state 35 "Bekliyor %C4%9F" since' in answer.headers["X-Emulator-Hint"]


# what is true of commands in general


def test_commands_and_transitions_match() -> None:
    for kind in KINDS:
        assert {edge["command_code"] for edge in kind.commands} | {"PKG_STATE_TRANSITION"} == set(
            COMMANDS[kind.record]
        )


def test_unknown_command_moves_along_the_graph() -> None:
    """A transition with the code of another installation moves only the state."""

    def rename(run: CommandRun, tx: Any) -> None:
        tx.change(tx.get_existing(Transition, 199), command_code="NOBODY_KNOWS")

    run = CommandRun(199, arrange=rename)
    run.transition = run.records.get_existing(Transition, 199)
    run.send_ok()
    run.check(run.move_changes() | run.item_changes(), [MOVED])


def test_automatic_move_has_no_command_in_its_log() -> None:
    oms = Emulator("demo")
    before = all_tables(oms.world.records)
    with oms.world.transaction() as tx:
        run_command(in_state(oms, TRANSFERS, 73), {"transition": 1049}, tx)
    (log,) = [
        made
        for (kind, _), made in changed_records(before, all_tables(oms.world.records)).items()
        if kind == "TransitionLog"
    ]
    assert (log.user, log.attributes, log.request_id) == (None, b"{}", None)


def test_event_contains_the_subject_after_the_command() -> None:
    """Later changes of the subject do not change the event."""
    oms = Emulator("demo")
    record = in_state(oms, PACKAGES, 35)
    for transition in (199, 1002):
        assert send(oms, PACKAGES, record.id, {"transition": transition, "input_parameters": {}}).status_code == 204
    url = f"/api/v1/oms/packages/{record.id}/webhook_events/?limit=100"
    told = [event["request_payload"] for event in oms.session().get(url).json()["results"]][-3:]
    assert [(each["event"]["type"], each["payload"]["state"]["id"]) for each in told] == [
        (MOVED, 37),
        (MOVED, 40),
        ("package.status.packed", 40),
    ]
    assert [{item["state"]["id"] for item in each["payload"]["packageitem_set"]} for each in told] == [
        {57},
        {61},
        {61},
    ]


def test_inactive_hook_gets_no_event() -> None:
    oms = Emulator("demo")
    with oms.world.transaction() as tx:
        for hook in tx.all(Webhook):
            tx.change(hook, is_active=False)
    before = list(oms.world.records.ids(WebhookEvent))
    assert send(oms, PACKAGES, in_state(oms, PACKAGES, 35).id, {"transition": 199, "input_parameters": {}}).ok
    assert list(oms.world.records.ids(WebhookEvent)) == before


@pytest.mark.parametrize("kind", [Package, TransferOrder])
def test_missing_record_is_not_found(kind: type[Any]) -> None:
    """The body is not read."""
    oms = Emulator("demo")
    where = PACKAGES if kind is Package else TRANSFERS
    answer = send(oms, where, 1, [])
    assert (answer.status_code, orjson.loads(answer.content)) == (404, {"detail": "Not found."})
    assert oms.world.clock.now() - oms.world.settings.source.start < timedelta(milliseconds=1)
