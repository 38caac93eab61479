"""Who calls, may they, and how often: each credential meets what it is for, on every operation."""

from __future__ import annotations

from datetime import timedelta

import pytest

from emulator import Emulator
from emulator.core.credentials import CREDENTIALS, PASSWORDS
from emulator.core.errors import AuthenticationFailed, NotAuthenticated, PermissionDenied, Throttled
from emulator.routes import GUIDE_ROUTES, Route
from emulator.web.access import CHARACTERS, MINUTE, NO_CREDENTIALS, SPACES, admit, authenticate
from tests.support.worlds import world_of

every_operation = pytest.mark.parametrize("route", GUIDE_ROUTES, ids=lambda route: route.operation)


@pytest.fixture(scope="module")
def shared() -> Emulator:
    return Emulator("empty")


def status(oms: Emulator, route: Route, authorization: str | None) -> int:
    path = route.path.replace("<pk>", "1").replace("<log_id>", "1").replace("<webhook_event_id>", "1")
    headers = {"Authorization": authorization}
    return int(oms.session().request(route.method, path, headers=headers).status_code)


@every_operation
def test_every_operation_asks_for_a_token(route: Route, shared: Emulator) -> None:
    assert status(shared, route, None) == 401
    assert status(shared, route, "Bearer full-access") == 401
    assert status(shared, route, "Token nobody") == 401
    assert status(shared, route, "Token inactive") == 401
    assert status(shared, route, "Token no-access") == 403


@every_operation
def test_a_reader_may_read_and_not_write(route: Route, shared: Emulator) -> None:
    expected = {200, 404} if route.method == "GET" else {403}
    assert status(shared, route, "Token read-only") in expected
    assert status(shared, route, "Token full-access") in {200, 404}


@pytest.mark.parametrize("header", [None, "", " ", "Bearer x", "Basic YWRtaW46YWRtaW4=", "Tokenfull-access", "x"])
def test_other_schemes_are_no_credentials(header: str | None) -> None:
    assert authenticate(header) is None


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("Token", NO_CREDENTIALS),
        ("token ", NO_CREDENTIALS),
        ("Token a b", SPACES),
        ("Token \xff", CHARACTERS),
        ("Token nobody", "Invalid token."),
        ("Token FULL-ACCESS", "Invalid token."),
        ("Token inactive", "User inactive or deleted."),
    ],
)
def test_a_wrong_token_is_refused_in_the_frameworks_words(header: str, said: str) -> None:
    with pytest.raises(AuthenticationFailed) as caught:
        authenticate(header)
    assert (caught.value.detail, caught.value.headers) == (said, {"WWW-Authenticate": "Token"})


@pytest.mark.parametrize(
    "header", ["Token full-access", "token full-access", "TOKEN  full-access", "Token\tfull-access"]
)
def test_the_scheme_is_read_as_the_framework_reads_it(header: str) -> None:
    assert authenticate(header) == CREDENTIALS["full-access"]


def test_checks_come_in_order() -> None:
    world = world_of()
    with pytest.raises(NotAuthenticated):
        admit(None, "GET", world)
    for method in ("GET", "POST"):
        with pytest.raises(PermissionDenied):
            admit(CREDENTIALS["no-access"], method, world)
    for method in ("POST", "PUT", "PATCH", "DELETE", "ODD"):
        with pytest.raises(PermissionDenied):
            admit(CREDENTIALS["read-only"], method, world)
    for method in ("GET", "HEAD", "OPTIONS"):
        admit(CREDENTIALS["read-only"], method, world)
    assert world.calls == {}


def test_the_sixth_call_of_a_minute_waits_until_the_first_is_a_minute_old() -> None:
    world, throttled = world_of(), CREDENTIALS["throttled"]
    start = world.clock.now()
    for _ in range(5):
        admit(throttled, "GET", world)
        world.clock.advance(seconds=4)
    with pytest.raises(Throttled) as caught:
        admit(throttled, "GET", world)
    assert (caught.value.wait, caught.value.headers) == (40, {"Retry-After": "40"})
    world.clock.set(start + MINUTE - timedelta(seconds=0.5))
    with pytest.raises(Throttled) as caught:
        admit(throttled, "GET", world)
    assert caught.value.detail == "Request was throttled. Expected available in 1 second."
    world.clock.set(start + MINUTE)
    admit(throttled, "GET", world)
    assert len(world.calls["throttled"]) == 5


def test_a_reset_forgets_the_calls() -> None:
    oms = Emulator("empty")
    client = oms.session()
    client.headers["Authorization"] = "Token throttled"
    statuses = [client.get("/api/v1/oms/packages/").status_code for _ in range(6)]
    assert statuses == [200] * 5 + [429]
    oms.reset()
    assert client.get("/api/v1/oms/packages/").status_code == 200


@pytest.mark.parametrize("path", ["/api/v1/auth/login/", "/api/i1/auth/login/"])
@pytest.mark.parametrize(("user", "token"), PASSWORDS.items(), ids=str)
def test_a_login_gives_the_users_token(user: tuple[str, str], token: str, path: str, shared: Emulator) -> None:
    client = shared.session()
    del client.headers["Authorization"]
    answer = client.post(path, json={"username": user[0], "password": user[1]})
    assert (answer.status_code, answer.json()) == (200, {"key": token})


@pytest.mark.parametrize(
    "body",
    [
        {"username": "admin", "password": "x"},
        {"username": "x", "password": "admin"},
        {"username": "admin", "password": "admin "},
    ],
)
def test_a_wrong_login_is_refused(body: dict[str, str], shared: Emulator) -> None:
    answer = shared.session().post("/api/v1/auth/login/", json=body)
    assert answer.status_code == 400
    assert answer.json() == {"non_field_errors": ["Unable to log in with provided credentials."]}
