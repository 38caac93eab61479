"""The Flask application behaves as its owner knows it from Flask, and sends the bytes of the emulator."""

from __future__ import annotations

import asyncio
import gc
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from inspect import signature
from pathlib import Path
from typing import Any
from weakref import ref

import flask
import httpx
import pytest
import requests
from a2wsgi import WSGIMiddleware
from fastapi import FastAPI
from flask import Blueprint, Flask, abort, g, request, session, url_for
from flask_cors import CORS
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import Rule
from werkzeug.test import Client

from emulator import Emulator, create_app
from emulator.api.routes import ROUTES
from emulator.web.app import EmulatorApp
from emulator.web.flask_app import EmulatorFlask
from tests.support.reads import HOST, ReceivedResponse, read_everything
from tests.worlds.test_links import links, without_payloads

LIST = "/api/v1/oms/packages/"
AUTH = {"Authorization": "Token full-access"}
ROOT = Path(__file__).parents[2]


@pytest.fixture
def app() -> Flask:
    return create_app("demo", packages=40)


@pytest.fixture
def oms(app: Flask) -> Emulator:
    return app.extensions["oms_emulator"]


def get(app: Any, path: str = LIST, **headers: str) -> Any:
    return Client(app).get(path, headers=AUTH | headers)


def package_id(app: Flask) -> int:
    return get(app).get_json()["results"][0]["id"]


# --- the factory --------------------------------------------------------------------------------------------


@pytest.mark.medium
def test_create_app_takes_the_options_of_the_emulator() -> None:
    app = create_app("demo", packages=7, seed=3, strict=True)
    assert isinstance(app, Flask)
    assert get(app).get_json()["count"] == 7
    assert get(app, f"{LIST}?nonsense=1").status_code == 400
    assert signature(create_app).parameters == signature(Emulator).parameters
    with pytest.raises(TypeError, match="nonsense"):
        create_app("demo", nonsense=1)  # type: ignore[call-arg]


@pytest.mark.medium
def test_the_application_of_an_emulator_is_the_same_object() -> None:
    oms = Emulator("demo")
    assert oms.app is oms.app
    assert oms.app.extensions["oms_emulator"] is oms
    package = oms.app.extensions["oms_emulator"].package(state="Packed")
    assert get(oms.app, f"{LIST}{package['id']}/").get_json()["state"]["id"] == package["state"]["id"]


@pytest.mark.medium
def test_applications_that_are_no_longer_used_are_collected() -> None:
    reference = ref(create_app("empty").extensions["oms_emulator"])
    gc.collect()
    assert reference() is None


@pytest.mark.slow
def test_the_state_file_of_an_application_is_closed_at_exit(tmp_path: Path) -> None:
    program = """
import atexit, sys, emulator
from emulator.worlds.sqlite.state_file import StateFile
closed = []
close = StateFile.close
StateFile.close = lambda self, worlds: (closed.append(1), close(self, worlds))
atexit.register(lambda: print(len(closed)))
app = emulator.create_app("empty", state=sys.argv[1])
"""
    arguments = [sys.executable, "-c", program, str(tmp_path / "state.db")]
    assert subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=True).stdout == "1\n"


@pytest.mark.slow
def test_flask_is_not_imported_by_an_emulator_that_does_not_need_it() -> None:
    program = "import sys; from emulator import Emulator; Emulator('demo').session(); print('flask' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


# --- rules --------------------------------------------------------------------------------------------------


