"""Every shape has the keys of its schema, in the schema's order; both come from the pages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from emulator import Emulator
from emulator.core import schemas
from emulator.routes import GUIDE_ROUTES, HOOK_ROUTES, REFERENCE_ROUTES
from emulator.shapes.columns import COLUMN_TYPES
from emulator.shapes.derived import Itself
from emulator.shapes.documents import SHAPES
from emulator.shapes.events import PAYLOAD_SHAPES
from emulator.shapes.pieces import Column, Commands, Part, Parts, Shape, Through, instance, state_name


def reference(rules: Any) -> str | None:
    """Give the schema that a property's rules refer to, if they do."""
    for each in (rules, *rules.get("anyOf", ()), rules.get("items", {})):
        if "$ref" in each and "#" not in each["$ref"]:
            return str(each["$ref"]).removesuffix(".json")
    return None


def pairs() -> Iterator[tuple[str, type[Shape]]]:
    """Give every schema with its shape: those of the answers, and those inside them."""
    waiting, seen = list(SHAPES.items()), set()
    while waiting:
        name, shape = waiting.pop()
        if (name, shape) in seen:
            continue
        seen.add((name, shape))
        yield name, shape
        properties = schemas.schema(name)["properties"]
        fields: dict[str, Any] = instance(shape).fields
        for key, piece in fields.items():
            inner = reference(properties[key]) if isinstance(piece, Part | Parts | Commands | Itself) else None
            if inner is not None:
                waiting.append((inner, piece.shape))


PAIRS = sorted(pairs(), key=lambda pair: (pair[0], pair[1].__name__))


@pytest.mark.parametrize(("name", "shape"), PAIRS, ids=[f"{name}-{shape.__name__}" for name, shape in PAIRS])
def test_a_shape_has_the_keys_of_its_schema_in_order(name: str, shape: type[Shape]) -> None:
    assert list(instance(shape).fields) == list(schemas.schema(name)["properties"])


def test_every_part_was_looked_at() -> None:
    assert len(PAIRS) > 35


WITHOUT_SHAPE = {
    *("error", "field-errors", "command-error", "command-result", "reference-invoice-document"),
    *("event-types", "webhook-refusal", "hook-retried", "hook-retry-refused"),
}
OF_THE_CONTROL_API = {"stock-location"}


def test_every_answer_has_a_shape() -> None:
    routes = (*GUIDE_ROUTES, *REFERENCE_ROUTES, *HOOK_ROUTES)
    answered = {name.replace("page-of-", "") for route in routes for name in route.replies.values() if name}
    assert answered - WITHOUT_SHAPE == set(SHAPES) - OF_THE_CONTROL_API


@pytest.mark.parametrize("shape", dict.fromkeys(shape for _, shape in PAIRS), ids=lambda shape: shape.__name__)
def test_columns_are_those_of_the_kind(shape: type[Shape]) -> None:
    for key, piece in instance(shape).fields.items():
        if isinstance(piece, Column):
            assert (piece.column or key) in COLUMN_TYPES[shape.kind]
        if isinstance(piece, Through):
            assert len(piece.path) > 1


@pytest.mark.parametrize("kind", PAYLOAD_SHAPES, ids=lambda kind: kind.__name__)
def test_a_payload_has_the_keys_of_its_schema(kind: type[Any]) -> None:
    """In the order in which the vendor's database keeps keys: by length, then by alphabet."""
    shape, left_out = PAYLOAD_SHAPES[kind]
    names = {"Package": "package-payload", "TransferOrder": "transfer-payload", "StockLocation": "stock-location"}
    name = names[kind.__name__]
    keys = [key for key in instance(shape).fields if key not in left_out]
    properties = list(schemas.schema(name)["properties"])
    assert sorted(keys) == sorted(properties)
    # A stock location's payload has the keys of its document, whose schema prints them in the document's order.
    assert name == "stock-location" or properties == sorted(properties, key=lambda key: (len(key), key))


class Named:
    """A state as far as its name goes."""

    def __init__(self, translations: bytes | None) -> None:
        self.name, self.translations = "Own", translations


@pytest.mark.parametrize(
    ("translations", "name"),
    [
        (b'{"tr-tr":{"name":"Bekliyor"},"en-us":{"name":"Waiting"}}', "Bekliyor"),
        (b'{"en-us":{"name":"Waiting"}}', "Own"),
        (b'{"tr-tr":{}}', "Own"),
        (b"{}", "Own"),
        (b'{"tr-tr":null}', "Own"),
        (b'{"tr-tr":{"name":null}}', "Own"),
        (b"[]", "Own"),
        (b"null", "Own"),
        (None, "Own"),
    ],
)
def test_a_state_is_named_in_the_readers_language_or_by_its_own_name(translations: bytes | None, name: str) -> None:
    assert state_name(Named(translations), "tr-tr") == name


def test_line_separators_are_escaped_as_the_framework_escapes_them() -> None:
    oms = Emulator("demo")
    client = oms.session()
    pk = client.get("/api/v1/oms/packages/?limit=1").json()["results"][0]["id"]
    remote_id = "a\u2028b\u2029c\u00e9\u20ac"
    assert client.post(f"/api/v1/oms/packages/{pk}/set_remote_id/", json={"remote_id": remote_id}).status_code == 204
    answer = client.get(f"/api/v1/oms/packages/{pk}/")
    assert "a\\u2028b\\u2029cé€".encode() in answer.content
    assert answer.json()["remote_id"] == remote_id
