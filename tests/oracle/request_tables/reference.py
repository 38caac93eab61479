"""The requests of the guide repeated on the reference, and requests to operations that only the reference has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tests.oracle.request_tables import access, order, paging
from tests.oracle.request_tables.urls import FORM, JSON, PACKAGE, PACKAGES, READS, ROOT, UNKNOWN, WRITES
from tests.oracle.wire import FULL_ACCESS, RawRequest

ROLES = ("full-access", "read-only", "no-access", "inactive", "throttled")
SCHEMES = {"Token": "Bearer", "token": "bearer", "TOKEN": "BEARER"}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "MADEUP")

EXTRA = "/packages/{package}/extra_information/"
REFERENCE_ONLY = ("/packages/{package}/package-items/", "/packages/{package}/invoice_document/")
BODIES = (
    b"", b"{}", b"[]", b"null", b'"x"', b"1", b"{", b"NaN", b'{"extra_information":{}}', b'{"extra_information":null}',
    b'{"extra_information":[]}', b'{"extra_information":"{}"}', b'{"extra_information":1}', b'{"extra_information":true}',
    b'{"extra_information":{"a":{"b":[1,null]}}}', b'{"extra_information":{"":1}}', b'{"other":{}}',
    b'{"extra_information":[],"extra_information":{}}',
)  # fmt: skip
FORMS = (
    b"",
    b"extra_information.a=1",
    b"extra_information=",
    b"extra_information={}",
    b"a=1",
    b"extra_information.=1",
)
AUTHORIZATIONS = (
    "Bearer {expired}", "Bearer {full-access}x", "Bearer x{full-access}", "Bearer {full-access}.", "Bearer a.b.c",
    "Bearer {full-access}=", "Bearer {full-access}==", "Bearer {full-access}!!!!", "Token full-access", "Token {full-access}",
    "JWT {full-access}", "Bearer full-access", "Bearer ..", "Bearer eyJhbGciOiJub25lIn0.e30.", "Bearer eyJhbGciOiJub25lIn0.e30",
)  # fmt: skip


def bearer(authorization: str | None) -> str | None:
    """Return the Authorization header that is equivalent on the reference."""
    for theirs, ours in SCHEMES.items():
        authorization = authorization and authorization.replace(theirs, ours)
    for role in ROLES:
        authorization = authorization and authorization.replace(role, f"{{{role}}}")
    return authorization


def path(target: str) -> str:
    """Return the path of a guide URL on the reference."""
    return "/packages/" + target.removeprefix(PACKAGES)


def on_reference(request: RawRequest) -> RawRequest:
    """Return the equivalent request on the reference. A request without an equivalent is returned unchanged."""
    if not request.target.startswith(PACKAGES):
        return request
    return replace(
        request,
        label=f"reference: {request.label}",
        target=path(request.target),
        authorization=bearer(request.authorization),
    )


def build_requests() -> Iterator[RawRequest]:
    for table in (access, order, paging):
        yield from (
            on_reference(request) for request in table.build_requests() if request.target.startswith(PACKAGES)
        )
    yield from methods()
    for number, value in enumerate(AUTHORIZATIONS):
        yield RawRequest(f"reference: bearer {number}", "/packages/?limit=1", authorization=value)
        yield RawRequest(f"reference: bearer {number} on the guide", f"{ROOT}packages/?limit=1", authorization=value)
    yield from extra_information()


def methods() -> Iterator[RawRequest]:
    """Request every URL with every method that writes nothing, with and without permission."""
    targets = [path(target) for target in (*READS, *WRITES) if target.startswith(PACKAGES)] + [EXTRA, *REFERENCE_ONLY]
    own = {EXTRA: "PATCH"} | {path(target): "POST" for target in WRITES}
    for target in targets:
        for method in METHODS:
            allowed = FULL_ACCESS if own.get(target) != method else "Token read-only"
            yield RawRequest(f"reference: {method} {target}", target, method, bearer(allowed))
        yield RawRequest(f"reference: no credentials {target}", target, own.get(target, "GET"), None)
        yield RawRequest(
            f"reference: html {target}", target, own.get(target, "GET"), bearer(FULL_ACCESS), accept="text/html"
        )
        yield RawRequest(f"reference: without a slash {target}", target[:-1], own.get(target, "GET"), None)
    for target in (EXTRA, *REFERENCE_ONLY, path(PACKAGE)):
        for number in (UNKNOWN, "x", "0", "9" * 30):
            other = target.replace("{package}", number)
            yield RawRequest(f"reference: id {number} {target}", other, own.get(target, "GET"), bearer(FULL_ACCESS))
    for query in ("?page=2", "?page=last", "?limit=1", "?limit=x&page=1"):
        yield RawRequest(f"reference: items {query}", REFERENCE_ONLY[0] + query, authorization=bearer(FULL_ACCESS))


def extra_information() -> Iterator[RawRequest]:
    plain = RawRequest("reference: extra", EXTRA, "PATCH", bearer(FULL_ACCESS), content_type=JSON)
    for number, body in enumerate(BODIES):
        yield plain.variant(f"body {number}", body=body)
    for number, body in enumerate(FORMS):
        yield plain.variant(f"form {number}", body=body, content_type=FORM)
    yield plain.variant("as text", body=b"x", content_type="text/plain")
    yield plain.variant("of an unknown package", body=b"{", target=EXTRA.replace("{package}", UNKNOWN))
