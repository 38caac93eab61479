"""Who may use the control API, and from which pages. SECURITY.md explains the rules."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest
import requests

from emulator import Emulator
from emulator.api.openapi.control import CONTROL_ENDPOINTS, Endpoint
from emulator.core.records import Webhook, WebhookEvent
from emulator.web.guard import remote_address
from tests.support.receivers import run_receiver

HEALTH, RESET = "/__admin/health", "/__admin/reset"
TOKEN = "a long tökén"
PACKAGES = "/api/v1/oms/packages/?limit=1"
EVENT = "package.created"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}".encode().decode("latin-1")}


def basic(password: str) -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(f'any:{password}'.encode()).decode()}"}


def call(oms: Emulator, method: str = "GET", path: str = HEALTH, **environ: str) -> Any:
    """Send a request with this WSGI environment."""
    return oms.app.test_client().open(path, method=method, environ_overrides=environ)


def as_environ(headers: dict[str, str]) -> dict[str, str]:
    return {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}


# Other machines

REMOTE: dict[str, tuple[str, dict[str, str]]] = {
    "another machine": ("192.168.1.9", {}),
    "another machine by IPv6": ("2001:db8::9", {}),
    "a proxy on this machine": ("127.0.0.1", {"X-Forwarded-For": "203.0.113.5"}),
    "a proxy that appends to a forged address": ("::1", {"X-Forwarded-For": "127.0.0.1, 203.0.113.5"}),
    "a forged address without a proxy": ("203.0.113.5", {"X-Forwarded-For": "127.0.0.1"}),
    "two proxies": ("127.0.0.1", {"X-Forwarded-For": "203.0.113.5, 127.0.0.1"}),
    "an address with a port": ("127.0.0.1", {"X-Forwarded-For": "203.0.113.5:4711"}),
    "an unknown address": ("127.0.0.1", {"X-Forwarded-For": "unknown"}),
    "a name": ("127.0.0.1", {"X-Forwarded-For": "localhost"}),
    "the standard header": ("127.0.0.1", {"Forwarded": 'proto=http; For="[2001:db8::9]:4711"'}),
    "nginx's header": ("127.0.0.1", {"X-Real-IP": "203.0.113.5"}),
}
LOCAL: dict[str, tuple[str, dict[str, str]]] = {
    "loopback": ("127.0.0.1", {}),
    "IPv4 in IPv6": ("::ffff:127.0.0.1", {}),
    "no address, as in process or over a Unix socket": ("", {}),
    "a proxy for this machine": ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1, ::1"}),
    "a proxy with ports": ("127.0.0.1", {"X-Forwarded-For": "[::1]:9, 127.0.0.1:4711"}),
    "the standard header": ("::1", {"Forwarded": "for=127.0.0.1;proto=https"}),
}


@pytest.mark.medium
@pytest.mark.parametrize(("address", "headers"), REMOTE.values(), ids=REMOTE)
def test_other_machines_need_the_admin_token(address: str, headers: dict[str, str]) -> None:
    """`Host: localhost` is the client's choice and proves nothing."""
    environ = {"REMOTE_ADDR": address, "HTTP_HOST": "localhost", **as_environ(headers)}
    refused = call(Emulator("empty"), **environ)
    assert (refused.status_code, "--admin-token" in refused.json["error"]) == (403, True)
    oms = Emulator("empty", admin_token=TOKEN)
    for wrong in ({}, bearer(""), bearer(TOKEN + "x"), basic(""), {"Authorization": f"Token {TOKEN}"}):
        answer = call(oms, **environ, **as_environ(wrong))
        assert (answer.status_code, "Authorization" in answer.json["error"]) == (401, True)
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    for right in (bearer(TOKEN), basic(TOKEN)):
        assert call(oms, **environ, **as_environ(right)).status_code == 200


@pytest.mark.medium
@pytest.mark.parametrize(("address", "headers"), LOCAL.values(), ids=LOCAL)
def test_clients_on_this_machine_need_no_token(address: str, headers: dict[str, str]) -> None:
    environ = {"REMOTE_ADDR": address, "HTTP_HOST": "localhost", **as_environ(headers)}
    assert remote_address(environ) is None
    for token in (None, "", TOKEN):
        assert call(Emulator("empty", admin_token=token), **environ).status_code == 200


