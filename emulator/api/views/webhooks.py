"""Webhook subscriptions, their events, and retries of events.

Callers see only their own records. A superuser sees all.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TypeVar

import orjson

from emulator.api.control.deliveries import save_result
from emulator.api.filters import Condition
from emulator.api.filters.filter_set import OWNER_FILTERS
from emulator.api.filters.query import find_ids
from emulator.api.parameters import paginate
from emulator.api.request_fields import HOOK_FIELDS
from emulator.api.serializers.rendering import page_json
from emulator.api.views.records import (
    GUIDE_PAGE_SIZE,
    ViewFunction,
    get_or_404,
    record_not_found,
    render,
    render_page,
    to_stored_json,
)
from emulator.core.call import Call, Reply
from emulator.core.errors import (
    EventAlreadyDelivered,
    EventStillInProgress,
    PermissionDenied,
    RecordNotFound,
    WebhookAlreadyRegistered,
)
from emulator.core.event_types import EVENT_TYPES
from emulator.core.fields import CharField, validate
from emulator.core.json_text import JsonObject, JsonValue
from emulator.core.records import Columns, RecordKind, Webhook, WebhookEvent
from emulator.domain.webhook_retries import TASK_RETRIES
from emulator.state.outbox import DeliveryResult
from emulator.state.store import Reader, Transaction
from emulator.state.world import World

R = TypeVar("R", Webhook, WebhookEvent)
JSON_TEXT_COLUMNS = ("retry_countdown_config", "additional_headers", "config")
RETRY_SUCCEEDED, RETRY_FAILED = "Webhook event delivered successfully", "Webhook event delivery failed"
RESPONSE_CONTENT = CharField()
ROOT_NAMES = ("hooks", "hook_events", "event_queues")


def owned_list_view(serializer: str) -> ViewFunction:
    """Return a view that lists the caller's records, by default the oldest first."""

    def view(call: Call, world: World) -> Reply:
        snapshot, query = world.records, call.list_query
        if not is_superuser(call):
            is_own = Condition(OWNER_FILTERS[query.filters.kind], caller_username(call))
            query = query._replace(conditions=(*query.conditions, is_own))
        ids = find_ids(snapshot, query)
        page = paginate(call, ids, GUIDE_PAGE_SIZE, newest_first=False)
        return render_page(call, world, snapshot, serializer, page)

    return view


def owned_detail_view(serializer: str, kind: RecordKind) -> ViewFunction:
    """Return a view for one of the caller's records."""

    def view(call: Call, world: World) -> Reply:
        get_owned_or_404(world.records, kind, call)
        return Reply(200, render(serializer, call.path["pk"], call, world))

    return view


def list_hook_types(_call: Call, _world: World) -> Reply:
    """List the names of all event types, without pages."""
    return Reply(200, orjson.dumps([event.name for event in EVENT_TYPES]))


def show_hook_root(call: Call, _world: World) -> Reply:
    """Show the URLs of the lists, in the format of the request, as the framework's router does."""
    path, _, query = call.url.partition("?")
    root, suffix = (path.removesuffix("/").removesuffix(".json"), ".json") if ".json" in path[-6:] else (path, "/")
    chosen = f"?format={call.get_param('format')}" if query and call.get_param("format") is not None else ""
    return Reply(200, orjson.dumps({name: f"{root}{name}{suffix}{chosen}" for name in ROOT_NAMES}))


def list_event_queue(call: Call, _world: World) -> Reply:
    """List the queued events. There are none, because the emulator sends an event when it is due."""
    page = paginate(call, (), GUIDE_PAGE_SIZE, newest_first=False)
    return Reply(200, page_json(page.count, page.next, page.previous, ()))


def get_event_queue(_call: Call, _world: World) -> Reply:
    raise RecordNotFound("EventQueue")


def create_hook(call: Call, world: World) -> Reply:
    """Register a hook of the caller. An inactive hook with the same address and type is also a duplicate."""
    fields = validate(HOOK_FIELDS, call.read_body())
    require_allowed_target(call, world, fields["target_url"])
    with world.transaction() as tx:
        require_not_registered(tx, caller_username(call), fields["target_url"], fields["event_type"])
        columns = hook_columns(fields) | {"created_date": tx.now, "modified_date": tx.now}
        hook = tx.add(Webhook(tx.new_id(Webhook), owner=caller_username(call), **columns))
    return Reply(201, render("webhook", hook.id, call, world))


