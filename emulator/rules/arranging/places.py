"""Stock and stock locations, as whoever owns them changes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulator.core.ids import made_uuid
from emulator.core.records import City, LocationAddress, StockLocation
from emulator.core.refusals import Conflict
from emulator.core.store import Transaction
from emulator.rules.arranging.geography import LEVELS, spot_of
from emulator.rules.arranging.values import columns

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


def add_location(tx: Transaction, asked: Mapping[str, Any]) -> StockLocation:
    """Make a stock location; its code is its id unless the document gives one."""
    id_ = tx.new_id(StockLocation)
    address = add_address(tx, asked)
    given = {"erp_code": str(id_)} | columns(asked, LOCATION_COLUMNS)
    check_code(tx, id_, given["erp_code"])
    location = tx.add(StockLocation(id=id_, address=address.id, created_date=tx.now, modified_date=tx.now, **given))
    tx.queue("stock_location.created", location)
    return location


def add_address(tx: Transaction, asked: Mapping[str, Any]) -> LocationAddress:
    """Make the address of a new location: in the middle of its city unless the document says where."""
    id_ = tx.new_id(LocationAddress)
    address = asked.get("address", {})
    spot = spot_of(tx, address, made_uuid("location", id_).int)
    city = tx.one(City, spot.city)
    made = {"title": asked["name"], "longitude": city.longitude, "latitude": city.latitude}
    return tx.add(LocationAddress(id=id_, **spot._asdict(), **(made | columns(address, ADDRESS_COLUMNS))))


def change_location(tx: Transaction, location: StockLocation, asked: Mapping[str, Any]) -> StockLocation:
    """Change a stock location in what the document names."""
    given = columns(asked, LOCATION_COLUMNS)
    check_code(tx, location.id, given.get("erp_code"))
    if "address" in asked:
        change_address(tx, tx.one(LocationAddress, location.address), asked["address"])
    changed = tx.change(location, modified_date=tx.now, **given)
    tx.queue("stock_location.updated", changed)
    return changed


def change_address(tx: Transaction, address: LocationAddress, asked: Mapping[str, Any]) -> None:
    """Change an address; one that moves without saying where on the map is in the middle of its city."""
    given = columns(asked, ADDRESS_COLUMNS)
    if any(level in asked for level in LEVELS):
        spot = spot_of(tx, asked, made_uuid("location", address.id).int)
        city = tx.one(City, spot.city)
        given = {"longitude": city.longitude, "latitude": city.latitude} | spot._asdict() | given
    tx.change(address, **given)


def check_code(tx: Transaction, id_: int, code: str | None) -> None:
    """Insist that no other location has this code: manual planning names locations by it."""
    for other in tx.all(StockLocation):
        if code is not None and other.erp_code == code and other.id != id_:
            raise Conflict(f"location {other.id} {other.name} already has the erp_code {code!r}")
