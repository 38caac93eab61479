"""Pages of other origins can use the emulated API, but not the control API."""

from __future__ import annotations

from typing import Any

import pytest

from emulator import Emulator
from emulator.api.openapi.operations import openapi_path
from emulator.api.routes import ROUTES, Route
from emulator.web import cors, dispatch

PAGE, OTHER = "http://shop.test:3000", "https://other.test"
PREFLIGHT_HEADERS = {
    "Origin": PAGE,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization",
}
PACKAGES = "/api/v1/oms/packages/"
TOKEN = {"Authorization": "Token full-access"}


@pytest.fixture(scope="module")
def oms() -> Emulator:
    return Emulator("demo")


@pytest.fixture(scope="module")
def restricted_oms() -> Emulator:
    return Emulator("empty", cors_origins=[PAGE.upper().replace("HTTP", "http"), "null"])


def call(emulator: Emulator, method: str, path: str, **headers: str) -> Any:
    return emulator.app.test_client().open(path, method=method, headers=headers)


def with_origin(emulator: Emulator, path: str, origin: str = PAGE, method: str = "GET", **headers: str) -> Any:
    return call(emulator, method, path, Origin=origin, **headers)


def cors_headers(answer: Any) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.startswith("Access-Control-")}


def header_names(header: str) -> set[str]:
    return {name.strip().lower() for name in header.split(",")}


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_operation_accepts_a_preflight(route: Route, oms: Emulator) -> None:
    """A preflight needs no credentials. The response allows the Authorization header."""
    path = openapi_path(route).replace("{path}", "a.jpg").format(pk=1, log_id=1, webhook_event_id=1)
    answer = call(oms, "OPTIONS", path, **PREFLIGHT_HEADERS | {"Access-Control-Request-Method": route.method})
    assert (answer.status_code, answer.data) == (200, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert route.method.lower() in header_names(answer.headers["Access-Control-Allow-Methods"])
    assert {"authorization", "content-type"} <= header_names(answer.headers["Access-Control-Allow-Headers"])
    assert answer.headers["Access-Control-Max-Age"] == "86400"


@pytest.mark.parametrize("lacking", ["Origin", "Access-Control-Request-Method"])
def test_other_options_requests_need_credentials(lacking: str, oms: Emulator) -> None:
    """Only a complete preflight is answered without credentials."""
    headers = {name: value for name, value in PREFLIGHT_HEADERS.items() if name != lacking}
    assert call(oms, "OPTIONS", PACKAGES, **headers).status_code == 401


def failing_handler(*_: Any) -> Any:
    raise RuntimeError("on purpose")


REFUSALS = [
    (401, PACKAGES, {}),
    (404, f"{PACKAGES}0/", TOKEN),
    (404, "/nowhere/", {}),
    (301, PACKAGES[:-1], {}),
    (406, PACKAGES, TOKEN | {"Accept": "text/html"}),
    (400, PACKAGES, {"Host": "!"}),
]


@pytest.mark.parametrize(("status", "path", "headers"), REFUSALS, ids=[f"{row[0]} {row[1]}" for row in REFUSALS])
def test_pages_can_read_error_responses(status: int, path: str, headers: dict[str, str], oms: Emulator) -> None:
    """The page can read the response and its hint."""
    answer = with_origin(oms, path, **headers)
    assert answer.status_code == status
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    exposed = header_names(answer.headers["Access-Control-Expose-Headers"])
    assert {"x-emulator-hint", "x-emulator-request-id", "allow", "retry-after"} <= exposed


@pytest.mark.usefixtures("bugs_expected")
def test_pages_can_read_a_server_error(oms: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug of the emulator is a 500 for the page, not a network error."""
    monkeypatch.setattr(dispatch, "build_call", failing_handler)
    answer = with_origin(oms, PACKAGES, **TOKEN)
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (500, "*")


def test_every_emulator_header_is_exposed(oms: Emulator) -> None:
    """A page can read each X-Emulator header that the code sends."""
    package = oms.session().get(PACKAGES).json()["results"][0]["id"]
    answer = oms.session().post(f"{PACKAGES}{package}/command/", json={"slug": "x", "input_parameters": {}})
    ours = {name.lower() for name in answer.headers if name.lower().startswith("x-emulator-")}
    assert "x-emulator-hint" in ours
    assert ours <= header_names(cors.EXPOSED)


def test_response_without_an_origin_has_no_cors_headers(oms: Emulator) -> None:
    answer = call(oms, "GET", PACKAGES, **TOKEN)
    assert cors_headers(answer) == {}
    assert "Vary" not in answer.headers


@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
@pytest.mark.parametrize("path", ["/__admin/health", "/__admin/nowhere"])
def test_control_api_sends_no_cors_headers(method: str, path: str, oms: Emulator) -> None:
    answer = call(oms, method, path, **PREFLIGHT_HEADERS)
    assert answer.status_code in (403, 404)
    assert cors_headers(answer) == {}


@pytest.mark.parametrize("origin", [PAGE, "null"])
def test_allowed_origin_can_read_the_response(origin: str, restricted_oms: Emulator) -> None:
    """The response names the origin, and `Vary` names the header that it depends on."""
    for answer in (
        with_origin(restricted_oms, PACKAGES, origin),
        call(restricted_oms, "OPTIONS", PACKAGES, **PREFLIGHT_HEADERS | {"Origin": origin}),
    ):
        assert answer.headers["Access-Control-Allow-Origin"] == origin
        assert answer.headers["Access-Control-Allow-Credentials"] == "true"
        assert answer.headers["Vary"] == "Origin"


@pytest.mark.parametrize("origin", [OTHER, PAGE + "0", "https://shop.test:3000", "http://a.shop.test:3000", ""])
def test_other_origins_cannot_read_the_response(origin: str, restricted_oms: Emulator) -> None:
    """Without the header the browser hides the response from the page."""
    for answer in (
        with_origin(restricted_oms, PACKAGES, origin),
        call(restricted_oms, "OPTIONS", PACKAGES, **PREFLIGHT_HEADERS | {"Origin": origin}),
    ):
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert "Access-Control-Allow-Credentials" not in answer.headers
        assert answer.headers["Vary"] == "Origin"


def test_vary_header_is_sent_without_an_origin(restricted_oms: Emulator) -> None:
    """A cache must not serve this response to a page of another origin."""
    answer = call(restricted_oms, "GET", PACKAGES, **TOKEN)
    assert (answer.headers["Vary"], cors_headers(answer)) == ("Origin", {})


@pytest.mark.medium
def test_star_allows_all_origins() -> None:
    assert (
        with_origin(Emulator("empty", cors_origins=[OTHER, "*"]), PACKAGES).headers["Access-Control-Allow-Origin"]
        == "*"
    )


@pytest.mark.parametrize(
    "wrong", ["shop.test", "http://shop.test/", "ftp://shop.test", "http://", "", "http://a b/c"]
)
def test_invalid_origin_is_refused(wrong: str) -> None:
    """The error at the start describes a valid origin."""
    with pytest.raises(ValueError, match="is not an origin; an origin is http:// or https://"):
        Emulator("empty", cors_origins=[wrong])


def test_only_given_origins_restrict_cors() -> None:
    assert not cors.Cors().is_restricted
    assert not cors.Cors([PAGE, "*"]).is_restricted
    assert cors.Cors([PAGE]).is_restricted


@pytest.mark.medium
def test_credentials_are_an_option_for_all_origins() -> None:
    """Browsers do not accept `*` with credentials."""
    oms = Emulator("empty", cors_credentials=True)
    for answer in (with_origin(oms, PACKAGES, OTHER), call(oms, "OPTIONS", PACKAGES, **PREFLIGHT_HEADERS)):
        assert answer.headers["Access-Control-Allow-Origin"] in (OTHER, PAGE)
        assert (answer.headers["Access-Control-Allow-Credentials"], answer.headers["Vary"]) == ("true", "Origin")
    assert call(oms, "GET", PACKAGES, **TOKEN).headers["Vary"] == "Origin"


REFUSED_PREFLIGHTS = {
    "header": (
        PREFLIGHT_HEADERS | {"Access-Control-Request-Headers": "authorization, Sentry-Trace,baggage"},
        "; ".join(
            f"the request header {name} is not allowed: --cors-header {name}" for name in ("sentry-trace", "baggage")
        ),
    ),
    "method": (PREFLIGHT_HEADERS | {"Access-Control-Request-Method": "LINK"}, "the method LINK is not allowed"),
    "origin": (
        PREFLIGHT_HEADERS | {"Origin": OTHER},
        f"the origin {OTHER} is not allowed: --cors-origin {OTHER}",
    ),
}


@pytest.mark.medium
@pytest.mark.parametrize("is_handed_out", [False, True], ids=["short way", "through Flask"])
@pytest.mark.parametrize(("headers", "reason"), REFUSED_PREFLIGHTS.values(), ids=REFUSED_PREFLIGHTS)
def test_a_refused_preflight_is_explained_in_the_journal(
    headers: dict[str, str], reason: str, is_handed_out: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """And in the access log. A preflight without a refusal is in neither."""
    oms = Emulator("empty", cors_origins=[PAGE])
    if is_handed_out:
        oms.app.before_request(lambda: None)
    with caplog.at_level("INFO", "emulator.access"):
        answer = call(oms, "OPTIONS", PACKAGES, **headers)
        call(oms, "OPTIONS", PACKAGES, **PREFLIGHT_HEADERS)
    (recorded,) = oms.requests
    assert answer.status_code == 200
    assert (recorded.hint, recorded.id, recorded.method) == (
        reason,
        answer.headers["X-Emulator-Request-Id"],
        "OPTIONS",
    )
    assert [message.partition("; hint: ")[2] for message in caplog.messages] == [reason, ""]


@pytest.mark.medium
def test_more_request_headers_can_be_allowed() -> None:
    oms = Emulator("empty", cors_headers=["Sentry-Trace", "baggage"])
    answer = call(oms, "OPTIONS", PACKAGES, **REFUSED_PREFLIGHTS["header"][0])
    assert {"sentry-trace", "baggage", "authorization"} <= header_names(
        answer.headers["Access-Control-Allow-Headers"]
    )
    assert "X-Emulator-Hint" not in answer.headers
    assert len(oms.requests) == 0
    with pytest.raises(ValueError, match="'a b' is not the name of a header"):
        Emulator("empty", cors_headers=["a b"])


@pytest.mark.medium
def test_a_refused_preflight_of_an_unknown_world_is_explained() -> None:
    answer = call(Emulator("empty"), "OPTIONS", f"/w/nowhere{PACKAGES}", **REFUSED_PREFLIGHTS["method"][0])
    assert (answer.status_code, answer.headers["X-Emulator-Hint"]) == (200, "the method LINK is not allowed")
