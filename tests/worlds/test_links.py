"""In a world that its path names, every link in every answer leads into the same world."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from emulator import Emulator
from emulator.core.records import Package, ShippingLabel
from emulator.inworld import InWorld
from emulator.openapi.control import CONTROL
from emulator.rules.scenarios import from_document
from emulator.worlds import DEFAULT_WORLD
from tests.support.reads import HOST, Ask, credentials, everything, in_process

pytestmark = pytest.mark.slow

NAMES = ["qa", "A.b-_9", "x" * 100, "__admin", "w", "..."]
PATHS = re.compile(rb"(?<![A-Za-z0-9._/-])(/(?:api/v1|packages|cdn|whisperer|__admin|w)/[^\s\"'<>\\]*)")
"""Paths from the root in a body: what a link without a host looks like."""
READS = [row for row in CONTROL if row.method == "GET"]


@pytest.fixture(params=NAMES)
def world(request: pytest.FixtureRequest) -> InWorld:
    made = Emulator("demo", packages=6, seed=2).in_world(request.param)
    made.package(state="Shipped", items=2)
    return made


def links(body: bytes) -> Iterator[bytes]:
    """Give what leads to this host, or to a path on it."""
    for match in re.finditer(rb"https?://%s([^\s\"'<>\\]*)" % HOST.encode(), body):
        yield match[1]
    yield from (match[1] for match in PATHS.finditer(re.sub(rb"https?://[^\s\"'<>\\]*", b"", body)))


def without_payloads(body: bytes) -> bytes:
    """Leave out what was sent to hooks: that has the scenario's own `base_url`, whoever asks."""
    try:
        return json.dumps(json.loads(body, object_hook=dropped)).encode()
    except ValueError:
        return body


def dropped(document: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key not in ("request_payload", "payload")}


def test_payloads_of_events_have_the_address_of_their_scenario() -> None:
    """Its path too, so that what a hook got can be followed."""
    oms = Emulator("empty")
    document = {"name": "mine", "base_url": "http://oms.example/w/qa/", "packages": 6, "seed": 2}
    oms.worlds.put("qa", from_document(document))
    oms.in_world("qa").package(state="Shipped")
    answers = [body for path, body in everything(oms.in_world("qa")).items() if "webhook_events" in path]
    labels = set(re.findall(rb'"([^"]*/shipping-label/[^"]*)"', b"".join(answers)))
    assert labels
    assert {label.partition(b"/api")[0] for label in labels} == {b"/w/qa", b"http://oms.example/w/qa"}


def test_no_answer_has_a_link_out_of_its_world(world: InWorld) -> None:
    """All GETs of both surfaces: next pages, labels, pictures, payloads of events."""
    answers = ((path, without_payloads(body)) for path, body in everything(world).items() if path != "export")
    found = [(path, link) for path, body in answers for link in links(body)]
    inside = f"{world.prefix}/".encode()
    assert [each for each in found if not each[1].startswith(inside)] == []
    assert found


def test_the_default_world_and_one_chosen_by_header_have_no_prefix() -> None:
    """Links are followed with the same header as the page that had them."""
    oms = Emulator("demo", packages=6, seed=2)
    oms.in_world("qa", "demo", seed=2)
    ask = in_process(oms)
    headers = credentials(oms)["Token"]
    own = ask("GET", "/api/v1/oms/packages/?limit=2", None, headers)
    chosen = ask("GET", "/api/v1/oms/packages/?limit=2", None, headers | {"X-Emulator-World": "qa"})
    assert own.json["next"] == chosen.json["next"] == f"http://{HOST}/api/v1/oms/packages/?limit=2&page=2"


