"""HEAD, OPTIONS, huge pages, repeated parameters and forms at every URL of the emulated API."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tests.oracle.request_tables.forms import field_part, file_part, multipart_body
from tests.oracle.request_tables.reference import EXTRA, REFERENCE_ONLY, bearer, path
from tests.oracle.request_tables.urls import (
    CHILD_LISTS,
    COMMAND,
    DENIAL_REASONS,
    FORM,
    INVOICE,
    INVOICE_NUMBER,
    JSON,
    LISTS,
    LOGINS,
    LOGS,
    OLD_DENIAL_REASONS,
    PACKAGE,
    PACKAGES,
    READS,
    REMOTE_ID,
    SERVICE_DETAILS,
    SERVICE_LISTS,
    TRANSFER,
    TRANSFER_COMMAND,
    UNKNOWN,
    WRITES,
)
from tests.oracle.wire import FULL_ACCESS, RawRequest

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "MADEUP")
ROLES = (None, "Token nope", "Token read-only", "Token no-access", "Token inactive")


def on_both_surfaces(targets: tuple[str, ...]) -> tuple[str, ...]:
    """Return the URLs, and those of packages on the reference."""
    return (*targets, *(path(target) for target in targets if target.startswith(PACKAGES)))


ALL_LISTS = (*on_both_surfaces(LISTS), REFERENCE_ONLY[0], *SERVICE_LISTS)
ALL_READS = (*on_both_surfaces(READS), *REFERENCE_ONLY, *SERVICE_LISTS, *SERVICE_DETAILS)
ALL_WRITES = (*on_both_surfaces(WRITES), EXTRA)
HUGE_PAGES = ("9" * 19, "9" * 400, str(2**63), "-" + "9" * 25, "0" * 50 + "1", "1e400", "9" * 4301)
HUGE_SIZES = ("9" * 19, "9" * 4301, str(2**64), "-" + "9" * 30, "0" * 50 + "3")
REPEATED = (
    *("page=1&page=2", "page=x&page=1", "page=1&page=x", "page=2&page=&limit=3", "page=&page=1&a=1&a=2"),
    *("{size}=1&{size}=2", "{size}=x&{size}=2", "{size}=2&{size}=x", "{size}=0&{size}=3&page=1", "{size}=2&limit=3"),
    *("format=json&format=json", "format=xml&format=json", "format=json&format=xml", "format=&format=json"),
)


def request_to(label: str, target: str, method: str = "GET", authorization: str | None = FULL_ACCESS) -> RawRequest:
    """Return a request with the credential in the scheme of its URL."""
    takes_jwt = target.startswith(("/packages/", LOGS[:-1]))
    return RawRequest(f"{label} {target}", target, method, bearer(authorization) if takes_jwt else authorization)


def build_requests() -> Iterator[RawRequest]:
    for target in (*ALL_READS, *ALL_WRITES, *LOGINS):
        for method in ("HEAD", "OPTIONS"):
            yield from requests_without_effect(target, method)
    for target in (*SERVICE_LISTS, *SERVICE_DETAILS):
        yield from service_requests(target)
    for target in ALL_LISTS:
        yield from page_requests(target)
    for target in CHILD_LISTS:
        for query in ("page=1&page=2", "page=x&page=1", "limit=x&limit=1", f"page={HUGE_PAGES[0]}"):
            yield request_to("children", f"{target}?{query}")
    yield from form_requests()
    yield from denial_reason_requests()


def requests_without_effect(target: str, method: str) -> Iterator[RawRequest]:
    plain = request_to(method, target, method)
    yield plain
    for role in (None, "Token read-only", "Token no-access"):
        yield request_to(f"{method} as {role}", target, method, role)
    yield plain.variant("as html", accept="text/html")
    yield request_to(f"{method} format", f"{target}?format=xml", method)
    yield request_to(f"{method} repeated", f"{target}?page=1&page=1&limit=x&limit=2", method)
    yield request_to(f"{method} without a slash", target[:-1], method)
    if "{" in target:
        unknown = target[: target.index("{")] + UNKNOWN + target[target.index("}") + 1 :]
        yield request_to(f"{method} unknown", unknown, method)


def service_requests(target: str) -> Iterator[RawRequest]:
    """Send what the other tables send to the URLs of packages."""
    has_body = target in {DENIAL_REASONS, OLD_DENIAL_REASONS}
    for method in METHODS:
        if not (has_body and method == "POST"):
            yield request_to(f"service {method}", target, method)
    for role in ROLES:
        yield request_to(f"service as {role}", target, "GET", role)
    for number, other in enumerate(("Bearer {full-access}", FULL_ACCESS)):
        yield RawRequest(f"service with scheme {number} {target}", target, authorization=other)
    yield request_to("service as html", target).variant("", accept="text/html")
    for value in (UNKNOWN, "0", "-1", "x", "9" * 30, "1.0") if "{" in target else ():
        yield request_to("service id", target[: target.index("{")] + value + "/")
    yield request_to("service without a slash", target[:-1])
    yield request_to("service without a slash by POST", target[:-1], "POST")


def page_requests(target: str) -> Iterator[RawRequest]:
    size = "page_size" if target == DENIAL_REASONS else "limit"
    for page in HUGE_PAGES:
        yield request_to("huge page", f"{target}?page={page}")
    for value in HUGE_SIZES:
        yield request_to("huge size", f"{target}?{size}={value}")
        yield request_to("huge size", f"{target}?{size}={value}&page=last")
    for query in REPEATED:
        yield request_to("repeated", f"{target}?{query.format(size=size)}")


FIELDS = {
    INVOICE_NUMBER: "invoice_number",
    PACKAGE + "set_remote_id/": "remote_id",
    TRANSFER + "set_invoice_number/": "invoice_number",
    REMOTE_ID: "remote_id",
}
TEXT_FORMS = (
    *("", "{0}", "{0}=", "{0}=+", "{0}=x", "{0}=x&{0}=", "{0}=&{0}=x", "{0}=%00", "{0}=%ff", "{0}[]=x", "other=1"),
    *("{0}=x;{0}=", "&&{0}=x&&", "{0}=" + "x" * 256),
)
COMMAND_FORMS = (
    *(
        "",
        "transition=x",
        "slug=",
        "transition=&slug=+",
        "transition=1&transition=x",
        "transition=x&input_parameters.a=1",
    ),
    *("transition=x&input_parameters=", "transition=%00", "slug=%ff&transition=x"),
)
REASON_FORMS = (
    *("", "title", "title=", "title=+", "title=x&title=", "other=x", "title=%00", "title=&priority=-1"),
    *("title=&priority=x&is_active=x", "title=&remote_id=" + "x" * 101, "title=" + "x" * 256, "priority=&title="),
)


def form_requests() -> Iterator[RawRequest]:
    """Send forms to every operation with a body. No command runs and no record is created."""
    for guide_target, field in FIELDS.items():
        for target in on_both_surfaces((guide_target,)):
            yield from forms_to(target, [form.replace("{0}", field) for form in TEXT_FORMS], field)
    for target in on_both_surfaces((COMMAND, TRANSFER_COMMAND)):
        yield from forms_to(target, COMMAND_FORMS, "slug")
    for target in (DENIAL_REASONS, OLD_DENIAL_REASONS):
        yield from forms_to(target, REASON_FORMS, "title")
    for target in on_both_surfaces((INVOICE.replace("{package}", UNKNOWN),)):
        yield from forms_to(target, ("", "a=1"), "a")


def forms_to(target: str, forms: Iterable[str], field: str) -> Iterator[RawRequest]:
    plain = request_to("forms to", target, "POST")
    for number, form in enumerate(forms):
        yield plain.variant(f"urlencoded {number}", content_type=FORM, body=form.encode())
    name = field.encode()
    blank = field_part(name, b"")
    parts = ((blank,), (field_part(name, b" "),), (field_part(name, b"\x00"),), (file_part(name, b"a", b"x"),))
    for number, part in enumerate((*parts, (field_part(name, b"x"), blank))):
        body = multipart_body(*part)
        yield plain.variant(f"multipart {number}", content_type="multipart/form-data; boundary=B", body=body)


REASON_BODIES = (
    *("", "[]", "null", '"x"', "1", "{", "NaN", "{}", '{"other":1}', '{"title":"x","title":""}'),
    *('{"title":null}', '{"title":""}', '{"title":" "}', '{"title":[]}', '{"title":{}}', '{"title":true}'),
    *('{"title":"\\u0000"}', '{"title":"Ürün hasarlı"}', '{"title":" Mağaza kapalı "}', f'{{"title":"{"x" * 256}"}}'),
    *('{"title":"","remote_id":[]}', '{"title":"","remote_id":true}', f'{{"title":"","remote_id":"{"x" * 101}"}}'),
    *('{"title":"","remote_id":"\\u0000"}', '{"title":"","remote_id":"\\ud800"}', '{"title":"","remote_id":null}'),
    *('{"title":"","priority":-1}', '{"title":"","priority":"-1"}', '{"title":"","priority":2147483648}'),
    *('{"title":"","priority":"x"}', '{"title":"","priority":true}', '{"title":"","priority":[]}'),
    *('{"title":"","priority":1.5}', '{"title":"","priority":""}', '{"title":"","priority":1e400}'),
    *('{"title":"","priority":null}', '{"title":"","priority":' + "9" * 30 + "}"),
    *('{"title":"","is_active":null}', '{"title":"","is_active":"x"}', '{"title":"","is_active":2}'),
    *('{"title":"","is_active":[]}', '{"title":"","is_active":"null"}', '{"title":"","is_active":""}'),
)


def denial_reason_requests() -> Iterator[RawRequest]:
    """Send bodies that are refused to both paths of denial reasons."""
    for target in (DENIAL_REASONS, OLD_DENIAL_REASONS):
        plain = request_to("reason", target, "POST").variant("", content_type=JSON)
        for number, body in enumerate(REASON_BODIES):
            yield plain.variant(f"body {number}", body=body.encode())
        yield plain.variant("as text", content_type="text/plain", body=b"x")
        for role in ROLES:
            yield plain.variant(f"as {role}", authorization=role, body=b"{}")
