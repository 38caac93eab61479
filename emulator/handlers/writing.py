"""Writes: commands, invoices, and the numbers that other systems give."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from emulator.core.errors import NotFound, ValidationFailed
from emulator.core.exchange import Call, Reply
from emulator.core.fields import Field, validate
from emulator.core.records import Invoice, Package, Transition
from emulator.core.store import Root
from emulator.core.world import World
from emulator.params.body_fields import COMMAND, INVOICE_NUMBER, REMOTE_ID
from emulator.rules.commands import run
from emulator.rules.explaining import about_transition, about_values
from emulator.rules.graph import explained
from emulator.rules.installation import whole
from emulator.rules.invoicing import purchase_invoice
from emulator.shapes.cache import render_cache
from emulator.shapes.documents import render_record

Handler = Callable[[Call, World], Reply]


def command(owner: type[Any]) -> Handler:
    """Give a handler that runs a command: 204, or 200 with a body for the few that make something elsewhere."""

    def handle(call: Call, world: World) -> Reply:
        with world.transaction() as tx:
            subject = found(tx, owner, call.path["pk"])
            try:
                asked = validate(COMMAND, call.read_body())
                outcome = run(subject, asked, call.user, tx, call.request_id)
            except ValidationFailed as error:
                known = f"{error.hint}; " if error.hint else ""
                error.hint = known + hint_of(error, tx.start, subject, call.read_body(), world.settings.installation)
                raise in_command_form(error, world) from None
        return Reply(204) if outcome is None else Reply(200, orjson.dumps(outcome))

    return handle


def hint_of(error: ValidationFailed, start: Root, subject: Any, body: Any, installation: str) -> str:
    """Say where the subject was before the command began, where the transition belongs, which values are known."""
    asked = body if isinstance(body, Mapping) else {}
    told = (explained(start, subject), about_transition(start, subject, asked), about_values(start, subject, error))
    return "; ".join(filter(None, (*told, provenance(start, asked, installation))))


def provenance(start: Root, asked: Mapping[str, Any], installation: str) -> str | None:
    """Say how sure the transition is that was asked for."""
    id_, slug = asked.get("transition"), asked.get("slug")
    for transition in start.all(Transition):
        if transition.id == id_ or transition.slug == slug:
            origin = whole(installation).origins.get((Transition, transition.id))
            return origin and f"transition {transition.id} is {origin.provenance}"
    return None


def in_command_form(error: ValidationFailed, world: World) -> ValidationFailed:
    """Give the error in the one form that is documented for commands, and for them alone.

    An installation may answer plainly everywhere; and where it wraps every error, that is done for all at once.
    """
    return error.wrapped() if world.settings.error_style == "documented" else error


def set_text(owner: type[Any], fields: dict[str, Field]) -> Handler:
    """Give a handler that stores the body's one text in the column of the same name."""

    def handle(call: Call, world: World) -> Reply:
        with world.transaction() as tx:
            subject = found(tx, owner, call.path["pk"])
            values = validate(fields, call.read_body())
            tx.change(subject, modified_date=tx.now, **values)
        return Reply(204)

    return handle


def set_invoice_number(owner: type[Any]) -> Handler:
    return set_text(owner, INVOICE_NUMBER)


def set_remote_id(owner: type[Any]) -> Handler:
    return set_text(owner, REMOTE_ID)


def invoice_package(shape: str) -> Handler:
    """Give a handler that creates the package's purchase invoice; no page has a body for it, so none is read."""

    def handle(call: Call, world: World) -> Reply:
        with world.transaction() as tx:
            invoice: Invoice = purchase_invoice(tx, found(tx, Package, call.path["pk"]))
        return Reply(201, render_record(shape, invoice, world.root, call.language, render_cache(world)))

    return handle


def found(tx: Any, owner: type[Any], pk: int) -> Any:
    """Give the record of the path; `NotFound` if there is none."""
    record = tx.get(owner, pk) if tx.has(owner, pk) else None
    if record is None:
        raise NotFound
    return record
