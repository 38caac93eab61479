"""Judges every answer that leaves the emulator in this process, whichever test asked for it, and over which way.

An answer is judged by its row of the route table: its status must be one that the row lists or one of the
protocol's, its body must fit the schema of that status, its headers must be true. A wrong one fails the call in
process, and fails its test in any case, also when a server's thread gave it. A 500 is wrong in every test that does
not ask for `bugs_expected`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from typing import Any, NamedTuple

import orjson
import pytest
from prometheus_client.parser import text_string_to_metric_families

from emulator.api.routes import ROUTES, Route
from emulator.web.app import CONTROL_PATH, EmulatorApp, split_world
from emulator.web.context import Router, decode_path, path_bytes
from emulator.web.dispatch import BAD_REQUEST, NOT_FOUND
from tests.support.answers import check_body

JSON = "application/json"
NO_WORLD = "(no such world)"
"""In place of a style, where a request names a world that is not there."""
PAGES = (f"{CONTROL_PATH}/docs", f"{CONTROL_PATH}/ui")
"""Where the control API serves pages for people."""
METRICS = f"{CONTROL_PATH}/metrics"
FRAMEWORK_STATUSES = frozenset((400, 401, 403, 404, 405, 406, 415, 429, 500))
"""What any operation may answer, in the framework's words."""
ROUTER = Router(ROUTES)
EXCERPT = 200

problems: list[str] = []
"""What was wrong with answers since the present test began."""
valid_bodies: set[tuple[str, int, int]] = set()
"""Schema, length and hash of bodies that keep to it: tests get the same ones thousands of times."""
expected_bugs: set[int] = set()
"""Statuses that are bugs of ours, and that the present test provokes."""


class SentResponse(NamedTuple):
    """One request, and what left the emulator for it."""

    method: str
    path: str
    status: int
    headers: list[tuple[str, str]]
    body: bytes
    style: str = "documented"
    """How the world words validation errors."""

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


