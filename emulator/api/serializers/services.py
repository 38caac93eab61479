"""Serializers of the smaller services: denial reasons, package items, stock locations.

Their pages describe rows that the pages of packages do not have.
"""

from __future__ import annotations

from emulator.api.serializers import guide
from emulator.api.serializers.fields import Nested, Serializer
from emulator.api.serializers.reference_fields import Constant, ItemDenialReason
from emulator.core import records


class DenialReason(Serializer):
    kind = records.DenialReason
    keys = "id title remote_id priority is_active"


class ItemPackage(Serializer):
    """The package of an item: the keys of the minimal model on the page of models."""

    kind = records.Package
    keys = "id number state order stock_location created_date modified_date"


class PackageItemListed(Serializer):
    """A package item in the list of all items, and in the detail of that list."""

    kind = records.PackageItem
    keys = "id package order_item state quantity unit_weight created_date modified_date"
    package = Nested(ItemPackage)
    order_item = Nested(guide.OrderItem)
    state = Nested(guide.State)
    quantity = Constant(1)


class PackageItemDetail(Serializer):
    """A package item at `/api/v1/package-item/<pk>/`."""

    kind = records.PackageItem
    keys = """
        id state discrepancy_reason denial_reason created_date modified_date selected_barcode serial_no unit_weight
        package order_item unit_type
    """
    state = Nested(guide.State)
    denial_reason = ItemDenialReason()
    unit_type = Constant("quantity")


class StockLocationSimple(Serializer):
    kind = records.StockLocation
    keys = """
        id created_date modified_date omnitron_id name stock_location_type fax_number erp_code address
        is_fulfillment_center is_pickup_location is_delivery_location is_fast_delivery_available is_return_available
        is_active priority
    """


SERIALIZERS: dict[str, type[Serializer]] = {
    "denial-reason": DenialReason,
    "package-item-listed": PackageItemListed,
    "package-item-detail": PackageItemDetail,
    "stock-location-simple": StockLocationSimple,
}
"""Name of the schema (as in `schemas/` and the route tables) -> serializer."""
