"""Content negotiation: Accept headers and `?format=`."""

from collections.abc import Iterator

from tests.oracle.request_tables.urls import COMMAND, INVOICE_NUMBER, JSON, PACKAGE, PACKAGES, UNKNOWN
from tests.oracle.wire import RawRequest

ACCEPTS = (
    None, "", " ", ",", ";", "*/*", "*", "*/json", "*/html", "application/*", "application/json", "application/json;",
    "APPLICATION/JSON", " application/json ", ", application/json", "application/json,", "application", "json", "/",
    "application/json; indent=4", "application/json;indent=4", "application/json; INDENT=4", "application/json; indent=0",
    "application/json; indent=1", "application/json; indent=8", "application/json; indent=99", "application/json; indent=-1",
    "application/json; indent=x", "application/json; indent=", "application/json; indent", 'application/json; indent="4"',
    "application/json; indent=+3", "application/json; indent=1_0", "application/json; indent=2.0",
    "application/json; indent=4; indent=2", "application/json; indent*=utf-8''4", "application/json; indent*=nope''4",
    "application/json; indent=" + "9" * 30, "application/json; q=0.5; indent=2", "*/*; indent=2", "application/*; indent=2",
    "*/*;q=0.8;indent=4", "*/*;q=0", "application/json;q=0", "application/json;q=x", "text/html", "text/html, */*",
    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html,application/json;q=0.1",
    "text/html;q=1,application/json;q=0", "application/json, application/json; indent=4", "application/xml", "text/*",
    "application/json;version=1", "application/json; charset=utf-8", "application/json+x", "application/vnd.api+json",
    "application/xml, application/json; indent=2, */*", "a/b/c", "\xe9", "x" * 300, "x" * 300 + ", application/json",
    "text/html," * 63 + "application/json", "text/html," * 64 + "application/json", "x," * 5000 + "application/json",
    "application/json," + "x," * 5000, "application/json; a=" + "b" * 300, "*/*, text/html; level=1", "*/*; *",
    "application/json;;indent=2", "application/json indent=2", "text/html; q=0.5, application/*; indent=3",
)  # fmt: skip
FORMATS = (
    "format=json", "format=", "format", "format=JSON", "format=xml", "format=api", "format=html", "format=csv", "format=xls",
    "format=json&format=xml", "format=xml&format=json", "format=xml&format=", "FORMAT=xml", "format=%6Ason",
    "format=+json", "format=%20", "format=.json", "format=json%00", "form%61t=xml", "format=%ff", "format[]=xml",
)  # fmt: skip
BASE_REQUESTS = {
    "list": RawRequest("", PACKAGES + "?limit=1"),
    "unknown": RawRequest("", PACKAGES + UNKNOWN + "/"),
    "page": RawRequest("", "/nowhere/"),
    "stranger": RawRequest("", PACKAGES, authorization=None),
    "options": RawRequest("", COMMAND, "OPTIONS"),
    "write": RawRequest("", INVOICE_NUMBER, "POST", content_type=JSON, body=b'{"invoice_number":"1"}'),
    "bad write": RawRequest("", INVOICE_NUMBER, "POST", content_type=JSON, body=b"{}"),
    "missing slash": RawRequest("", PACKAGES[:-1]),
    "method": RawRequest("", PACKAGES, "DELETE"),
}
SELECTED_ACCEPTS = ("text/html", "application/json; indent=3", "*/*; indent=2", "", "text/html, */*;q=0.1")


def build_requests() -> Iterator[RawRequest]:
    for number, accept in enumerate(ACCEPTS):
        yield RawRequest(f"accept {number}", PACKAGES + UNKNOWN + "/", accept=accept)
    for place, request in BASE_REQUESTS.items():
        for accept in SELECTED_ACCEPTS:
            yield request.variant(f"accept {accept} at {place}", accept=accept)
    for number, query in enumerate(FORMATS):
        yield RawRequest(f"format {number}", PACKAGES + "?limit=2&" + query)
        yield RawRequest(f"format {number} of one", PACKAGE + "?" + query)
    for accept in SELECTED_ACCEPTS:
        yield RawRequest(f"unknown format and accept {accept}", PACKAGES + "?format=xml", accept=accept)
        yield RawRequest(f"known format and accept {accept}", PACKAGES + "?format=json&limit=1", accept=accept)