def update_hook_view(*, partial: bool) -> ViewFunction:
    """Return a view that changes the fields in the body of a hook of the caller."""

    def view(call: Call, world: World) -> Reply:
        with world.transaction() as tx:
            hook = get_owned_or_404(tx, Webhook, call)
            fields = validate(HOOK_FIELDS, call.read_body(), partial=partial)
            target_url, event_type = (fields.get(key, getattr(hook, key)) for key in ("target_url", "event_type"))
            require_allowed_target(call, world, target_url)
            for owner in dict.fromkeys((caller_username(call), hook.owner)):
                require_not_registered(tx, owner, target_url, event_type, except_id=hook.id)
            tx.change(hook, modified_date=tx.now, **hook_columns(fields))
        return Reply(200, render("webhook", hook.id, call, world))

    return view


def delete_hook(call: Call, world: World) -> Reply:
    """Deactivate a hook of the caller. It remains in the list."""
    with world.transaction() as tx:
        tx.change(get_owned_or_404(tx, Webhook, call), is_active=False, modified_date=tx.now)
    return Reply(204)


def retry_hook_event(call: Call, world: World) -> Reply:
    """Send an event again immediately, and respond with the result."""
    event = get_owned_or_404(world.records, WebhookEvent, call)
    force = is_forced(call.read_body())
    if event.delivered:
        raise EventAlreadyDelivered
    if not force and event.retry_count <= TASK_RETRIES:
        raise EventStillInProgress
    try:
        result = world.outbox.sender.attempt(event.id)
        save_result(world, event.id, result, call.request_id)
    except LookupError:  # while it was sent, the world was reset
        raise record_not_found(WebhookEvent) from None
    return Reply(200 if result.is_ok else 406, orjson.dumps(retry_document(result)))


def is_forced(body: JsonValue) -> bool:
    """Return whether the body forces the retry. Like the vendor, accept any value that is not empty."""
    if not isinstance(body, Mapping):
        validate({}, body)
    return bool(body.get("force", False))


def retry_document(result: DeliveryResult) -> JsonObject:
    """Return the response to a retry. As in the vendor's serializer, an empty answer of the receiver is an error."""
    content = validate({"response_content": RESPONSE_CONTENT}, {"response_content": result.text})
    return {
        "detail": RETRY_SUCCEEDED if result.is_ok else RETRY_FAILED,
        "response_status": result.status,
        **content,
        "response_time": str(timedelta(seconds=result.seconds).total_seconds()),
        "delivered": result.is_ok,
    }


def get_owned_or_404(reader: Reader, kind: type[R], call: Call) -> R:
    """Return the record in the path. Raise `RecordNotFound` if it does not exist or if the caller may not see it."""
    record = get_or_404(reader, kind, call.path["pk"])
    hook = record if isinstance(record, Webhook) else reader.get_existing(Webhook, record.webhook)
    if not (is_superuser(call) or hook.owner == caller_username(call)):
        raise record_not_found(kind)
    return record


def require_allowed_target(call: Call, world: World, target_url: str) -> None:
    """Raise `PermissionDenied` with a hint if no hook may call this address. The real service has no such rule."""
    refusal = world.outbox.sender.hook_refusal(target_url, from_foreign_page=call.is_from_foreign_page)
    if refusal is not None:
        raise PermissionDenied(hint=refusal)


def require_not_registered(
    tx: Transaction, owner: str, target_url: str, event_type: str, except_id: int | None = None
) -> None:
    """Raise `WebhookAlreadyRegistered` if the owner has another hook for this address and type."""
    if set(tx.related(Webhook, "registered", (owner, target_url, event_type))) - {except_id}:
        raise WebhookAlreadyRegistered


def hook_columns(fields: JsonObject) -> Columns:
    return {key: to_stored_json(key, value) if key in JSON_TEXT_COLUMNS else value for key, value in fields.items()}


def caller_username(call: Call) -> str:
    return "" if call.caller is None else call.caller.username


def is_superuser(call: Call) -> bool:
    return call.caller is not None and call.caller.is_superuser
