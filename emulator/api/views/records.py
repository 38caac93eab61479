"""Views of records: lists and details, commands, invoices and the numbers that other systems set."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar

import orjson

from emulator.api.filters import FilterSet, ListQuery
from emulator.api.filters.query import find_ids
from emulator.api.parameters import Page, paginate
from emulator.api.request_fields import (
    COMMAND_FIELDS,
    DENIAL_REASON_FIELDS,
    EXTRA_INFORMATION_FIELDS,
    LOGIN_FIELDS,
    OPTIONAL_PARAMETERS_FIELDS,
    REQUEST_FIELDS,
    TITLE_FIELD,
)
from emulator.api.serializers import SERIALIZERS, render_document, render_record
from emulator.api.serializers.rendering import page_json, render_cache
from emulator.core.call import Call, Reply
from emulator.core.credentials import PASSWORDS
from emulator.core.errors import NotFound, RecordNotFound, ValidationFailed
from emulator.core.fields import NOT_JSON, Field, validate
from emulator.core.json_text import JsonObject, JsonValue, stored_json
from emulator.core.records import (
    DenialReason,
    Package,
    PackageItem,
    RecordKind,
    State,
    Transition,
    TransitionLog,
    User,
)
from emulator.domain.commands import run_command
from emulator.domain.explanations import describe_allowed_values, describe_transition
from emulator.domain.installation import complete_installation
from emulator.domain.shipments import create_purchase_invoice
from emulator.domain.state_graph import Subject, cache_with_base, describe_state, find_transition
from emulator.state.store import Reader, Snapshot
from emulator.state.world import World

R = TypeVar("R")
ViewFunction = Callable[[Call, World], Reply]

GUIDE_PAGE_SIZE = 10
REFERENCE_PAGE_SIZE = 20
MODEL_NAMES: Mapping[type[object], str] = {TransitionLog: "StateTransitionLog"}
"""Kind -> name of the vendor's model, where it differs."""


def detail_view(serializer: str, not_found: str | None = None) -> ViewFunction:
    """Return a view for the record in the path. `not_found` replaces the framework's text of a 404."""

    def view(call: Call, world: World) -> Reply:
        return Reply(200, render(serializer, call.path["pk"], call, world, not_found))

    return view


def list_view(
    serializer: str, kind: RecordKind, *, size: int = GUIDE_PAGE_SIZE, size_parameter: str = "limit"
) -> ViewFunction:
    """Return a view that lists the records of a kind that match the request, by default the newest first."""
    all_records = ListQuery(FilterSet(kind))

    def view(call: Call, world: World) -> Reply:
        snapshot = world.records
        ids = find_ids(snapshot, call.list_query or all_records)
        page = paginate(call, ids, size, newest_first=False, size_parameter=size_parameter)
        return render_page(call, world, snapshot, serializer, page)

    return view


def related_list_view(
    serializer: str, owner: RecordKind, kind: RecordKind, *, size: int = GUIDE_PAGE_SIZE
) -> ViewFunction:
    """Return a view that lists the logs (newest first) or events (oldest first) of the record in the path."""

    def view(call: Call, world: World) -> Reply:
        snapshot = world.records
        ids = snapshot.related(kind, "subject", get_subject_or_404(snapshot, owner, call.path["pk"]))
        page = paginate(call, ids, size, newest_first=kind is TransitionLog)
        return render_page(call, world, snapshot, serializer, page)

    return view


def related_detail_view(serializer: str, owner: RecordKind, kind: RecordKind, key: str) -> ViewFunction:
    """Return a view for one log or event of the record in the path."""

    def view(call: Call, world: World) -> Reply:
        id_ = call.path[key]
        subject = get_subject_or_404(world.records, owner, call.path["pk"])
        if id_ not in world.records.related(kind, "subject", subject):
            raise record_not_found(kind)
        return Reply(200, render(serializer, id_, call, world))

    return view


def list_package_items(call: Call, world: World) -> Reply:
    """List the package's items, oldest first."""
    snapshot = world.records
    package = get_or_404(snapshot, Package, call.path["pk"])
    ids = snapshot.related(PackageItem, "package", package.id)
    page = paginate(call, ids, REFERENCE_PAGE_SIZE, newest_first=False)
    return render_page(call, world, snapshot, "reference-package-item-row", page)


def create_denial_reason(call: Call, world: World) -> Reply:
    """Create a reason. Its title must differ from all others."""
    with world.transaction() as tx:
        titles = frozenset(reason.title for reason in tx.all(DenialReason))
        fields = DENIAL_REASON_FIELDS | {"title": replace(TITLE_FIELD, taken=titles)}
        columns = validate(fields, call.read_body())
        reason = DenialReason(tx.new_id(DenialReason), created_date=tx.now, modified_date=tx.now, **columns)
        tx.add(reason)
    return Reply(201, render("denial-reason", reason.id, call, world))


