"""Hints for refused requests: what an id, a number or a slug belongs to, and the nearest known name."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches

from emulator.core import records
from emulator.core.errors import ValidationFailed
from emulator.core.json_text import JsonValue
from emulator.domain.state_graph import COMMAND, Subject, offered_transitions, owners_of, slug_or_label
from emulator.state.store import Reader

SUBJECT_NAMES: Mapping[records.RecordKind, str] = {
    records.Package: "package",
    records.TransferOrder: "transfer order",
    records.Order: "order",
    records.PackageItem: "package item",
    records.TransferItem: "transfer item",
    records.Shipment: "shipment",
    records.Invoice: "invoice",
    records.TransitionLog: "transition log",
    records.WebhookEvent: "webhook event",
    records.Webhook: "hook",
}
"""Kind whose ids are easily confused with others -> display name."""
OWNERS: Mapping[records.RecordKind, tuple[str, records.RecordKind]] = {
    records.PackageItem: ("package", records.Package),
    records.Shipment: ("package", records.Package),
    records.Invoice: ("package", records.Package),
    records.TransferItem: ("transfer_order", records.TransferOrder),
}
"""Kind -> column with the id of its owner, and kind of the owner."""
NUMBER_COLUMNS = ("number", "tracking_number", "remote_id", "invoice_number")
"""Columns whose values are easily mistaken for the id of a package or transfer order."""
MIN_NUMBER_LENGTH, SEARCH_LIMIT = 6, 250
"""Minimum length of a text, and maximum number of records, for the search by number.

The first read of a seeded record takes a third of a millisecond, so large worlds are not searched.
"""


def nearest_name(text: str, known: Collection[str]) -> str | None:
    """Return the known name that is nearest to a text, if any. Case, dashes, underscores and spaces do not count."""
    names = {normalize_name(name): name for name in known}
    matches = get_close_matches(normalize_name(text), names, 1)
    return names[matches[0]] if matches else None


def normalize_name(name: str) -> str:
    return name.casefold().replace("_", "").replace("-", "").replace(" ", "")


def describe_other_kind(view: Reader, kind: records.RecordKind, id_: int) -> Iterator[str]:
    """Describe the records of other kinds that have this id."""
    for other, name in SUBJECT_NAMES.items():
        if other is not kind and view.has(other, id_):
            owner = describe_owner(view, view.get_existing(other, id_))
            article = "an" if name[0] in "aeiou" else "a"
            yield f"{id_} is the id of {article} {name}{owner}"


def describe_owner(view: Reader, record: records.Record) -> str:
    """Describe the owner of a record. For an order, describe its packages."""
    if isinstance(record, records.Order):
        packages = ", ".join(str(id_) for id_ in view.related(records.Package, "order", record.id)[:3])
        return f" with the packages {packages}" if packages else ""
    if (owner := OWNERS.get(type(record))) is None:
        return ""
    column, kind = owner
    id_ = getattr(record, column)
    return f" of {SUBJECT_NAMES[kind]} {id_}" if id_ is not None else ""


def describe_number(view: Reader, kind: records.RecordKind, text: str) -> str | None:
    """Describe the record with this number, which a request used in place of an id."""
    if kind is records.Package and (ids := view.related(records.Package, "number", text)):
        return describe_number_match(kind, "number", text, ids[0])
    if len(text) < MIN_NUMBER_LENGTH or len(view.ids(kind)) > SEARCH_LIMIT:
        return None
    columns = [column for column in NUMBER_COLUMNS if column in kind._fields]
    for record in view.all(kind):
        for column in columns:
            if getattr(record, column) == text:
                return describe_number_match(kind, column, text, record.id)
    return None


def describe_number_match(kind: records.RecordKind, column: str, text: str, id_: int) -> str:
    return f"{text!r} is the {column} of {SUBJECT_NAMES[kind]} {id_}; paths take the id"


def describe_transition(view: Reader, subject: Subject, body: Mapping[str, JsonValue]) -> str | None:
    """Describe where the slug or the id of a refused transition belongs, or suggest the nearest slug."""
    slug, id_ = body.get("slug"), body.get("transition")
    commands = [each for each in view.all(records.Transition) if each.actor == COMMAND]
    for command in commands:
        if (slug is not None and command.slug == slug) or command.id == id_:
            return describe_source_states(view, subject, command)
    text = slug if isinstance(slug, str) else id_
    if text is None:
        return None
    if not isinstance(text, str):
        return f"no transition has the id {id_}; ids differ between installations, slugs less"
    if isinstance(id_, str) and any(each.slug == id_ for each in commands):
        return f"{id_!r} is a slug: send it as 'slug'"
    slugs = [str(each.slug) for each in offered_transitions(view, subject.state) if each.slug is not records.OMITTED]
    nearest = nearest_name(text, slugs) or nearest_name(
        text, [str(each.slug) for each in commands if each.slug is not records.OMITTED]
    )
    return None if nearest is None else f"nearest known slug: {nearest!r}"


def describe_source_states(view: Reader, subject: Subject, transition: records.Transition) -> str | None:
    """Describe the source state of a transition if it is not the subject's, and an alternative that is allowed."""
    if transition.source_state == subject.state:
        return None
    source = view.get_existing(records.State, transition.source_state)
    if source.content_type != view.get_existing(records.State, subject.state).content_type:
        return f"transition {transition.id} belongs to {owners_of(source)}"
    source_text = f"{slug_or_label(transition)} belongs to state {source.id} {source.name!r}"
    alternatives = [
        each for each in offered_transitions(view, subject.state) if each.command_code == transition.command_code
    ]
    if not alternatives:
        return source_text
    return f"{source_text}; the same command here is {alternatives[0].id} {slug_or_label(alternatives[0])}"


def describe_allowed_values(view: Reader, subject: Subject, error: ValidationFailed) -> str | None:
    """List the known values of a parameter that refers to a missing record."""
    for name, kind in CHOICES.items():
        if name in error.errors:
            choices = list(view.all(kind))[:CHOICES_LIMIT]
            known = ", ".join(f"{each.id} {getattr(each, 'name', None) or each.title}" for each in choices)
            return f"known {name}: {known or 'none'}"
    if "package_items" in error.errors and isinstance(subject, records.Package):
        items = ", ".join(map(str, view.related(records.PackageItem, "package", subject.id)))
        return f"items of {subject.number}: {items}"
    return None


CHOICES: Mapping[str, records.RecordKind] = {
    "denial_reason": records.DenialReason,
    "cargo_company": records.CargoCompany,
}
"""Parameter -> kind of the records whose ids it takes."""
CHOICES_LIMIT = 10
