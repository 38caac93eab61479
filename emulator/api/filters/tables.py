"""The filters of packages: one row for each line of the reference's page, in the page's order.

The page has lost the names. Each name follows the names that the vendor documents for transfer orders and for
states; `aliases` are other likely names. A filter compares exactly unless the page says otherwise ("starts with",
"from", "not equal").
"""

from __future__ import annotations

from emulator.api.filters.filter_set import NO_PATHS, Filter, Path, column_path, reference_path
from emulator.core.records import (
    City,
    Country,
    DeliveryRange,
    DenialReason,
    Product,
    State,
    StockLocation,
    Township,
    Webhook,
    WebhookEvent,
)
from emulator.state.store import Reader

SAME_NAME = "the documented name of the same filter of transfer orders or of states"
PATTERN = "follows the pattern of documented names"
GUESS = "a guess: no source has a name like it"
NEVER_SHOWN = "no document and no command shows this value, so no package has one"

STATE = Filter(
    "state", "number", column_path("state"), aliases=("state_id", "state__id"), doc="state ID", reason=SAME_NAME
)
STATE_VALUE = Filter(
    "state__enum_value",
    "char",
    reference_path("state", State, "enum_value"),
    aliases=("state_enum_value", "enum_value"),
    doc="state enum value",
    reason=SAME_NAME,
)
ORDER_NUMBER = Filter(
    "order__number",
    "char",
    column_path("order.number"),
    "startswith",
    aliases=("order_number", "order__number__startswith"),
    doc="order number (starts with)",
    reason=SAME_NAME,
)