@pytest.mark.parametrize("row", READS, ids=lambda row: row.operation)
def test_no_page_of_the_control_api_leads_out_of_its_world(row: object, world: InWorld) -> None:
    ask = in_process(world)
    ask("GET", f"{world.prefix}/api/v1/oms/packages/?limit=2", None, credentials(world)["Token"])
    path = row.full_path.replace("<request_id>", "00000002")  # type: ignore[attr-defined]
    answer = ask("GET", world.prefix + path)
    assert answer.status == 200, answer
    if row.operation == "control_openapi":  # type: ignore[attr-defined]
        assert [server["url"] for server in answer.json["servers"]] == [world.prefix]
        return
    body = re.sub(rb'"(path|base_url|doc|where|source)":"[^"]*"', b"", answer.body)  # no links, and told in words
    found = [link for link in links(body) if not link.startswith(f"{world.prefix}/".encode())]
    assert [link for link in found if is_link(link)] == []


def is_link(link: bytes) -> bool:
    """Templates such as `/packages/{id}/` in words are none."""
    return b"<" not in link and b"{" not in link and b"pk" not in link and b"\xe2" not in link


def test_the_way_to_a_missing_slash_stays_in_the_world(world: InWorld) -> None:
    """The Location of a 301 has the prefix and the query."""
    headers = credentials(world)["Token"]
    answer = in_process(world)("GET", f"{world.prefix}/api/v1/oms/packages?limit=2", None, headers)
    assert (answer.status, answer.headers["Location"]) == (301, f"{world.prefix}/api/v1/oms/packages/?limit=2")


def test_labels_and_pictures_are_there_without_credentials(world: InWorld) -> None:
    """As an <img> or a print window asks for them."""
    ask = in_process(world)
    pk = next(label.package for label in world.world.root.all(ShippingLabel))
    package = ask("GET", f"{world.prefix}/api/v1/oms/packages/{pk}/", None, credentials(world)["Token"])
    text = package.body.decode()
    found = set(
        re.findall(rf"http://{HOST}({re.escape(world.prefix)}/(?:api/v1/oms/shipping-label|cdn)/[^\"]*)", text)
    )
    assert any("shipping-label" in link for link in found)
    assert any("/cdn/" in link for link in found)
    assert {ask("GET", link).status for link in found} == {200}


def test_a_label_of_one_world_is_not_found_in_another() -> None:
    oms = Emulator("demo", packages=6, seed=2)
    empty = oms.in_world("none", "empty")
    oms.package(state="Shipped")
    label = next(iter(oms.world.root.ids(ShippingLabel)))
    ask: Ask = in_process(oms)
    path = f"/api/v1/oms/shipping-label/{label}/preview/"
    assert [ask("GET", prefix + path).status for prefix in ("", empty.prefix)] == [200, 404]


def test_an_encoded_prefix_is_the_same_world() -> None:
    """`%71a` is `qa`; links are written plainly."""
    oms = Emulator("demo", packages=2)
    oms.in_world("qa")
    for path in ("/w/%71a/api/v1/oms/packages/?limit=1", "/%77/qa/api/v1/oms/packages/?limit=1"):
        answer = in_process(oms)("GET", path, None, credentials(oms)["Token"])
        assert answer.json["next"] == f"http://{HOST}/w/qa/api/v1/oms/packages/?limit=1&page=2"
    health = in_process(oms)("GET", f"/w/{quote('q')}%61/__admin/health")
    assert health.json["world"] == "qa"


def test_python_and_http_see_the_same_world() -> None:
    """`url`, `session` and arranging documents of another world carry its prefix."""
    oms = Emulator("demo", packages=2)
    other = oms.in_world("other", "empty")
    made = other.package(state="Shipped")
    assert other.url == "http://oms.test/w/other"
    assert other.session().get("/api/v1/oms/packages/").json()["count"] == 1
    assert made == other.session().get(f"/api/v1/oms/packages/{made['id']}/").json()
    assert next(iter(links(json.dumps(made).encode()))).startswith(b"/w/other/")
    assert len(list(oms.world.root.ids(Package))) == 2
    assert oms.prefix == ""
    assert oms.name == DEFAULT_WORLD
