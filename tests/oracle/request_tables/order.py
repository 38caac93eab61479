"""Which error is reported when a request has several faults."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from tests.oracle.request_tables.urls import COMMAND, INVOICE_NUMBER, JSON, PACKAGES, UNKNOWN
from tests.oracle.wire import RawRequest


@dataclass(frozen=True)
class Fault:
    """One fault that a request can have."""

    name: str
    query: str = ""
    path: tuple[str, str] = ("", "")
    changes: tuple[tuple[str, Any], ...] = ()

    def applied(self, request: RawRequest) -> RawRequest:
        path, _, query = request.target.partition("?")
        query = "&".join(part for part in (query, self.query) if part)
        target = path.replace(*self.path) + (f"?{query}" if query else "")
        return replace(request, target=target, **dict(self.changes))


FAULTS = (
    Fault("host", changes=(("host", "a b"),)),
    Fault("url", path=("oms/", "nowhere/")),
    Fault("slash", path=("_number/", "_number")),
    Fault("parameters", query="&".join(["a=1"] * 1001)),
    Fault("format", query="format=xml"),
    Fault("accept", changes=(("accept", "text/html"),)),
    Fault("stranger", changes=(("authorization", None),)),
    Fault("token", changes=(("authorization", "Token nope"),)),
    Fault("forbidden", changes=(("authorization", "Token read-only"),)),
    Fault("method", changes=(("method", "PUT"),)),
    Fault("unknown", path=("{package}", UNKNOWN)),
    Fault("media type", changes=(("content_type", "text/plain"), ("body", b"x"))),
    Fault("charset", changes=(("content_type", f"{JSON}; charset=base64"), ("body", b"{}"))),
    Fault("json", changes=(("content_type", JSON), ("body", b"{"))),
    Fault("value", changes=(("content_type", JSON), ("body", b'{"invoice_number":[]}'))),
    Fault("indent", changes=(("accept", f"{JSON}; indent=2"),)),
)
TARGETS = {"write": (INVOICE_NUMBER, "POST"), "command": (COMMAND, "POST")}


def build_requests() -> Iterator[RawRequest]:
    # Django decodes the query string with the body's charset too, and crashes on codecs that are not for text.
    return (
        request
        for request in faulty_requests()
        if not ("base64" in (request.content_type or "") and "?" in request.target)
    )


def faulty_requests() -> Iterator[RawRequest]:
    for place, (target, method) in TARGETS.items():
        start = RawRequest(f"both wrong at {place}:", target, method, content_type=JSON, body=b"[]")
        for one, other in combinations(FAULTS, 2):
            wrong = one.applied(other.applied(start))
            yield replace(wrong, label=f"{start.label} {one.name}, {other.name}")
    read = RawRequest("wrong read:", PACKAGES + "?page=abc")
    for one in FAULTS:
        wrong = one.applied(read)
        yield replace(wrong, label=f"{read.label} {one.name}")