# fmt: off
PACKAGE_FILTERS: tuple[Filter, ...] = (
    STATE,
    STATE_VALUE,
    Filter("state__enum_value__not", "char", reference_path("state", State, "enum_value"), exclude=True,
           aliases=("state__enum_value__ne", "state__enum_value__exclude", "state_enum_value__not"),
           doc="state enum value not equal", reason=GUESS),
    Filter("order", "number", column_path("order"), aliases=("order_id", "order__id"), doc="order ID", reason=SAME_NAME),
    Filter("stock_location", "number", column_path("stock_location"), aliases=("stock_location_id", "stock_location__id"),
           doc="stock location ID", reason=PATTERN),
    Filter("stock_location__erp_code", "char", reference_path("stock_location", StockLocation, "erp_code"),
           aliases=("stock_location_erp_code",), doc="stock location ERP code", reason=PATTERN),
    Filter("stock_location__erp_code__in", "char_list", reference_path("stock_location", StockLocation, "erp_code"), "in",
           aliases=("stock_location_erp_code__in", "stock_location__erp_codes"),
           doc="multiple stock location ERP codes (comma separated)", reason=PATTERN),
    Filter("stock_location__stock_location_type", "char",
           reference_path("stock_location", StockLocation, "stock_location_type"),
           aliases=("stock_location_type", "stock_location__type"), doc="stock location type", reason=PATTERN),
    ORDER_NUMBER,
    Filter("order__omnitron_id", "number", column_path("order.omnitron_id"), aliases=("order_omnitron_id",),
           doc="order Omnitron ID", reason=PATTERN),
    Filter("created_date__gte", "datetime", column_path("created_date"), "gte",
           aliases=("created_date_from", "created_date_after"), doc="created date (from)", reason=SAME_NAME),
    Filter("created_date__lte", "datetime", column_path("created_date"), "lte",
           aliases=("created_date_to", "created_date_before"), doc="created date (to)", reason=SAME_NAME),
    Filter("modified_date__gte", "datetime", column_path("modified_date"), "gte",
           aliases=("modified_date_from", "modified_date_after"), doc="modified date (from)", reason=SAME_NAME),
    Filter("modified_date__lte", "datetime", column_path("modified_date"), "lte",
           aliases=("modified_date_to", "modified_date_before"), doc="modified date (to)", reason=SAME_NAME),
    Filter("shipment__created_date__gte", "datetime", column_path("shipment.created_date"), "gte",
           aliases=("shipment_created_date__gte", "shipment_created_date_from"),
           doc="shipment created date (from)", reason=PATTERN),
    Filter("shipment__created_date__lte", "datetime", column_path("shipment.created_date"), "lte",
           aliases=("shipment_created_date__lte", "shipment_created_date_to"),
           doc="shipment created date (to)", reason=PATTERN),
    Filter("product_sku", "char", reference_path("items.order_item.product", Product, "sku"),
           aliases=("sku", "product__sku"), doc="product SKU", reason=SAME_NAME),
    Filter("product_barcode", "char", reference_path("items.order_item.product", Product, "barcode"),
           aliases=("barcode", "product__barcode"), doc="product barcode", reason=SAME_NAME),
    Filter("delivery_range__lower", "datetime", reference_path("delivery_range", DeliveryRange, "lower"),
           aliases=("delivery_range_lower", "delivery_range_lower_bound"),
           doc="delivery range lower bound", reason=GUESS),
    Filter("delivery_range__upper", "datetime", reference_path("delivery_range", DeliveryRange, "upper"),
           aliases=("delivery_range_upper", "delivery_range_upper_bound"),
           doc="delivery range upper bound", reason=GUESS),
    Filter("delivery_range__date", "date", reference_path("delivery_range", DeliveryRange, "lower"), "date",
           aliases=("delivery_range_date", "delivery_date"), doc="delivery range date",
           reason="a guess: the day on which the range begins"),
    Filter("order__channel", "number", column_path("order.channel"), aliases=("channel", "channel_id", "order__channel__id"),
           doc="channel ID", reason=SAME_NAME),
    Filter("order__customer__first_name", "char", column_path("order.customer.first_name"),
           aliases=("customer_first_name", "customer__first_name"), doc="customer first name", reason=SAME_NAME),
    Filter("order__customer__last_name", "char", column_path("order.customer.last_name"),
           aliases=("customer_last_name", "customer__last_name"), doc="customer last name", reason=SAME_NAME),
    Filter("order__date_placed", "date", column_path("order.date_placed"), "date",
           aliases=("order_date", "order_date_placed", "date_placed"), doc="order date", reason=SAME_NAME),
    Filter("order__date_placed__gte", "datetime", column_path("order.date_placed"), "gte",
           aliases=("order_date_placed__gte", "date_placed__gte", "order_date_placed_from"),
           doc="order date placed (from)", reason=PATTERN),
    Filter("order__date_placed__lte", "datetime", column_path("order.date_placed"), "lte",
           aliases=("order_date_placed__lte", "date_placed__lte", "order_date_placed_to"),
           doc="order date placed (to)", reason=PATTERN),
    Filter("shipment__cargo_company", "number", column_path("shipment.cargo_company"),
           aliases=("cargo_company", "cargo_company_id", "shipment__cargo_company__id"),
           doc="shipment cargo company ID", reason=PATTERN),
    Filter("packageitem__order_item__omnitron_id__in", "number_list", column_path("items.order_item.omnitron_id"), "in",
           aliases=("order_item__omnitron_id__in", "order_item_omnitron_ids"),
           doc="multiple packageitem order item omnitron IDs", reason=PATTERN),
    Filter("is_click_and_collect", "boolean", column_path("order.is_click_and_collect"),
           aliases=("order__is_click_and_collect", "click_and_collect"), doc="click and collect status",
           reason=PATTERN),
    Filter("id__gt", "number", column_path("id"), "gt", aliases=("pk__gt",), doc="ID greater than", reason=SAME_NAME),
    Filter("id__gte", "number", column_path("id"), "gte", aliases=("pk__gte",), doc="ID greater than or equal", reason=SAME_NAME),
    Filter("id__lt", "number", column_path("id"), "lt", aliases=("pk__lt",), doc="ID less than", reason=SAME_NAME),
    Filter("id__lte", "number", column_path("id"), "lte", aliases=("pk__lte",), doc="ID less than or equal", reason=SAME_NAME),
    Filter("pk__in", "number_list", column_path("id"), "in", aliases=("id__in", "ids"), doc="multiple IDs", reason=SAME_NAME),
    Filter("order__delivery_type", "char", column_path("order.delivery_type"),
           aliases=("delivery_type", "order_delivery_type"), doc="order delivery type", reason=PATTERN),
    Filter("shipping_address__country", "number", column_path("shipping_address.country"),
           aliases=("country", "country_id", "order__shipping_address__country"), doc="country ID", reason=GUESS),
    Filter("shipping_address__country__name", "char", reference_path("shipping_address.country", Country, "name"),
           aliases=("country_name", "country__name", "order__shipping_address__country__name"),
           doc="country name", reason=GUESS),
    Filter("shipping_address__city", "number", column_path("shipping_address.city"),
           aliases=("city", "city_id", "order__shipping_address__city"), doc="city ID", reason=GUESS),
    Filter("shipping_address__city__name", "char", reference_path("shipping_address.city", City, "name"),
           aliases=("city_name", "city__name", "order__shipping_address__city__name"),
           doc="city name", reason=GUESS),
    Filter("shipping_address__township", "number", column_path("shipping_address.township"),
           aliases=("township", "township_id", "order__shipping_address__township"),
           doc="township ID", reason=GUESS),
    Filter("shipping_address__township__name", "char", reference_path("shipping_address.township", Township, "name"),
           aliases=("township_name", "township__name", "order__shipping_address__township__name"),
           doc="township name", reason=GUESS),
    Filter("cancellation_failure_status", "char", NO_PATHS, aliases=("cancellation_failure",),
           doc="cancellation failure status", reason=f"{GUESS}; {NEVER_SHOWN}"),
    Filter("order__retail_store__erp_code", "char", reference_path("order.retail_store_id", StockLocation, "erp_code"),
           aliases=("retail_store__erp_code", "retail_store_erp_code"),
           doc="order retail store ERP code", reason=PATTERN),
    Filter("erp_code", "char",
           (*reference_path("stock_location", StockLocation, "erp_code"),
            *reference_path("order.retail_store_id", StockLocation, "erp_code")),
           aliases=("stock_location_or_retail_store__erp_code", "stock_location_or_retail_store_erp_code"),
           doc="stock location or retail store ERP code", reason=GUESS),
    Filter("shipping_option__slug__in", "char_list", NO_PATHS, "in",
           aliases=("shipping_option_slugs", "shipping_options"),
           doc="shipping option slugs", reason=f"{GUESS}; {NEVER_SHOWN}"),
    Filter("shipping_option__slug__not_in", "char_list", NO_PATHS, "in", exclude=True,
           aliases=("exclude_shipping_option_slugs", "exclude_shipping_options"),
           doc="Exclude by shipping option slugs", reason=f"{GUESS}; {NEVER_SHOWN}"),
    Filter("packageitem__order_item__omnitron_id", "number", column_path("items.order_item.omnitron_id"),
           aliases=("order_item__omnitron_id", "order_item_omnitron_id"),
           doc="order item omnitron ID", reason=PATTERN),
)