@pytest.mark.medium
def test_server_passes_forwarded_addresses_to_the_guard() -> None:
    with Emulator("empty") as oms:
        for headers, status in (({"X-Forwarded-For": "203.0.113.5"}, 403), ({"X-Forwarded-For": "127.0.0.1"}, 200)):
            assert requests.get(oms.url + HEALTH, headers=headers, timeout=10).status_code == status


@pytest.mark.medium
def test_admin_token_replaces_the_check_of_the_host_but_not_of_the_page() -> None:
    """A browser keeps Basic credentials, so a foreign page could use them."""
    oms = Emulator("empty", admin_token=TOKEN)
    there = {"REMOTE_ADDR": "192.168.1.9", "HTTP_HOST": "192.168.1.2:8080"} | as_environ(basic(TOKEN))
    assert call(oms, **there).status_code == 200
    assert call(oms, "POST", RESET, **there, HTTP_ORIGIN="http://evil.example").status_code == 403
    assert call(oms, "POST", RESET, **there, HTTP_SEC_FETCH_SITE="cross-site").status_code == 403
    assert call(oms, "POST", RESET, **there, HTTP_ORIGIN="http://192.168.1.2:8080").status_code == 204


@pytest.mark.medium
@pytest.mark.parametrize("host", ["oms.test", "oms.test:8080"])
def test_in_process_name_opens_nothing_on_a_server(host: str) -> None:
    """DNS can resolve `oms.test`, so a page of that name may reach a server."""
    with Emulator("empty") as oms:
        assert requests.get(oms.url + HEALTH, headers={"Host": host}, timeout=10).status_code == 403
    assert Emulator("empty").session().get(HEALTH).status_code == 200


@pytest.mark.medium
@pytest.mark.parametrize("host", ["localhost.", "shop.localhost:80", "localhost.:9"])
def test_names_below_localhost_are_loopback(host: str) -> None:
    assert call(Emulator("empty"), HTTP_HOST=host).status_code == 200


@pytest.mark.medium
@pytest.mark.parametrize("origin", ["http://[::1", "http://[", "", "null", "x"])
def test_invalid_origin_is_refused(origin: str) -> None:
    assert call(Emulator("empty"), HTTP_ORIGIN=origin).status_code == 403


# Deliveries and bodies


@pytest.mark.medium
@pytest.mark.parametrize("header", ["X-Emulator-Delivery", "X-Whisperer-Event"])
def test_control_api_does_not_accept_deliveries(header: str) -> None:
    oms = Emulator("empty", admin_token=TOKEN)
    world = oms.world
    answer = oms.session().post(RESET, headers={header: "x", **bearer(TOKEN)}, data=b"{}")
    assert (answer.status_code, header in answer.json()["error"]) == (403, True)
    assert oms.world is world


WITHOUT_BODY = [row for row in CONTROL_ENDPOINTS if row.request_schema is None]


@pytest.mark.medium
@pytest.mark.parametrize("row", WITHOUT_BODY, ids=lambda row: row.operation)
def test_calls_without_a_document_refuse_a_body(row: Endpoint) -> None:
    oms = Emulator("empty")
    world, path = oms.world, row.full_path.replace("<name>", "one").replace("<", "").replace(">", "")
    path = path.replace("/id", "/1").replace("/pk", "/1").replace("/chapter", "/1")
    answer = oms.session().request(row.method, path, json={"event": {}})
    assert (answer.status_code, answer.json()["error"]) == (400, f"{row.method} {path} does not accept a body")
    assert oms.world is world
    assert oms.session().request(row.method, path, data=b"{").status_code == 400


# The emulator's own address


def hook(url: str) -> dict[str, Any]:
    retries = {"choice": "fixed", "kwargs": {"seconds": 60}}
    return {"target_url": url, "event_type": EVENT, "retry_countdown_config": retries}


def own_urls(oms: Emulator) -> list[str]:
    port = oms.url.rpartition(":")[2]
    hosts = ("127.0.0.1", "LOCALHOST", "127.1.1.1", "shop.localhost", "[::1]", "user@127.0.0.1")
    return [f"http://{host}:{port}{RESET}" for host in hosts]