def wrap_application(call_app: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    """Wrap the application so that each response is judged before it is returned."""

    @wraps(call_app)
    def call(self: EmulatorApp, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        statuses: list[int] = []
        sent: list[tuple[str, str]] = []

        def note(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            statuses.append(int(status[:3]))
            sent[:] = headers
            return start_response(status, headers, *rest)

        body = b"".join(call_app(self, environ, note))
        decoded = decode_path(path_bytes(environ))
        name, _, path = split_world(decoded, environ)
        style = NO_WORLD if name not in self.worlds else self.worlds.get(name, using=False).settings.error_style
        check_and_record(SentResponse(environ["REQUEST_METHOD"].upper(), path, statuses[-1], sent, body, style))
        return [body] if body else []

    return call


def check_and_record(exchanged: SentResponse) -> None:
    """Raise an AssertionError for a wrong answer, and remember it for the test that is running."""
    try:
        check_response(exchanged)
    except AssertionError as error:
        told = f"{exchanged.method} {exchanged.path} -> {exchanged.status}: {error}"
        problems.append(told)
        raise AssertionError(told) from None


def check_response(exchanged: SentResponse) -> None:
    if exchanged.header("X-Emulator-Fault"):
        return  # wrong on purpose
    check_headers(exchanged)
    if exchanged.path == CONTROL_PATH or exchanged.path.startswith(CONTROL_PATH + "/"):
        check_control(exchanged)
        return
    if exchanged.header("Access-Control-Allow-Methods") is not None:
        check_preflight(exchanged)
        return
    assert exchanged.header("X-Emulator-Request-Id"), "no X-Emulator-Request-Id"
    if exchanged.style == NO_WORLD:
        assert exchanged.status == 404, "no such world"
        assert exchanged.header("X-Emulator-Hint"), "a 404 that does not say which world"
        return
    match = ROUTER.match(exchanged.path)
    if is_bad_request(exchanged):
        assert exchanged.status == 400, "the page of a 400"
    elif match is None:
        check_unresolved(exchanged)
    else:
        assert exchanged.header("Allow") == match.resource.allow, "Allow is not what the route table says"
        check_resolved(exchanged, match.resource.route(exchanged.method))


def check_preflight(exchanged: SentResponse) -> None:
    """A browser's question is answered before any operation is reached."""
    assert (exchanged.method, exchanged.status, exchanged.body) == ("OPTIONS", 200, b"")


def is_bad_request(exchanged: SentResponse) -> bool:
    """Tell whether this is Django's page for what no view shall see, or the headers of it."""
    unseen = exchanged.method == "HEAD" and exchanged.status == 400
    return exchanged.body == BAD_REQUEST or (unseen and exchanged.header("Content-Length") == str(len(BAD_REQUEST)))


def check_headers(exchanged: SentResponse) -> None:
    """Every header comes once, and the length is that of the body."""
    names = Counter(name.lower() for name, _ in exchanged.headers)
    assert max(names.values(), default=1) == 1, f"a header comes twice: {names}"
    length = exchanged.header("Content-Length")
    bodiless = exchanged.method == "HEAD" or exchanged.status in (204, 304)
    if bodiless:
        assert exchanged.body == b"", f"a body: {exchanged.body[:EXCERPT]!r}"
        assert (length or "0").isdigit(), f"Content-Length {length}"
    else:
        assert length == str(len(exchanged.body)), f"Content-Length {length} of {len(exchanged.body)} bytes"
    if exchanged.status == 204:
        assert exchanged.header("Content-Type") is None, "a 204 has no Content-Type"


def check_control(exchanged: SentResponse) -> None:
    """The control API speaks JSON, but for its pages; its errors are one line."""
    if exchanged.body == b"" or (exchanged.path.startswith(PAGES) and exchanged.status < 400):
        return
    if exchanged.path == METRICS and exchanged.status == 200:
        assert exchanged.header("Content-Type") == "text/plain; version=0.0.4; charset=utf-8"
        assert list(text_string_to_metric_families(exchanged.body.decode())), "no metrics"
        return
    assert exchanged.header("Content-Type") == JSON, "the control API answers JSON"
    document = json.loads(
        exchanged.body
    )  # an export holds whatever clients sent: numbers of any size, halves of pairs
    if exchanged.status >= 400:
        assert set(document) <= {"error", "known"}, f"an error of the control API has no {set(document)}"
        assert "\n" not in document["error"]


def check_unresolved(exchanged: SentResponse) -> None:
    """Where no URL matches there is Django's page, or the way to the path with its slash."""
    if exchanged.status == 301:
        assert exchanged.header("Location"), "a 301 without Location"
        assert exchanged.body == b""
    else:
        assert exchanged.status == 404, "no operation is there"
        assert exchanged.body == NOT_FOUND or exchanged.method == "HEAD"


def check_resolved(exchanged: SentResponse, route: Route | None) -> None:
    """A row's own status has the row's schema; the protocol's have the framework's form."""
    status, kind = exchanged.status, exchanged.header("Content-Type")
    own = {} if route is None else route.responses
    described = exchanged.method == "OPTIONS" and status == 200
    assert status in own or status in FRAMEWORK_STATUSES or described, f"no such status in the row: {sorted(own)}"
    assert status < 500 or status in expected_bugs, "a bug of ours"
    if status == 204 or exchanged.method == "HEAD" or described:
        return
    if status in own and own[status] is None:
        assert kind != JSON, "the row says that this is no JSON"
        return
    assert kind == JSON, f"Content-Type {kind}"
    schema = own.get(status)
    if status == 400 and schema is not None:
        schema = {"plain": "field-errors", "wrapped": "command-error"}.get(exchanged.style, schema)
    check_schema(exchanged.body, [schema], status)


def check_schema(body: bytes, schemas: list[str | None], status: int) -> None:
    """A refusal may always be the framework's plain `detail`; all else is the row's."""
    candidates = [name for name in schemas if name is not None]
    if status in FRAMEWORK_STATUSES and orjson.loads(body).keys() == {"detail"}:
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
    """Check every response of this process from its first one on."""
    PATCH.setattr(EmulatorApp, "__call__", wrap_application(EmulatorApp.__call__))


def pytest_unconfigure() -> None:
    PATCH.undo()


@pytest.fixture(autouse=True)
def no_wrong_answer() -> Iterator[None]:
    """Fail a test during which a wrong answer left the emulator."""
    problems.clear()
    yield
    found = list(problems)
    problems.clear()
    expected_bugs.clear()
    if found:
        pytest.fail("wrong answers left the emulator:\n" + "\n".join(found))


@pytest.fixture
def bugs_expected() -> None:
    """Let the answers of this test be 500: it provokes them."""
    expected_bugs.add(500)
