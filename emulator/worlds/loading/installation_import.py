"""Import of an installation: the states and transitions in recorded GET responses of a real OMS."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import NamedTuple

import orjson

from emulator.api.serializers import SERIALIZERS
from emulator.api.serializers.events import PAYLOAD_SERIALIZERS
from emulator.api.serializers.fields import from_column, translated_names
from emulator.core.files import load_fixture
from emulator.core.json_text import JsonObject, JsonValue, dump_lines
from emulator.core.records import (
    EMPTY_ARRAY,
    OMITTED,
    REFERENCES,
    Columns,
    Package,
    RecordKind,
    State,
    TransferOrder,
    Transition,
    TransitionLog,
    WebhookEvent,
)
from emulator.domain import installation
from emulator.domain.commands import PLAIN_MOVE, is_known_command
from emulator.worlds.loading.collector import RecordCollector, command_code
from emulator.worlds.loading.completion import CONTENT_TYPES, ENUM_CLASSES, unnamed_state_lines
from emulator.worlds.loading.recorded_responses import RecordedResponse, documents_of, schema_of

DESCRIPTION = "States and transitions, imported from recorded answers; what they do not show is the default's."
GRAPH_COLUMNS = ("enum_class", "enum_value", "content_type", "source_state", "destination_state", "slug", "command")
"""Columns of states and transitions that are equal in all responses of one installation."""
PAYLOAD_KEYS = {"packageitem_set": Package, "transferitem_set": TransferOrder}
STATE_PAIRS = {Transition: ("source_state", "destination_state"), TransitionLog: ("old_state", "new_state")}
"""Kind -> two columns whose states have the same enum class."""
TABLES: JsonObject = load_fixture("installation_import")
"""`target_values`: command -> enum value of the state that it leads to, in every installation. `sample_labels`: label
in the samples that the default installation does not have -> command. The keys are those of the entries."""
UNKNOWN_VALUE = "0"
SLUG_MODELS = {"PackageStatus": "package", "TransferStatus": "transferorder"}
PLAIN_MOVE_NOTE = "it runs as a plain state transition"


class InstallationImport(NamedTuple):
    """The document of the installation's file, what was made up in it, and warnings."""

    document: Mapping[str, JsonValue]
    assumptions: list[str]
    warnings: list[str]


class CommandGuess(NamedTuple):
    """The command that a transition runs, why it is assumed (unless recorded), and a warning if it is unknown."""

    code: str
    reason: str | None = None
    warning: str | None = None


def import_installation(responses: Iterable[tuple[str, RecordedResponse]]) -> InstallationImport:
    """Build an installation from responses with the names of their files. Raise `ValueError` for an invalid one."""
    collector = collect_records(responses)
    states, transitions = collector.records[State], collector.records[Transition]
    for each in transitions.values():
        if missing := {"source_state", "destination_state"} - each.keys():
            raise ValueError(f"transition {each['id']}: no response contains its {' and '.join(sorted(missing))}")
    classify_states(collector)
    commands = {id_: guess_command(each, states) for id_, each in sorted(transitions.items())}
    set_target_values(states, transitions, commands)
    ordered = sorted(transitions.values(), key=lambda each: (each["source_state"], each["position"], each["id"]))
    slugs = {each["slug"] for each in ordered if isinstance(each.get("slug"), str)}
    document: JsonObject = {
        "description": DESCRIPTION,
        "state": [state_entry(states[id_]) for id_ in sorted(states)],
        "transition": [transition_entry(each, commands[each["id"]], states, slugs) for each in ordered],
    }
    return InstallationImport(
        {key: value for key, value in document.items() if value},
        [*unnamed_state_lines(collector), *made_slug_lines(document["transition"], transitions)],
        [
            *contradiction_lines(collector),
            *(f"{key}: unknown key, left out ({count} times)" for key, count in collector.ignored_keys.items()),
            *(each.warning for each in commands.values() if each.warning),
        ],
    )


