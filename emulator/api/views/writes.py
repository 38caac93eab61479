"""Write handlers: commands, invoices, invoice numbers and remote ids."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import orjson

from emulator.api.parameters import COMMAND_FIELDS, INVOICE_NUMBER_FIELDS, REMOTE_ID_FIELDS
from emulator.api.serializers.cache import render_cache
from emulator.api.serializers.documents import render_record
from emulator.core.call import Call, Reply
from emulator.core.errors import NotFound, ValidationFailed
from emulator.core.fields import Field, validate
from emulator.core.json_text import JsonValue
from emulator.core.records import Package, RecordKind, Transition
from emulator.domain.commands import run_command
from emulator.domain.explanations import describe_allowed_values, describe_transition
from emulator.domain.installation import complete_installation
from emulator.domain.invoicing import create_purchase_invoice
from emulator.domain.state_graph import Subject, describe_state
from emulator.state.store import Reader, Snapshot
from emulator.state.world import World

R = TypeVar("R")
ViewFunction = Callable[[Call, World], Reply]


def command_view(owner: type[Subject]) -> ViewFunction:
    """Return a handler that runs a command. It responds with 200 if the command returns a body, else with 204."""

    def handle(call: Call, world: World) -> Reply:
        with world.transaction() as tx:
            subject = get_or_404(tx, owner, call.path["pk"])
            try:
                fields = validate(COMMAND_FIELDS, call.read_body())
                outcome = run_command(subject, fields, call.user, tx, call.request_id)
            except ValidationFailed as error:
                known = f"{error.hint}; " if error.hint else ""
                error.hint = known + describe_command_error(
                    error, tx.start, subject, call.read_body(), world.settings.installation
                )
                raise apply_error_style(error, world) from None
        return Reply(204) if outcome is None else Reply(200, orjson.dumps(outcome))

    return handle


def describe_command_error(
    error: ValidationFailed, start: Snapshot, subject: Subject, body: JsonValue, installation: str
) -> str:
    """Describe the subject's state before the command, the transition in the body, and the known values."""
    fields: Mapping[str, JsonValue] = body if isinstance(body, Mapping) else {}
    hints = (
        describe_state(start, subject),
        describe_transition(start, subject, fields),
        describe_allowed_values(start, subject, error),
        describe_transition_provenance(start, fields, installation),
    )
    return "; ".join(filter(None, hints))


def describe_transition_provenance(start: Snapshot, fields: Mapping[str, JsonValue], installation: str) -> str | None:
    """Describe the provenance of the requested transition."""
    id_, slug = fields.get("transition"), fields.get("slug")
    for transition in start.all(Transition):
        if transition.id == id_ or transition.slug == slug:
            origin = complete_installation(installation).origins.get((Transition, transition.id))
            return origin and f"transition {transition.id} is {origin.provenance}"
    return None


def apply_error_style(error: ValidationFailed, world: World) -> ValidationFailed:
    """Wrap the error in the form that is documented for commands.

    The style `plain` wraps no errors. The style `wrapped` wraps all errors in another place.
    """
    return error.wrap() if world.settings.error_style == "documented" else error


def set_text_view(owner: RecordKind, fields: dict[str, Field]) -> ViewFunction:
    """Return a handler that stores each field in the column with the same name."""

    def handle(call: Call, world: World) -> Reply:
        with world.transaction() as tx:
            record = get_or_404(tx, owner, call.path["pk"])
            values = validate(fields, call.read_body())
            tx.change(record, modified_date=tx.now, **values)
        return Reply(204)

    return handle


def set_invoice_number_view(owner: RecordKind) -> ViewFunction:
    return set_text_view(owner, INVOICE_NUMBER_FIELDS)


def set_remote_id_view(owner: RecordKind) -> ViewFunction:
    return set_text_view(owner, REMOTE_ID_FIELDS)


def invoice_package_view(shape: str) -> ViewFunction:
    """Return a handler that creates the package's purchase invoice. The operation has no documented body."""

    def handle(call: Call, world: World) -> Reply:
        with world.transaction() as tx:
            invoice = create_purchase_invoice(tx, get_or_404(tx, Package, call.path["pk"]))
        return Reply(201, render_record(shape, invoice, world.records, call.language, render_cache(world)))

    return handle


def get_or_404(view: Reader, kind: type[R], pk: int) -> R:
    """Return the record in the path. Raise `NotFound` if there is none."""
    record = view.get(kind, pk) if view.has(kind, pk) else None
    if record is None:
        raise NotFound
    return record
