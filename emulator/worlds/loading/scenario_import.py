"""Import of a scenario: collect the records of recorded responses, complete them, and render them again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, NamedTuple, TypeAlias

import orjson

from emulator.api.serializers import render_document
from emulator.api.serializers.fields import COLUMN_TYPES, excerpt
from emulator.api.serializers.rendering import RenderCache, fill_links
from emulator.core.json_text import JsonObject, JsonValue, compact_json
from emulator.core.records import Transition, WebhookEvent
from emulator.core.schemas import find_problem
from emulator.domain import installation
from emulator.state.record_codec import KIND_NAMES
from emulator.state.store import Snapshot, TableDataset
from emulator.worlds.loading.anonymizer import Replacements, SensitiveValue, times_text, without_unknown_keys
from emulator.worlds.loading.anonymizer import anonymize as anonymize_base
from emulator.worlds.loading.collector import RecordCollector
from emulator.worlds.loading.completion import Completer, unnamed_state_lines
from emulator.worlds.loading.recorded_responses import Capture, documents_of, endpoint_of, locate_response

DESCRIPTION = "Imported from recorded answers."
DEFAULT_START = datetime(2023, 4, 5, 9, 0, tzinfo=UTC)
"""Start of a world whose responses contain no time."""
DOMAIN, CDN = "{domain_url}", "{cdn_url}"
DifferenceKind = Literal["filled", "corrected"]
GENERATED_LINKS = {"preview_url", "full_path_url"}
"""URLs of the service itself. The emulator serves its own."""
UNSHOWN_COLUMNS = {"max_quota", "command_code", "position", "actor", "request_id", "snapshot", "plan_item"}
"""Columns that no document shows, or one document only."""
MAX_LISTED_IDS = 10
MALFORMED = (AttributeError, KeyError, TypeError, ValueError)
"""Exceptions raised while a document of a wrong structure is read."""


class Difference(NamedTuple):
    """A position in a recorded document where another value is served."""

    kind: DifferenceKind
    origin: str
    pointer: str
    recorded: JsonValue
    served: JsonValue


def document_differences(
    origin: str, recorded: JsonValue, served: JsonValue, pointer: str = ""
) -> Iterator[Difference]:
    """Yield the differences between two documents, except for recorded keys that are not served."""
    if recorded in ({}, [{}]) and served != recorded:  # the reference page prints these for what it does not show
        yield Difference("filled", origin, pointer, recorded, served)
    elif isinstance(recorded, dict) and isinstance(served, dict):
        for key, value in served.items():
            if key not in recorded:
                yield Difference("filled", origin, f"{pointer}/{key}", None, value)
            elif key not in GENERATED_LINKS:
                yield from document_differences(origin, recorded[key], value, f"{pointer}/{key}")
    elif isinstance(recorded, list) and isinstance(served, list) and len(recorded) == len(served):
        for position, (one, other) in enumerate(zip(recorded, served, strict=True)):
            yield from document_differences(origin, one, other, f"{pointer}/{position}")
    elif not is_same_value(recorded, served):
        yield Difference("corrected", origin, pointer, recorded, served)


def difference_lines(entries: Iterable[Difference], kind: DifferenceKind, *, values: bool) -> Iterator[str]:
    """Yield a line for each key: the number of differences and the first of them, with its values on request."""
    groups: dict[str, list[Difference]] = {}
    for each in entries:
        if each.kind == kind:
            pattern = "/".join("*" if step.isdigit() else step for step in each.pointer.split("/")) or "/"
            groups.setdefault(pattern, []).append(each)
    for pattern, group in groups.items():
        first = group[0]
        recorded = "" if kind == "filled" else f"recorded {excerpt(first.recorded)}, "
        details = f": {recorded}served {excerpt(first.served)}" if values else ""
        yield f"{pattern}: {times_text(len(group))}; first in {first.origin}{details}"


@dataclass
class ScenarioImport:
    """The scenario's document, its number of documents, and notes for the user: one line each."""

    document: JsonObject
    documents: int
    filled: list[str]
    """Columns and keys that no response contains."""
    missing: list[str]
    """Records that are referred to, but not shown by any response."""
    corrected: list[str]
    """Positions where another value is served, because an earlier response contradicts the recorded one."""
    left_out: list[str]
    """Keys that no serializer has."""
    by_id: list[str]
    """States and transitions of which little more than the id is known."""
    replaced: list[str]
    """Number of replaced personal values by category."""
    differences: list[Difference]
    """All differences that `filled` and `corrected` count, with their values."""
    replacements: Replacements | None = None
    """Replaces values in further documents in the same way. None if nothing is anonymized."""


