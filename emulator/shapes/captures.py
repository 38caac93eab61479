"""What people keep of GET answers: bodies, `{path, body}`, lists of them, our samples, a browser's HAR files.

Each becomes an `Answer` at the path where the emulator gives it: told, or found from the document itself.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import orjson

from emulator.core.records import Package, TransferOrder
from emulator.shapes.answers import (
    PLACEHOLDER,
    SOURCES,
    Answer,
    Source,
    UnknownAnswer,
    documents_of,
    shape_like,
    source_of,
)
from emulator.shapes.documents import SHAPES


class Capture(NamedTuple):
    """A recorded GET answer: where it was kept, the path if that is told, the body."""

    origin: str
    path: str
    body: Any


class Skipped(NamedTuple):
    """What a file holds besides, and why it is left out."""

    origin: str
    reason: str


MADE = "the emulator makes this document itself, from the package"
UNKNOWN_PATH = "no GET of the guide or the reference"


def captures_in(content: Any, origin: str) -> Iterator[Capture | Skipped]:
    """Give the answers that a file's JSON holds; `UnknownAnswer` for what is none."""
    if isinstance(content, list):
        for number, part in enumerate(content):
            yield from captures_in(part, f"{origin}[{number}]")
    elif not isinstance(content, Mapping):
        raise UnknownAnswer(f"{origin}: neither an answer's body nor an object with `path` and `body`")
    elif isinstance(content.get("answers"), list):
        yield from captures_in(content["answers"], f"{origin}: answers")
    elif isinstance(content.get("log"), Mapping) and isinstance(content["log"].get("entries"), list):
        for number, entry in enumerate(content["log"]["entries"]):
            yield exchange(entry, f"{origin}: entry {number}")
    elif "body" in content and {"path", "url"} & content.keys():
        yield wrapped(content, origin)
    else:
        yield Capture(origin, "", content)


def wrapped(content: Mapping[str, Any], origin: str) -> Capture | Skipped:
    """Read a body with its path or URL."""
    path, method, status = (
        content.get("path", content.get("url")),
        content.get("method", "GET"),
        content.get("status"),
    )
    if not isinstance(path, str):
        raise UnknownAnswer(f"{origin}: path is no text; give the path of the GET")
    if method != "GET" or status not in {None, 200}:
        return Skipped(origin, f"{method} {path}" + ("" if status in {None, 200} else f" answered {status}"))
    return unless_made(Capture(origin, path, content["body"]))


def exchange(entry: Any, origin: str) -> Capture | Skipped:
    """Read an entry of a HAR file; what is no GET of the two surfaces is skipped."""
    try:
        method, url = entry["request"]["method"], entry["request"]["url"]
        status, content = entry["response"]["status"], entry["response"]["content"]
    except (KeyError, TypeError):
        raise UnknownAnswer(f"{origin}: no entry of a HAR file: it lacks request or response") from None
    shown = f"{method} {urlsplit(str(url)).path}"
    if method != "GET" or status != 200:
        return Skipped(origin, f"{shown} answered {status}")
    text = content.get("text", "") if isinstance(content, Mapping) else ""
    try:
        body = orjson.loads(base64.b64decode(text) if content.get("encoding") == "base64" else text)
        capture = unless_made(Capture(origin, str(url), body))
        source_of(plain(str(url)))
    except UnknownAnswer:
        return Skipped(origin, f"{shown}: {UNKNOWN_PATH}")
    except (AttributeError, TypeError, ValueError):
        return Skipped(origin, f"{shown}: its answer is no JSON")
    return capture


def unless_made(capture: Capture) -> Capture | Skipped:
    made = re.search(r"/packages/[^/]+/invoice_document/?$", urlsplit(capture.path).path)
    return Skipped(capture.origin, MADE) if made else capture


def plain(path: str) -> str:
    """Give the path of an address as our routes have it: no host, no query, a slash behind it, ids as numbers."""
    found = urlsplit(path).path
    return ANY_ID.sub("/0", PLACEHOLDER.sub("/0", f"{found.rstrip('/')}/"))


ANY_ID = re.compile(r"/\{(?:id|pk|log_id|webhook_event_id)\}(?=/)")
"""What the reference's page prints in a path where an answer has an id."""


def placed(capture: Capture) -> Answer:
    """Give the answer at the path where the emulator gives it.

    Raises `UnknownAnswer`: what it is cannot be told from its keys, or it does not say whose it is.
    """
    page = isinstance(capture.body, Mapping) and "results" in capture.body
    documents = [document for _, document in documents_of(capture.body)]
    if not capture.path and not documents:
        raise UnknownAnswer('an empty page; give it as {"path": "/api/v1/oms/...", "body": ...}')
    if not capture.path or (found := known_source(path := plain(capture.path))) is None:
        return at_its_path(shape_like(documents[0] if documents else {}, SHAPES), documents, capture.body, page=page)
    if path.rstrip("/") == urlsplit(capture.path).path.rstrip("/"):
        return Answer(path[path.rindex(START[found.template[1]]) :], capture.body)
    owner = source_of(path)[1]
    return at_its_path(found.shape, documents, capture.body, page=page, likely=found.owner, owner=owner or None)


def known_source(path: str) -> Source | None:
    try:
        return source_of(path)[0]
    except UnknownAnswer:
        return None


START = {"a": "/api/v1/oms/", "p": "/packages/"}
"""How the paths of a surface begin, by their first letter: what stands before is the host's or a world's."""


def at_its_path(  # noqa: PLR0913 - what is told, and what is only likely
    shape: str,
    documents: Sequence[Any],
    body: Any,
    *,
    page: bool,
    likely: type[Any] | None = None,
    owner: int | None = None,
) -> Answer:
    """Give the answer at a path with the ids that the documents tell; of whom they are may be told."""
    first = documents[0] if documents and isinstance(documents[0], Mapping) else {}
    rows = [row for row in SOURCES if row.shape == shape and (page or "<id>" in row.template)]
    if not rows:  # such documents are answered in pages only
        page, body = True, {"results": [body]}
        rows = [row for row in SOURCES if row.shape == shape]
    rows = [row for row in rows if row.owner or page != ("<id>" in row.template)]
    kind = owner_kind(first) or likely or rows[0].owner
    row = next((row for row in rows if row.owner in {None, kind}), rows[0])
    path = row.template.replace("(<id>/)?", "" if page else "<id>/")
    owner = owner or first.get("object_id")
    if row.owner is not None and owner is None:
        example = path.replace("<owner>", "<id>", 1)
        raise UnknownAnswer(f'a {shape}, which does not say whose; give it as {{"path": "{example}", "body": ...}}')
    return Answer(path.replace("<owner>", str(owner)).replace("<id>", str(first.get("id"))), body)


def owner_kind(document: Mapping[str, Any]) -> type[Any] | None:
    """Give whether a log or an event is a package's or a transfer order's, if it says so."""
    for words in telling(document):
        for start, kind in OWNERS.items():
            if isinstance(words, str) and words.startswith(start):
                return kind
    return None


OWNERS: dict[str, type[Any]] = {
    "Package": Package,
    "package": Package,
    "Transfer": TransferOrder,
    "transfer": TransferOrder,
}
"""How the enum class of a state, or the type of an event, begins -> whose it is."""
TELLING = (("old_state", "enum_class"), ("source_state", "enum_class"), ("webhook", "event_type"))


def telling(document: Mapping[str, Any]) -> Iterator[Any]:
    yield document.get("event_type")
    for key, inner in TELLING:
        part = document.get(key)
        yield part.get(inner) if isinstance(part, Mapping) else None