def get_or_404(reader: Reader, kind: type[R], pk: int) -> R:
    """Return the record in the path. Raise `RecordNotFound` if it does not exist."""
    if (record := reader.get(kind, pk)) is None:
        raise record_not_found(kind)
    return record


def record_not_found(kind: type[object]) -> RecordNotFound:
    """Return the error for a missing record of a kind."""
    return RecordNotFound(MODEL_NAMES.get(kind, kind.__name__))


@cache_with_base(User)
def find_user(reader: Reader, username: str | None) -> User | None:
    """Return the installation's user with this name, or None."""
    return next(iter(reader.find(User, "username", username)), None)


def get_subject_or_404(reader: Reader, owner: RecordKind, pk: int) -> tuple[int, int]:
    """Return the key of a record's logs and events: content type and id. Raise `RecordNotFound` if it is missing."""
    record = get_or_404(reader, owner, pk)
    return reader.get_existing(State, record.state).content_type, pk


def render(serializer: str, id_: int, call: Call, world: World, not_found: str | None = None) -> bytes:
    """Return the document of a record. Raise `RecordNotFound` if the record does not exist."""
    body = render_document(serializer, id_, world.records, call.language, render_cache(world))
    if body is None:
        raise NotFound(not_found) if not_found else record_not_found(SERIALIZERS[serializer].kind)
    return body


def render_page(call: Call, world: World, snapshot: Snapshot, serializer: str, page: Page) -> Reply:
    """Return the response with the documents of a page."""
    cache = render_cache(world)
    results = (render_document(serializer, id_, snapshot, call.language, cache) or b"" for id_ in page.ids)
    return Reply(200, page_json(page.count, page.next, page.previous, results))


TRANSITION_FIELDS = {key: COMMAND_FIELDS[key] for key in ("transition", "slug")}
INVALID_CREDENTIALS = "Unable to log in with provided credentials."


def command_view(owner: type[Subject], *, parameters_required: bool = True) -> ViewFunction:
    """Return a view that runs a command. It responds with 200 if the command returns a body, else with 204.

    The installation can make `input_parameters` optional where `parameters_required` is true.
    """

    def view(call: Call, world: World) -> Reply:
        is_required = parameters_required and world.settings.input_parameters_required
        with world.transaction() as tx:
            subject = get_or_404(tx, owner, call.path["pk"])
            try:
                fields = read_command(call.read_body(), COMMAND_FIELDS if is_required else OPTIONAL_PARAMETERS_FIELDS)
                outcome = run_command(subject, fields, tx, call)
            except ValidationFailed as error:
                known = f"{error.hint}; " if error.hint else ""
                error.hint = known + describe_command_error(
                    error, tx.start, subject, call.read_body(), world.settings.source.installation
                )
                raise apply_error_style(error, world) from None
        return Reply(204) if outcome is None else Reply(200, orjson.dumps(outcome))

    return view


def read_command(body: JsonValue, fields: Mapping[str, Field]) -> JsonObject:
    """Return the fields of a command's body, or the body itself if they are equal. Raise `ValidationFailed`."""
    has_id = type(body) is dict and type(body.get("transition")) is int and "slug" not in body
    return body if has_id and type(body.get("input_parameters")) is dict else validate(fields, body)


def find_requested_transition(reader: Reader, body: JsonValue) -> Transition:
    """Return the transition that the body of a command names. Its other keys may be invalid. Raise `ApiError`."""
    fields = read_command(body, TRANSITION_FIELDS)
    return find_transition(reader, fields.get("transition"), fields.get("slug"))


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
    return error.wrap() if world.settings.source.error_style == "documented" else error


def set_columns_view(owner: RecordKind, request_schema: str) -> ViewFunction:
    """Return a view that stores each field of a body in the column with the same name."""
    fields = REQUEST_FIELDS[request_schema]

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
        merged = to_stored_json("extra_information", {**orjson.loads(package.extra_information), **changes})
        tx.change(package, extra_information=merged, modified_date=tx.now)
    return Reply(204)


def to_stored_json(name: str, value: JsonValue) -> bytes:
    """Return the text of a field's value. Raise `ValidationFailed` if the value cannot be stored as JSON."""
    try:
        return stored_json(value)
    except ValueError:
        raise ValidationFailed({name: [NOT_JSON]}) from None


def log_in(call: Call, _world: World) -> Reply:
    """Return the token of a built-in user."""
    fields = validate(LOGIN_FIELDS, call.read_body())
    token = PASSWORDS.get((fields["username"], fields["password"]))
    if token is None:
        raise ValidationFailed({"non_field_errors": [INVALID_CREDENTIALS]})
    return Reply(200, orjson.dumps({"key": token}))
