"""In a world that is selected by its path, every link in every answer leads to the same world."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests

from emulator import Emulator
from emulator.api.openapi.control import CONTROL_ENDPOINTS
from emulator.client.world_handle import WorldHandle
from emulator.core.records import Package, ShippingLabel
from emulator.domain.scenario_files import scenario_from_document
from emulator.worlds.registry import DEFAULT_WORLD
from tests.support.reads import HOST, SendRequest, auth_headers, read_everything, wsgi_sender

pytestmark = pytest.mark.slow

NAMES = ["qa", "A.b-_9", "x" * 100, "__admin", "w", "..."]
PATHS = re.compile(rb"(?<![A-Za-z0-9._/-])(/(?:api/v1|packages|cdn|whisperer|__admin|w)/[^\s\"'<>\\]*)")
"""Absolute paths in a body, which are links without a host."""
READS = [row for row in CONTROL_ENDPOINTS if row.method == "GET" and 200 in row.responses]


@pytest.fixture(params=NAMES)
def world(request: pytest.FixtureRequest) -> WorldHandle:
    handle = Emulator("demo", packages=6, seed=2).in_world(request.param)
    handle.package(state="Shipped", items=2)
    return handle


def links(body: bytes) -> Iterator[bytes]:
    """Yield the paths of all links to this host."""
    for match in re.finditer(rb"https?://%s([^\s\"'<>\\]*)" % HOST.encode(), body):
        yield match[1]
    yield from (match[1] for match in PATHS.finditer(re.sub(rb"https?://[^\s\"'<>\\]*", b"", body)))


def without_payloads(body: bytes) -> bytes:
    """Remove webhook payloads, which always use the `base_url` of the scenario."""
    try:
        return json.dumps(json.loads(body, object_hook=remove_payloads)).encode()
    except ValueError:
        return body


def remove_payloads(document: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key not in ("request_payload", "payload")}


def test_event_payloads_use_the_base_url_of_the_scenario() -> None:
    """The path of the base URL is used too, so that a receiver can follow the links."""
    oms = Emulator("empty")
    document = {"name": "mine", "base_url": "http://oms.example/w/qa/", "packages": 6, "seed": 2}
    oms.worlds.create("qa", scenario_from_document(document))
    oms.in_world("qa").package(state="Shipped")
    answers = [body for path, body in read_everything(oms.in_world("qa")).items() if "webhook_events" in path]
    labels = set(re.findall(rb'"([^"]*/shipping-label/[^"]*)"', b"".join(answers)))
    assert labels
    assert {label.partition(b"/api")[0] for label in labels} == {b"/w/qa", b"http://oms.example/w/qa"}


def payload_link(handle: WorldHandle, package: int) -> str:
    """Return the link to a shipping label in the newest event of a package."""
    found = handle.session().get(f"/api/v1/oms/packages/{package}/webhook_events/").json()["results"][-1]
    link: str = found["request_payload"]["payload"]["shipping_label"]["full_path_url"]
    return link


@pytest.mark.parametrize("name", ["default", "qa"])
def test_event_payloads_link_to_the_address_that_answers(name: str, tmp_path: Path) -> None:
    """The link works on each port on which the server is started, also for events of an earlier run."""
    with Emulator("demo", packages=6, seed=2, state=tmp_path / "state.db") as oms:
        package = oms.in_world(name).package(state="Shipped")["id"]
        first = payload_link(oms.in_world(name), package)
        assert first.startswith(oms.in_world(name).url)
        assert requests.get(first, timeout=10).status_code == 200
    with Emulator("demo", packages=6, seed=2, state=tmp_path / "state.db") as again:
        second = payload_link(again.in_world(name), package)
        assert second == first.replace(oms_url(first), again.server_url)
        assert requests.get(second, timeout=10).status_code == 200


def oms_url(link: str) -> str:
    """Return scheme, host and port of a link."""
    return "/".join(link.split("/")[:3])


def test_every_link_leads_to_the_same_world(world: WorldHandle) -> None:
    """Covers all GET operations of both surfaces."""
    answers = ((path, without_payloads(body)) for path, body in read_everything(world).items() if path != "export")
    found_links = [(path, link) for path, body in answers for link in links(body)]
    inside = f"{world.prefix}/".encode()
    assert [each for each in found_links if not each[1].startswith(inside)] == []
    assert found_links


def test_links_have_no_prefix_in_the_default_world_or_with_the_header() -> None:
    """A client follows links with the same header."""
    oms = Emulator("demo", packages=6, seed=2)
    oms.in_world("qa", "demo", seed=2)
    ask = wsgi_sender(oms)
    headers = auth_headers(oms)["Token"]
    default = ask("GET", "/api/v1/oms/packages/?limit=2", None, headers)
    chosen = ask("GET", "/api/v1/oms/packages/?limit=2", None, headers | {"X-Emulator-World": "qa"})
    assert default.json["next"] == chosen.json["next"] == f"http://{HOST}/api/v1/oms/packages/?limit=2&page=2"


@pytest.mark.parametrize("row", READS, ids=lambda row: row.operation)
def test_links_of_the_control_api_lead_to_the_same_world(row: object, world: WorldHandle) -> None:
    ask = wsgi_sender(world)
    ask("GET", f"{world.prefix}/api/v1/oms/packages/?limit=2", None, auth_headers(world)["Token"])
    path = row.full_path.replace("<request_id>", "00000002")  # type: ignore[attr-defined]
    path = path.replace("<name>", "a-day-in-the-warehouse")
    query = "?since=00000002" if "since" in row.query else ""  # type: ignore[attr-defined]
    answer = ask("GET", world.prefix + path + query)
    assert answer.status == 200, answer
    if row.operation == "control_openapi":  # type: ignore[attr-defined]
        assert [server["url"] for server in answer.json["servers"]] == [world.prefix]
        return
    # texts, not links
    body = re.sub(rb'"(path|base_url|doc|where|source|x-source|description)":"[^"]*"', b"", answer.body)
    found_links = [link for link in links(body) if not link.startswith(f"{world.prefix}/".encode())]
    assert [link for link in found_links if is_link(link)] == []


def is_link(link: bytes) -> bool:
    """Return whether a path is a link and not a template such as `/packages/{id}/`."""
    return b"<" not in link and b"{" not in link and b"pk" not in link and b"\xe2" not in link


def test_redirect_to_the_trailing_slash_stays_in_the_world(world: WorldHandle) -> None:
    """The Location header keeps prefix and query."""
    headers = auth_headers(world)["Token"]
    answer = wsgi_sender(world)("GET", f"{world.prefix}/api/v1/oms/packages?limit=2", None, headers)
    assert (answer.status, answer.headers["Location"]) == (301, f"{world.prefix}/api/v1/oms/packages/?limit=2")


def test_labels_and_images_need_no_credentials(world: WorldHandle) -> None:
    """Browsers request them without an Authorization header."""
    ask = wsgi_sender(world)
    pk = next(label.package for label in world.world.records.all(ShippingLabel))
    package = ask("GET", f"{world.prefix}/api/v1/oms/packages/{pk}/", None, auth_headers(world)["Token"])
    text = package.body.decode()
    found_links = set(
        re.findall(rf"http://{HOST}({re.escape(world.prefix)}/(?:api/v1/oms/shipping-label|cdn)/[^\"]*)", text)
    )
    assert any("shipping-label" in link for link in found_links)
    assert any("/cdn/" in link for link in found_links)
    assert {ask("GET", link).status for link in found_links} == {200}


def test_label_is_not_found_in_another_world() -> None:
    oms = Emulator("demo", packages=6, seed=2)
    empty = oms.in_world("none", "empty")
    oms.package(state="Shipped")
    label = next(iter(oms.world.records.ids(ShippingLabel)))
    ask: SendRequest = wsgi_sender(oms)
    path = f"/api/v1/oms/shipping-label/{label}/preview/"
    assert [ask("GET", prefix + path).status for prefix in ("", empty.prefix)] == [200, 404]


def test_percent_encoded_prefix_selects_the_same_world() -> None:
    """`%71a` is `qa`. Links contain the decoded name."""
    oms = Emulator("demo", packages=2)
    oms.in_world("qa")
    for path in ("/w/%71a/api/v1/oms/packages/?limit=1", "/%77/qa/api/v1/oms/packages/?limit=1"):
        answer = wsgi_sender(oms)("GET", path, None, auth_headers(oms)["Token"])
        assert answer.json["next"] == f"http://{HOST}/w/qa/api/v1/oms/packages/?limit=1&page=2"
    health = wsgi_sender(oms)("GET", f"/w/{quote('q')}%61/__admin/health")
    assert health.json["world"] == "qa"


def test_python_and_http_use_the_same_world() -> None:
    """`url`, `session()` and created documents of another world contain its prefix."""
    oms = Emulator("demo", packages=2)
    other = oms.in_world("other", "empty")
    package = other.package(state="Shipped")
    assert other.url == "http://oms.test/w/other"
    assert other.session().get("/api/v1/oms/packages/").json()["count"] == 1
    assert package == other.session().get(f"/api/v1/oms/packages/{package['id']}/").json()
    assert next(iter(links(json.dumps(package).encode()))).startswith(b"/w/other/")
    assert len(list(oms.world.records.ids(Package))) == 2
    assert oms.prefix == ""
    assert oms.name == DEFAULT_WORLD
