"""The transitions of an installation, from what recorded answers tell: which command each runs, and its slug."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from emulator.core.records import ABSENT, State, Transition
from emulator.rules import installation
from emulator.rules.commands import PLAIN_MOVE, command_known
from emulator.shapes.import_states import Columns, name_of
from emulator.shapes.recorded import code_of, in_json

MODELS = {"PackageStatus": "package", "TransferStatus": "transferorder"}
LABELS = {
    "paketle": "COMPLETE_PACKAGING",
    "paketle (marketplace)": "CHANNEL_BASED_COMPLETE_PACKAGING",
    "kargolamadan paketle": "COMPLETE_PACKAGING_WITHOUT_SHIPMENT",
    "hazırla": "PREPARE_PACKAGE_COMMAND",
    "ürün bulunamadı / hatalı ürün": "DETECTED_OUT_OF_STOCK_ITEM",
}
"""Labels of the samples that the default installation does not have -> command."""
PLAIN = "it runs as a plain state transition"
SHOWN = (
    "is_packageitem_parameter_required",
    "configuration",
    "translations",
    "command",
    "label",
    "slug",
    "ui_visibility",
    "source_state",
    "destination_state",
)


class Code(NamedTuple):
    """The command that a transition runs, why it is thought so where the answers do not tell, and what is odd."""

    code: str
    reason: str | None = None
    warning: str | None = None


def coded(transitions: Mapping[int, Columns], classes: Mapping[int, str]) -> dict[int, Code]:
    """Give the command of each transition."""
    return {id_: code(each, classes[each["source_state"]]) for id_, each in sorted(transitions.items())}


def code(columns: Columns, enum_class: str) -> Code:
    """Give the command that the slug or `command` tells, or a known label; a plain move where nothing does."""
    told = code_of(columns.get("slug"), columns.get("command"))
    tells = any(isinstance(columns.get(key), str) for key in ("slug", "command"))
    if tells and command_known(enum_class, told):
        return Code(told)
    if known := labels().get((enum_class, str(columns.get("label")).casefold())):
        return Code(known, "the command is known by its label alone")
    title = f"transition {columns['id']} {columns.get('label', '')}"
    if tells:
        return Code(told, warning=f"{title}: unknown command {told}; {PLAIN}")
    return Code(PLAIN_MOVE, f"nothing tells the command: {PLAIN}", f"{title}: no known command; {PLAIN}")


@cache
def labels() -> Mapping[tuple[str, str], str]:
    """Give the commands that labels stand for: those of the default installation, and of other samples."""
    records = installation.load(installation.DEFAULT)
    found = {("PackageStatus", label.casefold()): code for label, code in LABELS.items()}
    for each in records[Transition].values():
        if each.actor == "command" and each.command_code != PLAIN_MOVE:
            found[records[State][each.source_state].enum_class, each.label.casefold()] = each.command_code
    return found


def transition_entry(columns: Columns, code: Code, states: Mapping[int, Columns], slugs: set[str]) -> Columns:
    """Give the entry of a transition; a slug that is made for it is added to those that are taken."""
    reasons = [] if code.reason is None else [code.reason]
    if not isinstance(columns.get("slug"), str):
        columns = columns | {"slug": new_slug(columns, code.code, states, slugs)}
        reasons.insert(0, "the slug is made by the pattern")
    shown = {key: in_json(columns[key]) for key in SHOWN if columns.get(key, ABSENT) is not ABSENT}
    entry = {"id": columns["id"], **shown, "command_code": code.code}
    return entry | (
        {"provenance": "assumed", "reason": "; ".join(reasons)} if reasons else {"provenance": "observed"}
    )


def new_slug(columns: Columns, code: str, states: Mapping[int, Columns], slugs: set[str]) -> str:
    """Give a slug by the pattern; one that is taken gets the transition's id behind it."""
    source, destination = states[columns["source_state"]], states[columns["destination_state"]]
    model = MODELS.get(source["enum_class"], "package")
    slug = "__".join((model, code.lower(), slugify(name_of(source)), slugify(name_of(destination))))
    slug = slug if slug not in slugs else f"{slug}__{columns['id']}"
    slugs.add(slug)
    return slug


def slugify(text: str) -> str:
    """Give a name as slugs have it: Django's `slugify(text, allow_unicode=True)`."""
    plain = re.sub(r"[^\w\s-]", "", unicodedata.normalize("NFKC", text).lower())
    return re.sub(r"[-\s]+", "-", plain).strip("-_")
