"""What stands behind a refusal: where an id, a number or a slug belongs, and what was nearly right."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from emulator.core.errors import ValidationFailed
from emulator.core.records import (
    ABSENT,
    CargoCompany,
    DenialReason,
    Invoice,
    Order,
    Package,
    PackageItem,
    Shipment,
    State,
    TransferItem,
    TransferOrder,
    Transition,
    TransitionLog,
    Webhook,
    WebhookEvent,
)
from emulator.core.store import View
from emulator.rules.graph import COMMAND, offered, printed

SUBJECT_NAMES: Mapping[type[Any], str] = {
    Package: "package",
    TransferOrder: "transfer order",
    Order: "order",
    PackageItem: "package item",
    TransferItem: "transfer item",
    Shipment: "shipment",
    Invoice: "invoice",
    TransitionLog: "transition log",
    WebhookEvent: "webhook event",
    Webhook: "hook",
}
"""Kinds whose ids are taken for one another -> what people call them."""
OWNERS: Mapping[type[Any], tuple[str, type[Any]]] = {
    PackageItem: ("package", Package),
    Shipment: ("package", Package),
    Invoice: ("package", Package),
    TransferItem: ("transfer_order", TransferOrder),
}
"""Kind -> the column with the id of what it is part of."""
NUMBERS = ("number", "tracking_number", "remote_id", "invoice_number")
"""Columns that are taken for the id of a package or transfer order."""
SHORTEST_NUMBER, MOST_LOOKED_AT = 6, 250
"""Making every record of a demonstration costs a third of a millisecond each, once: so it is done for few, and only
for what looks like a number."""


def near(text: str, known: Collection[str]) -> str | None:
    """Give the known name that is nearest to a text, if one is near; case and dashes count for little."""
    folded = {folded_name(name): name for name in known}
    found = get_close_matches(folded_name(text), folded, 1)
    return folded[found[0]] if found else None


def folded_name(name: str) -> str:
    return name.casefold().replace("_", "").replace("-", "").replace(" ", "")


def of_other_kind(view: View, kind: type[Any], id_: int) -> Iterator[str]:
    """Say whose id it is, where it is not the id of this kind."""
    for other, name in SUBJECT_NAMES.items():
        if other is not kind and view.has(other, id_):
            yield f"{id_} is the id of {article(name)} {name}{owner_of(view, view.one(other, id_))}"


def article(name: str) -> str:
    return "an" if name[0] in "aeiou" else "a"


def owner_of(view: View, record: Any) -> str:
    """Say what a record is part of."""
    if isinstance(record, Order):
        packages = ", ".join(str(id_) for id_ in view.related(Package, "order", record.id)[:3])
        return f" with the packages {packages}" if packages else ""
    if (owner := OWNERS.get(type(record))) is None:
        return ""
    column, kind = owner
    id_ = getattr(record, column)
    return f" of {SUBJECT_NAMES[kind]} {id_}" if id_ is not None else ""


def by_number(view: View, kind: type[Any], text: str) -> str | None:
    """Say whose number a text is that stands where an id belongs; beyond so many records nobody looks for all."""
    if kind is Package and (ids := view.related(Package, "number", text)):
        return told_number(kind, "number", text, ids[0])
    if len(text) < SHORTEST_NUMBER or len(view.ids(kind)) > MOST_LOOKED_AT:
        return None
    columns = [column for column in NUMBERS if column in kind._fields]
    for record in view.all(kind):
        for column in columns:
            if getattr(record, column) == text:
                return told_number(kind, column, text, record.id)
    return None


def told_number(kind: type[Any], column: str, text: str, id_: int) -> str:
    return f"{text!r} is the {column} of {SUBJECT_NAMES[kind]} {id_}; paths take the id"


def about_transition(view: View, subject: Any, asked: Mapping[str, Any]) -> str | None:
    """Say where the slug or the id of a refused transition belongs, or what may have been meant."""
    slug, id_ = asked.get("slug"), asked.get("transition")
    commands = [each for each in view.all(Transition) if each.actor == COMMAND]
    named = [each for each in commands if (slug is not None and each.slug == slug) or each.id == id_]
    if named:
        return about_source(view, subject, named[0])
    text = slug if isinstance(slug, str) else id_ if isinstance(id_, str) else None
    if text is None:
        return (
            None if id_ is None else f"no transition has the id {id_}; ids differ between installations, slugs less"
        )
    if isinstance(id_, str) and any(each.slug == id_ for each in commands):
        return f"{id_!r} is a slug: send it as 'slug'"
    slugs = [str(each.slug) for each in offered(view, subject.state) if each.slug is not ABSENT]
    nearest = near(text, slugs) or near(text, [str(each.slug) for each in commands if each.slug is not ABSENT])
    return None if nearest is None else f"nearest known slug: {nearest!r}"


def about_source(view: View, subject: Any, transition: Transition) -> str | None:
    """Say from which state a transition starts, where that is not the subject's; the command there is here may do."""
    if transition.source_state == subject.state:
        return None
    source = view.one(State, transition.source_state)
    told = f"{printed(transition)} belongs to state {source.id} {source.name!r}"
    if source.content_type != view.one(State, subject.state).content_type:
        return f"{told}, which is a state of another kind of record"
    same = [each for each in offered(view, subject.state) if each.command_code == transition.command_code]
    return f"{told}; the same command here is {same[0].id} {printed(same[0])}" if same else told


def about_values(view: View, subject: Any, error: ValidationFailed) -> str | None:
    """Say which values a parameter takes that names a record which is not there."""
    for name, kind in CHOICES.items():
        if name in error.errors:
            known = ", ".join(f"{each.id} {label_of(each)}" for each in list(view.all(kind))[:MOST_CHOICES])
            return f"known {name}: {known or 'none'}"
    if "package_items" in error.errors and isinstance(subject, Package):
        items = ", ".join(map(str, view.related(PackageItem, "package", subject.id)))
        return f"items of {subject.number}: {items}"
    return None


def label_of(record: Any) -> str:
    return str(getattr(record, "name", None) or getattr(record, "title", ""))


CHOICES: Mapping[str, type[Any]] = {"denial_reason": DenialReason, "cargo_company": CargoCompany}
"""Parameter -> the records whose ids it takes."""
MOST_CHOICES = 10