Served: TypeAlias = tuple[str, JsonValue]
"""A path and a document that is served there."""


class RecordedDocument(NamedTuple):
    """A document of a recorded response, its position in the recording, and the id of its record."""

    origin: str
    id: int
    document: JsonValue


@dataclass
class Page:
    """All documents that were recorded at one path."""

    schema: str
    is_list: bool
    recorded: list[RecordedDocument] = field(default_factory=list)

    @property
    def ids(self) -> list[int]:
        return list(dict.fromkeys(each.id for each in self.recorded))


def import_scenario(  # noqa: PLR0913 - options by keyword
    captures: Iterable[Capture],
    name: str,
    *,
    anonymize: bool,
    description: str = DESCRIPTION,
    start: datetime | None = None,
    track: Callable[[Sequence[Served]], Iterable[Served]] = iter,
    sensitive: Iterable[SensitiveValue] = (),
) -> ScenarioImport:
    """Build a scenario from recorded responses. Where they contradict each other, the first is used.

    The world starts at `start`, by default when the last record was changed. `track` iterates over the documents to
    check, which takes longest, and may show the progress. `sensitive` are further values to search for.
    Raise `ValueError` with one line: where, what is wrong or missing, what would be right.
    """
    collector, pages = collect_pages(captures)
    fix_payloads(collector)
    filled, missing, by_id = (
        list(lines(collector)) for lines in (missing_column_lines, missing_record_lines, incomplete_graph_lines)
    )
    start = start or last_change(collector)
    base = complete_records(collector, start)
    differences = compare_pages(pages, base, collector.language, track)
    replaced: list[str] = []
    replacements: Replacements | None = None
    if anonymize:
        base, replaced, replacements = anonymize_base(base, sensitive)
    rendered = render_pages(pages, base, collector.language)
    document = {
        "name": name,
        "description": description,
        "clock": start.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "language": collector.language,
        "answers": [
            {"path": path, "body": page_body(page, list(rendered[path].values()))} for path, page in pages.items()
        ],
    }
    return ScenarioImport(
        document,
        sum(len(page.ids) for page in pages.values()),
        filled=[*filled, *difference_lines(differences, "filled", values=not anonymize)],
        missing=missing,
        corrected=list(difference_lines(differences, "corrected", values=not anonymize)),
        left_out=[f"{key}: unknown key, {times_text(count)}" for key, count in collector.ignored_keys.items()],
        by_id=by_id,
        replaced=replaced,
        differences=differences,
        replacements=replacements,
    )


def collect_pages(captures: Iterable[Capture]) -> tuple[RecordCollector, dict[str, Page]]:
    """Collect the records of all responses, and the documents of each path."""
    collector, pages = RecordCollector(is_lenient=True), dict[str, Page]()
    for capture in captures:
        try:
            response = locate_response(capture)
            ids = collector.add_response(response)
        except MALFORMED as error:
            raise ValueError(f"{capture.origin}: {error}") from None
        schema = endpoint_of(response.path)[0].schema
        page = pages.setdefault(response.path, Page(schema, "results" in response.body))
        for id_, (pointer, document) in zip(ids, documents_of(response.body), strict=True):
            page.recorded.append(RecordedDocument(f"{capture.origin} {pointer}".rstrip(), id_, document))
    if not any(page.recorded for page in pages.values()):
        raise ValueError("no response contains a document; nothing was imported")
    try:
        collector.resolve()
        collector.set_command_codes()
    except MALFORMED as error:
        raise ValueError(f"the responses do not fit together: {error}") from None
    return collector, pages


def fix_payloads(collector: RecordCollector) -> None:
    """Remove unknown keys from stored payloads. A payload that is still invalid is rendered from the records."""
    for columns in collector.records[WebhookEvent].values():
        if columns.get("request_payload") is None:
            continue
        payload = orjson.loads(columns["request_payload"])
        if find_problem("request-payload", payload):
            payload = without_unknown_keys(payload)
            columns["request_payload"] = None if find_problem("request-payload", payload) else compact_json(payload)


