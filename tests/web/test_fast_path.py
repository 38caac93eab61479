"""The fast path gives the same bytes and records the same as the dispatcher, and ends when anything changes."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Iterator
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import pytest
from werkzeug.test import Client, create_environ

from emulator import Emulator
from emulator.core.call import Reply
from emulator.core.records import Package
from emulator.web import dispatch
from emulator.web.fast_path import KEY_VARIABLES, FastPath
from tests.transports.conditions import HttpRequest
from tests.transports.corpus import edge_case_requests, route_requests

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

LIST = "/api/v1/oms/packages/"
AUTH = {"Authorization": "Token full-access"}
UNREAD = {"wsgi.input", "SERVER_NAME", "SERVER_PORT"}
"""Variables that a response to a GET with a Host header does not depend on."""


class Fetched(NamedTuple):
    """The status, the headers and the body of a response, and whether the fast path gave it."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes
    is_fast: bool

    @property
    def bytes_(self) -> tuple[str, list[tuple[str, str]], bytes]:
        return self.status, [pair for pair in self.headers if pair[0] != "X-Emulator-Request-Id"], self.body


class ReadEnviron(dict[str, Any]):
    """A WSGI environment that records which variables are read."""

    def __init__(self, environ: dict[str, Any]) -> None:
        super().__init__(environ)
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.read.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.read.add(name)
        return super().get(name, default)

    def __contains__(self, name: object) -> bool:
        self.read.add(str(name))
        return super().__contains__(name)


def environ_of(path: str = LIST, method: str = "GET", body: bytes = b"", **headers: str) -> dict[str, Any]:
    named = AUTH | {name.replace("_", "-"): value for name, value in headers.items()}
    environ = create_environ(path, "http://oms.test", method=method, headers=named, input_stream=BytesIO(body))
    environ["CONTENT_LENGTH"] = str(len(body)) if body else environ.pop("CONTENT_LENGTH", "0")
    return {name: value for name, value in environ.items() if (name, value) != ("CONTENT_LENGTH", "0")}


def fetch(oms: Emulator, environ: dict[str, Any]) -> Fetched:
    started: list[Any] = []
    app = oms._emulator_app
    start = cast("StartResponse", lambda *start: started.append(start))
    is_read = environ["REQUEST_METHOD"] == "GET"
    fast = app.fast_path.serve(dict(environ), start) if is_read else None
    chunks = app(environ, start) if fast is None else fast
    [(status, headers)] = started
    return Fetched(status, headers, b"".join(chunks), fast is not None)


@pytest.fixture
def oms() -> Emulator:
    return Emulator("demo", packages=20, allow_fault_header=True)


def package_path(oms: Emulator) -> str:
    return f"{LIST}{oms.world.records.ids(Package)[0]}/"


def test_second_answer_is_fast_and_has_the_same_bytes(oms: Emulator) -> None:
    for path in (LIST, package_path(oms), f"{LIST}?limit=2&nothing=1", f"/w/default{LIST}"):
        first, second, third = [fetch(oms, environ_of(path)) for _ in range(3)]
        assert (first.is_fast, second.is_fast, third.is_fast) == (False, True, True), path
        assert first.bytes_ == second.bytes_ == third.bytes_
        assert len({dict(each.headers)["X-Emulator-Request-Id"] for each in (first, second, third)}) == 3


def test_access_log_has_each_repeated_read(oms: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "emulator.access"):
        for _ in range(3):
            oms._emulator_app(environ_of(), lambda *_: None)
    assert [f"GET {LIST}" in line for line in caplog.messages] == [True] * 3


def test_everything_that_the_dispatcher_records_is_recorded(oms: Emulator) -> None:
    """Each journal entry has the headers of the request itself."""
    for number in range(3):
        fetch(oms, environ_of(f"/w/default{LIST}?limit=2", X_Number=str(number)))
    newest = list(oms.world.journal.newest_first())
    assert [exchange.request_headers["HTTP_X_NUMBER"] for exchange in newest] == ["2", "1", "0"]
    plain = [
        exchange._replace(
            id="", at=None, seconds=0, duration=0, request_headers={**exchange.request_headers, "HTTP_X_NUMBER": ""}
        )
        for exchange in newest
    ]
    assert plain[0] == plain[1] == plain[2]
    assert oms.world.coverage.counts()["operations"] == {"list_packages": 3}
    assert oms.world.coverage.counts()["filters"] == {}
    assert oms.worlds.metrics.requests() == {("list_packages", 200): 3}


def test_filters_are_covered_each_time(oms: Emulator) -> None:
    for _ in range(3):
        fetch(oms, environ_of(f"{LIST}?state=35"))
    assert oms.world.coverage.counts()["filters"] == {"package.state": 3}