def test_hook_cannot_have_the_address_of_the_emulator() -> None:
    with Emulator("empty") as oms, oms.session() as client:
        for url in own_urls(oms):
            answer = client.post("/whisperer/hooks/", json=hook(url))
            assert (answer.status_code, answer.json()) == (
                403,
                {"detail": "You do not have permission to perform this action."},
            )
            assert answer.headers["X-Emulator-Hint"].endswith(": it is the emulator's own address")
        made = client.post("/whisperer/hooks/", json=hook("http://127.0.0.1:9/")).json()
        changed = client.patch(f"/whisperer/hooks/{made['id']}/", json={"target_url": own_urls(oms)[0]})
        assert changed.status_code == 403
    assert client.post("/whisperer/hooks/", json=hook(url)).status_code == 201, "the server has stopped"


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_stored_hook_does_not_reach_the_emulator(host: str) -> None:
    """The hook is from a time when the server had another port. 0.0.0.0 was allowed by name."""
    oms = Emulator("empty", allow_webhook_hosts=["0.0.0.0"])
    url = oms.start().replace("127.0.0.1", host) + RESET
    oms.stop()
    oms.hooks.add(url, EVENT)
    oms._port = int(url.split(":")[2].partition("/")[0])
    with oms:
        world = oms.world
        oms.package()
        oms.hooks.flush()
        assert oms.world is world
        event = next(each for each in oms.world.records.all(WebhookEvent) if "own" in str(each.response_content))
    assert event.response_content == f"not sent: the hook {host}:{oms._port} is the emulator's own address"
    assert (event.retry_count, event.due) == (1, None)


def test_redirect_to_the_emulator_is_not_followed() -> None:
    with Emulator("empty") as oms:
        world = oms.world

        def redirect(handler: Any, _: Any) -> None:
            handler.send_response(307)
            handler.send_header("Location", own_urls(oms)[0])
            handler.send_header("Content-Length", "0")
            handler.end_headers()

        with run_receiver(redirect) as receiver:
            oms.hooks.add(receiver.url, EVENT)
            oms.package()
            oms.hooks.flush()
        assert oms.world is world
        delivery = oms.hooks.deliveries[-1]
        assert "redirects to 127.0.0.1" in delivery.response


@pytest.mark.medium
def test_delivery_to_another_emulator_does_not_reach_its_control_api() -> None:
    """The header of deliveries cannot be replaced by a header of the hook."""
    headers = {"X-Emulator-Delivery": None, "x-whisperer-event": None, "Host": "localhost"}
    with Emulator("empty") as oms, Emulator("empty") as other:
        world = other.world
        oms.hooks.add(other.url + RESET, EVENT, additional_headers=headers)
        oms.package()
        oms.hooks.flush()
        delivery = oms.hooks.deliveries[-1]
        assert (delivery.status, "X-Emulator-Delivery" in delivery.response) == (403, True)
        assert other.world is world


# Foreign pages

PAGES: dict[str, tuple[dict[str, str], bool]] = {
    "no browser": ({}, False),
    "its own page": ({"Origin": "http://oms.test", "Sec-Fetch-Site": "same-origin"}, False),
    "another origin": ({"Origin": "http://evil.example"}, True),
    "another port": ({"Origin": "http://oms.test:3000"}, True),
    "a file": ({"Origin": "null"}, True),
    "an invalid origin": ({"Origin": "http://[::1"}, True),
    "another site": ({"Sec-Fetch-Site": "cross-site"}, True),
    "the same site": ({"Sec-Fetch-Site": "same-site"}, True),
    "DNS rebinding": ({"Origin": "http://evil.example:8080", "Host": "evil.example:8080"}, True),
}


@pytest.mark.parametrize(("headers", "is_foreign"), PAGES.values(), ids=PAGES)
def test_foreign_page_cannot_make_hooks_to_this_machine(headers: dict[str, str], is_foreign: bool) -> None:
    oms = Emulator("empty", allow_webhook_hosts=["localhost:3000", "hooks.example"])
    client = oms.session()
    for url in ("http://127.0.0.1:9/", "http://localhost:3001/", "http://shop.localhost/", "http://[::1]:9/"):
        answer = client.post("/whisperer/hooks/", json=hook(url), headers=headers)
        assert answer.status_code == (403 if is_foreign else 201), url
        assert ("--allow-webhook-host" in answer.headers.get("X-Emulator-Hint", "")) == is_foreign
    for url in ("http://localhost:3000/", "https://hooks.example/", "https://unknown.example/"):
        assert client.post("/whisperer/hooks/", json=hook(url), headers=headers).status_code == 201, url