def last_change(collector: RecordCollector) -> datetime:
    """Return the latest creation or modification date in the responses."""
    dates = (
        columns.get(column)
        for table in collector.records.values()
        for columns in table.values()
        for column in ("created_date", "modified_date")
    )
    return max((date for date in dates if isinstance(date, datetime)), default=DEFAULT_START)


def complete_records(collector: RecordCollector, start: datetime) -> TableDataset:
    """Return the collected records with default values for missing columns."""
    try:
        return Completer(collector, installation.load_installation(installation.DEFAULT), start).complete()
    except MALFORMED as error:
        raise ValueError(f"the responses contain too little to build records: {error}") from None


def compare_pages(
    pages: Mapping[str, Page],
    base: TableDataset,
    language: str,
    track: Callable[[Sequence[Served]], Iterable[Served]],
) -> list[Difference]:
    """Return the differences between recorded and served documents. Raise `ValueError` for invalid served ones."""
    rendered = render_pages(pages, base, language)
    for path, document in track([(path, each) for path, page in rendered.items() for each in page.values()]):
        if error := find_problem(pages[path].schema, document):
            raise ValueError(f"{path}: {error}")
    return [
        difference
        for path, documents in rendered.items()
        for origin, id_, document in pages[path].recorded
        for difference in document_differences(origin, document, documents[id_])
    ]


def render_pages(pages: Mapping[str, Page], base: TableDataset, language: str) -> dict[str, dict[int, JsonValue]]:
    """Return the served documents of every path, by the ids of their records."""
    view, cache = Snapshot(base, {}), RenderCache(language, DOMAIN)

    def render(schema: str, id_: int) -> JsonValue:
        body = render_document(schema, id_, view, language, cache) or b"null"
        return orjson.loads(fill_links(body, DOMAIN, "").replace(f"{DOMAIN}/cdn/".encode(), f"{CDN}/".encode()))

    try:
        return {path: {id_: render(page.schema, id_) for id_ in page.ids} for path, page in pages.items()}
    except (*MALFORMED, LookupError) as error:
        raise ValueError(f"the responses contain too little to serve them again: {error}") from None


def page_body(page: Page, documents: list[JsonValue]) -> JsonValue:
    """Return the body of a path's response: a page, or the one document."""
    if not page.is_list:
        return documents[0]
    return {"count": len(documents), "next": None, "previous": None, "results": documents}


def is_same_value(recorded: JsonValue, served: JsonValue) -> bool:
    """Return whether two values are equal. Times may be written in different ways."""
    if type(recorded) is type(served) and recorded == served:
        return True
    if not (isinstance(recorded, str) and isinstance(served, str)):
        return False
    try:
        return datetime.fromisoformat(recorded) == datetime.fromisoformat(served)
    except (ValueError, TypeError):
        return False


def missing_column_lines(collector: RecordCollector) -> Iterator[str]:
    """Yield a line for each kind: the columns that no response contains, and in how many shown records."""
    for kind, table in list(collector.records.items()):
        shown = [columns for columns in table.values() if len(columns) > 1]
        missing = Counter(
            column
            for columns in shown
            for column in COLUMN_TYPES[kind]
            if column not in columns.keys() | UNSHOWN_COLUMNS
        )
        if missing and kind not in installation.GRAPH_KINDS:
            counts = ", ".join(f"{column} in {count}" for column, count in missing.items())
            yield f"{KIND_NAMES[kind]}, {len(shown)} shown: {counts}"


def missing_record_lines(collector: RecordCollector) -> Iterator[str]:
    """Yield a line for each kind: the records that are referred to, but not shown by any response."""
    for kind, table in list(collector.records.items()):
        ids = sorted(id_ for id_, columns in table.items() if len(columns) == 1)
        if ids and kind not in installation.GRAPH_KINDS:
            listed = ", ".join(map(str, ids[:MAX_LISTED_IDS])) + (" ..." if len(ids) > MAX_LISTED_IDS else "")
            yield f"{KIND_NAMES[kind]}: {len(ids)} of {len(table)} known by the id alone: {listed}"


def incomplete_graph_lines(collector: RecordCollector) -> Iterator[str]:
    """Yield a line for each state and transition of which little more than the id is known."""
    yield from unnamed_state_lines(collector)
    for id_, columns in sorted(collector.records[Transition].items()):
        if "label" not in columns:
            yield f"transition {id_}: known by its id alone"
        elif not isinstance(columns.get("slug"), str):
            yield f"transition {id_} {columns['label']}: no slug; run it by its id"
