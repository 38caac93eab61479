"""The requests that both applications answer. The test replaces placeholders such as `{hook}` and `{failed}`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.oracle.wire import FULL_ACCESS, RawRequest

JSON, FORM = "application/json", "application/x-www-form-urlencoded"
HOOKS, EVENTS = "/whisperer/hooks/", "/whisperer/hook_events/"
HOOK, OWN, RETRY = HOOKS + "{hook}/", HOOKS + "{own}/", EVENTS + "{failed}/retry/"
READER, NOBODY = "Token read-only", "Token no-access"

QUERIES = (
    *("", "page=2", "page=last", "page=9", "page=x", "limit=2", "limit=2&page=2", "limit=0", "limit=x", "limit=1000"),
    *("sort=-id", "sort=created_date", "sort=-modified_date,id", "sort=nothing", "format=json", "format=xml", "x=1"),
)
HOOK_QUERIES = (
    *(
        "target_url=",
        "target_url=x",
        "event_type=package.created",
        "event_type=PACKAGE.Created",
        "event_type=package",
    ),
    *("event_type=%20package.created%20", "event_type=%00", "is_active=true", "is_active=True", "is_active=false"),
    *("is_active=False", "is_active=1", "is_active=0", "is_active=2", "is_active=3", "is_active=TRUE", "is_active="),
    *("is_active=x", "is_active=true&is_active=false", "event_type=package.created&is_active=true", "owner=reader"),
    *("target_url=https://INTEGRATION.example.com/oms/package/created", "sort=-event_type", "target_url=%25"),
)
EVENT_QUERIES = (
    *("uuid={uuid}", "uuid={hex}", "uuid=x", "uuid=", "uuid=%20{uuid}", "delivered=true", "delivered=False"),
    *("delivered=1", "response_http_status=200", "response_http_status=502", "response_http_status=x"),
    *("response_http_status=200.0", "response_http_status=", "object_id={object}", "object_id=1", "object_id="),
    *("content_type=4", "content_type=6", "content_type=9", "content_type=99", "content_type=x", "content_type="),
    *("content_type=4.0", "content_type=%204", "webhook={hook}", "webhook={own}", "webhook=99999", "webhook=x"),
    *("webhook=-1", "event_type=package.created", "event_type=PACKAGE.CREATED", "event_type=x", "event_type="),
    *("created_date={created}", "created_date__gt={created}", "created_date__gte={created}", "created_date=x"),
    *("created_date__lt={created}", "created_date__lte={created}", "created_date__gt=2023-04-01"),
    *("created_date__gt=x&webhook=x&uuid=x&response_http_status=x", "created_date__lt=2023-04-01T00:00:00%2B03:00"),
    *("delivered=true&event_type=package.created&limit=3&sort=-created_date", "retry_count=19"),
)
FIXED = {"choice": "fixed", "kwargs": {"seconds": 60}}
VALID_HOOK: dict[str, Any] = {
    "retry_countdown_config": FIXED,
    "target_url": "http://127.0.0.1:9000/hook",
    "event_type": "package.created",
}


def policy(choice: Any, kwargs: Any) -> dict[str, Any]:
    return {"retry_countdown_config": {"choice": choice, "kwargs": kwargs}}


POLICIES = (
    *(policy("fixed", each) for each in ({"seconds": 0}, {"seconds": "5"}, {"seconds": -1}, {"seconds": 1.5}, {})),
    *(policy("fixed", each) for each in ({"seconds": None}, {"seconds": "x"}, {"seconds": 1, "limit": 2})),
    *(policy("fixed", each) for each in (None, [], "x", 1, True, {"seconds": True}, {"seconds": []})),
    *(
        policy("linear", each)
        for each in ({"base": 1}, {"base": 1, "limit": None}, {"limit": 1}, {"base": 2, "limit": 9})
    ),
    *(
        policy("linear", each)
        for each in ({"base": -1, "limit": -1}, {"base": 1, "limit": "x"}, {"limit": 3, "base": 2})
    ),
    *(policy("exponential", each) for each in ({"base": 2}, {"base": 2, "factor": 0}, {"base": 2, "factor": 3})),
    *(
        policy("exponential", each)
        for each in ({"base": 2, "factor": None}, {"limit": 5, "base": 2}, {"base": "2.0"})
    ),
    *(policy("random", each) for each in ({"min_value": 1, "max_value": 2}, {"min_value": 2, "max_value": 2})),
    *(policy("random", each) for each in ({"min_value": 3, "max_value": 2}, {"min_value": -1, "max_value": 2}, {})),
    *(policy(each, {}) for each in ("x", "", " ", None, 1, [], {}, "FIXED", " fixed", "random ")),
    *({"retry_countdown_config": each} for each in (None, "x", 1, [], {}, {"choice": "x"}, {"kwargs": {}}, True)),
)
CHANGES: tuple[dict[str, Any], ...] = (
    *POLICIES,
    *(
        {"target_url": each}
        for each in (None, "", " ", " x ", "not a url", 5, 1.5, True, [], {}, "x" * 255, "x" * 256)
    ),
    *({"target_url": each} for each in ("a\x00b", "ş/😀", "http://[::1]/", "\ud800")),
    *(
        {"event_type": each}
        for each in (None, "", "x", "package-created", 1, [], "PACKAGE.CREATED", " package.created ")
    ),
    *({"event_type": each} for each in ("shipment.created", "x" * 124, "x" * 125, True)),
    *(
        {"is_active": each}
        for each in (True, False, None, "", "true", "FALSE", "yes", "no", "on", "x", 1, 0, 2, 1.0, [])
    ),
    *({"is_active": each} for each in ({}, "t", "F", "1", "0", " true", "null")),
    *({"secret_key": each} for each in (None, "", " ", " k ", 1, [], "k" * 124, "k" * 125, "\x00", False)),
    *({"callback": each} for each in (None, "", " ", "a.b", "{}", 1, {}, "c" * 64, "c" * 65)),
    *({"additional_headers": each} for each in (None, {}, {"X": "y"}, [], [["a", "b"]], "x", 1, True, {"ş": None})),
    *({"config": each} for each in (None, {}, {"auth": {"auth_type": "basic"}}, [1], "", 0, False, 1.5)),
    {"id": 5, "user": 3, "created_date": "2020-01-01T00:00:00Z", "unknown": 1},
    {
        "retry_countdown_config": 1,
        "target_url": None,
        "is_active": "x",
        "secret_key": [],
        "event_type": "x",
        "callback": 1.5,
    },
)
OPTIONAL_FIELDS = (
    '&retry_countdown_config.choice=linear&retry_countdown_config.kwargs={"base":"3"}&secret_key=&callback='
)
FORMS = (
    "",
    "target_url=x&event_type=package.created&retry_countdown_config.choice=fixed&retry_countdown_config.kwargs={}",
    'target_url=x&event_type=package.created&retry_countdown_config.choice=fixed&retry_countdown_config.kwargs={"seconds":1}',
    'target_url=&event_type=&retry_countdown_config.choice=&retry_countdown_config.kwargs=&is_active=&secret_key=&config=',
    'retry_countdown_config={"choice":"fixed","kwargs":{"seconds":1}}&target_url=x&event_type=package.created',
    'target_url=x&event_type=package.created&is_active=on&additional_headers={"a":1}&config=x' + OPTIONAL_FIELDS,
    'target_url=x&event_type=package.created&is_active=on&additional_headers={"a":1}&config=null' + OPTIONAL_FIELDS,
)  # fmt: skip
BODIES = (b"[]", b'"x"', b"null", b"1", b"{", b"\xff", b'{"force"')


def asks() -> Iterator[RawRequest]:
    yield from reads()
    yield from router_urls()
    yield from access()
    yield from creations()
    yield from changes()
    yield from retries()


def reads() -> Iterator[RawRequest]:
    for number, query in enumerate((*QUERIES, *HOOK_QUERIES)):
        yield RawRequest(f"hooks {number} {query}", f"{HOOKS}?{query}")
    for number, query in enumerate((*QUERIES, *EVENT_QUERIES)):
        yield RawRequest(f"events {number} {query}", f"{EVENTS}?{query}")
    for name in ("hook", "own", "off"):
        yield RawRequest(f"detail of {name}", f"{HOOKS}{{{name}}}/")
    for name in ("failed", "tried", "sent"):
        yield RawRequest(f"detail of {name}", f"{EVENTS}{{{name}}}/")
    yield RawRequest("registry", HOOKS + "registry/")
    for target in (HOOKS + "99999/", EVENTS + "99999/", HOOKS + "0/"):
        yield RawRequest(f"unknown {target}", target)
    for target in (HOOKS + "x/", EVENTS + "1.5/", HOOKS + "-1/", HOOKS + "+1/", HOOKS + "x.json", HOOKS + "x.y.json"):
        yield RawRequest(f"no number {target}", target)


def router_urls() -> Iterator[RawRequest]:
    """Yield requests to the root, to the queue, and to paths with a format."""
    for target in (
        "",
        ".json",
        ".xml",
        ".json/",
        "?format=json",
        "?format=xml",
        "?x=1",
        "?format=",
        ".json?format=json",
    ):
        yield RawRequest(f"root {target}", "/whisperer/" + target)
    for target in (
        "",
        "1/",
        "x/",
        "?event_type=x&object_id=1&model_name=x",
        "?limit=2&page=2",
        "?page=last",
        "?sort=-id",
    ):
        yield RawRequest(f"queue {target}", "/whisperer/event_queues/" + target)
    for method in ("POST", "PUT", "DELETE", "HEAD"):
        yield RawRequest(f"{method} of the root", "/whisperer/", method)
        yield RawRequest(f"{method} of the queue", "/whisperer/event_queues/", method)
    for target in ("hooks.json", "hooks.json/", "hooks.xml", "hooks.JSON", "hooks/.json", "hooks/registry.json"):
        yield RawRequest(f"format {target}", "/whisperer/" + target)
    for target in (HOOK, OWN, EVENTS + "{failed}/", RETRY, EVENTS):
        yield RawRequest(f"format of {target}", target.rstrip("/") + ".json?format=xml&limit=2")


def access() -> Iterator[RawRequest]:
    for target in (HOOKS, HOOK, OWN, EVENTS, EVENTS + "{failed}/", HOOKS + "registry/"):
        for authorization in (None, READER, NOBODY, "Token inactive", "Token x", "Bearer x"):
            yield RawRequest(f"as {authorization} {target}", target, authorization=authorization)
        yield RawRequest(f"slash of {target}", target.rstrip("/"))
        yield RawRequest(f"head of {target}", target, "HEAD")
        yield RawRequest(f"xml of {target}", target, accept="text/xml")
        for authorization in (FULL_ACCESS, READER, NOBODY):
            yield RawRequest(f"options of {target} as {authorization}", target, "OPTIONS", authorization)
    yield RawRequest("options of a retry", RETRY, "OPTIONS", READER)
    yield RawRequest("description of a retry", RETRY, "OPTIONS")
    yield RawRequest("options of none", HOOKS + "99999/", "OPTIONS")
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        for target in (HOOKS, HOOK, EVENTS, EVENTS + "{failed}/", RETRY, HOOKS + "registry/"):
            yield RawRequest(
                f"{method} by a reader to {target}", target, method, READER, content_type=JSON, body=b"{}"
            )
    for method, target in (("PUT", HOOKS), ("DELETE", HOOKS), ("POST", HOOK), ("POST", EVENTS), ("GET", RETRY)):
        yield RawRequest(f"{method} of {target}", target, method)
    for method in ("PUT", "PATCH", "DELETE"):
        yield RawRequest(f"{method} of an event", EVENTS + "{failed}/", method)
        yield RawRequest(f"{method} of the registry", HOOKS + "registry/", method)


def creations() -> Iterator[RawRequest]:
    yield json_request("create", HOOKS, "POST", VALID_HOOK)
    for number, change in enumerate(CHANGES):
        yield json_request(f"create {number} {str(change)[:60]}", HOOKS, "POST", VALID_HOOK | change)
    for key in VALID_HOOK:
        yield json_request(
            f"create without {key}", HOOKS, "POST", {name: VALID_HOOK[name] for name in VALID_HOOK if name != key}
        )
    for number, body in enumerate(BODIES):
        yield RawRequest(f"create body {number}", HOOKS, "POST", content_type=JSON, body=body)
    for number, form in enumerate(FORMS):
        yield RawRequest(f"create form {number}", HOOKS, "POST", content_type=FORM, body=form.encode())
    yield RawRequest("create as text", HOOKS, "POST", content_type="text/plain", body=b"x")
    yield RawRequest("create with nothing", HOOKS, "POST")
    yield json_request("64 bits", HOOKS, "POST", VALID_HOOK | policy("fixed", {"seconds": 2**70}))
    for target in ("{target}", "{offtarget}"):
        for event_type in ("{type}", "{offtype}"):
            hook = VALID_HOOK | {"target_url": target, "event_type": event_type}
            yield json_request(f"create again {target} {event_type}", HOOKS, "POST", hook)


def changes() -> Iterator[RawRequest]:
    for number, change in enumerate(CHANGES):
        if not is_incomplete_policy(change.get("retry_countdown_config")):
            yield json_request(f"change {number} {str(change)[:60]}", HOOK, "PATCH", change)
    for number, change in enumerate(CHANGES[-30::3]):
        yield json_request(f"replace {number} {str(change)[:60]}", HOOK, "PUT", VALID_HOOK | change)
    yield json_request("policy without kwargs", HOOK, "PATCH", {"retry_countdown_config": {"choice": "linear"}})
    yield json_request("policy without choice", HOOK, "PATCH", {"retry_countdown_config": {"kwargs": {"base": 1}}})
    yield json_request("change nothing", HOOK, "PATCH", {})
    yield json_request("replace with nothing", HOOK, "PUT", {})
    yield json_request("change of none", HOOKS + "99999/", "PATCH", {})
    yield json_request(
        "change to the values of another", HOOK, "PATCH", {"target_url": "{offtarget}", "event_type": "{offtype}"}
    )
    yield json_request(
        "replace by the same values", HOOK, "PUT", VALID_HOOK | {"target_url": "{target}", "event_type": "{type}"}
    )
    for number, form in enumerate(FORMS[2:3] + FORMS[6:]):
        yield RawRequest(f"replace form {number}", HOOK, "PUT", content_type=FORM, body=form.encode())
    yield RawRequest("change form", HOOK, "PATCH", content_type=FORM, body=b"secret_key=&callback=x&is_active=off")
    yield RawRequest("delete", HOOK, "DELETE")
    yield RawRequest("delete what is off", HOOKS + "{off}/", "DELETE")
    yield RawRequest("delete none", HOOKS + "99999/", "DELETE")


def is_incomplete_policy(given: Any) -> bool:
    """Return whether a key is missing. dj-whisperer crashes on such a policy (see `differences`)."""
    return isinstance(given, dict) and len(given) < 2


def retries() -> Iterator[RawRequest]:
    forces = (
        "{}",
        '{"force":true}',
        '{"force":false}',
        '{"force":"false"}',
        '{"force":0}',
        '{"force":null}',
        '{"x":1}',
    )
    for target in ("{failed}", "{tried}", "{sent}", "99999"):
        for body in forces:
            yield RawRequest(
                f"retry {target} {body}", f"{EVENTS}{target}/retry/", "POST", content_type=JSON, body=body.encode()
            )
        yield RawRequest(f"retry {target}", f"{EVENTS}{target}/retry/", "POST")
        yield RawRequest(
            f"retry {target} form", f"{EVENTS}{target}/retry/", "POST", content_type=FORM, body=b"force=1"
        )
    yield RawRequest("retry with a list", RETRY, "POST", content_type=JSON, body=b"[1]")
    yield RawRequest("retry with null", RETRY, "POST", content_type=JSON, body=b"null")
    yield RawRequest("retry with invalid JSON", RETRY, "POST", content_type=JSON, body=b"{")
    yield RawRequest("retry as text", RETRY, "POST", content_type="text/plain", body=b"x")


def json_request(label: str, target: str, method: str, body: Any) -> RawRequest:
    return RawRequest(label, target, method, content_type=JSON, body=json.dumps(body).encode())


ASKS = tuple(asks())