PACKAGE_SORTABLE = {
    "id": "id",
    "pk": "id",
    "created_date": "created_date",
    "modified_date": "modified_date",
    "order_id": "order",
    "order": "order",
    "number": "number",
    "order__number": "order.number",
    "order__date_placed": "order.date_placed",
    "state": "state",
    "stock_location": "stock_location",
    "shipment__created_date": "shipment.created_date",
}
"""`id`, the dates and `order_id` are documented for a list of the same module; the others are assumed."""


SENT_OR_RECEIVED = (
    Path("source", StockLocation, "erp_code"),
    Path("destination", StockLocation, "erp_code"),
)
BOTH_WAYS = "the page's words: all transfers to sent and to receive of the given location"

# fmt: off
TRANSFER_FILTERS: tuple[Filter, ...] = (
    Filter("state", "number", column_path("state"), aliases=("state_id",), doc="state ID", provenance="documented"),
    Filter("state__enum_value", "char", reference_path("state", State, "enum_value"), aliases=("state_enum_value",),
           doc="state enum value", provenance="documented"),
    Filter("order", "number", column_path("package.order"), aliases=("order_id",), doc="order ID", provenance="documented"),
    Filter("order__number", "char", column_path("package.order.number"), "startswith", aliases=("order_number",),
           doc="order number", provenance="documented",
           reason="that it is the beginning of the number is taken over from the packages' filter of this name"),
    Filter("package", "number", column_path("package"), aliases=("package_id",), doc="package ID", provenance="documented"),
    Filter("package_number", "char", column_path("package.number"), aliases=("package__number",),
           doc="package number", provenance="documented"),
    Filter("product_sku", "char", reference_path("items.product", Product, "sku"), aliases=("sku",),
           doc="product SKU", provenance="documented"),
    Filter("product_barcode", "char", reference_path("items.product", Product, "barcode"), aliases=("barcode",),
           doc="product barcode", provenance="documented"),
    Filter("source__erp_code", "char", reference_path("source", StockLocation, "erp_code"), aliases=("source_erp_code",),
           doc="ERP code of the location that sends", provenance="documented"),
    Filter("destination__erp_code", "char", reference_path("destination", StockLocation, "erp_code"),
           aliases=("destination_erp_code",), doc="ERP code of the location that receives",
           provenance="documented"),
    Filter("retail_store__erp_code", "char", SENT_OR_RECEIVED, doc="ERP code of a location that sends or receives",
           provenance="documented", reason=BOTH_WAYS),
    Filter("erp_code", "char", SENT_OR_RECEIVED, doc="ERP code of a location that sends or receives",
           provenance="documented", reason=BOTH_WAYS),
    Filter("order__customer__first_name", "char", column_path("package.order.customer.first_name"),
           aliases=("customer_first_name",), doc="customer first name", provenance="documented"),
    Filter("order__customer__last_name", "char", column_path("package.order.customer.last_name"),
           aliases=("customer_last_name",), doc="customer last name", provenance="documented"),
    Filter("order__date_placed", "date", column_path("package.order.date_placed"), "date", aliases=("order_date",),
           doc="order date", provenance="documented"),
    Filter("id__gt", "number", column_path("id"), "gt", doc="ID greater than", provenance="documented"),
    Filter("id__gte", "number", column_path("id"), "gte", doc="ID greater than or equal", provenance="documented"),
    Filter("id__lt", "number", column_path("id"), "lt", doc="ID less than", provenance="documented"),
    Filter("id__lte", "number", column_path("id"), "lte", doc="ID less than or equal", provenance="documented"),
    Filter("pk__in", "number_list", column_path("id"), "in", aliases=("id__in",), doc="multiple IDs",
           provenance="documented"),
    Filter("order__channel", "number", column_path("package.order.channel"), aliases=("channel",), doc="channel ID",
           provenance="documented"),
    Filter("package__shipment__cargo_company", "number", column_path("package.shipment.cargo_company"),
           aliases=("cargo_company", "shipment__cargo_company"), doc="shipment cargo company ID",
           provenance="documented"),
    Filter("destination__country", "number", reference_path("destination", StockLocation, "address.country"),
           aliases=("country", "country_id", "destination__address__country"), doc="country ID",
           provenance="documented"),
    Filter("destination__country__name", "char", reference_path("destination", StockLocation, "address.country.name"),
           aliases=("country_name", "destination__address__country__name"), doc="country name", reason=PATTERN),
    Filter("destination__city", "number", reference_path("destination", StockLocation, "address.city"),
           aliases=("city", "city_id", "destination__address__city"), doc="city ID", reason=PATTERN),
    Filter("destination__city__name", "char", reference_path("destination", StockLocation, "address.city.name"),
           aliases=("city_name", "destination__address__city__name"), doc="city name", reason=PATTERN),
    Filter("destination__township", "number", reference_path("destination", StockLocation, "address.township"),
           aliases=("township", "township_id", "destination__address__township"), doc="township ID",
           reason=PATTERN),
    Filter("destination__township__name", "char", reference_path("destination", StockLocation, "address.township.name"),
           aliases=("township_name", "destination__address__township__name"), doc="township name",
           reason=PATTERN),
    Filter("transfer_shipment__awb_number", "char", column_path("transfer_shipment.awb_number"),
           aliases=("shipment__awb_number", "shipment_awb_number", "awb_number"), doc="shipment awb number",
           reason=GUESS),
)


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


