"""An emulator and the sender's own application over the same hooks and events, brought back after every test."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from tests.oracle import service  # configures Django: once in a process

# isort: split
import requests
from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from whisperer.models import EventQueue, Webhook, WebhookEvent

from emulator.core import records
from emulator.core.credentials import CREDENTIALS
from emulator.core.delivery_result import DeliveryResult, answered, unanswered
from emulator.core.world import World
from emulator.rules.filters.hooks import LOCATION_CONTENT_TYPE
from emulator.server import Emulator
from emulator.shapes.documents import rendered
from emulator.shapes.render_cache import render_cache
from tests.oracle.differences import Difference, owed, without_ours
from tests.oracle.wire import Answer, Ask, ask

TABLES = (ContentType, Permission, Group, User, Webhook, WebhookEvent, EventQueue)
PACKAGES = 60
HOOKED = ("target_url", "is_active", "secret_key", "event_type", "callback")
PARSED = ("retry_countdown_config", "additional_headers", "config")
CRASH = Answer(500, {}, b"")
OWN = ("reader", "nobody")
"""Users who are no superusers: one has two hooks and events of its own."""


def make_tables() -> None:
    """Make the tables that are not there yet."""
    there = connection.introspection.table_names()
    with connection.schema_editor() as editor:
        for table in TABLES:
            if table._meta.db_table not in there:
                editor.create_model(table)


def fill(world: World) -> None:
    """Take over the hooks and events of a world, and who owns them."""
    for username in {each.username for each in CREDENTIALS.values()}:
        User.objects.create(username=username, is_superuser=username == "admin")
    root = world.root
    for number in {LOCATION_CONTENT_TYPE, *(state.content_type for state in root.all(records.State))}:
        ContentType.objects.create(id=number, app_label="oms", model=f"kind{number}")
    for hook in root.all(records.Webhook):
        columns = {key: getattr(hook, key) for key in HOOKED}
        columns |= {key: json.loads(getattr(hook, key)) for key in PARSED}
        user = User.objects.get(username=hook.owner)
        put(Webhook(id=hook.id, user=user, **columns), hook)
    for event in root.all(records.WebhookEvent):
        text = rendered("webhook-event", event.id, root, "en-us", render_cache(world)) or b""
        document = json.loads(text.replace(b"\x01domain\x02", b"http://oms.test"))
        keys = ("uuid", "response_content", "response_http_status", "delivered", "retry_count", "request_payload")
        columns = {key: document[key] for key in (*keys, "object_id", "request_datetimes")}
        put(WebhookEvent(id=event.id, webhook_id=event.webhook, content_type_id=event.content_type, **columns), event)


def put(row: Any, record: Any) -> None:
    """Save a row with its own times, which saving alone would not keep."""
    row.save(force_insert=True)
    type(row).objects.filter(pk=row.pk).update(created_date=record.created_date, modified_date=record.modified_date)


class Receiver:
    """What a hook's target answers, to both sides."""

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
            return unanswered(self.error, 0.0)
        return answered(self.status, self.body, self.body.decode("utf-8", "replace"), 0.0)


class Pair:
    """Both sides."""

    def __init__(self) -> None:
        self.emulator = Emulator("demo", packages=PACKAGES)
        self.world = self.emulator.world
        self.give_away()
        self.start, self.root = self.world.snapshot(), self.world.root
        self.receiver = Receiver()
        make_tables()
        fill(self.world)

    def give_away(self) -> None:
        """Let some hooks belong to a user who sees no others, switch one off, and let one event be tried still."""
        with self.world.transaction() as tx:
            first, second, third = list(tx.all(records.Webhook))[:3]
            tx.change(first, owner="reader")
            tx.change(second, owner="reader", target_url=first.target_url, secret_key="key", callback="")
            tx.change(third, is_active=False, additional_headers=b'{"X-Key":["\xc5\x9f",null]}', callback="a.b")
            failed = [event for event in tx.all(records.WebhookEvent) if not event.delivered]
            tx.change(failed[0], retry_count=3, response_http_status=302)

    @contextmanager
    def undone(self) -> Iterator[Pair]:
        """Bring both sides back afterwards."""
        self.receiver = Receiver()
        sending = patch.object(self.world.outbox, "attempt", self.receiver.attempt)
        with transaction.atomic(), patch("requests.post", self.receiver.post), sending:
            yield self
            transaction.set_rollback(True)
        self.world.restore(self.start)

    def theirs(self, request: Ask) -> Answer:
        """Ask the oracle, whose clock is the world's, and moves with a write as that does."""
        with patch("django.utils.timezone.now", lambda: self.world.clock.now() + timedelta(milliseconds=1)):
            try:
                with transaction.atomic():
                    return ask(service.app, request)
            except Exception:  # noqa: BLE001 - whatever the oracle dies of, it is a 500 to its caller
                return CRASH

    def ours(self, request: Ask) -> Answer:
        return without_ours(ask(self.emulator.app, request))

    def both(self, request: Ask, differences: tuple[Difference, ...]) -> tuple[Answer, Answer]:
        """Give what we answer, and what the oracle says that it should be."""
        theirs = owed(request, self.theirs(request), differences)
        return self.ours(request), theirs
