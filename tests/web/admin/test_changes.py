"""`GET /__admin/changes` returns the changes after a request, for clients in any language."""

from __future__ import annotations

from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from emulator import Emulator
from emulator.core.schemas import find_problem
from emulator.state.steps import MAX_UNDO_WRITES

PACK = {"slug": "package__complete_packaging__waiting__packed-all-items", "input_parameters": {}}


def accept(_: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    start_response("200 OK", [])
    return [b"ok"]


def changes_since(oms: Emulator, request_id: str) -> dict[str, Any]:
    answer = oms.session().get(f"/__admin/changes?since={request_id}")
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    assert find_problem("changes", document) is None
    return document


def request_id(answer: Any) -> str:
    return str(answer.headers["X-Emulator-Request-Id"])


def pack(oms: Emulator, pk: int) -> str:
    answer = oms.session().post(f"/api/v1/oms/packages/{pk}/command/", json=PACK)
    assert answer.status_code == 204
    return request_id(answer)


def test_the_changes_after_a_read_name_the_request_of_each_field(oms: Emulator) -> None:
    pk = int(oms.package(state="Waiting")["id"])
    read = request_id(oms.session().get(f"/api/v1/oms/packages/{pk}/"))
    packed = pack(oms, pk)
    renamed = oms.session().post(f"/api/v1/oms/packages/{pk}/set_remote_id/", json={"remote_id": "R"})
    rows = changes_since(oms, read)["results"]
    package = next(row for row in rows if row["record"] == "package")
    assert (package["id"], package["change"]) == (pk, "changed")
    assert package["requests"] == [packed, request_id(renamed)]
    assert package["fields"]["state"] == {"before": "Waiting", "after": "Packed all items", "requests": [packed]}
    assert package["fields"]["remote_id"]["requests"] == [request_id(renamed)]
    assert {row["record"] for row in rows} >= {"transition_log", "reservation", "webhook_event"}


def test_the_changes_after_a_write_do_not_contain_it(oms: Emulator) -> None:
    first, second = (int(oms.package(state="Waiting")["id"]) for _ in range(2))
    packed = pack(oms, first)
    assert changes_since(oms, packed) == {"since": packed, "count": 0, "results": []}
    last = pack(oms, second)
    rows = changes_since(oms, packed)["results"]
    assert {row["id"] for row in rows if row["record"] == "package"} == {second}
    assert {each for row in rows for each in row["requests"]} == {last}


def test_background_writes_after_a_request_are_marked(oms: Emulator) -> None:
    oms.hooks.add(accept, "package.created")
    oms.package()
    created = f"{oms.world.request_ids.next_number - 1:08d}"
    oms.hooks.flush()
    rows = changes_since(oms, created)["results"]
    assert {(row["record"], row["background"], *row["requests"]) for row in rows} == {("webhook_event", True)}


def test_all_changes_since_the_start_are_known(oms: Emulator) -> None:
    pack(oms, int(oms.package(state="Waiting")["id"]))
    assert {row["change"] for row in changes_since(oms, "00000000")["results"]} == {"added", "changed"}


@pytest.mark.parametrize(
    ("query", "status", "message"),
    [
        ("", 400, "since is required"),
        ("?since=x", 400, "since must be the id of a request"),
        ("?since=00000009", 404, "has had no request 00000009 yet"),
        ("?until=1", 400, "unknown parameter 'until'"),
    ],
)
def test_an_unusable_question_is_refused(oms: Emulator, query: str, status: int, message: str) -> None:
    answer = oms.session().get(f"/__admin/changes{query}")
    assert answer.status_code == status
    assert message in answer.json()["error"]


def test_changes_that_are_too_old_are_refused(oms: Emulator) -> None:
    pk = int(oms.package()["id"])
    for number in range(MAX_UNDO_WRITES + 1):
        oms.session().post(f"/api/v1/oms/packages/{pk}/set_remote_id/", json={"remote_id": f"R-{number}"})
    answer = oms.session().get("/__admin/changes?since=00000001")
    assert answer.status_code == 409
    assert "the oldest that is kept is 00000002" in answer.json()["error"]
    assert changes_since(oms, "00000002")["results"][0]["fields"]["remote_id"]["before"] == "R-0"
