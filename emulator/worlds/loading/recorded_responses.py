"""Files with recorded GET responses: bodies, `{path, body}`, lists of them, our samples, HAR files of browsers."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

import orjson

from emulator.api.serializers import GUIDE_SERIALIZERS, SERIALIZERS
from emulator.api.serializers.fields import Serializer, excerpt, fields_of
from emulator.core.files import load_fixture
from emulator.core.json_text import JsonObject, JsonValue
from emulator.core.records import KINDS, Package, RecordKind, TransferOrder

SAMPLE_ID = re.compile(r"/(?:pk|log_id|webhook_event_id)(?=/)")
"""What the guide prints in a path in place of an id."""
REFERENCE_ID = re.compile(r"/\{(?:id|pk|log_id|webhook_event_id)\}(?=/)")
"""What the reference prints in a path in place of an id."""
GENERATED_DOCUMENT = re.compile(r"/packages/[^/]+/invoice_document/?$")
OWNER_NAMES: dict[str, RecordKind] = {
    "Package": Package,
    "package": Package,
    "Transfer": TransferOrder,
    "transfer": TransferOrder,
}
"""Start of a state's enum class, or of an event type -> kind of the owner."""
OWNER_NAME_KEYS = (("old_state", "enum_class"), ("source_state", "enum_class"), ("webhook", "event_type"))
"""Nested keys of a log or event that name the kind of its owner."""


class RecordedResponse(NamedTuple):
    """The path and the body of one recorded GET."""

    path: str
    body: JsonValue


class InvalidResponse(ValueError):
    """A recorded response that fits no serializer. The message says where and why."""


class Capture(NamedTuple):
    """A recorded GET response as a file contains it."""

    origin: str
    """File and position in it."""
    path: str
    """Path or URL. Empty if the file does not contain it."""
    body: JsonValue


class SkippedEntry(NamedTuple):
    """An entry of a file that is not imported, and the reason."""

    origin: str
    reason: str


def read_objects(content: JsonValue, origin: str) -> Iterator[tuple[str, JsonObject]]:
    """Yield the objects in a file with their origins: it contains one object, a list, or a sample's `answers`."""
    if isinstance(content, list):
        for position, part in enumerate(content):
            yield from read_objects(part, f"{origin}[{position}]")
    elif not isinstance(content, dict):
        reason = "neither the body of a response nor an object with `path` and `body`"
        raise InvalidResponse(f"{origin}: {reason}".removeprefix(": "))
    elif isinstance(content.get("answers"), list):
        yield from read_objects(content["answers"], f"{origin}: answers")
    else:
        yield origin, content


def read_responses(content: JsonValue) -> Iterator[RecordedResponse]:
    """Yield the GET responses in a file for an installation: bodies, `{path, body}`, or lists of them."""
    for _, each in read_objects(content, ""):
        if not {"path", "body"} <= each.keys():
            yield RecordedResponse("", each)
        elif each.get("method", "GET") == "GET":
            yield RecordedResponse(SAMPLE_ID.sub("/0", each["path"]), each["body"])


def read_captures(content: JsonValue, origin: str) -> Iterator[Capture | SkippedEntry]:
    """Yield the responses in a file for a scenario. Raise `InvalidResponse` if it contains anything else."""
    for where, each in read_objects(content, origin):
        if isinstance(each.get("log"), dict) and isinstance(each["log"].get("entries"), list):
            for position, entry in enumerate(each["log"]["entries"]):
                yield read_har_entry(entry, f"{where}: entry {position}")
        elif "body" in each and {"path", "url"} & each.keys():
            yield read_capture(each, where)
        else:
            yield Capture(where, "", each)


def read_capture(content: JsonObject, origin: str) -> Capture | SkippedEntry:
    """Read an object with a body and its path or URL."""
    path = content.get("path", content.get("url"))
    method, status = content.get("method", "GET"), content.get("status")
    if not isinstance(path, str):
        raise InvalidResponse(f"{origin}: path must be a text: the path of the GET")
    if method != "GET" or status not in {None, 200}:
        suffix = "" if status in {None, 200} else f" answered {status}"
        return SkippedEntry(origin, f"{method} {path}{suffix}")
    return skip_generated(Capture(origin, path, content["body"]))


