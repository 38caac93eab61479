"""Where personal values stand: a walk over records and stored documents, by the table `fixtures/personal.json`."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from emulator.core.records import KINDS, REFERENCES, Package, StockLocation, TransferOrder
from emulator.shapes.events import PAYLOAD_SHAPES
from emulator.shapes.pieces import Column, Commands, Part, Parts, Piece, Shape, Text, Through, instance

FILE = Path(__file__).parent.parent / "fixtures" / "personal.json"
KEPT, FREE, SECRETS, PAYLOAD, BODY, UNKNOWN = "kept", "free", "secrets", "payload", "body", "unknown"
"""What the table says of columns besides the kinds of personal values: `free` maps are judged key by key, `secrets`
are secret throughout, a `payload` is a stored document, a `body` a text that may be JSON."""
Replace = Callable[[str, str], str]
"""Kind of a personal value, the value -> what stands in its place."""
LONG = 10**9
"""From here on a number under a key that nobody knows may be a telephone's or a person's."""
PAYLOADS = {"packageitem_set": Package, "transferitem_set": TransferOrder, "stock_location_type": StockLocation}
"""The key by which a stored document is known -> what it is of."""


NAMES = {kind: name for name, kind in KINDS.items()}


@cache
def table() -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(FILE.read_text("utf-8"))
    return found


def columns_of(kind: type[Any]) -> Mapping[str, str]:
    """Give the columns of a kind that may hold text, and what each holds."""
    found: Mapping[str, str] = table()["columns"].get(NAMES[kind], {})
    return found


class Walk:
    """Goes over values and puts in the place of each personal one what `replace` gives for it."""

    def __init__(self, replace: Replace) -> None:
        self.replace = replace
        self.unknown: dict[str, int] = {}
        """Keys of free maps that the table does not have -> how often."""

    def record(self, record: Any) -> Any:
        """Give a record with its personal values replaced."""
        columns = {name: what for name, what in columns_of(type(record)).items() if what != KEPT}
        changed = {name: self.column(what, name, getattr(record, name)) for name, what in columns.items()}
        return record._replace(**changed) if changed else record

    def column(self, what: str, name: str, value: Any) -> Any:
        """Give a column's value replaced: text, or the text of JSON."""
        if isinstance(value, bytes):
            return orjson.dumps(self.tree(what, name, orjson.loads(value)))
        return self.text(what, value) if isinstance(value, str) else value

    def text(self, what: str, value: str) -> str:
        """Give a text replaced; what is blank stays so."""
        if what == KEPT or not value.strip():
            return value
        return self.body(value) if what == BODY else self.replace(what, value)

    def tree(self, what: str, key: str, value: Any) -> Any:
        """Give the JSON value under a key replaced; the table says what it is."""
        if what == PAYLOAD:
            return self.payload(value)
        if what == FREE:
            return self.free(value, key)
        if what == SECRETS:
            return self.leaves("secret", value)
        return value if what == KEPT else self.leaves(what, value)

    def leaves(self, what: str, value: Any) -> Any:
        """Give a JSON value with every text and number in it replaced as of one kind."""
        if isinstance(value, dict):
            return {key: self.leaves(what, inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.leaves(what, inner) for inner in value]
        if isinstance(value, str):
            return self.text(what, value)
        if what == KEPT or isinstance(value, bool) or not isinstance(value, int):
            return value
        return int(self.replace("digits", str(value)))

    def free(self, value: Any, key: str) -> Any:
        """Give a free value replaced, key by key; what stands under a key that nobody knows is `unknown`."""
        what = table()["keys"].get(key.lower())
        if isinstance(value, dict) and what != "secret":
            return {inner: self.free(part, inner) for inner, part in value.items()}
        if isinstance(value, list) and what != "secret":
            return [self.free(part, key) for part in value]
        if what is not None:
            return self.leaves(what, value)
        if isinstance(value, str) and value.strip():
            self.unknown[key] = self.unknown.get(key, 0) + 1
            return self.text(UNKNOWN, value)
        is_long = type(value) is int and abs(value) >= LONG
        return self.leaves("digits", value) if is_long else value

    def body(self, value: str) -> str:
        """Give a text replaced that may be JSON, or Python's way to print bytes."""
        if value.startswith(("b'", 'b"')):
            return repr(self.body(unprinted(value)).encode())
        try:
            found = json.loads(value)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict | list):
            return json.dumps(self.free(found, ""), ensure_ascii=False)
        return self.replace(BODY, value)

    def payload(self, value: Any) -> Any:
        """Give what a hook was told, replaced: the event stays, the document goes by its shape."""
        if (shape := payload_shape(value)) is None:
            return self.free(value, "")
        document = self.document(shape, value["payload"])
        return {key: document if key == "payload" else self.free(part, key) for key, part in value.items()}

    def document(self, shape: type[Shape], document: Any) -> Any:
        """Give a document replaced, key by key of its shape."""
        if not isinstance(document, dict):
            return document
        pieces = instance(shape).fields
        return {key: self.piece(shape.kind, key, pieces.get(key), value) for key, value in document.items()}

    def piece(self, kind: type[Any], key: str, piece: Any, value: Any) -> Any:
        if isinstance(piece, Part):
            return self.document(piece.shape, value)
        if isinstance(piece, Parts | Commands):
            return [self.document(piece.shape, part) for part in value] if isinstance(value, list) else value
        if isinstance(piece, Text):
            return self.leaves("link", value)
        if not isinstance(piece, Piece):
            return self.free(value, key)
        return self.tree(what_is(kind, key, piece), key, value)


def payload_shape(payload: Any) -> type[Shape] | None:
    """Give the shape of the document in a stored payload, known by its keys."""
    document = payload.get("payload") if isinstance(payload, dict) else None
    if not isinstance(document, dict):
        return None
    return next((PAYLOAD_SHAPES[kind][0] for key, kind in PAYLOADS.items() if key in document), None)


def pruned_payload(payload: Any) -> Any:
    """Give a stored payload without the keys that its document's shape lacks."""
    shape = payload_shape(payload)
    return payload if shape is None else payload | {"payload": pruned(shape, payload["payload"])}


def pruned(shape: type[Shape], document: Any) -> Any:
    """Give a document without the keys that its shape lacks."""
    if not isinstance(document, dict):
        return document
    pieces = instance(shape).fields
    return {key: inner(pieces[key], value) for key, value in document.items() if key in pieces}


def inner(piece: Any, value: Any) -> Any:
    if isinstance(piece, Parts | Commands) and isinstance(value, list):
        return [pruned(piece.shape, part) for part in value]
    return pruned(piece.shape, value) if isinstance(piece, Part) else value


def what_is(kind: type[Any], key: str, piece: Piece) -> str:
    """Give what a document's key holds: what the table says of the column that it prints."""
    if isinstance(piece, Through):
        for column in piece.path[:-1]:
            kind = REFERENCES[kind][column]
        return columns_of(kind).get(piece.path[-1], KEPT)
    return columns_of(kind).get(piece.column or key, KEPT) if isinstance(piece, Column) else KEPT


def unprinted(value: str) -> str:
    """Give the text of bytes as Python prints them: `b'200 OK'`."""
    try:
        found = ast.literal_eval(value)
    except (SyntaxError, ValueError):
        return value
    return found.decode("utf-8", "replace") if isinstance(found, bytes) else value
