"""Requests and waits are those of dj-whisperer's own client, tasks and policies."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracle import service  # configures Django: once in a process

# isort: split
import requests
from rest_framework.serializers import ValidationError
from whisperer import tasks
from whisperer.client import WebhookClient
from whisperer.countdown import countdown_classes
from whisperer.models import Webhook as TheirHook
from whisperer.models import WebhookEvent as TheirEvent
from whisperer.resources.serializers import RetryCountdownConfigSerializer

from emulator.core.errors import ValidationFailed
from emulator.core.fields import validate
from emulator.core.ids import made_uuid
from emulator.core.records import Package, Webhook, WebhookEvent
from emulator.params.hooks import HOOK
from emulator.rules.policies import POLICIES
from emulator.rules.requesting import headers
from emulator.rules.retry import MOST_ATTEMPTS, next_attempt, seconds
from emulator.server import Emulator
from emulator.shapes.events import first_body, retry_body
from emulator.shapes.render_cache import render_cache

assert service.app
AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
numbers = st.integers(0, 10**6)
limits = st.none() | numbers
KWARGS = {
    "fixed": st.fixed_dictionaries({"seconds": numbers}),
    "linear": st.fixed_dictionaries({"base": numbers}, optional={"limit": limits}),
    "exponential": st.fixed_dictionaries(
        {"base": st.integers(0, 50)}, optional={"factor": st.integers(1, 50), "limit": limits}
    ),
}
policies = st.one_of(*(st.tuples(st.just(name), kwargs) for name, kwargs in KWARGS.items()))


@given(policies, st.integers(0, 18))
def test_a_policy_waits_as_long_as_the_senders(policy: tuple[str, Any], tries: int) -> None:
    choice, kwargs = policy
    assert seconds(choice, kwargs, tries, "x") == countdown_classes[choice](**kwargs).get_value(tries)


@given(numbers, numbers, st.integers(0, 18), st.uuids())
def test_a_random_wait_is_one_that_the_sender_may_draw(low: int, more: int, tries: int, event: uuid.UUID) -> None:
    """Between both bounds, and the same again for the same retry of the same event."""
    kwargs = {"min_value": low, "max_value": low + more + 1}
    drawn = seconds("random", kwargs, tries, str(event))
    assert low <= drawn <= low + more + 1
    assert drawn == seconds("random", kwargs, tries, str(event))


def test_a_random_wait_reaches_both_bounds_and_all_between() -> None:
    kwargs = {"min_value": 3, "max_value": 5}
    waits = {seconds("random", kwargs, tries, str(made_uuid(tries))) for tries in range(100)}
    assert waits == {3, 4, 5}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**7) | st.text(max_size=3) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
values = st.one_of(st.integers(-2, 10), st.sampled_from(["5", "x", None, 1.5, "1.0", True]), json_values)
names = st.sampled_from(["seconds", "base", "factor", "limit", "min_value", "max_value", "other"])
configs = st.one_of(
    st.fixed_dictionaries(
        {"choice": st.sampled_from([*POLICIES, "x"]), "kwargs": st.dictionaries(names, values, max_size=4)}
    ),
    st.fixed_dictionaries({}, optional={"choice": json_values, "kwargs": json_values}),
)


@given(configs)
def test_a_policy_is_checked_as_the_sender_checks_it(config: dict[str, Any]) -> None:
    """The same numbers kept, or the same messages in the same places."""
    field = {"config": HOOK["retry_countdown_config"]}
    theirs = RetryCountdownConfigSerializer(data=config)
    try:
        theirs.is_valid(raise_exception=True)
        owed: Any = dict(theirs.validated_data)
    except ValidationError as error:
        owed = json.loads(json.dumps(error.detail))
    try:
        ours = validate(field, {"config": config})["config"]
    except ValidationFailed as error:
        ours = error.errors["config"]
    assert json.dumps(ours) == json.dumps(owed)


texts = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=12)
latin = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=8)
header_names = st.one_of(
    st.sampled_from(["X-Key", "content-type", "X-WHISPERER-EVENT", "x-whisperer-signature", "Authorization"]),
    st.text("abcXY-", min_size=1, max_size=6).filter(lambda name: name.strip("-") != ""),
)
auths = st.one_of(
    st.none(),
    st.just({}),
    st.fixed_dictionaries({"auth_type": st.just("basic"), "username": latin, "password": latin}),
    st.just({"auth_type": "basic", "username": "x", "password": "y:z"}),
    st.just({"auth_type": "digest", "username": "x"}),
)


@given(
    st.sampled_from([None, "", "key", "şifre"]),
    st.dictionaries(header_names, latin, max_size=4),
    auths,
    st.dictionaries(texts, json_values, max_size=4),
)
def test_headers_and_signature_are_the_clients(secret: Any, added: dict[str, str], auth: Any, payload: Any) -> None:
    """What requests puts on the wire for both: the sender's own headers, in whatever case they are overridden."""
    hook = Webhook(
        1,
        event_type="package.created",
        secret_key=secret,
        additional_headers=json.dumps(added).encode(),
        config=json.dumps({} if auth is None else {"auth": auth}).encode(),
    )
    asked = theirs_of(hook, payload)
    body = json.dumps(payload).encode()
    prepared = requests.Request("POST", "http://x/", data=body, headers=headers(hook, body)).prepare()
    assert asked.body.encode() == body
    assert dict(asked.headers.lower_items()) == dict(prepared.headers.lower_items())