# fmt: off
DELIVERY_RANGE_FILTERS: tuple[Filter, ...] = (
    Filter("date", "date", (Path("lower", lookup="date__lte"), Path("upper", lookup="date__gte")), match_all=True,
           aliases=("exact_date", "delivery_range_date"),
           doc="exact date within delivery range", reason=GUESS),
    Filter("lower__date__gte", "date", column_path("lower"), "date__gte",
           aliases=("lower_start_date", "lower_bound_start_date", "lower_bound_start", "lower__gte"),
           doc="lower bound start date", reason=GUESS),
    Filter("lower__date__lte", "date", column_path("lower"), "date__lte",
           aliases=("lower_end_date", "lower_bound_end_date", "lower_bound_end", "lower__lte"),
           doc="lower bound end date", reason=GUESS),
    Filter("upper__date__gte", "date", column_path("upper"), "date__gte",
           aliases=("upper_start_date", "upper_bound_start_date", "upper_bound_start", "upper__gte"),
           doc="upper bound start date", reason=GUESS),
    Filter("upper__date__lte", "date", column_path("upper"), "date__lte",
           aliases=("upper_end_date", "upper_bound_end_date", "upper_bound_end", "upper__lte"),
           doc="upper bound end date", reason=GUESS),
)
# fmt: on
"""The page has lost the names of these filters."""