def collect_records(responses: Iterable[tuple[str, RecordedResponse]]) -> RecordCollector:
    """Collect the records of all responses, and of the older documents in webhook payloads."""
    collector = RecordCollector(is_lenient=True)
    for name, response in responses:
        try:
            for pointer, document in documents_of(response.body):
                collector.add_document(SERIALIZERS[schema_of(response, document)], document, pointer)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{name}: {error}") from None
    for columns in list(collector.records[WebhookEvent].values()):
        payload = orjson.loads(columns.get("request_payload") or b"{}").get("payload", {})
        for key, kind in PAYLOAD_KEYS.items():
            if key in payload:
                pointer = f"/request_payload of event {columns['id']}"
                collector.add_document(PAYLOAD_SERIALIZERS[kind][0], payload, pointer)
    collector.resolve()
    return collector


def contradiction_lines(collector: RecordCollector) -> Iterator[str]:
    """Yield a line for each contradiction about a state or transition: the responses are of several installations."""
    for pointer, recorded, served in collector.corrections:
        if pointer.rpartition("/")[2] in GRAPH_COLUMNS:
            yield f"{pointer}: {recorded} contradicts the earlier value {served}; are these responses of one OMS?"


def made_slug_lines(entries: Iterable[JsonObject], transitions: Mapping[int, Columns]) -> Iterator[str]:
    for entry in entries:
        if not isinstance(transitions[entry["id"]].get("slug"), str):
            yield f"transition {entry['id']} {entry['label']}: no slug; made {entry['slug']}"


def classify_states(collector: RecordCollector) -> None:
    """Set enum class and content type of each state, from the records in it and from neighbouring states."""
    states, kinds = collector.records[State], dict(kinds_by_state(collector))
    for id_, kind in kinds.items():
        states[id_].setdefault("enum_class", ENUM_CLASSES[kind])
    content_types = {
        kinds[id_]: each["content_type"] for id_, each in states.items() if id_ in kinds and "content_type" in each
    }
    for id_, kind in kinds.items():
        if kind in content_types:
            states[id_].setdefault("content_type", content_types[kind])
    pairs = list(neighbour_pairs(collector))
    for column in ("enum_class", "content_type"):
        spread_values(states, column, pairs)
    by_class = {each.get("enum_class"): each["content_type"] for each in states.values() if "content_type" in each}
    for each in states.values():
        enum_class = each.setdefault("enum_class", "PackageStatus")
        each.setdefault("content_type", by_class.get(enum_class, CONTENT_TYPES.get(enum_class, 0)))


def kinds_by_state(collector: RecordCollector) -> Iterator[tuple[int, RecordKind]]:
    """Yield the id of each state with the kind of the records in it."""
    for kind in ENUM_CLASSES:
        columns = [column for column, other in REFERENCES[kind].items() if other is State]
        for record in collector.records[kind].values():
            yield from ((record[column], kind) for column in columns if isinstance(record.get(column), int))


def neighbour_pairs(collector: RecordCollector) -> Iterator[tuple[int, int]]:
    """Yield pairs of states of one enum class."""
    for kind, (first, second) in STATE_PAIRS.items():
        for record in collector.records[kind].values():
            if isinstance(record.get(first), int) and isinstance(record.get(second), int):
                yield record[first], record[second]


def spread_values(states: Mapping[int, Columns], column: str, pairs: Iterable[tuple[int, int]]) -> None:
    """Copy a column's value from states to their neighbours until nothing changes."""
    both_ways = [*pairs, *((second, first) for first, second in pairs)]
    changed = True
    while changed:
        changed = False
        for one, other in both_ways:
            if column in states[one] and column not in states[other]:
                states[other][column] = states[one][column]
                changed = True


def guess_command(columns: Columns, states: Mapping[int, Columns]) -> CommandGuess:
    """Return the command in the slug or `command`, or that of a known label, or else the plain transition."""
    enum_class = states[columns["source_state"]]["enum_class"]
    code = command_code(columns.get("slug"), columns.get("command"))
    is_recorded = any(isinstance(columns.get(key), str) for key in ("slug", "command"))
    if is_recorded and is_known_command(enum_class, code):
        return CommandGuess(code)
    if known := commands_by_label().get((enum_class, str(columns.get("label")).casefold())):
        return CommandGuess(known, "the command is known by its label alone")
    title = f"transition {columns['id']} {columns.get('label', '')}"
    if is_recorded:
        return CommandGuess(code, warning=f"{title}: unknown command {code}; {PLAIN_MOVE_NOTE}")
    return CommandGuess(
        PLAIN_MOVE, f"nothing tells the command: {PLAIN_MOVE_NOTE}", f"{title}: no known command; {PLAIN_MOVE_NOTE}"
    )