def theirs_of(hook: Webhook, payload: Any) -> requests.PreparedRequest:
    """Give the request that the sender's client makes."""
    made: list[requests.PreparedRequest] = []

    def post(url: str, timeout: float, **kwargs: Any) -> requests.Response:
        made.append(requests.Request("POST", url, **kwargs).prepare())
        return requests.Response()

    with patch("requests.post", post):
        WebhookClient(hook.event_type, payload).send_payload(
            "http://x/",
            payload,
            hook.secret_key,
            json.loads(hook.additional_headers),
            json.loads(hook.config).get("auth"),
        )
    return made[0]


ODD = {"headers that are a number": (b"1", b"{}"), "a configuration that is a list": (b"{}", b"[1]")}


@pytest.mark.parametrize(("added", "config"), ODD.values(), ids=ODD)
def test_a_hook_that_the_client_fails_on_is_refused(added: bytes, config: bytes) -> None:
    """Before anything is sent, as there."""
    hook = Webhook(1, event_type="x", additional_headers=added, config=config)
    with pytest.raises((AttributeError, TypeError, ValueError)):
        theirs_of(hook, {})
    with pytest.raises((AttributeError, TypeError, ValueError)):
        headers(hook, b"{}")


def event_of(oms: Emulator) -> WebhookEvent:
    """Make an event of a package's whose data goes beyond ASCII."""
    with oms.world.transaction() as tx:
        tx.add(Webhook(tx.new_id(Webhook), target_url="http://x", event_type="package.refused"))
        package = next(tx.all(Package))
        tx.queue("package.refused", tx.change(package, extra_information='{"ş":"😀","a":1.5,"bb":[]}'.encode()))
    root = oms.world.root
    return root.one(WebhookEvent, root.ids(WebhookEvent)[-1])


def test_the_first_body_is_the_clients_for_the_serializers_document(oms: Emulator) -> None:
    """The package's detail as it was, keys in its order, with Python's blanks and no letters beyond ASCII."""
    event = event_of(oms)
    body = first_body(event, oms.world.root, render_cache(oms.world))
    detail = json.loads(oms.session().get(f"/api/v1/oms/packages/{event.object_id}/").text.replace("oms.test", "X"))
    del detail["id_encrypted"]
    base = oms.world.settings.base_url.encode()
    payload = {"event": {"type": "package.refused", "uuid": uuid.UUID(event.uuid).hex}, "payload": detail}
    asked = theirs_of(Webhook(1, event_type="package.refused"), payload)
    assert body.replace(base, b"http://X") == asked.body.encode()
    assert b"\\u015f" in body


