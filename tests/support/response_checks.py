"""A pytest plugin that checks every response of the emulator in this process, over every transport.

The route of a request lists its statuses and their schemas. The status must be in this list or be one of the
framework's, the body must match the schema, and the headers must be correct. A wrong response raises an error in
process. It also fails the test, even if a thread of a server sent it. A 500 is wrong unless the test uses the fixture
`bugs_expected`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from typing import Any, NamedTuple

import pytest
from prometheus_client.parser import text_string_to_metric_families

from emulator.api.routes import ROUTES, Route
from emulator.core.json_text import load_json
from emulator.web.app import CONTROL_PATH, INSPECTOR_PATH, EmulatorApp, split_world
from emulator.web.context import Router, decode_path, path_bytes
from emulator.web.dispatch import BAD_REQUEST, NOT_FOUND
from tests.support.answers import check_body

JSON = "application/json"
NO_WORLD = "(no such world)"
"""Error style of a request to an unknown world."""
PAGES = (f"{CONTROL_PATH}/docs", f"{CONTROL_PATH}/ui")
"""Paths of the HTML pages of the control API."""
METRICS = f"{CONTROL_PATH}/metrics"
EVENTS = "/__admin/events"
FRAMEWORK_STATUSES = frozenset((400, 401, 403, 404, 405, 406, 415, 429, 500))
"""Statuses that any operation can have, with a body of the framework."""
ROUTER = Router(ROUTES)
EXCERPT = 200

problems: list[str] = []
"""Findings about responses of the current test."""
valid_bodies: set[tuple[str, int, int]] = set()
"""Schema, length and hash of bodies that match. Tests get the same bodies thousands of times."""
expected_bugs: set[int] = set()
"""Statuses of bugs that the current test provokes."""


class SentResponse(NamedTuple):
    """A response that the emulator sent, and its request."""

    method: str
    path: str
    status: int
    headers: list[tuple[str, str]]
    body: bytes
    style: str = "documented"
    """The error style of the world."""

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


def wrap_application(call_app: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    """Wrap the application so that each response is checked before it is returned."""

    @wraps(call_app)
    def call(self: EmulatorApp, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        statuses: list[int] = []
        sent: list[tuple[str, str]] = []

        def record(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            statuses.append(int(status[:3]))
            sent[:] = headers
            return start_response(status, headers, *rest)

        body = b"".join(call_app(self, environ, record))
        decoded = decode_path(path_bytes(environ))
        name, _, path = split_world(decoded, environ)
        style = (
            NO_WORLD if name not in self.worlds else self.worlds.get(name, using=False).settings.source.error_style
        )
        check_and_record(SentResponse(environ["REQUEST_METHOD"].upper(), path, statuses[-1], sent, body, style))
        return [body] if body else []

    return call


def check_and_record(response: SentResponse) -> None:
    """Raise an AssertionError for a wrong response, and record it for the current test."""
    try:
        check_response(response)
    except AssertionError as error:
        message = f"{response.method} {response.path} -> {response.status}: {error}"
        problems.append(message)
        raise AssertionError(message) from None


def check_response(response: SentResponse) -> None:
    if response.header("X-Emulator-Fault") or response.header("X-Emulator-Mutation"):
        return  # it is wrong on purpose
    check_headers(response)
    if response.status == 302 and str(response.header("Location")).endswith(INSPECTOR_PATH):
        return
    if response.path == CONTROL_PATH or response.path.startswith(CONTROL_PATH + "/"):
        check_control(response)
        return
    if response.header("Access-Control-Allow-Methods") is not None:
        check_preflight(response)
        return
    assert response.header("X-Emulator-Request-Id"), "no X-Emulator-Request-Id"
    if response.style == NO_WORLD:
        assert response.status == 404, "an unknown world requires status 404"
        assert response.header("X-Emulator-Hint"), "the hint about the world is missing"
        return
    match = ROUTER.match(response.path)
    if is_bad_request(response):
        assert response.status == 400, "the page requires status 400"
    elif match is None:
        check_unresolved(response)
    else:
        assert response.header("Allow") == match.resource.allow, "Allow differs from the routes"
        check_resolved(response, match.resource.route(response.method))


def check_preflight(response: SentResponse) -> None:
    """Check a preflight response. It does not depend on the operation."""
    assert (response.method, response.status, response.body) == ("OPTIONS", 200, b"")


def is_bad_request(response: SentResponse) -> bool:
    """Return whether this is Django's page for a bad request, or its headers."""
    unseen = response.method == "HEAD" and response.status == 400
    return response.body == BAD_REQUEST or (unseen and response.header("Content-Length") == str(len(BAD_REQUEST)))


