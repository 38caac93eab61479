"""Write views: commands, invoices, columns of one record, and the login."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from emulator.api.request_fields import COMMAND_FIELDS, EXTRA_INFORMATION_FIELDS, LOGIN_FIELDS
from emulator.api.serializers import render_record
from emulator.api.serializers.rendering import render_cache
from emulator.api.views.reads import ViewFunction, get_or_404
from emulator.core.call import Call, Reply
from emulator.core.credentials import PASSWORDS
from emulator.core.errors import ValidationFailed
from emulator.core.fields import NOT_JSON, Field, validate
from emulator.core.json_text import JsonObject, JsonValue
from emulator.core.records import Package, RecordKind, Transition
from emulator.domain.commands import run_command
from emulator.domain.explanations import describe_allowed_values, describe_transition
from emulator.domain.installation import complete_installation
from emulator.domain.invoicing import create_purchase_invoice
from emulator.domain.state_graph import Subject, describe_state
from emulator.state.store import Snapshot
from emulator.state.world import World

INVALID_CREDENTIALS = "Unable to log in with provided credentials."


def command_view(owner: type[Subject]) -> ViewFunction:
    """Return a view that runs a command. It responds with 200 if the command returns a body, else with 204."""

    def view(call: Call, world: World) -> Reply:
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

    return view


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


def set_columns_view(owner: RecordKind, fields: dict[str, Field]) -> ViewFunction:
    """Return a view that stores each field in the column with the same name."""

    def view(call: Call, world: World) -> Reply:
        with world.transaction() as tx:
            record = get_or_404(tx, owner, call.path["pk"])
            values = validate(fields, call.read_body())
            tx.change(record, modified_date=tx.now, **values)
        return Reply(204)

    return view


def invoice_package_view(serializer: str) -> ViewFunction:
    """Return a view that creates the package's purchase invoice. The operation has no documented body."""

    def view(call: Call, world: World) -> Reply:
        with world.transaction() as tx:
            invoice = create_purchase_invoice(tx, get_or_404(tx, Package, call.path["pk"]))
        return Reply(201, render_record(serializer, invoice, world.records, call.language, render_cache(world)))

    return view


def patch_extra_information(call: Call, world: World) -> Reply:
    """Merge the given keys into the package's extra information."""
    with world.transaction() as tx:
        package = get_or_404(tx, Package, call.path["pk"])
        changes = validate(EXTRA_INFORMATION_FIELDS, call.read_body())["extra_information"]
        merged = to_stored_json({**orjson.loads(package.extra_information), **changes})
        tx.change(package, extra_information=merged, modified_date=tx.now)
    return Reply(204)


def to_stored_json(value: JsonObject) -> bytes:
    """Return the text of a JSON value. Raise `ValidationFailed` if it is not UTF-8, too deep, or exceeds 64 bits."""
    try:
        return orjson.dumps(value)
    except TypeError:
        raise ValidationFailed({"extra_information": [NOT_JSON]}) from None


def log_in(call: Call, _world: World) -> Reply:
    """Return the token of a built-in user."""
    fields = validate(LOGIN_FIELDS, call.read_body())
    token = PASSWORDS.get((fields["username"], fields["password"]))
    if token is None:
        raise ValidationFailed({"non_field_errors": [INVALID_CREDENTIALS]})
    return Reply(200, orjson.dumps({"key": token}))