def read_har_entry(entry: JsonValue, origin: str) -> Capture | SkippedEntry:
    """Read an entry of a HAR file. Skip it unless it is a successful GET of one of the two surfaces."""
    try:
        method, url = entry["request"]["method"], entry["request"]["url"]
        status, content = entry["response"]["status"], entry["response"]["content"]
    except (KeyError, TypeError):
        raise InvalidResponse(f"{origin}: not an entry of a HAR file: request or response is missing") from None
    title = f"{method} {urlsplit(str(url)).path}"
    if method != "GET" or status != 200:
        return SkippedEntry(origin, f"{title} answered {status}")
    text = content.get("text", "") if isinstance(content, Mapping) else ""
    try:
        body = orjson.loads(base64.b64decode(text) if content.get("encoding") == "base64" else text)
        endpoint_of(normalized_path(str(url)))
    except InvalidResponse:
        return SkippedEntry(origin, f"{title}: not a GET operation of the guide or the reference")
    except (AttributeError, TypeError, ValueError):
        return SkippedEntry(origin, f"{title}: the response is not JSON")
    return skip_generated(Capture(origin, str(url), body))


def skip_generated(capture: Capture) -> Capture | SkippedEntry:
    """Skip a document that the emulator does not store."""
    if GENERATED_DOCUMENT.search(urlsplit(capture.path).path):
        return SkippedEntry(capture.origin, "the emulator generates this document from the package")
    return capture


def normalized_path(url: str) -> str:
    """Return the path of a URL in the form of our routes: no host, no query, a slash at the end, numbers as ids."""
    path = urlsplit(url).path
    return REFERENCE_ID.sub("/0", SAMPLE_ID.sub("/0", f"{path.rstrip('/')}/"))


def locate_response(capture: Capture) -> RecordedResponse:
    """Return the response with the path at which it is served. Raise `InvalidResponse` for an unknown document."""
    is_page = isinstance(capture.body, Mapping) and "results" in capture.body
    documents = [document for _, document in documents_of(capture.body)]
    if not capture.path and not documents:
        raise InvalidResponse('an empty page; give it as {"path": "/api/v1/oms/...", "body": ...}')
    path = normalized_path(capture.path)
    try:
        endpoint, owner = endpoint_of(path)
    except InvalidResponse:
        schema = schema_by_keys(documents[0] if documents else {}, SERIALIZERS)
        return locate_by_schema(schema, documents, capture.body, is_page=is_page)
    if path.rstrip("/") == urlsplit(capture.path).path.rstrip("/"):
        return RecordedResponse(path[path.rindex(endpoint.prefix) :], capture.body)
    return locate_by_schema(
        endpoint.schema, documents, capture.body, is_page=is_page, owner_kind=endpoint.owner, owner=owner or None
    )


def locate_by_schema(  # noqa: PLR0913 - a response, and the owner according to its path
    schema: str,
    documents: Sequence[JsonValue],
    body: JsonValue,
    *,
    is_page: bool,
    owner_kind: RecordKind | None = None,
    owner: int | None = None,
) -> RecordedResponse:
    """Return the response at the path of its schema, with the ids that the documents contain."""
    first = documents[0] if documents and isinstance(documents[0], Mapping) else {}
    endpoints = [each for each in ENDPOINTS if each.schema == schema and (is_page or "<id>" in each.path)]
    if not endpoints:  # such documents are served in pages only
        is_page, body = True, {"results": [body]}
        endpoints = [each for each in ENDPOINTS if each.schema == schema]
    endpoints = [each for each in endpoints if each.owner or is_page != ("<id>" in each.path)]
    kind = owner_kind_of(first) or owner_kind or endpoints[0].owner
    endpoint = next((each for each in endpoints if each.owner in {None, kind}), endpoints[0])
    path = endpoint.prefix + endpoint.path.replace("(<id>/)?", "" if is_page else "<id>/")
    owner = owner or first.get("object_id")
    if endpoint.owner is not None and owner is None:
        example = path.replace("<owner>", "<id>", 1)
        raise InvalidResponse(
            f'a {schema} that does not name its owner; give it as {{"path": "{example}", "body": ...}}'
        )
    return RecordedResponse(path.replace("<owner>", str(owner)).replace("<id>", str(first.get("id"))), body)