def check_headers(response: SentResponse) -> None:
    """Check that no header is repeated and that the length is that of the body."""
    names = Counter(name.lower() for name, _ in response.headers)
    assert max(names.values(), default=1) == 1, f"a header is repeated: {names}"
    length = response.header("Content-Length")
    bodiless = response.method == "HEAD" or response.status in (204, 304)
    if bodiless:
        assert response.body == b"", f"a body: {response.body[:EXCERPT]!r}"
        assert (length or "0").isdigit(), f"Content-Length {length}"
    else:
        assert length == str(len(response.body)), f"Content-Length {length} of {len(response.body)} bytes"
    if response.status == 204:
        assert response.header("Content-Type") is None, "a 204 has no Content-Type"


def check_control(response: SentResponse) -> None:
    """Check a response of the control API: JSON except for pages, metrics and events, and one-line errors."""
    if response.body == b"" or (response.path.startswith(PAGES) and response.status < 400):
        return
    if response.path == METRICS and response.status == 200:
        assert response.header("Content-Type") == "text/plain; version=0.0.4; charset=utf-8"
        assert list(text_string_to_metric_families(response.body.decode())), "no metrics"
        return
    if response.path == EVENTS and response.status == 200:
        assert response.header("Content-Type") == "text/event-stream"
        return
    assert response.header("Content-Type") == JSON, "the control API answers JSON"
    document = json.loads(
        response.body
    )  # an export holds whatever clients sent: numbers of any size, halves of pairs
    if response.status >= 400:
        assert set(document) <= {"error", "known"}, f"an error of the control API has no {set(document)}"
        assert "\n" not in document["error"]


def check_unresolved(response: SentResponse) -> None:
    """Check the response to a path without a route: Django's page, or a redirect to the path with a slash."""
    if response.status == 301:
        assert response.header("Location"), "a 301 without Location"
        assert response.body == b""
    else:
        assert response.status == 404, "no operation is there"
        assert response.body == NOT_FOUND or response.method == "HEAD"


def check_resolved(response: SentResponse, route: Route | None) -> None:
    """Check the status and the body by the route, or by the framework's form of errors."""
    status, kind = response.status, response.header("Content-Type")
    own = {} if route is None else route.responses
    described = response.method == "OPTIONS" and status == 200
    assert status in own or status in FRAMEWORK_STATUSES or described, f"the route has no such status: {sorted(own)}"
    assert status < 500 or status in expected_bugs, "a bug of the emulator"
    if status == 204 or response.method == "HEAD" or described:
        return
    if status in own and own[status] is None:
        assert kind != JSON, "the route has no JSON response with this status"
        return
    assert kind == JSON, f"Content-Type {kind}"
    if status == 500 and str(response.header("X-Emulator-Hint")).startswith("invalid response"):
        return  # it is in place of a response that violates its schema, and has no schema
    schema = own.get(status)
    if status == 400 and schema is not None:
        schema = {"plain": "field-errors", "wrapped": "command-error"}.get(response.style, schema)
    check_schema(response.body, [schema], status)


def check_schema(body: bytes, schemas: list[str | None], status: int) -> None:
    """Check a body by its schema. An error can always be the framework's plain `detail`."""
    candidates = [name for name in schemas if name is not None]
    if status in FRAMEWORK_STATUSES and load_json(body).keys() == {"detail"}:
        candidates = ["error"]
    assert candidates, f"{status} has no schema: {body[:EXCERPT]!r}"
    known = candidates[0], len(body), hash(body)
    if known not in valid_bodies:
        check_body(candidates[0], body)
        valid_bodies.add(known)


# The check replaces a method of the class. A WSGI middleware would have to be added to each application, but tests
# build emulators in hundreds of places, and the emulator builds further applications (sessions, servers). A fixture
# would start too late: fixtures of the session and of modules call the emulator before those of a test.
PATCH = pytest.MonkeyPatch()


def pytest_configure() -> None:
    """Check every response of this process from now on."""
    PATCH.setattr(EmulatorApp, "serve", wrap_application(EmulatorApp.serve))


def pytest_unconfigure() -> None:
    PATCH.undo()


@pytest.fixture(autouse=True)
def no_wrong_answer() -> Iterator[None]:
    """Fail a test if the emulator sent a wrong response."""
    problems.clear()
    yield
    messages = list(problems)
    problems.clear()
    expected_bugs.clear()
    if messages:
        pytest.fail("the emulator sent wrong responses:\n" + "\n".join(messages))


@pytest.fixture
def bugs_expected() -> None:
    """Allow responses with status 500, because the test provokes them."""
    expected_bugs.add(500)
