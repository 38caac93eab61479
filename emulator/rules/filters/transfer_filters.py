"""The filters of transfer orders. Most names are documented; the names for places and tracking numbers are lost."""

from __future__ import annotations

from emulator.core.records import Product, State, StockLocation
from emulator.rules.filters.filter_set import Filter, Path, at, via
from emulator.rules.filters.package_filters import GUESS, PATTERN

SENT_OR_RECEIVED = (
    Path("source", StockLocation, "erp_code"),
    Path("destination", StockLocation, "erp_code"),
)
BOTH_WAYS = "the page's words: all transfers to sent and to receive of the given location"

# fmt: off
TRANSFER_FILTERS: tuple[Filter, ...] = (
    Filter("state", "number", at("state"), aliases=("state_id",), doc="state ID", provenance="documented"),
    Filter("state__enum_value", "char", via("state", State, "enum_value"), aliases=("state_enum_value",),
           doc="state enum value", provenance="documented"),
    Filter("order", "number", at("package.order"), aliases=("order_id",), doc="order ID", provenance="documented"),
    Filter("order__number", "char", at("package.order.number"), "startswith", aliases=("order_number",),
           doc="order number", provenance="documented",
           reason="that it is the beginning of the number is taken over from the packages' filter of this name"),
    Filter("package", "number", at("package"), aliases=("package_id",), doc="package ID", provenance="documented"),
    Filter("package_number", "char", at("package.number"), aliases=("package__number",),
           doc="package number", provenance="documented"),
    Filter("product_sku", "char", via("items.product", Product, "sku"), aliases=("sku",),
           doc="product SKU", provenance="documented"),
    Filter("product_barcode", "char", via("items.product", Product, "barcode"), aliases=("barcode",),
           doc="product barcode", provenance="documented"),
    Filter("source__erp_code", "char", via("source", StockLocation, "erp_code"), aliases=("source_erp_code",),
           doc="ERP code of the location that sends", provenance="documented"),
    Filter("destination__erp_code", "char", via("destination", StockLocation, "erp_code"),
           aliases=("destination_erp_code",), doc="ERP code of the location that receives",
           provenance="documented"),
    Filter("retail_store__erp_code", "char", SENT_OR_RECEIVED, doc="ERP code of a location that sends or receives",
           provenance="documented", reason=BOTH_WAYS),
    Filter("erp_code", "char", SENT_OR_RECEIVED, doc="ERP code of a location that sends or receives",
           provenance="documented", reason=BOTH_WAYS),
    Filter("order__customer__first_name", "char", at("package.order.customer.first_name"),
           aliases=("customer_first_name",), doc="customer first name", provenance="documented"),
    Filter("order__customer__last_name", "char", at("package.order.customer.last_name"),
           aliases=("customer_last_name",), doc="customer last name", provenance="documented"),
    Filter("order__date_placed", "date", at("package.order.date_placed"), "date", aliases=("order_date",),
           doc="order date", provenance="documented"),
    Filter("id__gt", "number", at("id"), "gt", doc="ID greater than", provenance="documented"),
    Filter("id__gte", "number", at("id"), "gte", doc="ID greater than or equal", provenance="documented"),
    Filter("id__lt", "number", at("id"), "lt", doc="ID less than", provenance="documented"),
    Filter("id__lte", "number", at("id"), "lte", doc="ID less than or equal", provenance="documented"),
    Filter("pk__in", "number_list", at("id"), "in", aliases=("id__in",), doc="multiple IDs",
           provenance="documented"),
    Filter("order__channel", "number", at("package.order.channel"), aliases=("channel",), doc="channel ID",
           provenance="documented"),
    Filter("package__shipment__cargo_company", "number", at("package.shipment.cargo_company"),
           aliases=("cargo_company", "shipment__cargo_company"), doc="shipment cargo company ID",
           provenance="documented"),
    Filter("destination__country", "number", via("destination", StockLocation, "address.country"),
           aliases=("country", "country_id", "destination__address__country"), doc="country ID",
           provenance="documented"),
    Filter("destination__country__name", "char", via("destination", StockLocation, "address.country.name"),
           aliases=("country_name", "destination__address__country__name"), doc="country name", reason=PATTERN),
    Filter("destination__city", "number", via("destination", StockLocation, "address.city"),
           aliases=("city", "city_id", "destination__address__city"), doc="city ID", reason=PATTERN),
    Filter("destination__city__name", "char", via("destination", StockLocation, "address.city.name"),
           aliases=("city_name", "destination__address__city__name"), doc="city name", reason=PATTERN),
    Filter("destination__township", "number", via("destination", StockLocation, "address.township"),
           aliases=("township", "township_id", "destination__address__township"), doc="township ID",
           reason=PATTERN),
    Filter("destination__township__name", "char", via("destination", StockLocation, "address.township.name"),
           aliases=("township_name", "destination__address__township__name"), doc="township name",
           reason=PATTERN),
    Filter("transfer_shipment__awb_number", "char", at("transfer_shipment.awb_number"),
           aliases=("shipment__awb_number", "shipment_awb_number", "awb_number"), doc="shipment awb number",
           reason=GUESS),
)
# fmt: on

TRANSFER_SORTABLE = {
    "id": "id",
    "pk": "id",
    "created_date": "created_date",
    "modified_date": "modified_date",
    "order_id": "package.order",
    "state": "state",
    "number": "number",
}
"""The first five are documented for a list of the same module (`pk` means `id`); the others are assumed."""
