"""`oms.requests`: what a world was asked, and assertions whose failures say what differed."""

from __future__ import annotations

from unittest.mock import ANY

import pytest

from emulator import Emulator

LIST = "/api/v1/oms/packages/"
BODY = {"slug": "nonsense", "input_parameters": {}}


@pytest.fixture
def pk(oms: Emulator) -> int:
    return int(oms.package(state="Waiting")["id"])


def failure(oms: Emulator, operation: str | None = None, **wanted: object) -> str:
    with pytest.raises(AssertionError) as caught:
        oms.requests.assert_called(operation, **wanted)
    return str(caught.value)


def test_exchanges_come_newest_first_with_their_attributes(oms: Emulator, pk: int) -> None:
    client = oms.session()
    client.get(LIST, params={"limit": 1})
    client.post(f"{LIST}{pk}/command/", json=BODY)
    last, first = oms.requests
    assert (last.operation, last.method, last.path, last.status) == (
        "command_package",
        "POST",
        f"{LIST}{pk}/command/",
        400,
    )
    assert (last.json, last.token, last.fault, last.request.body) == (BODY, "full-access", None, BODY)
    assert last.response.body["status_code"] == 400
    assert (first.operation, first.query, first.parameters, first.json) == (
        "list_packages",
        "limit=1",
        {"limit": ["1"]},
        None,
    )
    assert (first.id < last.id, first.at <= last.at) == (True, True)
    assert oms.requests.last is not None
    assert oms.requests.last.id == last.id == oms.requests[0].id
    assert (len(oms.requests), repr(oms.requests)) == (2, "<2 requests in world default>")


def test_clear_forgets_them(oms: Emulator) -> None:
    oms.session().get(LIST)
    oms.requests.clear()
    assert (oms.requests.last, len(oms.requests), list(oms.requests)) == (None, 0, [])


def test_a_reset_clears_the_requests_and_worlds_do_not_share_them(oms: Emulator) -> None:
    other = oms.in_world("other")
    oms.session().get(LIST)
    other.session().get(f"{LIST}short/")
    assert [each.operation for each in other.requests] == ["list_packages_short"]
    assert [each.operation for each in oms.requests] == ["list_packages"]
    assert other.requests[0].path == f"{LIST}short/"  # without the world's prefix
    oms.reset()
    assert len(oms.requests) == 0


def test_a_call_is_found_by_each_of_its_fields(oms: Emulator, pk: int) -> None:
    client = oms.session()
    client.get(LIST, params={"limit": 5, "page": 2})
    client.post(f"{LIST}{pk}/command/", json=BODY)
    client.post(f"{LIST}{pk}/command/", json=BODY, headers={"Authorization": "Token read-only"})
    client.post(f"{LIST}{pk}/set_remote_id/", data={"remote_id": "R 1"})
    called = oms.requests.assert_called
    called("list_packages")
    called("list_packages", query={"limit": 5, "page": "2"}, times=1)
    called("list_packages", query={"limit": ["5"], "page": ANY})
    called("list_packages", query="limit=5&page=2")
    called("command_package", json=BODY, times=2)
    called("command_package", json={"slug": ANY, "input_parameters": {}}, times=2)
    called("command_package", json=BODY, token="full-access", status=400, times=1)
    called("command_package", token="read-only", status=403, times=1)
    called("set_package_remote_id", json={"remote_id": "R 1"}, status=204, times=1)
    called(path=f"{LIST}{pk}/command/", times=2)
    called("get_package", times=0)
    called(times=4)


def test_a_refused_calls_body_is_known_too(oms: Emulator, pk: int) -> None:
    """The body of a request that gets 403 is recorded, although the emulator does not parse it."""
    oms.session().post(f"{LIST}{pk}/command/", json=BODY, headers={"Authorization": "Token read-only"})
    oms.requests.assert_called("command_package", json=BODY, status=403, times=1)


def test_not_called_shows_what_was_called(oms: Emulator) -> None:
    oms.requests.assert_not_called("list_packages")
    oms.session().get(LIST)
    oms.requests.assert_not_called("list_packages", status=500)
    with pytest.raises(AssertionError) as caught:
        oms.requests.assert_not_called("list_packages")
    assert str(caught.value) == (f"expected no list_packages(); it was called once\n  00000001 GET {LIST} -> 200")


