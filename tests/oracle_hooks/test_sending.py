"""Requests and retry delays are those of dj-whisperer's client, tasks and policies."""

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

from tests.oracle import service  # configures Django, once per process

# isort: split
import requests
from rest_framework.serializers import ValidationError
from whisperer import tasks
from whisperer.client import WebhookClient
from whisperer.countdown import countdown_classes
from whisperer.models import Webhook as TheirHook
from whisperer.models import WebhookEvent as TheirEvent
from whisperer.resources.serializers import RetryCountdownConfigSerializer

from emulator.api.request_fields import HOOK_FIELDS
from emulator.api.serializers.events import first_request_body, retry_request_body
from emulator.api.serializers.rendering import render_cache
from emulator.client.emulator import Emulator
from emulator.core.errors import ValidationFailed
from emulator.core.fields import validate
from emulator.core.records import Package, Webhook, WebhookEvent
from emulator.core.seeded_random import derive_uuid
from emulator.domain.webhook_retries import MAX_ATTEMPTS, POLICIES, next_attempt_at, policy_seconds, webhook_headers

assert service.app
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
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
def test_policy_delay_equals_dj_whisperers_delay(policy: tuple[str, Any], tries: int) -> None:
    choice, kwargs = policy
    assert policy_seconds(choice, kwargs, tries, "x") == countdown_classes[choice](**kwargs).get_value(tries)


@given(numbers, numbers, st.integers(0, 18), st.uuids())
def test_random_delay_is_within_bounds_and_repeatable(low: int, more: int, tries: int, event: uuid.UUID) -> None:
    """The same retry of the same event has the same delay."""
    kwargs = {"min_value": low, "max_value": low + more + 1}
    drawn = policy_seconds("random", kwargs, tries, str(event))
    assert low <= drawn <= low + more + 1
    assert drawn == policy_seconds("random", kwargs, tries, str(event))


def test_random_delay_reaches_every_value_within_bounds() -> None:
    kwargs = {"min_value": 3, "max_value": 5}
    delays = {policy_seconds("random", kwargs, tries, str(derive_uuid(tries))) for tries in range(100)}
    assert delays == {3, 4, 5}


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
def test_policy_is_validated_as_dj_whisperer_validates_it(config: dict[str, Any]) -> None:
    """The same values are accepted, or the same messages are returned in the same places."""
    field = {"config": HOOK_FIELDS["retry_countdown_config"]}
    theirs = RetryCountdownConfigSerializer(data=config)
    try:
        theirs.is_valid(raise_exception=True)
        expected: Any = dict(theirs.validated_data)
    except ValidationError as error:
        expected = json.loads(json.dumps(error.detail))
    try:
        ours = validate(field, {"config": config})["config"]
    except ValidationFailed as error:
        ours = error.errors["config"]
    assert json.dumps(ours) == json.dumps(expected)


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
def test_headers_and_signature_equal_those_of_dj_whisperers_client(
    secret: Any, added: dict[str, str], auth: Any, payload: Any
) -> None:
    """Compares what `requests` sends for both, in whatever case a hook overrides the sender's headers."""
    hook = Webhook(
        1,
        event_type="package.created",
        secret_key=secret,
        additional_headers=json.dumps(added).encode(),
        config=json.dumps({} if auth is None else {"auth": auth}).encode(),
    )
    sent_request = dj_whisperer_request(hook, payload)
    body = json.dumps(payload).encode()
    prepared = requests.Request("POST", "http://x/", data=body, headers=webhook_headers(hook, body)).prepare()
    assert sent_request.body.encode() == body
    assert dict(sent_request.headers.lower_items()) == dict(prepared.headers.lower_items())


def dj_whisperer_request(hook: Webhook, payload: Any) -> requests.PreparedRequest:
    """Return the request that dj-whisperer's client makes."""
    requests_made: list[requests.PreparedRequest] = []

    def post(url: str, timeout: float, **kwargs: Any) -> requests.Response:
        requests_made.append(requests.Request("POST", url, **kwargs).prepare())
        return requests.Response()

    with patch("requests.post", post):
        WebhookClient(hook.event_type, payload).send_payload(
            "http://x/",
            payload,
            hook.secret_key,
            json.loads(hook.additional_headers),
            json.loads(hook.config).get("auth"),
        )
    return requests_made[0]


INVALID_HOOKS = {"headers are a number": (b"1", b"{}"), "configuration is a list": (b"{}", b"[1]")}


@pytest.mark.parametrize(("added", "config"), INVALID_HOOKS.values(), ids=INVALID_HOOKS)
def test_hook_that_dj_whisperers_client_fails_on_is_not_sent(added: bytes, config: bytes) -> None:
    hook = Webhook(1, event_type="x", additional_headers=added, config=config)
    with pytest.raises((AttributeError, TypeError, ValueError)):
        dj_whisperer_request(hook, {})
    with pytest.raises((AttributeError, TypeError, ValueError)):
        webhook_headers(hook, b"{}")


def make_event(oms: Emulator) -> WebhookEvent:
    """Create an event for a package whose data contains non-ASCII text."""
    with oms.world.transaction() as tx:
        tx.add(Webhook(tx.new_id(Webhook), target_url="http://x", event_type="package.refused"))
        package = next(tx.all(Package))
        tx.queue_event("package.refused", tx.change(package, extra_information='{"ş":"😀","a":1.5,"bb":[]}'.encode()))
    root = oms.world.records
    return root.get_existing(WebhookEvent, root.ids(WebhookEvent)[-1])


