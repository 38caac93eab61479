"""The dispatcher: order of checks, responses to bugs, indentation, links and hosts."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from emulator import Emulator
from emulator.core.call import Call, Reply
from emulator.core.errors import ApiError
from emulator.core.records import Package
from emulator.state.world import World
from tests.support.handlers import with_handler

LIST = "/api/v1/oms/packages/"


def failing_handler(call: Call, world: World) -> Reply:
    """Write a record, then raise an error."""
    with world.transaction() as tx:
        tx.change(tx.get_existing(Package, call.path["pk"]), remote_id="half done")
        raise ZeroDivisionError("a bug")


@pytest.mark.usefixtures("bugs_expected")
def test_bug_is_a_500_in_the_form_of_the_framework_and_rolls_back(
    oms: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    pk = oms.world.records.ids(Package)[0]
    root, now = oms.world.records, oms.world.clock.now()
    with_handler(oms, "set_package_remote_id", failing_handler)
    with caplog.at_level(logging.ERROR, "emulator"):
        answer = oms.session().post(f"{LIST}{pk}/set_remote_id/", json={"remote_id": "R"})
    assert (answer.status_code, answer.content) == (500, b'{"detail":"A server error occurred."}')
    assert answer.headers["Allow"] == "POST, OPTIONS"
    assert (oms.world.records, oms.world.clock.now()) == (root, now)
    (record,) = caplog.records
    request_id = answer.headers["X-Emulator-Request-Id"]
    assert record.getMessage() == f"request {request_id} failed: POST {LIST}{pk}/set_remote_id/"
    assert record.exc_info is not None
    assert oms.session().get(f"{LIST}{pk}/").json()["remote_id"] is None


@pytest.mark.usefixtures("bugs_expected")
@pytest.mark.parametrize("error", [LookupError, RecursionError, MemoryError, AssertionError, StopIteration])
def test_every_kind_of_exception_is_a_500(
    error: type[Exception], oms: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    def handler(call: Call, world: World) -> Reply:
        raise error("x")

    with caplog.at_level(logging.CRITICAL + 1, "emulator"):
        assert with_handler(oms, "list_packages", handler).session().get(LIST).status_code == 500


def test_base_class_of_errors_is_a_500() -> None:
    assert (ApiError().status, ApiError().headers, ApiError("x").body) == (500, {}, {"detail": "x"})


def test_checks_run_in_the_order_of_the_framework(client: Any) -> None:
    """Each request has one fault more than the next one. The first check decides."""
    requests: list[tuple[int, str, str, dict[str, str]]] = [
        (404, "PATCH", "/nowhere/?format=xml", {"Accept": "text/html", "Authorization": "Token x"}),
        (404, "PATCH", f"{LIST}0/command/?format=xml", {"Accept": "text/html", "Authorization": "Token x"}),
        (406, "PATCH", f"{LIST}0/command/", {"Accept": "text/html", "Authorization": "Token x"}),
        (401, "PATCH", f"{LIST}0/command/", {"Authorization": "Token x"}),
        (403, "PATCH", f"{LIST}0/command/", {"Authorization": "Token read-only"}),
        (405, "PATCH", f"{LIST}0/command/", {}),
        (404, "POST", f"{LIST}0/command/", {"Content-Type": "text/plain"}),
    ]
    for expected, method, url, headers in requests:
        answer = client.request(method, url, headers=headers, data=b"{")
        assert (answer.status_code, method, url) == (expected, method, url)
    pk = client.get(LIST).json()["results"][0]["id"]
    bad_type = client.post(f"{LIST}{pk}/command/", data=b"{", headers={"Content-Type": "text/plain"})
    bad_json = client.post(f"{LIST}{pk}/command/", data=b"{", headers={"Content-Type": "application/json"})
    assert (bad_type.status_code, bad_json.status_code) == (415, 400)


@pytest.mark.parametrize("indent", [1, 4, 8])
def test_json_is_indented_on_request(client: Any, indent: int) -> None:
    plain = client.get(LIST)
    pretty = client.get(LIST, headers={"Accept": f"application/json; indent={indent}"})
    assert pretty.json() == plain.json()
    assert pretty.text.splitlines()[1].startswith(" " * indent + '"count"')
    assert pretty.text == json.dumps(plain.json(), indent=indent, ensure_ascii=False)


def test_links_have_the_host_of_the_request(oms: Emulator) -> None:
    page = oms.session().get(LIST, headers={"Host": "shop.example:8443"}).json()
    assert page["next"] == f"http://shop.example:8443{LIST}?page=2"
    labels = [entry["shipping_label"] for entry in page["results"] if entry["shipping_label"]]
    assert labels[0]["full_path_url"].startswith("http://shop.example:8443/api/v1/oms/shipping-label/")
    assert labels[0]["preview_url"].startswith("/api/v1/oms/shipping-label/")


@pytest.mark.parametrize("host", ["", "a b", "a/b", "[::1", "a:b", "exa_mple", "<script>"])
def test_invalid_host_is_a_bad_request(oms: Emulator, host: str) -> None:
    answer = oms.session().get(LIST, headers={"Host": host})
    assert answer.status_code == 400
    assert b"<script>" not in answer.content


def test_write_is_attributed_to_the_user_of_the_token(oms: Emulator) -> None:
    pk = next(one.id for one in oms.world.records.all(Package) if one.state == 35)
    client = oms.session()
    assert client.post(f"{LIST}{pk}/command/", json={"transition": 199, "input_parameters": {}}).status_code == 204
    log = client.get(f"{LIST}{pk}/transition_logs/").json()["results"][0]
    assert (log["user"]["username"], log["attributes"]["command"]["remote_user_pk"]) == ("admin", "1")


def test_responses_are_deterministic(oms: Emulator) -> None:
    """Two emulators of one scenario respond to the same requests with the same bytes."""
    urls = [LIST, f"{LIST}short/", f"{LIST}list-simple/", "/api/v1/oms/transfer_orders/"]
    one, other = oms.session(), Emulator("demo").session()
    pk = one.get(LIST).json()["results"][0]["id"]
    for client in (one, other):
        assert client.post(f"{LIST}{pk}/invoice/").status_code == 201
    for url in urls:
        assert one.get(url).content == other.get(url).content