def test_foreign_page_cannot_change_a_hook_to_this_machine() -> None:
    """Its headers are arbitrary, and the response is readable in the event."""
    client = Emulator("empty").session()
    path = f"/whisperer/hooks/{client.post('/whisperer/hooks/', json=hook('http://localhost:9/')).json()['id']}/"
    page = {"Origin": "http://evil.example"}
    before = client.get(path).json()
    assert client.patch(path, json={"additional_headers": {"X": "1"}}, headers=page).status_code == 403
    assert client.put(path, json=hook("http://localhost:9/"), headers=page).status_code == 403
    assert client.get(path).json() == before
    assert client.patch(path, json={"additional_headers": {"X": "1"}}).status_code == 200


def test_hooks_of_foreign_pages_are_checked_as_the_client_requests_them() -> None:
    """urllib3 ends the host at a backslash, unlike urlsplit."""
    oms = Emulator("empty", allow_webhook_hosts=["hooks.example"])
    page = {"Origin": "http://evil.example"}
    made = oms.session().post("/whisperer/hooks/", json=hook("http://127.0.0.1:9\\@hooks.example/"), headers=page)
    assert made.status_code == 403


@pytest.mark.parametrize("host", ["shop.localhost", "localhost."])
def test_names_below_localhost_are_delivered_to_this_machine(host: str) -> None:
    """No resolver is asked. Redirects keep the name too."""

    def redirect(handler: Any, got: Any) -> None:
        handler.send_response(307 if got.path == "/hook" else 200)
        handler.send_header("Location", f"http://a.localhost:{receiver.url.split(':')[2].partition('/')[0]}/next")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    oms = Emulator("empty")
    with run_receiver(redirect) as receiver:
        port = receiver.url.split(":")[2].partition("/")[0]
        oms.hooks.add(f"http://{host}:{port}/hook", EVENT)
        oms.package()
        oms.hooks.assert_delivered(EVENT, times=1)
        assert [got.headers["Host"] for got in receiver.requests] == [f"{host}:{port}", f"a.localhost:{port}"]


# Reads of the inspector

UI = "/__admin/ui/"
SAME_ORIGIN = {"HTTP_SEC_FETCH_SITE": "same-origin"}
REFERERS: dict[str, tuple[dict[str, str], bool]] = {
    "the inspector": ({"HTTP_REFERER": f"http://localhost{UI}", **SAME_ORIGIN}, False),
    "the inspector of a world": ({"HTTP_REFERER": f"http://localhost/w/qa{UI}", **SAME_ORIGIN}, False),
    "another host": ({"HTTP_REFERER": f"http://evil.example{UI}"}, True),
    "another port": ({"HTTP_REFERER": f"http://localhost:81{UI}"}, True),
    "an invalid address": ({"HTTP_REFERER": f"http://[::1{UI}"}, True),
    "a path alone": ({"HTTP_REFERER": UI, **SAME_ORIGIN}, True),
    "another origin": ({"HTTP_REFERER": f"http://localhost{UI}", "HTTP_ORIGIN": "http://evil.example"}, True),
    "another site": ({"HTTP_REFERER": f"http://localhost{UI}", "HTTP_SEC_FETCH_SITE": "cross-site"}, True),
    "another machine": ({"HTTP_REFERER": f"http://localhost{UI}", "REMOTE_ADDR": "192.168.1.9"}, True),
    "a delivery": ({"HTTP_REFERER": f"http://localhost{UI}", "HTTP_X_EMULATOR_DELIVERY": "true"}, True),
    "another host name": ({"HTTP_REFERER": f"http://evil.example{UI}", "HTTP_HOST": "evil.example"}, True),
}


@pytest.mark.medium
@pytest.mark.parametrize(("environ", "is_recorded"), REFERERS.values(), ids=REFERERS)
def test_only_the_inspector_skips_journal_and_faults(environ: dict[str, str], is_recorded: bool) -> None:
    oms = Emulator("empty")
    oms.faults.add(status=503)
    headers = {"HTTP_AUTHORIZATION": "Token full-access"}
    assert call(oms, path=PACKAGES, **environ, **headers).status_code == (503 if is_recorded else 200)
    assert len(oms.world.journal) == is_recorded


def test_hook_with_an_invalid_address_is_not_refused() -> None:
    """Its deliveries fail, as those of the vendor's sender."""
    oms = Emulator("empty")
    for url in ("http://[::1", "http://127.0.0.1:x/", "no address", "http://"):
        headers = {"Origin": "http://evil.example"}
        assert oms.session().post("/whisperer/hooks/", json=hook(url), headers=headers).status_code == 201
    assert len([each for each in oms.world.records.all(Webhook) if each.event_type == EVENT]) >= 4
