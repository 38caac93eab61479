"""Authentication: every form of the Authorization header, every role, the login."""

from collections.abc import Iterator

from tests.oracle.request_tables.urls import COMMAND, INVOICE_NUMBER, JSON, LOGINS, PACKAGES, READS, WRITES
from tests.oracle.wire import RawRequest

AUTHORIZATIONS = (
    None, "", " ", "Token", "Token ", "token", "Token full-access", "token full-access", "TOKEN full-access",
    "Token  full-access", "Token\tfull-access", " Token full-access", "Token full-access ", "\tToken full-access\t",
    "Token full-access\x0b", "Token full-access\x0c", "Token\xa0full-access", "Token full-access\xa0",
    "Token full-access\x85", "Token\x1cfull-access", "Token a b", "Token full-access full-access",
    "Token caf\xc3\xa9", "Token caf\xe9", "Token \xff", "T\xd6ken full-access", "Token inactive", "Token no-access",
    "Token read-only", "Token nope", "Token FULL-ACCESS", "Token full-access,", 'Token "full-access"',
    "Token=full-access", "Token:full-access", "Token, full-access", "Tokenfull-access", "full-access", "Tokens x",
    "Bearer full-access", "Bearer", "bearer x.y.z", "Basic ZnVsbC1hY2Nlc3M6", "Basic", "Digest x", "JWT x",
    "Token Token full-access", "Token token=full-access", "Token full%2Daccess", "Token " + "x" * 5000,
    "Token full-access\x00", "Token admin", "Token none", "Token null", "Token 0",
)  # fmt: skip
ROLES = ("full-access", "read-only", "no-access", "inactive", "nobody")
METHODS = ("GET", "POST", "OPTIONS", "PUT", "TRACE")

LOGIN_BODIES = (
    b"{}", b'{"username":"admin"}', b'{"password":"admin"}', b'{"username":"admin","password":"admin"}',
    b'{"username":"reader","password":"reader"}', b'{"username":"admin","password":"reader"}',
    b'{"username":"nobody","password":"nobody"}', b'{"username":" admin ","password":"admin"}',
    b'{"username":"admin","password":" admin"}', b'{"username":"ADMIN","password":"admin"}',
    b'{"username":"","password":""}', b'{"username":" ","password":" "}', b'{"username":"a","password":" "}',
    b'{"username":null,"password":null}', b'{"username":1,"password":2.5}', b'{"username":true,"password":[]}',
    b'{"username":{},"password":{}}', b'{"username":"a\\u0000","password":"\\ud800"}', b"[]", b"null", b'"x"', b"{",
    b"", b"1", b'{"username":"admin","password":"admin","extra":1}', b'{"username":"\xc5\x9f","password":"x"}',
)  # fmt: skip


def build_requests() -> Iterator[RawRequest]:
    for number, value in enumerate(AUTHORIZATIONS):
        yield RawRequest(f"authorization {number}", PACKAGES + "?limit=1", authorization=value)
        yield RawRequest(f"authorization {number} on a write", INVOICE_NUMBER, "POST", authorization=value)
    yield from requests_by_role()
    yield from login_requests()


def requests_by_role() -> Iterator[RawRequest]:
    """Send every method as every role, to one read and one write."""
    for role in ROLES:
        for method in METHODS:
            for name, target in (("read", PACKAGES + "?limit=1"), ("write", COMMAND)):
                yield RawRequest(f"role {role} {method} {name}", target, method, f"Token {role}")
    for target in READS:
        yield RawRequest(f"role no-access {target}", target, authorization="Token no-access")
    for target in WRITES:
        yield RawRequest(f"role read-only {target}", target, "POST", "Token read-only")
        yield RawRequest(f"role read-only options {target}", target, "OPTIONS", "Token read-only")


def login_requests() -> Iterator[RawRequest]:
    first, second = LOGINS
    plain = RawRequest("login", first, "POST", None, content_type=JSON)
    for number, body in enumerate(LOGIN_BODIES):
        yield plain.variant(f"body {number}", body=body)
    yield plain.variant("at the other path", target=second, body=LOGIN_BODIES[3])
    yield plain.variant(
        "by form", content_type="application/x-www-form-urlencoded", body=b"username=admin&password=admin"
    )
    yield plain.variant(
        "by blank form", content_type="application/x-www-form-urlencoded", body=b"username=&password="
    )
    yield plain.variant("as text", content_type="text/plain", body=b"x")
    yield plain.variant("missing slash", target=first[:-1])
    for value in (
        None,
        "Token x",
        "Token inactive",
        "Token no-access",
        "Token read-only",
        "Bearer x",
        "Token",
        "Token a b",
    ):
        yield plain.variant(f"with {value}", authorization=value, body=LOGIN_BODIES[3])
    for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "MADEUP"):
        yield plain.variant(method, method=method)
    yield plain.variant("as html", accept="text/html")
    yield plain.variant("indented", accept="application/json; indent=2", body=b"{}")
