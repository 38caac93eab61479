"""Records are flat and immutable, have the vendor's names, and refer to each other by marked columns."""

from __future__ import annotations

from datetime import datetime
from types import NoneType
from typing import Any, get_args, get_type_hints

import pytest

from emulator.core import records
from emulator.core.records import (
    INDEXES,
    KINDS,
    REFERENCES,
    RELATIONS,
    UNDATED,
    Omitted,
    Package,
    TransitionLog,
    WebhookEvent,
)

FLAT = {int, str, bool, bytes, datetime, NoneType, Omitted}
every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


@every_kind
def test_a_record_is_flat(kind: type[Any]) -> None:
    """Its columns hold plain immutable values. The only exception is the snapshot of an event."""
    for column, hint in get_type_hints(kind).items():
        if (kind, column) == (WebhookEvent, "snapshot"):
            continue
        assert set(get_args(hint) or (hint,)) <= FLAT, column


@every_kind
def test_a_record_starts_with_its_id_and_cannot_be_changed(kind: type[Any]) -> None:
    assert kind._fields[0] == "id"
    record = kind(**dict.fromkeys(needed(kind), 1))
    with pytest.raises(AttributeError):
        record.id = 2


def needed(kind: type[Any]) -> list[str]:
    return [name for name in kind._fields if name not in kind._field_defaults]


@every_kind
def test_only_the_id_and_references_are_required(kind: type[Any]) -> None:
    """All other columns have a default, so that a partial document is enough for a record."""
    own = {"id", *REFERENCES[kind], "object_id", "content_type"}
    assert set(needed(kind)) <= own


def test_kinds_have_the_vendors_names() -> None:
    names = {"".join(part.title() for part in name.split("_")): kind for name, kind in KINDS.items()}
    assert {name: kind.__name__ for name, kind in names.items()} == {name: name for name in names}


def test_every_entity_of_the_module_is_a_kind() -> None:
    entities = {value for value in vars(records).values() if isinstance(value, type) and hasattr(value, "_fields")}
    assert entities - {records.KindIndexes} == set(KINDS.values())


def test_references_name_kinds() -> None:
    assert REFERENCES[Package] == {
        "state": records.State,
        "order": records.Order,
        "shipping_address": records.Address,
        "stock_location": records.StockLocation,
        "shipment": records.Shipment,
        "shipping_label": records.ShippingLabel,
        "invoice": records.Invoice,
        "delivery_range": records.DeliveryRange,
    }


@pytest.mark.parametrize("kind", RELATIONS, ids=lambda kind: kind.__name__)
def test_relations_use_existing_columns(kind: type[Any]) -> None:
    for columns in RELATIONS[kind].values():
        assert set(columns) <= set(kind._fields)


def test_the_key_of_a_relation_is_a_value_or_a_tuple() -> None:
    log, package = TransitionLog(1, 2, 3, object_id=7, content_type=4), Package(1, 2, 3, 4, 5, number="P")
    assert [key_of(log) for _, key_of in INDEXES[TransitionLog].relations] == [(4, 7)]
    assert [key_of(package) for _, key_of in INDEXES[Package].relations] == [3, "P", 4]


def test_undated_is_a_time_with_a_zone() -> None:
    assert UNDATED.tzinfo is not None
