"""Every serializer has the keys of its schema, in the order of the documentation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from emulator import Emulator
from emulator.api.routes import GUIDE_ROUTES, HOOK_ROUTES, REFERENCE_ROUTES, SERVICE_ROUTES
from emulator.api.serializers import SERIALIZERS
from emulator.api.serializers.events import PAYLOAD_SERIALIZERS
from emulator.api.serializers.fields import (
    COLUMN_TYPES,
    Column,
    Nested,
    NestedList,
    RelatedColumn,
    Serializer,
    fields_of,
    state_name,
)
from emulator.api.serializers.reference_fields import NestedSelf
from emulator.core import schemas


def schema_reference(rules: Any) -> str | None:
    """Return the schema that the rules of a property refer to, if any."""
    for rule in (rules, *rules.get("anyOf", ()), rules.get("items", {})):
        if "$ref" in rule and "#" not in rule["$ref"]:
            return str(rule["$ref"]).removesuffix(".json")
    return None


def schemas_with_serializers() -> Iterator[tuple[str, type[Serializer]]]:
    """Yield every schema with its serializer, nested ones included."""
    pending, seen = list(SERIALIZERS.items()), set()
    while pending:
        name, serializer = pending.pop()
        if (name, serializer) in seen:
            continue
        seen.add((name, serializer))
        yield name, serializer
        properties = schemas.load_schema(name)["properties"]
        for key, field in fields_of(serializer).items():
            if isinstance(field, Nested | NestedList | NestedSelf) and (nested := schema_reference(properties[key])):
                pending.append((nested, field.serializer))


PAIRS = sorted(schemas_with_serializers(), key=lambda pair: (pair[0], pair[1].__name__))


@pytest.mark.parametrize(
    ("name", "serializer"), PAIRS, ids=[f"{name}-{serializer.__name__}" for name, serializer in PAIRS]
)
def test_serializer_has_the_keys_of_its_schema_in_order(name: str, serializer: type[Serializer]) -> None:
    assert list(fields_of(serializer)) == list(schemas.load_schema(name)["properties"])


def test_nested_serializers_are_included() -> None:
    assert len(PAIRS) > 35


WITHOUT_SERIALIZER = {
    *("error", "field-errors", "command-error", "command-result", "reference-invoice-document"),
    *("event-types", "webhook-refusal", "hook-retried", "hook-retry-refused", "hook-root", "event-queue"),
}
CONTROL_API_ONLY = {"stock-location"}


def test_every_response_has_a_serializer() -> None:
    routes = (*GUIDE_ROUTES, *SERVICE_ROUTES, *REFERENCE_ROUTES, *HOOK_ROUTES)
    responses = {name.replace("page-of-", "") for route in routes for name in route.responses.values() if name}
    assert responses - WITHOUT_SERIALIZER == set(SERIALIZERS) - CONTROL_API_ONLY


@pytest.mark.parametrize(
    "serializer", dict.fromkeys(serializer for _, serializer in PAIRS), ids=lambda serializer: serializer.__name__
)
def test_fields_use_columns_of_their_kind(serializer: type[Serializer]) -> None:
    for field in fields_of(serializer).values():
        if isinstance(field, Column):
            assert field.column in COLUMN_TYPES[serializer.kind]
        if isinstance(field, RelatedColumn):
            assert len(field.path) > 1


@pytest.mark.parametrize("kind", PAYLOAD_SERIALIZERS, ids=lambda kind: kind.__name__)
def test_payload_has_the_keys_of_its_schema(kind: type[Any]) -> None:
    """The schema has them in the order of the vendor's database: by length, then by alphabet."""
    serializer, omitted = PAYLOAD_SERIALIZERS[kind]
    names = {"Package": "package-payload", "TransferOrder": "transfer-payload", "StockLocation": "stock-location"}
    name = names[kind.__name__]
    keys = [key for key in fields_of(serializer) if key not in omitted]
    properties = list(schemas.load_schema(name)["properties"])
    assert sorted(keys) == sorted(properties)
    # A stock location's payload has the keys of its document, whose schema prints them in the document's order.
    assert name == "stock-location" or properties == sorted(properties, key=lambda key: (len(key), key))


class FakeState:
    """A state with the columns that its name depends on."""

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
def test_state_name_is_translated_if_possible(translations: bytes | None, name: str) -> None:
    assert state_name(FakeState(translations), "tr-tr") == name


def test_line_separators_are_escaped_like_in_the_framework() -> None:
    oms = Emulator("demo")
    client = oms.session()
    pk = client.get("/api/v1/oms/packages/?limit=1").json()["results"][0]["id"]
    remote_id = "a\u2028b\u2029c\u00e9\u20ac"
    assert client.post(f"/api/v1/oms/packages/{pk}/set_remote_id/", json={"remote_id": remote_id}).status_code == 204
    answer = client.get(f"/api/v1/oms/packages/{pk}/")
    assert "a\\u2028b\\u2029cé€".encode() in answer.content
    assert answer.json()["remote_id"] == remote_id