def test_first_body_equals_dj_whisperers_body_for_the_package_detail(oms: Emulator) -> None:
    """Keys are in the order of the detail, separators contain spaces, and non-ASCII letters are escaped."""
    event = make_event(oms)
    body = first_request_body(event, oms.world.records, render_cache(oms.world))
    detail = json.loads(oms.session().get(f"/api/v1/oms/packages/{event.object_id}/").text.replace("oms.test", "X"))
    del detail["id_encrypted"]
    base = oms.world.settings.source.base_url.encode()
    payload = {"event": {"type": "package.refused", "uuid": uuid.UUID(event.uuid).hex}, "payload": detail}
    sent_request = dj_whisperer_request(Webhook(1, event_type="package.refused"), payload)
    assert body.replace(base, b"http://X") == sent_request.body.encode()
    assert b"\\u015f" in body


def test_retry_body_equals_dj_whisperers_body_for_the_stored_payload(oms: Emulator) -> None:
    """It is the same document with the keys in the order of the event's `request_payload`."""
    event = make_event(oms)
    root, kept = oms.world.records, render_cache(oms.world)
    shown = oms.session().get(f"/whisperer/hook_events/{event.id}/").json()["request_payload"]
    body = retry_request_body(event, root, kept)
    assert body == dj_whisperer_request(Webhook(1, event_type="x"), shown).body.encode()
    assert json.loads(body) == json.loads(first_request_body(event, root, kept))
    assert list(json.loads(body)["payload"]) == sorted(shown["payload"], key=lambda key: (len(key), key))


class RetryRequested(Exception):
    """Raised in place of the task queue's retry, with the delay in seconds."""

    def __init__(self, countdown: int) -> None:
        super().__init__()
        self.countdown = countdown


def dj_whisperer_delay(count: int, status: int, choice: str, kwargs: Any) -> int | None:
    """Return the delay in seconds that dj-whisperer's task requests after this attempt, or None."""
    hook = TheirHook(event_type="x", retry_countdown_config={"choice": choice, "kwargs": kwargs})
    event = SimpleNamespace(uuid="u", retry_count=count, pk=1, refresh_from_db=lambda **_: None)
    response = requests.Response()
    response.status_code = status

    def retry(countdown: int) -> None:
        raise RetryRequested(countdown)

    request = SimpleNamespace(retries=count - 1, kwargs={})
    with (
        patch.object(TheirHook.objects, "get", lambda **_: hook),
        patch.object(tasks, "_deliver_event", lambda *_, **__: (event, response)),
    ):
        try:
            tasks.deliver_event_task(SimpleNamespace(request=request, retry=retry), 1, "x", instance={"a": 1})
        except RetryRequested as requested:
            return requested.countdown
    return None


@given(policies, st.integers(1, 11), st.sampled_from([200, 204, 301, 302, 400, 404, 500, 503]))
def test_task_retries_when_dj_whisperers_task_does(policy: tuple[str, Any], count: int, status: int) -> None:
    """Up to ten retries, counted from the end of the attempt before; none after a success or a redirect."""
    choice, kwargs = policy
    hook = Webhook(1, retry_countdown_config=json.dumps({"choice": choice, "kwargs": kwargs}).encode())
    event = WebhookEvent(1, 1, 1, 4, NOW - timedelta(days=1), NOW, str(uuid.uuid4()), retry_count=count)
    event = event._replace(response_http_status=status, delivered=status < 300)
    wait = dj_whisperer_delay(count, status, choice, kwargs)
    if count <= 10:
        try:
            assert next_attempt_at(event, hook) == (None if wait is None else NOW + timedelta(seconds=wait))
        except OverflowError:  # the time exceeds the calendar
            assert next_attempt_at(event, hook) is None
    else:
        assert wait is None


@given(policies, st.integers(11, 20), st.integers(0, 10**7), st.booleans())
def test_scanner_retries_when_dj_whisperers_scanner_does(
    policy: tuple[str, Any], count: int, age: int, delivered: bool
) -> None:
    """dj-whisperer's rule allows the attempt in the computed hour and not in the hour before."""
    choice, kwargs = policy
    config = {"choice": choice, "kwargs": kwargs}
    event = WebhookEvent(1, 1, 1, 4, NOW - timedelta(seconds=age), NOW, "u", retry_count=count, delivered=delivered)
    attempt_at = next_attempt_at(event, Webhook(1, retry_countdown_config=json.dumps(config).encode()))
    if delivered or count >= MAX_ATTEMPTS:
        assert attempt_at is None
    elif attempt_at is not None:
        assert attempt_at > NOW
        assert (attempt_at.minute, attempt_at.second, attempt_at.microsecond) == (0, 0, 0)
        assert is_allowed(event, config, attempt_at)
        before = attempt_at - timedelta(hours=1)
        assert before <= NOW or not is_allowed(event, config, before)


def is_allowed(event: WebhookEvent, config: Any, now: datetime) -> bool:
    """Return whether dj-whisperer's model allows a retry at this time."""
    their_event = TheirEvent(retry_count=event.retry_count, webhook=TheirHook(retry_countdown_config=config))
    their_event.created_date = event.created_date
    with patch("django.utils.timezone.now", lambda: now):
        return bool(their_event.is_retry_allowed)