@pytest.mark.medium
def test_every_operation_is_a_rule_with_its_method_and_name(app: Flask) -> None:
    rules = {
        (rule.endpoint, method, re.sub(r"<(?:\w+:)?(\w+)>", r"<\1>", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if not rule.rule.startswith("/__admin")
    }
    assert rules == {(route.operation, route.method, route.path.replace("<...", "<")) for route in ROUTES}


@pytest.mark.medium
def test_url_for_builds_the_urls_of_operations(app: Flask) -> None:
    with app.test_request_context():
        assert url_for("list_packages", limit=2) == f"{LIST}?limit=2"
        assert url_for("get_package_log", pk=7, log_id=3) == f"{LIST}7/transition_logs/3/"
        assert url_for("product_image", rest="1/2.jpg", _external=True) == "http://localhost/cdn/1/2.jpg"


@pytest.mark.medium
def test_a_hook_sees_the_endpoint_and_the_arguments(app: Flask) -> None:
    pk, seen = package_id(app), []
    app.before_request(lambda: seen.append((request.endpoint, request.view_args, url_for("list_packages"))))
    get(app, f"{LIST}{pk}/")
    Client(app).open(f"{LIST}{pk}/", method="OPTIONS", headers=AUTH)
    Client(app).post(f"{LIST}{pk}/command/", json={}, headers=AUTH)
    get(app, f"/w/default{LIST}")
    get(app, "/nowhere/")
    assert seen == [
        ("get_package", {"pk": pk}, LIST),
        ("get_package", {"pk": pk}, LIST),
        ("command_package", {"pk": pk}, LIST),
        ("list_packages", {}, f"/w/default{LIST}"),
        (None, None, LIST),
    ]


# --- the two ways -------------------------------------------------------------------------------------------


@pytest.fixture
def dispatched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list of the paths that Flask dispatched."""
    paths: list[str] = []
    dispatch = Flask.full_dispatch_request

    def record(self: Flask) -> Any:
        paths.append(request.path)
        return dispatch(self)

    monkeypatch.setattr(Flask, "full_dispatch_request", record)
    return paths


@pytest.mark.medium
def test_an_unchanged_application_takes_the_short_way(app: Flask, oms: Emulator, dispatched: list[str]) -> None:
    """Reads of the application, and responses of the control API, change nothing."""
    app.test_client(), app.jinja_env, app.logger, app.name, app.extensions.setdefault("mine", 1)
    assert get(app, "/__admin/nothing").status_code == 404
    assert get(app, "/__admin/ui/").status_code == 200
    app.debug = app.testing = False
    dispatched.clear()
    statuses = [get(app).status_code, oms.session().get(LIST).status_code]
    with app.app_context():
        statuses.append(app.test_client().get(LIST, headers=AUTH).status_code)
    assert (dispatched, statuses) == ([], [200, 200, 200])


def connect(signal: Any, app: Flask) -> object:
    """Connect a receiver, and return it: signals keep weak references."""

    def receiver(sender: object, **_: object) -> None: ...

    signal.connect(receiver, app)
    return receiver


def view() -> str:
    return "mine"


def ignore(*_: object) -> None: ...


def answer_with(text: str, status: int) -> Callable[[object], tuple[str, int]]:
    """Return an error handler."""
    return lambda _: (text, status)


CHANGES: dict[str, Callable[[Flask], object]] = {
    "before_request": lambda app: app.before_request(lambda: None),
    "after_request": lambda app: app.after_request(lambda response: response),
    "teardown_request": lambda app: app.teardown_request(ignore),
    "teardown_appcontext": lambda app: app.teardown_appcontext(ignore),
    "url_value_preprocessor": lambda app: app.url_value_preprocessor(ignore),
    "error handler": lambda app: app.register_error_handler(ValueError, ignore),
    "rule": lambda app: app.add_url_rule("/mine", view_func=view),
    "alias": lambda app: app.url_map.add(Rule("/alias/", endpoint="list_packages")),
    "blueprint": lambda app: app.register_blueprint(blueprint_with_hook()),
    "wrapped view": lambda app: app.view_functions.update(get_package=view),
    "MAX_CONTENT_LENGTH": lambda app: app.config.update(MAX_CONTENT_LENGTH=10),
    "secret key": lambda app: setattr(app, "secret_key", "s"),
    "debug": lambda app: setattr(app, "debug", True),
    "request class": lambda app: setattr(app, "request_class", type("Mine", (flask.Request,), {})),
    "replaced method": lambda app: setattr(app, "handle_exception", app.handle_exception),
    "session interface": lambda app: setattr(app, "session_interface", flask.sessions.SecureCookieSessionInterface()),
    "request_started": lambda app: connect(flask.request_started, app),
    "request_finished": lambda app: connect(flask.request_finished, app),
    "request_tearing_down": lambda app: connect(flask.request_tearing_down, app),
    "got_request_exception": lambda app: connect(flask.got_request_exception, app),
    "appcontext_pushed": lambda app: connect(flask.appcontext_pushed, app),
    "appcontext_popped": lambda app: connect(flask.appcontext_popped, app),
    "appcontext_tearing_down": lambda app: connect(flask.appcontext_tearing_down, app),
}


def blueprint_with_hook() -> Blueprint:
    blueprint = Blueprint("admin", __name__)
    blueprint.before_app_request(lambda: None)
    return blueprint


@pytest.mark.medium
@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_application_is_dispatched_by_flask(change: str, app: Flask, dispatched: list[str]) -> None:
    """The change counts for every way in, also after the first request, and the bytes stay the same."""
    expected = get(app)
    kept = CHANGES[change](app)
    answer = get(app)
    app.extensions["oms_emulator"].session().get(LIST)
    assert dispatched == [LIST, LIST], kept
    assert (answer.status, answer.data) == (expected.status, expected.data)
    assert [pair for pair in answer.headers if pair[0] != "X-Emulator-Request-Id"] == [
        pair for pair in expected.headers if pair[0] != "X-Emulator-Request-Id"
    ]


@pytest.mark.medium
def test_a_signal_of_another_application_changes_nothing(app: Flask, dispatched: list[str]) -> None:
    kept = connect(flask.request_started, Flask("another"))
    get(app)
    assert dispatched == [], kept


@pytest.mark.medium
def test_a_client_that_keeps_the_context_is_dispatched_by_flask(app: Flask) -> None:
    with app.test_client() as client:
        client.get(f"{LIST}?limit=2", headers=AUTH)
        assert (request.endpoint, request.args["limit"]) == ("list_packages", "2")


@pytest.mark.medium
def test_hooks_see_the_requests_to_the_server(app: Flask, oms: Emulator) -> None:
    app.after_request(add_header)
    with oms:
        assert requests.get(oms.url + LIST, headers=AUTH, timeout=10).headers["X-Mine"] == "1"
        assert oms.session().get("/__admin/health").headers["X-Mine"] == "1"


@pytest.mark.medium
def test_middleware_sees_every_way_in(app: Flask, oms: Emulator) -> None:
    paths: list[str] = []
    inner = app.wsgi_app

    def middleware(environ: dict[str, Any], start_response: Any) -> Any:
        paths.append(environ["PATH_INFO"])
        return inner(environ, start_response)

    app.wsgi_app = middleware  # type: ignore[method-assign]
    assert get(app).status_code == oms.session().get(LIST).status_code == 200
    assert paths == [LIST, LIST]


# --- hooks, handlers and signals ----------------------------------------------------------------------------


def add_header(response: flask.Response) -> flask.Response:
    response.headers["X-Mine"] = "1"
    return response


@pytest.mark.medium
def test_hooks_run_in_flasks_order_around_every_response(app: Flask) -> None:
    calls: list[str] = []
    app.before_request(lambda: calls.append("before"))
    app.after_request(lambda response: calls.append(f"after {response.status_code}") or response)
    app.teardown_request(lambda error: calls.append(f"teardown {error}"))
    for path in (LIST, LIST[:-1], "/nowhere/", f"{LIST}999999/", "//api/v1/oms/packages/"):
        get(app, path)
    Client(app).put(LIST, headers=AUTH)
    statuses = (200, 301, 404, 404, 404, 405)
    assert calls == [call for status in statuses for call in ("before", f"after {status}", "teardown None")]


@pytest.mark.medium
def test_a_hook_can_answer_or_change_the_response(app: Flask, oms: Emulator) -> None:
    app.before_request(lambda: ("closed", 503) if "X-Closed" in request.headers else None)

    @app.after_request
    def replace_count(response: flask.Response) -> flask.Response:
        if request.endpoint == "list_packages":
            response.data = response.get_data().replace(b'"count":40', b'"count":1000')
        return add_header(response)

    closed, answer = get(app, **{"X-Closed": "1"}), get(app)
    assert (closed.status_code, closed.text, closed.headers["X-Mine"]) == (503, "closed", "1")
    assert (answer.get_json()["count"], answer.headers["X-Mine"]) == (1000, "1")
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    oms.requests.assert_called("list_packages", times=1)


@pytest.mark.medium
@pytest.mark.parametrize("form", [{"remote_id": "R-7"}, None])
def test_a_hook_may_read_the_body(form: dict[str, str] | None, app: Flask, oms: Emulator) -> None:
    seen: list[Any] = []
    pk = package_id(app)
    app.before_request(lambda: seen.append(request.form.get("remote_id") or request.get_json(silent=True)))
    body = {"data": form} if form else {"json": {"remote_id": "R-7"}}
    assert Client(app).post(f"{LIST}{pk}/set_remote_id/", headers=AUTH, **body).status_code == 204
    assert seen == [form["remote_id"] if form else {"remote_id": "R-7"}]
    assert oms.session().get(f"{LIST}{pk}/").json()["remote_id"] == "R-7"


@pytest.mark.medium
def test_signals_are_sent(app: Flask) -> None:
    events: list[str] = []

    def finished(sender: Flask, response: flask.Response) -> None:
        events.append(f"finished {response.status_code}")

    def started(sender: Flask) -> None:
        events.append(f"started {request.endpoint}")

    with flask.request_started.connected_to(started, app), flask.request_finished.connected_to(finished, app):
        get(app)
    get(app)
    assert events == ["started list_packages", "finished 200"]


@pytest.mark.medium
def test_error_handlers_get_own_errors_and_exceptions_only(app: Flask, oms: Emulator) -> None:
    """A 4xx of the emulated API is an ordinary response."""
    app.register_error_handler(404, answer_with("own 404", 404))
    app.register_error_handler(ZeroDivisionError, answer_with("divided", 418))
    app.register_error_handler(HTTPException, lambda error: ("http", error.code))
    app.add_url_rule("/missing", view_func=lambda: abort(404), endpoint="missing")

    @app.before_request
    def fail() -> None:
        if "X-Fail" in request.headers:
            raise ZeroDivisionError

    assert get(app, "/missing").text == "own 404"
    assert Client(app).post("/missing").text == "http"
    assert (get(app, **{"X-Fail": "1"}).status_code, get(app, **{"X-Fail": "1"}).text) == (418, "divided")
    assert get(app, f"{LIST}999999/").get_json() == {"detail": "Not found."}
    assert "<h1>Not Found</h1>" in get(app, "/nowhere/").text
    assert Client(app).put(LIST, headers=AUTH).get_json() == {"detail": 'Method "PUT" not allowed.'}
    assert get(app, "/__admin/nothing").get_json()["error"] == "GET /__admin/nothing: Not Found"
    assert get(app, "/__admin/worlds/nothing/export?x=1").content_type == "application/json"


@pytest.mark.medium
def test_a_failing_hook_is_a_500_of_flask(app: Flask) -> None:
    @app.before_request
    def fail() -> None:
        raise ZeroDivisionError

    assert "Internal Server Error" in get(app).text
    app.config["PROPAGATE_EXCEPTIONS"] = True
    with pytest.raises(ZeroDivisionError):
        get(app)


# --- own rules, blueprints, configuration, sessions ---------------------------------------------------------


@pytest.mark.medium
def test_own_rules_and_blueprints_work_beside_the_operations(app: Flask, oms: Emulator) -> None:
    shop = Blueprint("shop", __name__, url_prefix="/shop")
    shop.before_request(lambda: setattr(g, "shop", "open"))
    shop.add_url_rule("/<int:pk>/", view_func=lambda pk: {"z": pk, "a": g.shop}, endpoint="item")
    app.register_blueprint(shop)
    app.add_url_rule("/mine", view_func=view)
    app.add_url_rule(f"{LIST}<int:pk>/notes/", view_func=lambda pk: f"{pk}", endpoint="notes")
    assert get(app, "/shop/7/").text == '{"a":"open","z":7}\n', "keys are sorted as Flask does"
    assert get(app, "/shop/7").headers["Location"] == "http://localhost/shop/7/"
    assert (get(app, "/mine").text, get(app, f"/w/default{LIST}5/notes/").text) == ("mine", "5")
    assert (Client(app).post("/mine").status_code, get(app, "/mine/").status_code) == (405, 404)
    assert "Access-Control-Allow-Origin" not in get(app, "/mine", Origin="http://a.test").headers
    assert get(app).get_json()["count"] == 40
    assert [call.path for call in oms.world.journal.newest_first()] == [LIST, "/mine/"]


@pytest.mark.medium
@pytest.mark.parametrize("has_handler", [False, True])
def test_max_content_length_limits_bodies(has_handler: bool, app: Flask, oms: Emulator) -> None:
    pk = package_id(app)
    app.config["MAX_CONTENT_LENGTH"] = 30
    if has_handler:
        app.register_error_handler(413, answer_with("too long", 413))
    send = Client(app).post
    refused = send(f"{LIST}{pk}/set_remote_id/", json={"remote_id": "R" * 100}, headers=AUTH)
    assert (refused.status_code, refused.text == "too long") == (413, has_handler)
    assert send(f"{LIST}{pk}/set_remote_id/", json={"remote_id": "R"}, headers=AUTH).status_code == 204
    assert oms.session().get(f"{LIST}{pk}/").json()["remote_id"] == "R"


@pytest.mark.medium
def test_the_test_client_keeps_cookies_and_the_session(app: Flask) -> None:
    app.secret_key = "secret"

    @app.after_request
    def count(response: flask.Response) -> flask.Response:
        session["calls"] = session.get("calls", 0) + 1
        response.headers["X-Calls"] = session["calls"]
        return response

    client = app.test_client()
    assert [client.get(LIST, headers=AUTH).headers["X-Calls"] for _ in range(3)] == ["1", "2", "3"]
    assert client.get_cookie("session") is not None


@pytest.mark.medium
def test_trusted_hosts_are_checked_by_flask(app: Flask) -> None:
    app.config["TRUSTED_HOSTS"] = ["oms.test"]
    assert get(app, LIST).status_code == 400
    assert get(app, LIST, Host="oms.test").status_code == 200


@pytest.mark.medium
@pytest.mark.parametrize("path", [f"{LIST}{'9' * 5000}/", f"{LIST}%D9%A3/", f"/w/nowhere{LIST}", "/w/日本/", "*"])
def test_malformed_urls_are_404_in_both_ways(path: str, app: Flask) -> None:
    short = get(app, path)
    app.before_request(lambda: None)
    assert (get(app, path).status_code, get(app, path).data) == (404, short.data)


@pytest.mark.medium
def test_a_response_class_and_faults_work_together(app: Flask, oms: Emulator) -> None:
    class Mine(flask.Response):
        default_mimetype = "text/plain"

    app.response_class = Mine
    oms.faults.add("list_packages", "truncated", size=5)
    oms.faults.add("list_transfers", "reset")
    cut = get(app)
    assert len(cut.data) < int(cut.headers["Content-Length"])
    with pytest.raises(ConnectionResetError):
        get(app, "/api/v1/oms/transfer_orders/")
    with pytest.raises(requests.ConnectionError):
        oms.session().get("/api/v1/oms/transfer_orders/")


# --- extensions ---------------------------------------------------------------------------------------------


def cors_headers(answer: Any) -> list[tuple[str, str]]:
    return [(name, value) for name, value in answer.headers if name.startswith("Access-Control")]


@pytest.mark.medium
def test_flask_cors_decides_about_origins(app: Flask) -> None:
    """Its headers appear once, also on preflight responses, and another origin gets none."""
    CORS(app, origins=["https://shop.test"], expose_headers=["X-Emulator-Hint"])
    allowed = ("Access-Control-Allow-Origin", "https://shop.test")
    exposed = ("Access-Control-Expose-Headers", "X-Emulator-Hint")
    assert cors_headers(get(app, Origin="https://shop.test")) == [allowed, exposed]
    assert cors_headers(get(app, Origin="https://other.test")) == []
    preflight = {"Origin": "https://shop.test", "Access-Control-Request-Method": "POST"}
    answer = Client(app).open(LIST, method="OPTIONS", headers=preflight)
    assert answer.status_code == 200
    assert dict(cors_headers(answer)).keys() >= {"Access-Control-Allow-Origin", "Access-Control-Allow-Methods"}
    assert len(dict(cors_headers(answer))) == len(cors_headers(answer))


@pytest.mark.medium
def test_a_hook_that_allows_an_origin_replaces_the_emulators_headers(app: Flask) -> None:
    def allow(response: flask.Response) -> flask.Response:
        response.headers["Access-Control-Allow-Origin"] = "https://shop.test"
        return response

    before = cors_headers(get(app, Origin="https://a.test"))
    app.after_request(allow)
    assert ("Access-Control-Allow-Origin", "*") in before
    assert cors_headers(get(app, Origin="https://a.test")) == [("Access-Control-Allow-Origin", "https://shop.test")]


# --- mounted below a prefix ---------------------------------------------------------------------------------


def dispatcher(app: Flask) -> Any:
    return DispatcherMiddleware(Flask("outer"), {"/oms": app})


def proxied(app: Flask) -> Any:
    app.wsgi_app = ProxyFix(app.wsgi_app, x_prefix=1, x_host=1, x_proto=1)  # type: ignore[method-assign]

    def proxy(environ: dict[str, Any], start_response: Any) -> Any:
        path = environ["PATH_INFO"].removeprefix("/oms")
        return app(environ | {"PATH_INFO": path, "HTTP_X_FORWARDED_PREFIX": "/oms"}, start_response)

    return proxy


def dispatcher_through_flask(app: Flask) -> Any:
    app.config["MINE"] = 1
    return dispatcher(app)


def wsgi_get(wrap: Callable[[Flask], Any]) -> Callable[[Flask, str], httpx.Response]:
    def send(app: Flask, path: str) -> httpx.Response:
        with httpx.Client(transport=httpx.WSGITransport(wrap(app)), base_url="http://shop.test") as client:
            return client.get(path, headers=AUTH)

    return send


def fastapi_get(app: Flask, path: str) -> httpx.Response:
    outer = FastAPI()
    outer.mount("/oms", WSGIMiddleware(app))

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(outer)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client:
            return await client.get(path, headers=AUTH)

    return asyncio.run(send())


MOUNTS: dict[str, Callable[[Flask, str], httpx.Response]] = {
    "DispatcherMiddleware": wsgi_get(dispatcher),
    "DispatcherMiddleware, through Flask": wsgi_get(dispatcher_through_flask),
    "ProxyFix": wsgi_get(proxied),
    "a2wsgi under FastAPI": fastapi_get,
}


@pytest.mark.medium
@pytest.mark.parametrize("world", ["", "/w/other"])
@pytest.mark.parametrize("mount", MOUNTS)
def test_links_keep_the_path_of_the_mount(mount: str, world: str, app: Flask, oms: Emulator) -> None:
    oms.in_world("other")
    send, root = MOUNTS[mount], f"/oms{world}"
    base = f"http://shop.test{root}"
    page = send(app, f"{root}{LIST}?limit=2&page=2").json()
    assert page["next"] == f"{base}{LIST}?limit=2&page=3"
    assert page["previous"] == f"{base}{LIST}?limit=2"
    moved = send(app, f"{root}{LIST[:-1]}?limit=2")
    assert (moved.status_code, moved.headers["Location"]) == (301, f"{root}{LIST}?limit=2")
    text = send(app, f"{root}{LIST}?limit=40").text
    links = set(re.findall(r'"((?:http:/)?/[^"]*(?:/cdn/|shipping-label)[^"]*)"', text))
    labels = [link for link in links if "shipping-label" in link]
    assert labels
    assert len(links) > len(labels)
    assert all(link.startswith((base + "/", root + "/")) for link in links)
    for link in sorted(links)[:2] + labels[:2]:
        assert send(app, link.removeprefix("http://shop.test")).status_code == 200
    known = send(app, f"{root}/__admin/worlds")
    assert known.status_code in (200, 403), "the control API answers to loopback only"


@pytest.mark.medium
@pytest.mark.parametrize("mount", MOUNTS)
def test_following_the_links_of_a_mount_reads_every_package(mount: str, app: Flask) -> None:
    def pages() -> Iterator[list[int]]:
        path: str | None = f"/oms{LIST}?limit=15"
        while path is not None:
            page = MOUNTS[mount](app, path.removeprefix("http://shop.test")).json()
            yield [package["id"] for package in page["results"]]
            path = page["next"]

    assert len({pk for page in pages() for pk in page}) == 40


@pytest.mark.medium
@pytest.mark.parametrize("is_through_flask", [False, True])
def test_every_link_of_both_surfaces_keeps_the_mount(is_through_flask: bool) -> None:
    oms = Emulator("demo", packages=6, seed=2)
    oms.package(state="Shipped", items=2)
    mounted = Client(dispatcher_through_flask(oms.app) if is_through_flask else dispatcher(oms.app))

    def send(method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> ReceivedResponse:
        path = "/oms" + path.removeprefix("/oms")
        answer = mounted.open(path, method=method, headers=headers, base_url=f"http://{HOST}")
        return ReceivedResponse(answer.status_code, dict(answer.headers), answer.data)

    answers = {path: without_payloads(body) for path, body in read_everything(oms, send).items() if path != "export"}
    found = [(path, link) for path, body in answers.items() for link in links(body)]
    assert len(found) > 100
    assert [each for each in found if not each[1].startswith(b"/oms/")] == []


@pytest.mark.medium
def test_url_for_keeps_the_mount_and_the_world(app: Flask) -> None:
    urls: list[str] = []
    app.before_request(lambda: urls.append(url_for("get_package", pk=7)))
    get(dispatcher(app), f"/oms/w/default{LIST}")
    assert urls == [f"/oms/w/default{LIST}7/"]


@pytest.mark.medium
def test_replies_of_one_mount_are_not_served_below_another(app: Flask) -> None:
    mounts = ("", "/one", "/t%20w%20%C3%B6", "")
    both = DispatcherMiddleware(app, {"/one": app, "/t w ö".encode().decode("latin-1"): app})
    links = [get(both, f"{mount}{LIST}").get_json()["next"] for mount in mounts]
    assert links == [f"http://localhost{mount}{LIST}?page=2" for mount in mounts]


# --- the command line of Flask ------------------------------------------------------------------------------

FLASK = [sys.executable, "-m", "flask", "--app"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "application", ["emulator:create_app()", "emulator:create_app('empty', strict=True)", "emulator"]
)
def test_flask_routes_lists_the_operations(application: str) -> None:
    command = [*FLASK, application, "routes"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    rows = {tuple(line.split()) for line in done.stdout.splitlines()}
    assert ("get_package", "GET", f"{LIST}<int:pk>/") in rows
    assert {route.operation for route in ROUTES} <= {row[0] for row in rows if row}


@pytest.mark.slow
def test_flask_run_serves_the_operations() -> None:
    command = [*FLASK, "emulator:create_app('demo', packages=7)", "run", "--port", "0"]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, env=environment) as server:
        try:
            url = next(match[1] for line in server.stderr if (match := re.search(r"Running on (http://\S+)", line)))
            page = requests.get(url + LIST, headers=AUTH, timeout=30).json()
            assert (page["count"], page["results"][0]["id"] > 0) == (7, True)
            assert requests.get(f"{url}/__admin/health", timeout=30).json()["status"] == "ok"
        finally:
            server.terminate()


def test_the_names_of_the_two_ways_exist() -> None:
    """The response checks of the tests wrap `serve`; `run` stays Flask's own method."""
    assert EmulatorApp.serve.__name__ == "serve"
    assert EmulatorFlask.run is Flask.run
