"""Create and change stock locations."""

from __future__ import annotations

from emulator.core.ids import made_uuid
from emulator.core.jsontext import JsonObject
from emulator.core.records import City, Columns, LocationAddress, StockLocation
from emulator.core.refusals import Conflict
from emulator.core.store import Transaction
from emulator.rules.arranging.geography import LEVELS, resolve_location
from emulator.rules.arranging.values import to_columns

LOCATION_COLUMNS = (
    "stock_location_type",
    "engine",
    "tags",
    "omnitron_id",
    "name",
    "is_fulfillment_center",
    "is_pickup_location",
    "is_delivery_location",
    "is_return_available",
    "is_fast_delivery_available",
    "is_active",
    "priority",
    "conf",
    "daytime_phone",
    "evening_phone",
    "fax_number",
    "email",
    "target_packing_interval",
    "target_transfer_interval",
    "erp_code",
    "use_as_shipper_location",
    "max_quota",
)
ADDRESS_COLUMNS = ("title", "line", "postcode", "notes", "longitude", "latitude")


def create_stock_location(tx: Transaction, document: JsonObject) -> StockLocation:
    """Create a stock location. Its default ERP code is its id."""
    id_ = tx.new_id(StockLocation)
    address = create_location_address(tx, document)
    values: Columns = {"erp_code": str(id_)} | to_columns(document, LOCATION_COLUMNS)
    check_code_is_unique(tx, id_, values["erp_code"])
    location = tx.add(StockLocation(id=id_, address=address.id, created_date=tx.now, modified_date=tx.now, **values))
    tx.queue("stock_location.created", location)
    return location


def create_location_address(tx: Transaction, document: JsonObject) -> LocationAddress:
    """Create the address of a new location. Its default coordinates are those of its city."""
    id_ = tx.new_id(LocationAddress)
    address_document = document.get("address", {})
    geo_location = resolve_location(tx, address_document, made_uuid("location", id_).int)
    city = tx.one(City, geo_location.city)
    defaults = {"title": document["name"], "longitude": city.longitude, "latitude": city.latitude}
    return tx.add(
        LocationAddress(
            id=id_, **geo_location._asdict(), **(defaults | to_columns(address_document, ADDRESS_COLUMNS))
        )
    )


def update_stock_location(tx: Transaction, location: StockLocation, document: JsonObject) -> StockLocation:
    """Change the columns of a stock location that the document contains."""
    changes = to_columns(document, LOCATION_COLUMNS)
    check_code_is_unique(tx, location.id, changes.get("erp_code"))
    if "address" in document:
        update_location_address(tx, tx.one(LocationAddress, location.address), document["address"])
    changed = tx.change(location, modified_date=tx.now, **changes)
    tx.queue("stock_location.updated", changed)
    return changed


def update_location_address(tx: Transaction, address: LocationAddress, document: JsonObject) -> None:
    """Change an address. If it moves without new coordinates, it gets those of its city."""
    changes = to_columns(document, ADDRESS_COLUMNS)
    if any(level in document for level in LEVELS):
        geo_location = resolve_location(tx, document, made_uuid("location", address.id).int)
        city = tx.one(City, geo_location.city)
        changes = {"longitude": city.longitude, "latitude": city.latitude} | geo_location._asdict() | changes
    tx.change(address, **changes)


def check_code_is_unique(tx: Transaction, id_: int, code: str | None) -> None:
    """Raise `Conflict` if another location has this code, because manual planning refers to locations by code."""
    for other in tx.all(StockLocation):
        if code is not None and other.erp_code == code and other.id != id_:
            raise Conflict(f"location {other.id} {other.name} already has the erp_code {code!r}")
