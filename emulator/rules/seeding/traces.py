"""What a package or a transfer order leaves behind: the log of its states and the event of the last one."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

import orjson

from emulator.core.ids import made_uuid
from emulator.core.jsontext import compact
from emulator.core.records import EMPTY_ARRAY, EMPTY_OBJECT, TransitionLog, WebhookEvent
from emulator.rules.seeding.dice import moment
from emulator.rules.seeding.making import Block, Context

BY_USER, FAILED = 128, 12
"""So many of 256 transitions are a user's, so many of 256 events were not delivered."""
COMMAND = b'{"command":{"remote_user_pk":"298"}}'
ANSWERED = timedelta(microseconds=412_733)
ATTEMPTS = 19
"""How often the service tries before it gives an event up."""


class Traces(NamedTuple):
    """Where a package or transfer order has been, and when."""

    content_type: int
    id: int
    path: tuple[int, ...]
    logged: tuple[int, ...]
    hook: int
    modified: int
    dice: bytes


def make_traces(context: Context, block: Block, of: Traces) -> None:
    """Make the log and the event."""
    for k, created in enumerate(of.logged):
        by_user = context.user is not None and of.dice[48 + k] < BY_USER
        block.add(
            TransitionLog(
                id=block.new_id(TransitionLog),
                old_state=of.path[k],
                new_state=of.path[k + 1],
                object_id=of.id,
                content_type=of.content_type,
                user=context.user if by_user else None,
                attributes=COMMAND if by_user else EMPTY_OBJECT,
                created_date=moment(created),
            )
        )
    make_event(context, block, of)


def make_event(context: Context, block: Block, of: Traces) -> None:
    """Make the event that the hook of the last change got; its payload is the document as it is now."""
    created = moment(of.modified)
    answered = created + ANSWERED
    failed = of.dice[56] < FAILED
    block.add(
        WebhookEvent(
            id=block.new_id(WebhookEvent),
            webhook=of.hook,
            object_id=of.id,
            content_type=of.content_type,
            created_date=created,
            modified_date=answered,
            uuid=str(made_uuid("event", context.plans.seed, of.content_type, of.id)),
            response_content="b'502 Bad Gateway'" if failed else "b'200 OK'",
            response_http_status=502 if failed else 200,
            delivered=not failed,
            request_datetimes=EMPTY_ARRAY if failed else compact([answered], orjson.OPT_UTC_Z),
            retry_count=ATTEMPTS if failed else 1,
        )
    )
