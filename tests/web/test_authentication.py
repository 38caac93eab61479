"""Authentication, permissions and throttling of every credential on every operation."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import jwt
import pytest

from emulator import Emulator
from emulator.api.control.clock import advance_clock
from emulator.api.routes import GUIDE_ROUTES, REFERENCE_ROUTES, Route
from emulator.core import credentials
from emulator.core.credentials import CREDENTIALS, PASSWORDS
from emulator.core.errors import AuthenticationFailed, NotAuthenticated, PermissionDenied, Throttled
from emulator.web.authentication import (
    CHARACTERS,
    INACTIVE,
    NO_CREDENTIALS,
    SPACES,
    authenticate,
    check_access,
)
from tests.support.worlds import START, build_world

MINUTE = timedelta(minutes=1)

every_operation = pytest.mark.parametrize(
    "route", [*GUIDE_ROUTES, *REFERENCE_ROUTES], ids=lambda route: route.operation
)
every_scheme = pytest.mark.parametrize("scheme", ["Token", "Bearer"])
OTHER = {"Token": "Bearer", "Bearer": "Token"}


@pytest.fixture(scope="module")
def shared() -> Emulator:
    return Emulator("empty")


def authorization_header(oms: Emulator, scheme: str, role: str) -> str:
    """Return the Authorization header of a role."""
    return f"{scheme} {role if scheme == 'Token' or role not in CREDENTIALS else oms.jwt(role)}"


def response_status(oms: Emulator, route: Route, authorization: str | None) -> int:
    path = route.path.replace("<pk>", "1").replace("<log_id>", "1").replace("<webhook_event_id>", "1")
    headers = {"Authorization": authorization}
    return int(oms.session().request(route.method, path, headers=headers).status_code)


@every_operation
def test_every_operation_requires_a_token(route: Route, shared: Emulator) -> None:
    scheme = str(route.auth_scheme)
    assert response_status(shared, route, None) == 401
    assert response_status(shared, route, authorization_header(shared, OTHER[scheme], "full-access")) == 401
    for role, expected in (("nobody", 401), ("inactive", 401), ("no-access", 403)):
        assert response_status(shared, route, authorization_header(shared, scheme, role)) == expected


@every_operation
def test_read_only_role_may_read_but_not_write(route: Route, shared: Emulator) -> None:
    expected = {200, 404} if route.method == "GET" else {403}
    assert (
        response_status(shared, route, authorization_header(shared, str(route.auth_scheme), "read-only")) in expected
    )
    assert response_status(shared, route, authorization_header(shared, str(route.auth_scheme), "full-access")) in {
        200,
        404,
    }


@every_scheme
@pytest.mark.parametrize("header", [None, "", " ", "Basic YWRtaW46YWRtaW4=", "Tokenfull-access", "BearerX", "x"])
def test_credentials_of_another_scheme_are_ignored(header: str | None, scheme: Any) -> None:
    assert authenticate(header, scheme, build_world()) is None
    assert authenticate(f"{OTHER[scheme]} full-access", scheme, build_world()) is None


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("Token", NO_CREDENTIALS),
        ("token ", NO_CREDENTIALS),
        ("Token a b", SPACES),
        ("Token \xff", CHARACTERS),
        ("Token nobody", "Invalid token."),
        ("Token FULL-ACCESS", "Invalid token."),
        ("Token inactive", INACTIVE),
    ],
)
@every_scheme
def test_invalid_token_gives_the_error_of_the_framework(header: str, said: str, scheme: Any) -> None:
    world = build_world()
    if said == INACTIVE and scheme == "Bearer":
        header = f"Token {credentials.issue_token('inactive', world.clock.now(), 60).token}"
    with pytest.raises(AuthenticationFailed) as caught:
        authenticate(scheme + header[5:], scheme, world)
    assert (caught.value.detail, caught.value.headers) == (said, {"WWW-Authenticate": scheme})


@pytest.mark.parametrize(
    "header", ["Token full-access", "token full-access", "TOKEN  full-access", "Token\tfull-access"]
)
def test_scheme_is_parsed_as_by_the_framework(header: str) -> None:
    assert authenticate(header, "Token", build_world()) == CREDENTIALS["full-access"]


def test_checks_run_in_order() -> None:
    world = build_world()
    with pytest.raises(NotAuthenticated):
        check_access(None, "GET", world, "Token")
    for method in ("GET", "POST"):
        with pytest.raises(PermissionDenied):
            check_access(CREDENTIALS["no-access"], method, world, "Token")
    for method in ("POST", "PUT", "PATCH", "DELETE", "ODD"):
        with pytest.raises(PermissionDenied):
            check_access(CREDENTIALS["read-only"], method, world, "Token")
    for method in ("GET", "HEAD", "OPTIONS"):
        check_access(CREDENTIALS["read-only"], method, world, "Token")
    assert world.throttle.copy_calls() == {}


def test_sixth_call_of_a_minute_is_throttled_until_the_first_expires() -> None:
    world, throttled = build_world(), CREDENTIALS["throttled"]
    start = world.clock.now()
    for _ in range(5):
        check_access(throttled, "GET", world, "Token")
        advance_clock(world, by=timedelta(seconds=4))
    with pytest.raises(Throttled) as caught:
        check_access(throttled, "GET", world, "Token")
    assert (caught.value.wait, caught.value.headers) == (40, {"Retry-After": "40"})
    world.clock.set_time(start + MINUTE - timedelta(seconds=0.5))
    with pytest.raises(Throttled) as caught:
        check_access(throttled, "GET", world, "Token")
    assert caught.value.detail == "Request was throttled. Expected available in 1 second."
    world.clock.set_time(start + MINUTE)
    check_access(throttled, "GET", world, "Token")
    assert len(world.throttle.copy_calls()["Token throttled"]) == 5


def test_reset_clears_the_throttle() -> None:
    oms = Emulator("empty")
    client = oms.session()
    client.headers["Authorization"] = "Token throttled"
    statuses = [client.get("/api/v1/oms/packages/").status_code for _ in range(6)]
    assert statuses == [200] * 5 + [429]
    oms.reset()
    assert client.get("/api/v1/oms/packages/").status_code == 200


def test_throttle_counts_each_scheme_separately() -> None:
    oms = Emulator("empty")
    client, bearer = oms.session(), {"Authorization": f"Bearer {oms.jwt('throttled')}"}
    tokens = {"Authorization": "Token throttled"}
    statuses = [client.get("/packages/", headers=bearer).status_code for _ in range(6)]
    statuses += [client.get("/api/v1/oms/packages/", headers=tokens).status_code for _ in range(6)]
    assert statuses == ([200] * 5 + [429]) * 2


def encode_jwt(**changes: Any) -> str:
    """Return a JWT with changed claims; the value `...` omits a claim."""
    claims = {"sub": "admin", "role": "full-access", "exp": int(START.timestamp()) + 60} | changes
    return jwt.encode(
        {name: value for name, value in claims.items() if value is not ...}, credentials.JWT_SECRET, "HS256"
    )


VALID_JWT = encode_jwt()
UNSIGNED = jwt.encode({"sub": "a", "role": "full-access", "exp": 2**40}, None, "none")
HEAD, BODY, SIGNATURE = VALID_JWT.split(".")
BAD_JWTS = {
    "of another secret": jwt.encode({"sub": "a", "role": "full-access", "exp": 2**40}, "x" * 32, "HS256"),
    "of another algorithm": jwt.encode(
        {"sub": "a", "role": "full-access", "exp": 2**40}, credentials.JWT_SECRET * 2, "HS512"
    ),
    "unsigned": UNSIGNED,
    "unsigned with a signature": UNSIGNED + SIGNATURE,
    "without its signature": f"{HEAD}.{BODY}.",
    "of two parts": f"{HEAD}.{BODY}",
    "a built-in token": "full-access",
    "with other characters": f"{HEAD}.{BODY}.{SIGNATURE}!!!!",
    "with padding": f"{HEAD}.{BODY}.{SIGNATURE}=",
    "no text": "....",
    "a deep head": base64.urlsafe_b64encode(b"[" * 90_000).decode() + f".{BODY}.{SIGNATURE}",
    "a huge number in its head": base64.urlsafe_b64encode(b'{"alg":' + b"9" * 5000 + b"}").decode() + f".{BODY}.x",
    "no head of JSON": f"e30.{BODY}.{SIGNATURE}",
    "another body": f"{HEAD}.e30.{SIGNATURE}",
    "without sub": encode_jwt(sub=...),
    "without role": encode_jwt(role=...),
    "without exp": encode_jwt(exp=...),
    "unknown role": encode_jwt(role="root"),
    "role of another type": encode_jwt(role=["full-access"]),
    "exp of another type": encode_jwt(exp="tomorrow"),
    "exp that is true": encode_jwt(exp=True),
    "exp null": encode_jwt(exp=None),
    "exp without end": encode_jwt(exp=1e999),
    "exp beyond numbers": encode_jwt(exp=10**400),
    "exp no number": encode_jwt(exp=float("nan")),
    "sub of another type": encode_jwt(sub=1),
}


@pytest.mark.parametrize("token", BAD_JWTS.values(), ids=BAD_JWTS)
def test_invalid_jwt_is_refused(token: str) -> None:
    with pytest.raises(AuthenticationFailed) as caught:
        authenticate(f"Bearer {token}", "Bearer", build_world())
    assert (caught.value.detail, caught.value.headers) == ("Invalid token.", {"WWW-Authenticate": "Bearer"})


@pytest.mark.parametrize(
    "changes", [{"exp": START.timestamp() + 0.5}, {"aud": "x"}, {"nbf": 2**40}, {"iat": "x"}], ids=str
)
def test_jwt_may_have_other_claims_and_fractional_times(changes: dict[str, Any]) -> None:
    assert authenticate(f"Bearer {encode_jwt(**changes)}", "Bearer", build_world()) == CREDENTIALS["full-access"]


def test_subject_of_a_jwt_is_the_user() -> None:
    found = authenticate(f"Bearer {encode_jwt(sub='somebody', role='read-only')}", "Bearer", build_world())
    assert found == CREDENTIALS["read-only"]._replace(username="somebody")


def test_jwt_expires_by_the_clock_of_the_world() -> None:
    world = build_world()
    assert authenticate(f"Bearer {VALID_JWT}", "Bearer", world) is not None
    advance_clock(world, by=timedelta(seconds=59))
    assert authenticate(f"Bearer {VALID_JWT}", "Bearer", world) is not None
    advance_clock(world, by=timedelta(seconds=1))
    with pytest.raises(AuthenticationFailed) as caught:
        authenticate(f"Bearer {VALID_JWT}", "Bearer", world)
    assert (caught.value.detail, caught.value.headers) == ("Token has expired.", {"WWW-Authenticate": "Bearer"})


@pytest.mark.parametrize("path", ["/api/v1/auth/login/", "/api/i1/auth/login/"])
@pytest.mark.parametrize(("user", "token"), PASSWORDS.items(), ids=str)
def test_login_returns_the_token_of_the_user(user: tuple[str, str], token: str, path: str, shared: Emulator) -> None:
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
def test_invalid_login_is_refused(body: dict[str, str], shared: Emulator) -> None:
    answer = shared.session().post("/api/v1/auth/login/", json=body)
    assert answer.status_code == 400
    assert answer.json() == {"non_field_errors": ["Unable to log in with provided credentials."]}
