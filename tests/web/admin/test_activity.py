"""The activity of a world, its stream of server-sent events, and the catalogue for choices."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from emulator import Emulator
from emulator.web import ServerName
from emulator.web.admin.activity import MAX_STREAMS, STREAMS_KEY

COMMAND = "/api/v1/oms/packages/{}/command/"
PREPARE = {"slug": "package__prepare_package_command__waiting__preparing", "input_parameters": {}}


SERVERS: tuple[ServerName, ...] = ("waitress", "granian")


@pytest.fixture(params=SERVERS)
def served(request: pytest.FixtureRequest) -> Iterator[Emulator]:
    with Emulator("demo", server=request.param) as emulator:
        yield emulator


class Stream:
    """A connection that reads the stream of events."""

    def __init__(self, oms: Emulator, after: str = "") -> None:
        url = urlsplit(oms.url)
        self.connection = socket.create_connection((url.hostname, url.port), timeout=10)
        header = f"Last-Event-ID: {after}\r\n" if after else ""
        self.connection.sendall(f"GET /__admin/events HTTP/1.1\r\nHost: {url.netloc}\r\n{header}\r\n".encode())
        self.lines = self.connection.makefile("rb")
        self.status = int(self.lines.readline().split()[1])
        headers = (line.decode().strip().split(": ", 1) for line in iter(self.lines.readline, b"\r\n"))
        self.headers = {name.title(): value for name, value in headers}
        self.last_id = ""

    def message(self) -> Any:
        """Return the next message."""
        for line in self.lines:
            if line.startswith(b"id: "):
                self.last_id = line[4:].decode().strip()
            if line.startswith(b"data: "):
                return json.loads(line[6:])
        raise AssertionError("the stream ended")

    def close(self) -> None:
        self.lines.close()
        self.connection.close()


def newest(oms: Emulator, state: str) -> int:
    found = oms.session().get("/api/v1/oms/packages/short/", params={"state__enum_value": state, "limit": 1})
    return int(found.json()["results"][0]["id"])


def activity(oms: Emulator, query: str = "") -> list[Any]:
    return oms.session().get(f"/__admin/activity{query}").json()["results"]


def test_activity_lists_a_transition_with_its_request_and_webhooks(oms: Emulator) -> None:
    oms.hooks.add(lambda _: 503, "package.status.transitioned")
    package = newest(oms, "100")
    request = oms.session().post(COMMAND.format(package), json=PREPARE).headers["X-Emulator-Request-Id"]
    oms.hooks.flush()
    entry = activity(oms)[0]
    assert {key: entry[key] for key in ("kind", "record", "from", "to", "by", "request")} == {
        "kind": "moved",
        "record": package,
        "from": "Waiting",
        "to": "Preparing",
        "by": "admin",
        "request": request,
    }
    assert 503 in [each["status"] for each in entry["webhooks"]]


def test_activity_lists_a_refused_request_with_the_reason_of_its_body(oms: Emulator) -> None:
    package = newest(oms, "100")
    oms.session().post(COMMAND.format(package), json={"slug": "no"})
    entry = activity(oms)[0]
    assert (entry["kind"], entry["status"], entry["record"]) == ("refused", 400, package)
    assert entry["reason"] == "input_parameters: This field is required."


def test_activity_of_a_package_is_complete_and_about_it_alone(oms: Emulator) -> None:
    package = oms.package(state="Shipped")
    oms.carrier(package["id"], "delivered")
    entries = activity(oms, f"?package={package['id']}")
    assert {entry["record"] for entry in entries} == {package["id"]}
    assert entries[0]["to"] == "Delivered"
    assert entries[0]["by"] == "carrier"
    assert entries[0]["is_order_done"] is True
    assert [entry["to"] for entry in entries if entry["kind"] == "created"] == ["Waiting"]


def test_activity_of_a_new_world_is_that_of_its_newest_packages(oms: Emulator) -> None:
    entries = activity(oms, "?limit=5")
    assert len(entries) == 5
    assert [entry["at"] for entry in entries] == sorted((entry["at"] for entry in entries), reverse=True)


@pytest.mark.parametrize("query", ["?limit=x", "?colour=red", "?package=x"])
def test_activity_refuses_other_parameters(query: str, oms: Emulator) -> None:
    assert oms.session().get(f"/__admin/activity{query}").status_code == 400


def test_stream_reports_the_topics_of_a_change(served: Emulator) -> None:
    stream = Stream(served)
    assert stream.headers["Content-Type"] == "text/event-stream"
    assert stream.headers["X-Accel-Buffering"] == "no"
    assert stream.message()["world"]["name"] == "default"
    served.clock.advance(hours=1)
    message = stream.message()
    assert "clock" in message["topics"]
    assert "faults" not in message["topics"]
    assert message["clock"]["now"] == "2023-04-05T10:00:00Z"
    served.faults.add("get_package", status=503)
    message = stream.message()
    assert (message["topics"], message["faults"][0]["kind"]) == (["faults"], "status")
    stream.close()


def test_stream_resumes_after_the_last_event(served: Emulator) -> None:
    """It sends what was missed, once. With the id of another world it sends the latest activity."""
    stream = Stream(served)
    stream.message()
    stream.close()
    served.package(state="Waiting")
    missed = Stream(served, stream.last_id)
    message = missed.message()
    assert ([entry["kind"] for entry in message["activity"]], message["is_fresh"]) == (["created"], False)
    served.undo()
    assert missed.message()["is_fresh"] is True
    missed.close()
    other = Stream(served, "other-1.0.0.0.0")
    assert len(other.message()["activity"]) > 1
    other.close()


def test_stream_reports_a_reset_and_a_deleted_world(served: Emulator) -> None:
    stream = Stream(served)
    stream.message()
    served.reset()
    assert "world" in stream.message()["topics"]
    stream.close()


def test_streams_hold_no_answering_thread_and_are_bounded(served: Emulator) -> None:
    """Streams beyond the limit get one message and end, so that the client polls. Closed streams are forgotten.

    Under granian, each stream has a separate thread.
    """
    last = Stream(served)
    last.message()
    streams = served.app.extensions[STREAMS_KEY]
    with ExitStack() as opened:
        threads = threading.active_count()
        for _ in range(MAX_STREAMS - 1):
            stream = Stream(served)
            opened.callback(stream.close)
            stream.message()
        assert len(streams) == MAX_STREAMS
        own = sum(thread.name == "emulator stream" for thread in threading.enumerate())
        assert own in (0, MAX_STREAMS)
        assert threading.active_count() <= threads + max(own - 1, 0) + 3
        further = requests.get(f"{served.url}/__admin/events", timeout=10)
        assert further.headers["Content-Length"] == str(len(further.content))
        assert b"data: " in further.content
        assert requests.get(f"{served.url}/__admin/health", timeout=10).status_code == 200
    while len(streams) > 1:  # the server checks each connection several times a second
        served.clock.advance(hours=1)
        last.message()
    last.close()


def test_stop_ends_a_stream(served: Emulator) -> None:
    stream = Stream(served)
    stream.message()
    served.stop()
    assert b"data: " not in stream.lines.read()
    stream.close()


def test_stream_in_process_is_one_message(oms: Emulator) -> None:
    answer = oms.session().get("/__admin/events")
    assert answer.text.startswith("retry: 2000\n\nid: ")


def test_catalog_lists_what_an_order_needs(oms: Emulator) -> None:
    catalog = oms.session().get("/__admin/catalog").json()
    order = oms.order(
        lines=[{"sku": catalog["products"][0]["sku"]}],
        is_click_and_collect=True,
        retail_store_id=next(each["id"] for each in catalog["locations"] if each["is_pickup_location"]),
    )
    assert order["packages"]
    assert {"id", "name"} == set(catalog["carriers"][0])
    assert "tr" in {city["country"] for city in catalog["cities"]}


def test_timeline_counts_requests_and_transitions(oms: Emulator) -> None:
    package = newest(oms, "100")
    oms.session().post(COMMAND.format(package), json=PREPARE)
    oms.clock.advance(hours=10)
    oms.session().post(COMMAND.format(package), json=PREPARE)
    report = oms.session().get("/__admin/timeline").json()
    buckets = report["buckets"]
    assert sum(bucket["requests"] for bucket in buckets) == 3
    assert sum(bucket["moved"] for bucket in buckets) == 1
    assert buckets[-1]["refused"] == 1
    assert max(bucket["milliseconds"] for bucket in buckets) > 0


def test_a_tracking_number_leads_to_its_package(oms: Emulator) -> None:
    """Of the data, and of a package that was packed later."""
    shipped = oms.session().get("/api/v1/oms/packages/", params={"state__enum_value": "600", "limit": 1}).json()
    for package in (shipped["results"][0], oms.package(state="Shipped")):
        found = oms.session().get("/__admin/shipments", params={"tracking_number": package["tracking_number"]}).json()
        assert [each["record"] for each in found["results"]] == [package["id"]]
    for unknown in ("1", "none", ""):
        assert oms.session().get("/__admin/shipments", params={"tracking_number": unknown}).json()["count"] == 0
