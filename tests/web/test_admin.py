"""The control API: health, reset, and who may use it."""

from __future__ import annotations

from typing import Any

import pytest

from emulator import Emulator, __version__
from emulator.core.records import Package

HEALTH, RESET = "/__admin/health", "/__admin/reset"


@pytest.mark.parametrize(("scenario", "seed"), [("demo", 7), ("empty", 1), ("documented/package-list", 1)])
def test_health_describes_the_loaded_world(scenario: str, seed: int) -> None:
    answer = Emulator(scenario).session().get(HEALTH)
    assert list(answer.json().items()) == [
        *(("status", "ok"), ("version", __version__), ("world", "default"), ("scenario", scenario), ("seed", seed)),
        ("now", "2023-04-05T09:00:00Z"),
    ]


def test_health_needs_no_credentials(client: Any) -> None:
    assert client.get(HEALTH, headers={"Authorization": None}).status_code == 200


def test_reset_restores_the_initial_state(oms: Emulator) -> None:
    client = oms.session()
    url = f"/api/v1/oms/packages/{oms.world.records.ids(Package)[0]}/"
    start = client.get(url).content
    assert client.post(f"{url}set_remote_id/", json={"remote_id": "R"}).status_code == 204
    oms.clock.advance(seconds=60)
    assert client.get(url).content != start
    answer = client.post(RESET)
    assert (answer.status_code, answer.content) == (204, b"")
    assert client.get(url).content == start
    assert client.get(HEALTH).json()["now"] == "2023-04-05T09:00:00Z"


HOSTS = {
    "127.0.0.1": 200,
    "127.0.0.1:8080": 200,
    "127.8.9.1": 200,
    "localhost": 200,
    "localhost:9": 200,
    "LOCALHOST": 200,
    "[::1]": 200,
    "[::1]:8080": 200,
    "oms.test": 200,
    "mine.example": 200,
    "mine.example:1": 200,
    "evil.example": 403,
    "localhost.evil.example": 403,
    "127.0.0.1.evil.example": 403,
    "127.evil.example": 403,
    "10.0.0.1": 403,
    "[::2]": 403,
}


@pytest.mark.slow
@pytest.mark.parametrize(("host", "status"), HOSTS.items(), ids=str)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_host_must_be_loopback_or_allowed(host: str, status: int, method: str) -> None:
    """A page of another site that resolves to loopback sends its own host (DNS rebinding)."""
    client = Emulator("empty", allow_hosts=["mine.example"]).session()
    answer = client.request(method, HEALTH if method == "GET" else RESET, headers={"Host": host})
    assert answer.status_code == (status if method == "GET" or status == 403 else 204)
    if status == 403:
        assert "--allow-host" in answer.json()["error"]


def test_allowed_host_may_have_a_port() -> None:
    client = Emulator("empty", allow_hosts=["mine.example:8080"]).session()
    assert client.get(HEALTH, headers={"Host": "mine.example:8080"}).status_code == 200


CROSS = {
    "another origin": ({"Origin": "http://evil.example"}, 403),
    "another port": ({"Origin": "http://oms.test:81"}, 403),
    "a file": ({"Origin": "null"}, 403),
    "its own origin": ({"Origin": "http://oms.test"}, 204),
    "another site": ({"Sec-Fetch-Site": "cross-site"}, 403),
    "the same site": ({"Sec-Fetch-Site": "same-site"}, 403),
    "an unknown site": ({"Sec-Fetch-Site": "x"}, 403),
    "its own pages": ({"Sec-Fetch-Site": "same-origin"}, 204),
    "the address bar": ({"Sec-Fetch-Site": "none"}, 204),
    "no browser": ({}, 204),
}


@pytest.mark.parametrize(("headers", "status"), CROSS.values(), ids=CROSS)
def test_requests_from_other_origins_are_refused(oms: Emulator, headers: dict[str, str], status: int) -> None:
    """A refused reset has no effect."""
    world = oms.world
    assert oms.session().post(RESET, headers=headers).status_code == status
    assert (oms.world is world) == (status == 403)


@pytest.mark.medium
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/__admin", 404),
        ("GET", "/__admin/", 404),
        ("GET", "/__admin/nowhere", 404),
        ("GET", RESET, 405),
        ("DELETE", HEALTH, 405),
        ("ODD", HEALTH, 405),
        ("GET", "/__admin/health/", 404),
        ("GET", "/__admin/%ff", 404),
    ],
)
def test_error_for_an_unknown_path_or_method_lists_the_known_ones(
    client: Any, method: str, path: str, status: int
) -> None:
    answer = client.request(method, path)
    assert answer.status_code == status
    known = answer.json()["known"]
    assert known == sorted(known)
    assert {HEALTH, RESET, "/__admin/graph", "/__admin/orders"} <= set(known)
    assert ("Allow" in answer.headers) == (status == 405)


@pytest.mark.parametrize("path", ["/__admin/faults/%0A", "/__admin/%0D%0Ax", "/__admin/orders/%C2%85/cancel"])
def test_error_for_a_path_with_line_breaks_has_one_line(client: Any, path: str) -> None:
    message = client.delete(path).json()["error"]
    assert len(message.splitlines()) == 1
    assert message.startswith("DELETE /__admin/")


def test_control_responses_have_no_cors_headers(client: Any) -> None:
    answer = client.get(HEALTH, headers={"Origin": "http://oms.test"})
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]


@pytest.mark.medium
@pytest.mark.parametrize("headers", [{"Origin": "http://[::1"}, {"Host": "[::1"}], ids=["origin", "host"])
def test_malformed_origin_or_host_is_refused(client: Any, headers: dict[str, str]) -> None:
    assert client.get("/__admin/health", headers=headers).status_code == 403