def owner_kind_of(document: Mapping[str, JsonValue]) -> RecordKind | None:
    """Return the kind of the record that a log or an event belongs to, if the document names it."""
    for name in owner_names(document):
        for start, kind in OWNER_NAMES.items():
            if isinstance(name, str) and name.startswith(start):
                return kind
    return None


def owner_names(document: Mapping[str, JsonValue]) -> Iterator[JsonValue]:
    yield document.get("event_type")
    for key, inner in OWNER_NAME_KEYS:
        nested = document.get(key)
        yield nested.get(inner) if isinstance(nested, Mapping) else None


PREFIX_PATTERNS = {
    "/api/v1/oms/": r"/api/v1/oms/",
    "/packages/": r"^(?:\w+://[^/]+)?(?:/w/[^/]+)?/packages/",
}
"""Where a surface begins in a path or URL. The reference surface is at the root of a host or of a world."""
MIN_SIMILARITY = 0.5
"""Share of keys that a document and a serializer must have in common to match."""


class Endpoint(NamedTuple):
    """A GET operation."""

    pattern: str
    """The regular expression of the path. It is compiled with the first import, not at the start of each server."""
    prefix: str
    path: str
    """The path below the prefix, with `<owner>` and `<id>` for ids."""
    schema: str
    owner: RecordKind | None
    """Kind of the record that the documents belong to."""
    owner_column: str
    """Column of the documents' records that refers to the owner."""


def build_endpoint(
    prefix: str, path: str, schema: str, owner: str | None = None, owner_column: str = "object_id"
) -> Endpoint:
    ids = path.replace("<owner>", r"(?P<owner>\d+)").replace("<id>", r"\d+")
    kind = None if owner is None else KINDS[owner]
    return Endpoint(f"{PREFIX_PATTERNS[prefix]}{ids}$", prefix, path, schema, kind, owner_column)


ENDPOINTS = tuple(
    build_endpoint(prefix, *row) for prefix, rows in load_fixture("recorded_endpoints").items() for row in rows
)
"""All endpoints whose responses can be imported. The first that matches a path is used."""
IMPORTED_SCHEMAS = {each.schema for each in ENDPOINTS}


def endpoint_of(path: str) -> tuple[Endpoint, int | None]:
    """Return the endpoint of a path or URL, and the id of the owner. Raise `InvalidResponse` for other paths."""
    path_only = path.partition("?")[0]
    for each in ENDPOINTS:
        if match := re.search(each.pattern, path_only):
            owner = match.groupdict().get("owner")
            return each, None if owner is None else int(owner)
    raise InvalidResponse(f"{path}: is not a GET operation of the guide or the reference")


def documents_of(body: JsonValue) -> Iterator[tuple[str, JsonValue]]:
    """Yield the documents of a body with their JSON pointers: the results of a page, or the body itself."""
    if not (isinstance(body, Mapping) and "results" in body):
        yield "", body
        return
    if not isinstance(body["results"], list):
        raise InvalidResponse(f"/results: is {excerpt(body['results'])}, must be a list")
    for position, document in enumerate(body["results"]):
        yield f"/results/{position}", document


def schema_of(response: RecordedResponse, document: JsonValue) -> str:
    """Return the schema of a document of a response, from the path or else from the document's keys."""
    try:
        return endpoint_of(response.path)[0].schema
    except InvalidResponse:
        return schema_by_keys(document)


def schema_by_keys(document: JsonValue, serializers: Mapping[str, type[Serializer]] = GUIDE_SERIALIZERS) -> str:
    """Return the schema whose keys are most similar to a document's. Raise `InvalidResponse` if none is similar."""
    keys = set(document) if isinstance(document, Mapping) else set()
    scores = {
        schema: len(keys & fields) / max(1, len(keys | fields))
        for schema, serializer in serializers.items()
        if schema in IMPORTED_SCHEMAS
        for fields in [set(fields_of(serializer))]
    }
    best = max(scores, key=scores.__getitem__)
    if scores[best] < MIN_SIMILARITY:
        surfaces = "the guide" if serializers is GUIDE_SERIALIZERS else "the guide or the reference"
        raise InvalidResponse(
            f"no operation of {surfaces} returns such a document; its keys: {', '.join(sorted(keys)) or 'none'}"
        )
    return best