CHANGES: dict[str, Callable[[Emulator], object]] = {
    "a write": lambda oms: oms.package(),
    "a reset": lambda oms: oms.reset(),
    "a restore": lambda oms: (oms.snapshot("s"), oms.package(), oms.restore("s"), oms.package()),
    "an armed fault": lambda oms: oms.faults.add("get_package", "delay", seconds=0),
    "strict mode": lambda oms: setattr(oms.world, "strict", True),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_change_of_the_world_ends_the_fast_path(oms: Emulator, change: Callable[[Emulator], object]) -> None:
    fetch(oms, environ_of())
    assert fetch(oms, environ_of()).is_fast
    change(oms)
    assert not fetch(oms, environ_of()).is_fast


def test_world_of_another_server_has_its_own_records(oms: Emulator) -> None:
    """Both worlds start from the same records, and the other one has the name of this server's default world."""
    other = Emulator("demo", packages=20)
    assert other.world.records is oms.world.records
    oms.worlds.mount("mounted", other.worlds.slot("default"))
    assert [fetch(oms, environ_of(f"/w/mounted{LIST}")).is_fast for _ in range(3)] == [False, True, True]
    assert (len(other.requests), len(oms.requests)) == (3, 0)


@pytest.mark.medium
def test_another_world_of_a_name_gives_its_own_answer(oms: Emulator) -> None:
    """The coverage of the second server knows which states its world has."""
    others = [Emulator("demo", packages=20) for _ in range(2)]
    for other in others:
        oms.worlds.unmount("mounted")
        oms.worlds.mount("mounted", other.worlds.slot("default"))
        assert [fetch(oms, environ_of(f"/w/mounted{LIST}")).is_fast for _ in range(2)] == [False, True]
    assert others[0].world.coverage.bases == others[1].world.coverage.bases != {}


@pytest.mark.medium
def test_answer_is_not_kept_if_a_write_came_between(oms: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer shows the write, and a restore brings back the records from before it."""
    oms.snapshot("before")
    call_handler = dispatch.call_handler

    def write_first(*args: Any) -> Reply:
        oms.package()
        return call_handler(*args)

    with monkeypatch.context() as patch:
        patch.setattr(dispatch, "call_handler", write_first)
        assert b'"count":21' in fetch(oms, environ_of()).body
    oms.restore("before")
    assert b'"count":20' in fetch(oms, environ_of()).body


def test_undo_shows_the_state_before(oms: Emulator) -> None:
    before = fetch(oms, environ_of()).bytes_
    oms.package()
    changed = fetch(oms, environ_of()).bytes_
    oms.undo()
    assert fetch(oms, environ_of()).bytes_ == before != changed


def test_deleted_or_replaced_world_is_not_answered_from_before(oms: Emulator) -> None:
    oms.in_world("other", "demo")
    ask = partial(fetch, oms, environ_of(f"/w/other{LIST}"))
    assert [ask().is_fast for _ in range(2)] == [False, True]
    oms.worlds.delete("other")
    assert ask().status == "404 Not Found"
    oms.in_world("other", "empty")
    assert b'"count":0' in ask().body


OTHER_REQUESTS: dict[str, dict[str, Any]] = {
    "another token": {"Authorization": "Token read-only"},
    "no token": {"Authorization": ""},
    "another host": {"Host": "other.test"},
    "indentation": {"Accept": "application/json; indent=2"},
    "another language": {"Accept_Language": "tr"},
    "another world": {"X_Emulator_World": "nowhere"},
    "a page of another origin": {"Origin": "http://shop.test"},
    "the inspector": {"Referer": "http://oms.test/__admin/ui/"},
    "a fault": {"X_Emulator_Fault": "503"},
    "a content type": {"Content_Type": "application/json; charset=latin-1"},
    "a body": {"body": b"{}"},
    "HEAD": {"method": "HEAD"},
    "OPTIONS": {"method": "OPTIONS"},
    "POST": {"method": "POST"},
}


@pytest.mark.parametrize("difference", OTHER_REQUESTS.values(), ids=OTHER_REQUESTS)
def test_other_request_gets_its_own_answer(difference: dict[str, Any]) -> None:
    """An emulator that did not answer another request before gives the same answer."""
    used, fresh = (Emulator("demo", packages=5, allow_fault_header=True) for _ in range(2))
    for _ in range(2):
        fetch(used, environ_of())
    answer = fetch(used, environ_of(**difference))
    assert not answer.is_fast
    assert answer.bytes_ == fetch(fresh, environ_of(**difference)).bytes_


NEVER_FAST: dict[str, dict[str, Any]] = {
    "a throttled token": {"Authorization": "Token throttled"},
    "an error": {"path": f"{LIST}1/"},
    "a page of another origin": {"Origin": "http://shop.test"},
    "a fault header": {"X_Emulator_Fault": "delay;seconds=0"},
    "the hooks of a user": {"path": "/whisperer/hooks/"},
    "a long URL": {"path": f"{LIST}?a={'x' * 5_000}"},
}


@pytest.mark.parametrize("request_", NEVER_FAST.values(), ids=NEVER_FAST)
def test_answer_that_depends_on_more_is_never_fast(oms: Emulator, request_: dict[str, Any]) -> None:
    assert [fetch(oms, environ_of(**request_)).is_fast for _ in range(3)] == [False] * 3


def test_response_with_a_fault_is_not_repeated(oms: Emulator) -> None:
    oms.faults.add("list_packages", "delay", seconds=0, times=1)
    faulty, plain = fetch(oms, environ_of()), fetch(oms, environ_of())
    assert ("X-Emulator-Fault" in dict(faulty.headers), plain.is_fast) == (True, False)
    assert "X-Emulator-Fault" not in dict(plain.headers)


def test_limit_of_a_token_counts_each_request() -> None:
    oms = Emulator("demo", packages=5, limits={"full-access": {"read": "2/min"}})
    assert [fetch(oms, environ_of()).status[:3] for _ in range(3)] == ["200", "200", "429"]


def test_jwt_expires(oms: Emulator) -> None:
    environ = environ_of("/packages/", Authorization=f"Bearer {oms.jwt(expires_in=60)}")
    assert [fetch(oms, environ).is_fast for _ in range(2)] == [False, True]
    oms.clock.advance(seconds=61)
    assert fetch(oms, environ).status[:3] == "401"


def test_restricted_origins_are_checked_each_time() -> None:
    oms = Emulator("demo", packages=5, cors_origins=["http://shop.test"])
    for _ in range(3):
        answer = Client(oms._emulator_app).get(LIST, headers=AUTH)
        assert answer.headers["Vary"] == "Origin"


@pytest.mark.medium
def test_mounted_application_is_not_confused_with_a_world(oms: Emulator) -> None:
    """Flask moves the prefix of a world to SCRIPT_NAME. A mount can have the same path."""
    oms.in_world("x", "empty")
    app = oms.app
    app.before_request(lambda: None)
    assert Client(app).get(f"/w/x{LIST}", headers=AUTH).json["count"] == 0
    app.before_request_funcs.clear()
    mounted = environ_of() | {"SCRIPT_NAME": "/w/x"}
    assert b'"count":20' in fetch(oms, mounted).body


def test_bytes_of_answers_are_limited(oms: Emulator) -> None:
    app = oms._emulator_app
    app.fast_path = FastPath(oms.worlds, max_bytes=60_000)
    for number in range(30):
        fetch(oms, environ_of(f"{LIST}?limit=1&n={number}"))
    assert 1 < len(app.fast_path.answers) < 20
    assert fetch(oms, environ_of(f"{LIST}?limit=1&n=29")).is_fast
    assert not fetch(oms, environ_of(f"{LIST}?limit=1&n=0")).is_fast


@pytest.mark.medium
def test_answers_of_a_deleted_world_are_freed(oms: Emulator) -> None:
    oms.in_world("other", "demo")
    fetch(oms, environ_of(f"/w/other{LIST}"))
    answers = oms._emulator_app.fast_path.answers
    assert len(answers) == 1
    oms.worlds.delete("other")
    gc.collect()
    assert len(answers) == 0


def gets(oms: Emulator) -> Iterator[HttpRequest]:
    """Yield the reads of the corpus of the transports."""
    ids = (oms.world.records.ids(Package)[0], 1)
    yield from (each for each in (*route_requests(*ids), *edge_case_requests(ids[0])) if each.method == "GET")


@pytest.mark.medium
def test_response_depends_on_the_variables_of_the_key_alone(oms: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The journal reads all headers, but only through `items`, except that of a request on the fast path."""
    monkeypatch.setattr(FastPath, "serve", lambda *_: None)
    read: set[str] = set()
    for request in gets(oms):
        environ = ReadEnviron(environ_of(request.target) | {"HTTP_AUTHORIZATION": "Token full-access"})
        environ |= {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in request.headers.items()}
        if not request.target.startswith("/__admin"):
            oms._emulator_app(environ, lambda *_: None)
            read |= set() if "HTTP_ORIGIN" in environ else environ.read
    assert read - UNREAD - set(KEY_VARIABLES) == set()


@pytest.mark.medium
def test_corpus_twice_gets_and_records_the_same_as_without_the_fast_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each read is sent three times, and a write is sent after every twentieth."""
    outcomes = []
    for is_fast in (True, False):
        oms = Emulator("demo", packages=20)
        if not is_fast:
            monkeypatch.setattr(FastPath, "serve", lambda *_: None)
        answers = []
        for number, request in enumerate(gets(oms)):
            environ = environ_of(request.target, Authorization=request.headers.get("Authorization", ""))
            answers += [fetch(oms, dict(environ))[:3] for _ in range(3)]
            if number % 20 == 0:
                oms.package()
        exchanges = [exchange._replace(seconds=0, duration=0) for exchange in oms.world.journal.newest_first()]
        outcomes.append((answers, exchanges, oms.world.coverage.counts(), oms.worlds.metrics.requests()))
    assert outcomes[0] == outcomes[1]
    assert len(outcomes[0][0]) > 300