def test_a_failure_shows_the_nearest_call_field_by_field(oms: Emulator, pk: int) -> None:
    client = oms.session()
    client.get(LIST)
    client.post(f"{LIST}{pk}/command/", json={"slug": "other", "input_parameters": {"a": [1, 2]}, "extra": 1})
    told = failure(oms, "command_package", json={"slug": "nonsense", "input_parameters": {"a": [1, 3]}}, status=204)
    lines = told.splitlines()
    assert lines[0] == (
        "expected command_package(json={'slug': 'nonsense', 'input_parameters': {'a': [1, 3]}}, status=204)"
        " at least once; it was called 0 times"
    )
    assert lines[1] == "nearest of 2 other calls:"
    assert lines[2] == f"  00000003 POST {LIST}{pk}/command/ -> 400"
    assert "    status: 400, expected 204" in lines
    assert "    json.slug: 'other', expected 'nonsense'" in lines
    assert "    json.input_parameters.a[1]: 2, expected 3" in lines
    assert "    json.extra: 1, expected nothing" in lines
    assert lines.index(f"  00000002 GET {LIST} -> 200") > 6, "the call of another operation is farther away"
    assert "    operation: 'list_packages', expected 'command_package'" in lines


def test_a_failure_shows_the_hint_of_a_refusal(oms: Emulator, pk: int) -> None:
    oms.session().post(f"{LIST}{pk}/command/", json=BODY)
    hint = str(oms.requests[0].hint)
    assert hint
    assert f"hint: {hint}" in failure(oms, "command_package", status=204)


def test_too_many_calls_are_listed(oms: Emulator) -> None:
    for _ in range(2):
        oms.session().get(LIST)
    assert failure(oms, "list_packages", times=1).splitlines() == [
        "expected list_packages() once; it was called 2 times",
        f"  00000002 GET {LIST} -> 200",
        f"  00000001 GET {LIST} -> 200",
    ]


def test_failure_without_calls_says_so(oms: Emulator) -> None:
    assert failure(oms, "list_packages").endswith("it was called 0 times\nnothing else was called")


def test_a_query_is_compared_parameter_by_parameter(oms: Emulator) -> None:
    oms.session().get(LIST, params={"limit": 5})
    told = failure(oms, "list_packages", query={"limit": 6, "page": 2})
    assert "query.limit[0]: '5', expected '6'" in told
    assert "query.page: nothing, expected ['2']" in told


def test_true_is_not_one(oms: Emulator, pk: int) -> None:
    oms.session().post(f"{LIST}{pk}/command/", json={"slug": True})
    assert "json.slug: True, expected 1" in failure(oms, "command_package", json={"slug": 1})
    oms.requests.assert_called("command_package", json={"slug": True})


@pytest.mark.parametrize(
    ("name", "said"),
    [("comand_package", "did you mean command_package"), ("xxxxxxxx", "`oms-emulator routes` lists them")],
)
def test_an_unknown_operation_is_a_value_error_that_names_near_ones(oms: Emulator, name: str, said: str) -> None:
    for check in (oms.requests.assert_called, oms.requests.assert_not_called):
        with pytest.raises(ValueError, match=said):
            check(name)


def test_failure_shows_the_number_of_evicted_calls(oms: Emulator) -> None:
    oms.world.journal.limit = 2
    for _ in range(3):
        oms.session().get(LIST)
    assert len(oms.requests) == 2
    assert "(1 older calls are forgotten; the journal keeps the latest 2)" in failure(oms, "get_package")


def test_secrets_are_masked_in_failures(oms: Emulator) -> None:
    oms.session().post("/api/v1/auth/login/", json={"username": "admin", "password": "hunter2"})
    told = failure(oms, "login", json={"username": "other", "password": "hunter3"})
    assert "hunter" not in told
    assert "json.username: 'admin', expected 'other'" in told
    assert "json.password: '***', expected '***'" in told
    assert "hunter2" not in repr(list(oms.requests)) + str(oms.requests[0].request)
    oms.requests.assert_called("login", json={"username": "admin", "password": "hunter2"})
