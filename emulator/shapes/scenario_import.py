"""A scenario from recorded GET answers: what they tell, completed, and written down as the emulator answers it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from emulator.core.bases import TableBase
from emulator.core.jsontext import compact
from emulator.core.records import WebhookEvent
from emulator.core.schemas import problem
from emulator.core.store import Root
from emulator.rules import installation
from emulator.shapes.answers import documents_of, source_of
from emulator.shapes.captures import Capture, placed
from emulator.shapes.differences import Difference, Differences, times
from emulator.shapes.documents import rendered
from emulator.shapes.filling import Filler
from emulator.shapes.import_report import known_by_id, latest, missing, untold
from emulator.shapes.links import addressed
from emulator.shapes.personal import pruned_payload
from emulator.shapes.reading import Kept
from emulator.shapes.recorded import Known

DESCRIPTION = "Imported from recorded answers."
DOMAIN, CDN = "{domain_url}", "{cdn_url}"
BROKEN = (AttributeError, KeyError, TypeError, ValueError)
"""What reading raises where a document is of no shape at all."""


@dataclass
class Imported:
    """The scenario's document, how many documents it holds, and what a person should know: one line each."""

    document: dict[str, Any]
    documents: int
    filled: list[str]
    """Columns and keys that no answer told."""
    missing: list[str]
    """Records that are named, and shown by no answer."""
    corrected: list[str]
    """Where an answer is served otherwise than it was recorded: it contradicts what was said before."""
    left_out: list[str]
    """Keys that no shape has."""
    by_id: list[str]
    """States and transitions of which little more than the id is known."""
    replaced: list[str]
    """How many values of each kind were replaced by made-up ones."""
    differences: list[Difference]
    """Each place behind `filled` and `corrected`, values included."""


@dataclass
class Page:
    """What was recorded at one path: the shape of its documents, and each with where it stood and its id."""

    shape: str
    is_list: bool
    recorded: list[tuple[str, int, Any]] = field(default_factory=list)

    @property
    def ids(self) -> list[int]:
        return list(dict.fromkeys(id_ for _, id_, _ in self.recorded))


def import_scenario(
    captures: Iterable[Capture],
    name: str,
    *,
    anonymize: bool,
    description: str = DESCRIPTION,
    start: datetime | None = None,
) -> Imported:
    """Give the scenario that answers tell of; where they contradict each other, the first wins.

    The world starts when told, or else when the last record was changed.
    Raises `ValueError`, one line: where, what is wrong or missing, what would be right.
    """
    known, pages = learnt(captures)
    fit_payloads(known)
    filled, absent, by_id = list(untold(known)), list(missing(known)), list(known_by_id(known))
    start = start or latest(known)
    base = completed(known, start)
    found = Differences()
    for path, documents in rendered_pages(pages, base, known.language).items():
        check(path, pages[path].shape, documents.values())
        for origin, id_, document in pages[path].recorded:
            found.compare(origin, document, documents[id_])
    replaced: list[str] = []
    if anonymize:
        from emulator.shapes.anonymizing import anonymized  # noqa: PLC0415 - Faker is loaded only where it is used

        base, replaced = anonymized(base)
    answers = rendered_pages(pages, base, known.language)
    document = {
        "name": name,
        "description": description,
        "clock": start.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "language": known.language,
        "answers": [{"path": path, "body": body_of(pages[path], list(answers[path].values()))} for path in pages],
    }
    return Imported(
        document,
        sum(len(page.ids) for page in pages.values()),
        filled=[*filled, *found.lines("filled", values=not anonymize)],
        missing=absent,
        corrected=list(found.lines("corrected", values=not anonymize)),
        left_out=[f"{key}: unknown key, {times(number)}" for key, number in known.left_out.items()],
        by_id=by_id,
        replaced=replaced,
        differences=found.found,
    )


def learnt(captures: Iterable[Capture]) -> tuple[Known, dict[str, Page]]:
    """Take in the answers, each at its path."""
    known, pages = Known(lenient=True), dict[str, Page]()
    for capture in captures:
        try:
            answer = placed(capture)
            ids = known.learn_one(answer)
        except BROKEN as error:
            raise ValueError(f"{capture.origin}: {error}") from None
        page = pages.setdefault(answer.path, Page(source_of(answer.path)[0].shape, "results" in answer.body))
        for id_, (pointer, document) in zip(ids, documents_of(answer.body), strict=True):
            page.recorded.append((f"{capture.origin} {pointer}".rstrip(), id_, document))
    if not any(page.recorded for page in pages.values()):
        raise ValueError("no answer holds a document; nothing was imported")
    try:
        known.settle()
        known.name_commands()
    except BROKEN as error:
        raise ValueError(f"the answers do not fit together: {error}") from None
    return known, pages


def completed(known: Known, start: datetime) -> TableBase:
    try:
        return Filler(known, installation.load(installation.DEFAULT), start).fill()
    except BROKEN as error:
        raise ValueError(f"the answers do not tell enough to make records of: {error}") from None


def fit_payloads(known: Known) -> None:
    """Leave out of stored payloads what their shapes lack; one that does not fit even so is made anew."""
    for columns in known.records[WebhookEvent].values():
        if columns.get("request_payload") is None:
            continue
        payload = orjson.loads(columns["request_payload"])
        if problem("request-payload", payload):
            payload = pruned_payload(payload)
            columns["request_payload"] = None if problem("request-payload", payload) else compact(payload)


def rendered_pages(pages: Mapping[str, Page], base: TableBase, language: str) -> dict[str, dict[int, Any]]:
    """Give the documents of every path, as they are answered."""
    view, kept = Root(base, {}), Kept(language, DOMAIN)

    def one(shape: str, id_: int) -> Any:
        body = rendered(shape, id_, view, language, kept) or b"null"
        return orjson.loads(addressed(body, DOMAIN, "").replace(f"{DOMAIN}/cdn/".encode(), f"{CDN}/".encode()))

    try:
        return {path: {id_: one(page.shape, id_) for id_ in page.ids} for path, page in pages.items()}
    except (*BROKEN, LookupError) as error:
        raise ValueError(f"the answers do not tell enough to answer them again: {error}") from None


def body_of(page: Page, documents: list[Any]) -> Any:
    """Give the body of a path's answer: a page, or the one document."""
    if not page.is_list:
        return documents[0]
    return {"count": len(documents), "next": None, "previous": None, "results": documents}


def check(path: str, shape: str, documents: Iterable[Any]) -> None:
    """Insist that what will be answered is as its schema says."""
    for document in documents:
        if wrong := problem(shape, document):
            raise ValueError(f"{path}: {wrong}")
