"""An installation's file from recorded GETs of a real OMS: its states, and the transitions between them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import orjson

from emulator.core.records import Package, State, TransferOrder, Transition, WebhookEvent
from emulator.shapes.answers import Answer, documents_of, shape_at
from emulator.shapes.documents import SHAPES
from emulator.shapes.events import PAYLOAD_SHAPES
from emulator.shapes.import_states import Columns, classified, state_entry, valued
from emulator.shapes.import_transitions import coded, transition_entry
from emulator.shapes.recorded import Known

DESCRIPTION = "States and transitions, imported from recorded answers; what they do not show is the default's."
TELLING = ("enum_class", "enum_value", "content_type", "source_state", "destination_state", "slug", "command")
"""Columns about which the answers of one installation cannot differ."""
PAYLOAD_KEYS = {"packageitem_set": Package, "transferitem_set": TransferOrder}


class Imported(NamedTuple):
    """The file's document; what had to be made up in it; and what is wrong with the answers, or with it."""

    document: Mapping[str, Any]
    made: list[str]
    warnings: list[str]


def import_answers(answers: Iterable[tuple[str, Answer]]) -> Imported:
    """Give the installation that answers tell of, each with the name of its file; `ValueError` where one is wrong."""
    known = Known(lenient=True)
    for name, answer in answers:
        try:
            learn(known, answer)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{name}: {error}") from None
    learn_payloads(known)
    known.settle()
    states, transitions = known.records[State], known.records[Transition]
    for each in transitions.values():
        if missing := {"source_state", "destination_state"} - each.keys():
            raise ValueError(f"transition {each['id']}: no answer tells its {' and '.join(sorted(missing))}")
    codes = coded(transitions, classified(known))
    valued(states, transitions, codes)
    rows = sorted(transitions.values(), key=lambda each: (each["source_state"], each["position"], each["id"]))
    slugs = {each["slug"] for each in rows if isinstance(each.get("slug"), str)}
    document = {
        "description": DESCRIPTION,
        "state": [state_entry(states[id_]) for id_ in sorted(states)],
        "transition": [transition_entry(each, codes[each["id"]], states, slugs) for each in rows],
    }
    return Imported(
        {key: value for key, value in document.items() if value},
        [*nameless(states), *slugless(document["transition"], transitions)],
        [*contradictions(known), *left_out(known), *(code.warning for code in codes.values() if code.warning)],
    )


def learn(known: Known, answer: Answer) -> None:
    for pointer, document in documents_of(answer.body):
        known.take(SHAPES[shape_at(answer, document)], document, pointer)


def learn_payloads(known: Known) -> None:
    """Take in the documents that webhook events carry: after the answers, as they are older."""
    for columns in list(known.records[WebhookEvent].values()):
        payload = orjson.loads(columns.get("request_payload") or b"{}").get("payload", {})
        for key, kind in PAYLOAD_KEYS.items():
            if key in payload:
                known.take(PAYLOAD_SHAPES[kind][0], payload, f"/request_payload of event {columns['id']}")


def nameless(states: Mapping[int, Columns]) -> Iterator[str]:
    for id_ in sorted(states):
        if "name" not in states[id_]:
            yield f"state {id_}: known by its id alone; named State {id_}"


def slugless(entries: Any, transitions: Mapping[int, Columns]) -> Iterator[str]:
    for entry in entries:
        if not isinstance(transitions[entry["id"]].get("slug"), str):
            yield f"transition {entry['id']} {entry['label']}: no slug; made {entry['slug']}"


def contradictions(known: Known) -> Iterator[str]:
    """Say where answers differ about one state or transition: they come from several installations."""
    for pointer, page, served in known.corrections:
        if pointer.rpartition("/")[2] in TELLING:
            yield f"{pointer}: {page} contradicts what was said before: {served}; are these answers of one OMS?"


def left_out(known: Known) -> Iterator[str]:
    for name, times in known.left_out.items():
        yield f"{name}: unknown key, left out ({times} times)"


def text_of(document: Mapping[str, Any]) -> str:
    """Give the text of an installation's file: one line for each entry."""
    parts = [f"  {dumped(key)}: {lines(value)}" for key, value in document.items()]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def lines(value: Any) -> str:
    if not isinstance(value, list):
        return dumped(value)
    return "[\n" + ",\n".join(f"    {dumped(entry)}" for entry in value) + "\n  ]"


def dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