@cache
def commands_by_label() -> Mapping[tuple[str, str], str]:
    """Return (enum class, label) -> command, from the samples and the default installation."""
    records = installation.load_installation(installation.DEFAULT)
    found = {("PackageStatus", label.casefold()): code for label, code in TABLES["sample_labels"].items()}
    for each in records[Transition].values():
        if each.actor == "command" and each.command_code != PLAIN_MOVE:
            found[records[State][each.source_state].enum_class, each.label.casefold()] = each.command_code
    return found


def set_target_values(
    states: Mapping[int, Columns], transitions: Mapping[int, Columns], commands: Mapping[int, CommandGuess]
) -> None:
    """Set the enum value of states known by their id alone to that of a command's target, if it is still free."""
    taken = {(each["enum_class"], each.get("enum_value")) for each in states.values()}
    for id_ in sorted(transitions):
        code, target = commands[id_].code, states[transitions[id_]["destination_state"]]
        value = TABLES["target_values"].get(code)
        if value is not None and "enum_value" not in target and (target["enum_class"], value) not in taken:
            target |= {"enum_value": value, "led_to_by": code}
            taken.add((target["enum_class"], value))


def state_entry(columns: Columns) -> JsonObject:
    is_observed = "enum_value" in columns and "led_to_by" not in columns
    return {
        "id": columns["id"],
        "name": name_of(columns),
        "enum_class": columns["enum_class"],
        "enum_value": columns.get("enum_value", UNKNOWN_VALUE),
        "content_type": columns["content_type"],
        **{key: from_column(columns[key]) for key in TABLES["state_keys"] if key in columns},
        **provenance_entry(None if is_observed else reason_of(columns)),
    }


def name_of(columns: Columns) -> str:
    """Return the English name of a state, or the recorded one, or one made from the id."""
    english = translated_names(columns.get("translations")).get("en-us")
    return str(english or columns.get("name") or f"State {columns['id']}")


def reason_of(columns: Columns) -> str:
    if code := columns.get("led_to_by"):
        return f"the answers show its id alone; the value is that of states to which {code} leads"
    return "the answers show its id alone; nothing tells its value"


def provenance_entry(reason: str | None) -> dict[str, str]:
    return {"provenance": "observed"} if reason is None else {"provenance": "assumed", "reason": reason}


def transition_entry(
    columns: Columns, command: CommandGuess, states: Mapping[int, Columns], slugs: set[str]
) -> JsonObject:
    """Return the entry of a transition. Add a slug that is made for it to the used slugs."""
    reasons = [] if command.reason is None else [command.reason]
    if not isinstance(columns.get("slug"), str):
        columns = columns | {"slug": new_slug(columns, command.code, states, slugs)}
        reasons.insert(0, "the slug is made by the pattern")
    if columns.get("ui_visibility") == EMPTY_ARRAY:  # lost, as in the documented samples
        columns = {key: value for key, value in columns.items() if key != "ui_visibility"}
    return {
        "id": columns["id"],
        **{
            key: from_column(columns[key])
            for key in TABLES["transition_keys"]
            if columns.get(key, OMITTED) is not OMITTED
        },
        "command_code": command.code,
        **provenance_entry("; ".join(reasons) or None),
    }


def new_slug(columns: Columns, code: str, states: Mapping[int, Columns], slugs: set[str]) -> str:
    """Return a slug by the vendor's pattern. Append the transition's id if the slug is used."""
    source, destination = states[columns["source_state"]], states[columns["destination_state"]]
    model = SLUG_MODELS.get(source["enum_class"], "package")
    slug = "__".join((model, code.lower(), slugify(name_of(source)), slugify(name_of(destination))))
    slug = slug if slug not in slugs else f"{slug}__{columns['id']}"
    slugs.add(slug)
    return slug


def slugify(text: str) -> str:
    """Return the slug of a name, as Django's `slugify(text, allow_unicode=True)` does."""
    plain = re.sub(r"[^\w\s-]", "", unicodedata.normalize("NFKC", text).lower())
    return re.sub(r"[-\s]+", "-", plain).strip("-_")


def installation_text(document: Mapping[str, JsonValue]) -> str:
    """Return the text of an installation's file: one line for each entry."""
    return dump_lines(document, lambda value: json.dumps(value, ensure_ascii=False).encode()).decode()