DENIAL_REASON_FILTERS: tuple[Filter, ...] = (
    Filter("is_active", "boolean", column_path("is_active"), doc="whether it is active", provenance="documented"),
    Filter(
        "title",
        "char",
        column_path("title"),
        "icontains",
        doc="part of the title, in any case",
        provenance="documented",
    ),
    Filter("priority", "number", column_path("priority"), doc="priority", provenance="documented"),
    Filter("remote_id", "char", column_path("remote_id"), doc="remote ID", provenance="documented"),
)
"""All names are documented."""
DENIAL_REASON_SORTABLE = {name: name for name in DenialReason._fields}


# fmt: off
HOOK_FILTERS: tuple[Filter, ...] = (
    Filter("target_url", "char", column_path("target_url"), "iexact", doc="address, in any case", provenance="observed"),
    Filter("event_type", "char", column_path("event_type"), "iexact", doc="type of event, in any case", provenance="observed"),
    Filter("is_active", "null_boolean", column_path("is_active"), doc="whether it is active", provenance="observed"),
)


def hook_exists(view: Reader, id_: int) -> bool:
    return view.has(Webhook, id_)


def content_type_exists(view: Reader, id_: int) -> bool:
    """Return whether this is a content type of the installation: of a kind with states, or of stock locations."""
    return id_ == LOCATION_CONTENT_TYPE or any(state.content_type == id_ for state in view.all(State))


LOCATION_CONTENT_TYPE = 9
"""The content type of stock locations, which have no states (assumed: no source shows it)."""

EVENT_FILTERS: tuple[Filter, ...] = (
    Filter("uuid", "uuid", column_path("uuid"), doc="UUID", provenance="observed"),
    Filter("response_http_status", "number", column_path("response_http_status"), doc="status of the last answer",
           provenance="observed"),
    Filter("delivered", "null_boolean", column_path("delivered"), doc="whether it was delivered", provenance="observed"),
    Filter("created_date", "datetime", column_path("created_date"), doc="creation time", provenance="observed"),
    Filter("created_date__gt", "datetime", column_path("created_date"), "gt", doc="created after", provenance="observed"),
    Filter("created_date__gte", "datetime", column_path("created_date"), "gte", doc="created at or after",
           provenance="observed"),
    Filter("created_date__lt", "datetime", column_path("created_date"), "lt", doc="created before", provenance="observed"),
    Filter("created_date__lte", "datetime", column_path("created_date"), "lte", doc="created at or before",
           provenance="observed"),
    Filter("object_id", "number", column_path("object_id"), doc="ID of the record that it tells of", provenance="observed",
           reason="a number, as the samples have it; a text from version 0.4.0 of the sender on"),
    Filter("content_type", "choice", column_path("content_type"), doc="content type of that record", provenance="observed",
           is_choice=content_type_exists),
    Filter("webhook", "choice", column_path("webhook"), doc="ID of the hook", provenance="observed", is_choice=hook_exists),
    Filter("event_type", "char", reference_path("webhook", Webhook, "event_type"), "iexact",
           doc="type of event, in any case", provenance="observed"),
)


OWNER_FILTERS: dict[type[object], Filter] = {
    Webhook: Filter("owner", "char", column_path("owner")),
    WebhookEvent: Filter("owner", "char", reference_path("webhook", Webhook, "owner")),
}
"""The conditions that restrict a list to the caller's own records. No query names them."""

OLDEST_FIRST = ("id",)
HOOK_SORTABLE = {
    name: name for name in ("id", "target_url", "event_type", "is_active", "created_date", "modified_date")
}
EVENT_SORTABLE = {
    name: name for name in ("id", "created_date", "modified_date", "response_http_status", "delivered", "retry_count")
}
"""The sender can order by every column. The name of the parameter is the guide's (assumed)."""
