"""The emulator and dj-whisperer in a Django application, with the same hooks and events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from tests.oracle import service  # configures Django, once per process

# isort: split
import requests
from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from whisperer.models import EventQueue, Webhook, WebhookEvent

from emulator.api.filters.filter_set import LOCATION_CONTENT_TYPE
from emulator.api.serializers import render_document
from emulator.api.serializers.rendering import render_cache
from emulator.client.emulator import Emulator
from emulator.core import records
from emulator.core.credentials import CREDENTIALS
from emulator.state.outbox import DeliveryResult, error_result, response_result
from emulator.state.world import World
from tests.oracle.differences import Difference, expected_response, without_added_headers
from tests.oracle.wire import RawRequest, RawResponse, send_wsgi

TABLES = (ContentType, Permission, Group, User, Webhook, WebhookEvent, EventQueue)
PACKAGES = 60
HOOK_COLUMNS = ("target_url", "is_active", "secret_key", "event_type", "callback")
JSON_COLUMNS = ("retry_countdown_config", "additional_headers", "config")
CRASH = RawResponse(500, {}, b"")


def create_tables() -> None:
    """Create the tables that do not exist yet."""
    existing = connection.introspection.table_names()
    with connection.schema_editor() as editor:
        for table in TABLES:
            if table._meta.db_table not in existing:
                editor.create_model(table)


LOADED: list[World] = []
"""The world whose hooks are in the tables; empty at first."""


def load_hooks(world: World) -> None:
    """Replace the rows by those of a world, unless they are there. Worlds of several tests share the tables."""
    if [world] == LOADED:
        return
    create_tables()
    for table in reversed(TABLES):
        table.objects.all().delete()
    load_hooks_and_events(world)
    LOADED[:] = [world]


def load_hooks_and_events(world: World) -> None:
    """Insert the users, hooks and events of a world."""
    for username in {credential.username for credential in CREDENTIALS.values()}:
        User.objects.create(username=username, is_superuser=username == "admin")
    root = world.records
    for number in {LOCATION_CONTENT_TYPE, *(state.content_type for state in root.all(records.State))}:
        ContentType.objects.create(id=number, app_label="oms", model=f"kind{number}")
    for hook in root.all(records.Webhook):
        columns = {key: getattr(hook, key) for key in HOOK_COLUMNS}
        columns |= {key: json.loads(getattr(hook, key)) for key in JSON_COLUMNS}
        user = User.objects.get(username=hook.owner)
        insert(Webhook(id=hook.id, user=user, **columns), hook)
    for event in root.all(records.WebhookEvent):
        text = render_document("webhook-event", event.id, root, "en-us", render_cache(world)) or b""
        document = json.loads(text.replace(b"\x01domain\x02", b"http://oms.test"))
        keys = ("uuid", "response_content", "response_http_status", "delivered", "retry_count", "request_payload")
        columns = {key: document[key] for key in (*keys, "object_id", "request_datetimes")}
        insert(
            WebhookEvent(id=event.id, webhook_id=event.webhook, content_type_id=event.content_type, **columns), event
        )


def insert(row: Any, record: Any) -> None:
    """Insert a row with the times of its record, which Django would overwrite."""
    row.save(force_insert=True)
    type(row).objects.filter(pk=row.pk).update(created_date=record.created_date, modified_date=record.modified_date)


class Receiver:
    """The answer of a hook's target, for both applications."""

    def __init__(self) -> None:
        self.status, self.body, self.error = 200, b"200 OK", ""

    def post(self, **_: Any) -> requests.Response:
        if self.error:
            raise requests.ConnectionError(self.error)
        response = requests.Response()
        response.status_code, response._content, response.encoding = self.status, self.body, "utf-8"
        return response

    def attempt(self, event_id: int) -> DeliveryResult:
        if self.error:
            return error_result(self.error, 0.0)
        return response_result(self.status, self.body, self.body.decode("utf-8", "replace"), 0.0)


class Pair:
    """The emulator and dj-whisperer with the same hooks and events."""

    def __init__(self) -> None:
        self.emulator = Emulator("demo", packages=PACKAGES)
        self.world = self.emulator.world
        self.prepare_hooks()
        self.start, self.root = self.world.snapshot(), self.world.records
        self.receiver = Receiver()
        load_hooks(self.world)

    def prepare_hooks(self) -> None:
        """Assign two hooks to a user who is not a superuser, disable a third, and leave one event to be retried."""
        with self.world.transaction() as tx:
            first, second, third = list(tx.all(records.Webhook))[:3]
            tx.change(first, owner="reader")
            tx.change(second, owner="reader", target_url=first.target_url, secret_key="key", callback="")
            tx.change(third, is_active=False, additional_headers=b'{"X-Key":["\xc5\x9f",null]}', callback="a.b")
            failed = [event for event in tx.all(records.WebhookEvent) if not event.delivered]
            tx.change(failed[0], retry_count=3, response_http_status=302)

    @contextmanager
    def rolled_back(self) -> Iterator[Pair]:
        """Roll both applications back afterwards."""
        load_hooks(self.world)
        self.receiver = Receiver()
        sending = patch.object(self.world.outbox.sender, "attempt", self.receiver.attempt)
        with transaction.atomic(), patch("requests.post", self.receiver.post), sending:
            yield self
            transaction.set_rollback(True)
        self.world.restore(self.start)

    def theirs(self, request: RawRequest) -> RawResponse:
        """Send a request to dj-whisperer, at the time that a write in the world would have."""
        with patch("django.utils.timezone.now", lambda: self.world.clock.now() + timedelta(milliseconds=1)):
            try:
                with transaction.atomic():
                    return send_wsgi(service.app, request)
            except Exception:  # noqa: BLE001 - the client receives a 500, whatever the error
                return CRASH

    def ours(self, request: RawRequest) -> RawResponse:
        return without_added_headers(send_wsgi(self.emulator.app, request))

    def both(self, request: RawRequest, differences: tuple[Difference, ...]) -> tuple[RawResponse, RawResponse]:
        """Return the emulator's answer and the answer expected from it."""
        theirs = expected_response(request, self.theirs(request), differences)
        return self.ours(request), theirs