def test_a_later_body_is_the_clients_for_the_databases_document(oms: Emulator) -> None:
    """The same document, keys as the event's `request_payload` has them."""
    event = event_of(oms)
    root, kept = oms.world.root, render_cache(oms.world)
    shown = oms.session().get(f"/whisperer/hook_events/{event.id}/").json()["request_payload"]
    body = retry_body(event, root, kept)
    assert body == theirs_of(Webhook(1, event_type="x"), shown).body.encode()
    assert json.loads(body) == json.loads(first_body(event, root, kept))
    assert list(json.loads(body)["payload"]) == sorted(shown["payload"], key=lambda key: (len(key), key))


class Again(Exception):
    """Stands for the task queue's: run this task again after so many seconds."""

    def __init__(self, countdown: int) -> None:
        super().__init__()
        self.countdown = countdown


def theirs_next(count: int, status: int, choice: str, kwargs: Any) -> int | None:
    """Give how many seconds after its end the sender's own task waits, whose last attempt came to this."""
    hook = TheirHook(event_type="x", retry_countdown_config={"choice": choice, "kwargs": kwargs})
    event = SimpleNamespace(uuid="u", retry_count=count, pk=1, refresh_from_db=lambda **_: None)
    response = requests.Response()
    response.status_code = status

    def retry(countdown: int) -> None:
        raise Again(countdown)

    request = SimpleNamespace(retries=count - 1, kwargs={})
    with (
        patch.object(TheirHook.objects, "get", lambda **_: hook),
        patch.object(tasks, "_deliver_event", lambda *_, **__: (event, response)),
    ):
        try:
            tasks.deliver_event_task(SimpleNamespace(request=request, retry=retry), 1, "x", instance={"a": 1})
        except Again as again:
            return again.countdown
    return None


@given(policies, st.integers(1, 11), st.sampled_from([200, 204, 301, 302, 400, 404, 500, 503]))
def test_the_task_goes_on_when_the_senders_does(policy: tuple[str, Any], count: int, status: int) -> None:
    """Up to ten retries, counted from the end of the attempt before; not after a success nor a redirect."""
    choice, kwargs = policy
    hook = Webhook(1, retry_countdown_config=json.dumps({"choice": choice, "kwargs": kwargs}).encode())
    event = WebhookEvent(1, 1, 1, 4, AT - timedelta(days=1), AT, str(uuid.uuid4()), retry_count=count)
    event = event._replace(response_http_status=status, delivered=status < 300)
    wait = theirs_next(count, status, choice, kwargs)
    if count <= 10:
        try:
            assert next_attempt(event, hook) == (None if wait is None else AT + timedelta(seconds=wait))
        except OverflowError:  # beyond the calendar
            assert next_attempt(event, hook) is None
    else:
        assert wait is None


@given(policies, st.integers(11, 20), st.integers(0, 10**7), st.booleans())
def test_the_scanner_takes_what_the_senders_takes(
    policy: tuple[str, Any], count: int, age: int, delivered: bool
) -> None:
    """At the round that we say the sender's own rule allows the attempt, and not at the round before."""
    choice, kwargs = policy
    config = {"choice": choice, "kwargs": kwargs}
    event = WebhookEvent(1, 1, 1, 4, AT - timedelta(seconds=age), AT, "u", retry_count=count, delivered=delivered)
    found = next_attempt(event, Webhook(1, retry_countdown_config=json.dumps(config).encode()))
    if delivered or count >= MOST_ATTEMPTS:
        assert found is None
    elif found is not None:
        assert found > AT
        assert (found.minute, found.second, found.microsecond) == (0, 0, 0)
        assert is_allowed(event, config, found)
        before = found - timedelta(hours=1)
        assert before <= AT or not is_allowed(event, config, before)


def is_allowed(event: WebhookEvent, config: Any, now: datetime) -> bool:
    """Ask the sender's own model."""
    theirs = TheirEvent(retry_count=event.retry_count, webhook=TheirHook(retry_countdown_config=config))
    theirs.created_date = event.created_date
    with patch("django.utils.timezone.now", lambda: now):
        return bool(theirs.is_retry_allowed)
