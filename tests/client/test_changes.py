"""`oms.changes()` knows every change of a block, and names the request that made it."""

from __future__ import annotations

from typing import Any
from unittest.mock import ANY
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from emulator import Emulator
from emulator.client.changes import Changes
from emulator.core.errors import Conflict
from emulator.core.records import Package, PackageItem, Stock, Transition
from emulator.state.store import Transaction

PACK = {"slug": "package__complete_packaging__waiting__packed-all-items", "input_parameters": {}}
SET_REMOTE_ID = {"remote_id": "R-1"}


def command_url(pk: int) -> str:
    return f"/api/v1/oms/packages/{pk}/command/"


@pytest.fixture
def waiting(oms: Emulator) -> int:
    return int(oms.package(state="Waiting")["id"])


def accept(_: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    start_response("200 OK", [])
    return [b"ok"]


def accept_all(changes: Changes) -> None:
    """Run the code that the changes suggest."""
    accept_all_of(changes, changes)


def failure(changes: Changes, **expected: Any) -> str:
    with pytest.raises(AssertionError) as caught:
        changes.only(**expected)
    return str(caught.value).partition("\nall changes:")[0]


def test_reads_and_refused_writes_change_nothing(oms: Emulator, waiting: int) -> None:
    with oms.changes() as changes:
        oms.session().get("/api/v1/oms/packages/")
        assert oms.session().post(command_url(waiting), json={"transition": 1034}).status_code == 400
    changes.only()
    assert (changes.by_kind(), changes.stable(), repr(changes)) == ({}, {}, "changes.only()")


def test_exactly_the_expected_changes_are_accepted(oms: Emulator, waiting: int) -> None:
    with oms.changes() as changes:
        oms.session().post(f"/api/v1/oms/packages/{waiting}/set_remote_id/", json=SET_REMOTE_ID)
    changes.only(package={"remote_id": (None, "R-1"), "modified_date": ANY})
    changes.only(package={"id": waiting, "remote_id": [None, ANY], "modified_date": ANY})


@pytest.mark.parametrize(
    ("expected", "line"),
    [
        ({}, "package {pk} was changed by request {id}"),
        ({"package": {"remote_id": (None, "R-1")}}, "package {pk}: modified_date was changed from"),
        ({"package": {"remote_id": (None, "R-2"), "modified_date": ANY}}, "expected (None, 'R-2')"),
        ({"package": {"remote_id": (None, "R-1"), "modified_date": ANY, "number": ANY}}, "number was not changed"),
        (
            {"package": {"id": 1, "remote_id": (None, "R-1"), "modified_date": ANY}},
            "but no other record of this kind",
        ),
        ({"package": ANY, "stock": {"quantity": (2, 1)}}, "expected {{'quantity': (2, 1)}}, but no other record"),
        ({"package": [ANY, ANY]}, "but no other record of this kind changed"),
    ],
)
def test_every_difference_is_named_with_its_request(
    oms: Emulator, waiting: int, expected: dict[str, Any], line: str
) -> None:
    with oms.changes() as changes:
        answer = oms.session().post(f"/api/v1/oms/packages/{waiting}/set_remote_id/", json=SET_REMOTE_ID)
    message = failure(changes, **expected)
    assert line.format(pk=waiting, id=answer.headers["X-Emulator-Request-Id"]) in message
    assert (
        f"(POST /api/v1/oms/packages/{waiting}/set_remote_id/, set_package_remote_id)" in message or "but no" in line
    )


PACKING = ("order_item", "package", "package_item", "shipment", "shipping_label", "transition_log", "webhook_event")


@pytest.mark.parametrize("left_out", [*PACKING, "reservation"])
def test_no_kind_of_change_is_overlooked(oms: Emulator, waiting: int, left_out: str) -> None:
    """Packing changes records, a log, events and a reservation of stock. The test fails without any one of them."""
    with oms.changes() as changes:
        assert oms.session().post(command_url(waiting), json=PACK).status_code == 204
    rows = changes.by_kind()
    changes.only(**dict.fromkeys(rows, ANY))
    message = failure(changes, **dict.fromkeys(rows.keys() - {left_out}, ANY))
    assert f"  {left_out} " in message
    assert command_url(waiting) in message


def test_the_suggested_code_is_accepted_and_exact(oms: Emulator, waiting: int) -> None:
    with oms.changes() as changes:
        oms.session().post(command_url(waiting), json=PACK)
    accept_all(changes)
    with oms.changes() as later:
        oms.stock(1, "PZ-101-02-L", 99)
    with pytest.raises(AssertionError):
        accept_all_of(changes, later)


def accept_all_of(one: Changes, other: Changes) -> None:
    """Assert that the code that some changes suggest is right for others."""
    eval(repr(one), {"changes": other, "ANY": ANY})  # noqa: S307 - the emulator wrote this code


COLUMNS = [
    (kind, column)
    for kind in (Package, PackageItem, Stock)
    for column in kind._fields
    if column not in ("id", "id_encrypted")
]


@pytest.mark.parametrize(("kind", "column"), COLUMNS, ids=[f"{kind.__name__}.{name}" for kind, name in COLUMNS])
def test_every_column_of_a_record_counts(oms: Emulator, kind: type[Any], column: str) -> None:
    """Another value in any column is a change, and none if the value returns."""
    record = next(iter(oms.world.records.all(kind)))
    value = getattr(record, column)
    others = (getattr(row, column) for row in oms.world.records.all(kind))
    other = next((each for each in others if each != value), b'"x"' if isinstance(value, bytes) else "another value")
    with oms.changes() as changes:
        write(oms, lambda tx: tx.change(record, **{column: other}))
        assert list(next(iter(changes.by_kind().values()))[0]) == [column, "id"]
        write(oms, lambda tx: tx.change(record, **{column: value}))
    changes.only()


def write(oms: Emulator, change: Any) -> None:
    with oms.world.transaction() as tx:
        change(tx)


def test_removed_records_have_no_value_after(oms: Emulator) -> None:
    transition = oms.world.records.get_existing(Transition, 3)
    with oms.changes() as changes:
        write(oms, lambda tx: tx.remove(transition))
    row = changes.by_kind()["transition"][0]
    assert (row["id"], row["label"]) == ([3, None], ["Pack", None])
    accept_all(changes)


def test_undo_and_restore_return_to_no_change(oms: Emulator, waiting: int) -> None:
    oms.snapshot("before")
    with oms.changes() as changes:
        oms.session().post(command_url(waiting), json=PACK)
        oms.undo()
        changes.only()
        oms.package()
        oms.restore("before")
    changes.only()


def test_background_writes_differ_from_requests(oms: Emulator, waiting: int) -> None:
    oms.hooks.add(accept, "package.created")
    with oms.changes() as changes:
        oms.package()
        oms.hooks.flush()
    message = failure(changes)
    assert "webhook_event" in message
    assert "a background write after request" in message
    assert "(control API or Python)" in message


def test_a_block_ends_with_its_changes(oms: Emulator, waiting: int) -> None:
    with oms.changes() as changes:
        pass
    oms.package()
    changes.only()


def test_a_world_of_another_scenario_cannot_be_compared(oms: Emulator) -> None:
    changes = oms.changes()
    oms.worlds.create(oms.name, Emulator("empty").worlds.scenario)
    with pytest.raises(Conflict, match="another scenario"):
        changes.only()


@pytest.mark.parametrize(
    ("expected", "message"),
    [
        ({"packages": {}}, "unknown kind of record 'packages'. Did you mean package?"),
        ({"package": {"stat": (1, 2)}}, "package has no field 'stat'. Did you mean state?"),
        ({"package": {"state": "Packed"}}, "package.state must be a pair"),
    ],
)
def test_a_mistake_in_the_expectation_is_an_error(oms: Emulator, expected: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("?", r"\?")):
        oms.changes().only(**expected)


def test_the_stable_form_does_not_depend_on_ids_times_and_numbers(oms: Emulator) -> None:
    first = stable_packing(oms)
    oms.clock.advance(days=40, hours=3)
    assert stable_packing(oms) == first
    assert first["package"][0]["state"] == ["Waiting", "Packed all items"]
    assert first["transition_log"][0]["id"] == [None, "<id>"]


def stable_packing(oms: Emulator) -> dict[str, Any]:
    package = oms.package(state="Waiting", items=[{"sku": "PZ-101-02-L"}], shipping_address={"city": "Bursa"})
    with oms.changes() as changes:
        oms.session().post(command_url(int(package["id"])), json=PACK)
    return changes.stable()


@pytest.mark.medium
def test_secrets_of_hooks_are_not_shown(oms: Emulator) -> None:
    with oms.changes() as changes:
        oms.hooks.add("http://127.0.0.1:9/", "package.created", secret_key="top-secret")
    texts = [repr(changes), str(changes.stable()), failure(changes)]
    assert not any("top-secret" in text for text in texts)
    answer = oms.session().get("/__admin/changes?since=00000000")
    assert "top-secret" not in answer.text


def test_all_records_are_never_compared(oms: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cost depends on the changes: of 36,404 packages only the changed one is read."""
    large = Emulator("demo", packages=36_404)
    pk = int(large.package()["id"])
    with large.changes() as changes:
        large.session().post(f"/api/v1/oms/packages/{pk}/set_remote_id/", json=SET_REMOTE_ID)
    read: list[int] = []
    get = Transaction.__mro__[1].get  # type: ignore[attr-defined]  # Reader.get
    monkeypatch.setattr(
        Transaction.__mro__[1], "get", lambda self, kind, id_: read.append(id_) or get(self, kind, id_)
    )
    changes.only(package={"remote_id": (None, "R-1"), "modified_date": ANY})
    assert set(read) == {pk}
