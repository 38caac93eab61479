"""The filters and sort columns of all lists.

The reference's page describes the filters of packages but has lost their names. Each row here is a line of the page,
in the order of the page. Its name follows the documented names of the filters of transfer orders and of states;
`aliases` are other likely names. A filter compares exactly unless the page says otherwise ("starts with", "from").
"""

from __future__ import annotations

from functools import partial

from emulator.api.filters.filter_set import NO_PATHS, Filter, Path, column, reference
from emulator.core.records import (
    City,
    Country,
    DeliveryRange,
    Product,
    State,
    StockLocation,
    Township,
    Webhook,
    WebhookEvent,
)
from emulator.state.store import Reader

SAME = "the documented name of the same filter of transfer orders or of states"
PATTERN = "follows the pattern of documented names"
GUESS = "a guess: no source has a name like it"
NEVER_SHOWN = "no document and no command shows this value, so no package has one"

LOCATION_CONTENT_TYPE = 9
"""The content type of stock locations, which have no states (assumed: no source shows it)."""


def hook_exists(reader: Reader, id_: int) -> bool:
    return reader.has(Webhook, id_)


def content_type_exists(reader: Reader, id_: int) -> bool:
    """Return whether this is a content type of the installation: of a kind with states, or of stock locations."""
    return id_ == LOCATION_CONTENT_TYPE or any(state.content_type == id_ for state in reader.all(State))


documented_filter = partial(Filter, provenance="documented")
observed_filter = partial(Filter, provenance="observed")

# fmt: off
STATE = Filter("state", "number", column("state"), aliases=("state_id", "state__id"), doc="state ID", reason=SAME)
STATE_VALUE = Filter("state__enum_value", "char", reference("state", State, "enum_value"),
                     aliases=("state_enum_value", "enum_value"), doc="state enum value", reason=SAME)
ORDER_NUMBER = Filter("order__number", "char", column("order.number"), "startswith",
                      aliases=("order_number", "order__number__startswith"), doc="order number (starts with)",
                      reason=SAME, lookup_provenance="documented")

PACKAGE_FILTERS: tuple[Filter, ...] = (
    STATE,
    STATE_VALUE,
    Filter("state__enum_value__not", "char", reference("state", State, "enum_value"), exclude=True,
           aliases=("state__enum_value__ne", "state__enum_value__exclude", "state_enum_value__not"),
           doc="state enum value not equal", reason=GUESS),
    Filter("order", "number", column("order"), aliases=("order_id", "order__id"), doc="order ID", reason=SAME),
    Filter("stock_location", "number", column("stock_location"), aliases=("stock_location_id", "stock_location__id"),
           doc="stock location ID", reason=PATTERN),
    Filter("stock_location__erp_code", "char", reference("stock_location", StockLocation, "erp_code"),
           aliases=("stock_location_erp_code",), doc="stock location ERP code", reason=PATTERN),
    Filter("stock_location__erp_code__in", "char_list", reference("stock_location", StockLocation, "erp_code"), "in",
           aliases=("stock_location_erp_code__in", "stock_location__erp_codes"),
           doc="multiple stock location ERP codes (comma separated)", reason=PATTERN),
    Filter("stock_location__stock_location_type", "char",
           reference("stock_location", StockLocation, "stock_location_type"),
           aliases=("stock_location_type", "stock_location__type"), doc="stock location type", reason=PATTERN),
    ORDER_NUMBER,
    Filter("order__omnitron_id", "number", column("order.omnitron_id"), aliases=("order_omnitron_id",),
           doc="order Omnitron ID", reason=PATTERN),
    Filter("created_date__gte", "datetime", column("created_date"), "gte",
           aliases=("created_date_from", "created_date_after"), doc="created date (from)", reason=SAME),
    Filter("created_date__lte", "datetime", column("created_date"), "lte",
           aliases=("created_date_to", "created_date_before"), doc="created date (to)", reason=SAME),
    Filter("modified_date__gte", "datetime", column("modified_date"), "gte",
           aliases=("modified_date_from", "modified_date_after"), doc="modified date (from)", reason=SAME),
    Filter("modified_date__lte", "datetime", column("modified_date"), "lte",
           aliases=("modified_date_to", "modified_date_before"), doc="modified date (to)", reason=SAME),
    Filter("shipment__created_date__gte", "datetime", column("shipment.created_date"), "gte",
           aliases=("shipment_created_date__gte", "shipment_created_date_from"), doc="shipment created date (from)",
           reason=PATTERN),
    Filter("shipment__created_date__lte", "datetime", column("shipment.created_date"), "lte",
           aliases=("shipment_created_date__lte", "shipment_created_date_to"), doc="shipment created date (to)",
           reason=PATTERN),
    Filter("product_sku", "char", reference("items.order_item.product", Product, "sku"),
           aliases=("sku", "product__sku"), doc="product SKU", reason=SAME),
    Filter("product_barcode", "char", reference("items.order_item.product", Product, "barcode"),
           aliases=("barcode", "product__barcode"), doc="product barcode", reason=SAME),
    Filter("delivery_range__lower", "datetime", reference("delivery_range", DeliveryRange, "lower"),
           aliases=("delivery_range_lower", "delivery_range_lower_bound"), doc="delivery range lower bound",
           reason=GUESS),
    Filter("delivery_range__upper", "datetime", reference("delivery_range", DeliveryRange, "upper"),
           aliases=("delivery_range_upper", "delivery_range_upper_bound"), doc="delivery range upper bound",
           reason=GUESS),
    Filter("delivery_range__date", "date", reference("delivery_range", DeliveryRange, "lower"), "date",
           aliases=("delivery_range_date", "delivery_date"), doc="delivery range date",
           reason="a guess: the day on which the range begins"),
    Filter("order__channel", "number", column("order.channel"),
           aliases=("channel", "channel_id", "order__channel__id"), doc="channel ID", reason=SAME),
    Filter("order__customer__first_name", "char", column("order.customer.first_name"),
           aliases=("customer_first_name", "customer__first_name"), doc="customer first name", reason=SAME),
    Filter("order__customer__last_name", "char", column("order.customer.last_name"),
           aliases=("customer_last_name", "customer__last_name"), doc="customer last name", reason=SAME),
    Filter("order__date_placed", "date", column("order.date_placed"), "date",
           aliases=("order_date", "order_date_placed", "date_placed"), doc="order date", reason=SAME),
    Filter("order__date_placed__gte", "datetime", column("order.date_placed"), "gte",
           aliases=("order_date_placed__gte", "date_placed__gte", "order_date_placed_from"),
           doc="order date placed (from)", reason=PATTERN),
    Filter("order__date_placed__lte", "datetime", column("order.date_placed"), "lte",
           aliases=("order_date_placed__lte", "date_placed__lte", "order_date_placed_to"),
           doc="order date placed (to)", reason=PATTERN),
    Filter("shipment__cargo_company", "number", column("shipment.cargo_company"),
           aliases=("cargo_company", "cargo_company_id", "shipment__cargo_company__id"),
           doc="shipment cargo company ID", reason=PATTERN),
    Filter("packageitem__order_item__omnitron_id__in", "number_list", column("items.order_item.omnitron_id"), "in",
           aliases=("order_item__omnitron_id__in", "order_item_omnitron_ids"),
           doc="multiple packageitem order item omnitron IDs", reason=PATTERN),
    Filter("is_click_and_collect", "boolean", column("order.is_click_and_collect"),
           aliases=("order__is_click_and_collect", "click_and_collect"), doc="click and collect status",
           reason=PATTERN),
    Filter("id__gt", "number", column("id"), "gt", aliases=("pk__gt",), doc="ID greater than", reason=SAME),
    Filter("id__gte", "number", column("id"), "gte", aliases=("pk__gte",), doc="ID greater than or equal",
           reason=SAME),
    Filter("id__lt", "number", column("id"), "lt", aliases=("pk__lt",), doc="ID less than", reason=SAME),
    Filter("id__lte", "number", column("id"), "lte", aliases=("pk__lte",), doc="ID less than or equal", reason=SAME),
    Filter("pk__in", "number_list", column("id"), "in", aliases=("id__in", "ids"), doc="multiple IDs", reason=SAME),
    Filter("order__delivery_type", "char", column("order.delivery_type"),
           aliases=("delivery_type", "order_delivery_type"), doc="order delivery type", reason=PATTERN),
    Filter("shipping_address__country", "number", column("shipping_address.country"),
           aliases=("country", "country_id", "order__shipping_address__country"), doc="country ID", reason=GUESS),
    Filter("shipping_address__country__name", "char", reference("shipping_address.country", Country, "name"),
           aliases=("country_name", "country__name", "order__shipping_address__country__name"), doc="country name",
           reason=GUESS),
    Filter("shipping_address__city", "number", column("shipping_address.city"),
           aliases=("city", "city_id", "order__shipping_address__city"), doc="city ID", reason=GUESS),
    Filter("shipping_address__city__name", "char", reference("shipping_address.city", City, "name"),
           aliases=("city_name", "city__name", "order__shipping_address__city__name"), doc="city name", reason=GUESS),
    Filter("shipping_address__township", "number", column("shipping_address.township"),
           aliases=("township", "township_id", "order__shipping_address__township"), doc="township ID", reason=GUESS),
    Filter("shipping_address__township__name", "char", reference("shipping_address.township", Township, "name"),
           aliases=("township_name", "township__name", "order__shipping_address__township__name"),
           doc="township name", reason=GUESS),
    Filter("cancellation_failure_status", "char", NO_PATHS, aliases=("cancellation_failure",),
           doc="cancellation failure status", reason=f"{GUESS}; {NEVER_SHOWN}"),
    Filter("order__retail_store__erp_code", "char", reference("order.retail_store_id", StockLocation, "erp_code"),
           aliases=("retail_store__erp_code", "retail_store_erp_code"), doc="order retail store ERP code",
           reason=PATTERN),
    Filter("erp_code", "char",
           (*reference("stock_location", StockLocation, "erp_code"),
            *reference("order.retail_store_id", StockLocation, "erp_code")),
           aliases=("stock_location_or_retail_store__erp_code", "stock_location_or_retail_store_erp_code"),
           doc="stock location or retail store ERP code", reason=GUESS),
    Filter("shipping_option__slug__in", "char_list", NO_PATHS, "in",
           aliases=("shipping_option_slugs", "shipping_options"), doc="shipping option slugs",
           reason=f"{GUESS}; {NEVER_SHOWN}"),
    Filter("shipping_option__slug__not_in", "char_list", NO_PATHS, "in", exclude=True,
           aliases=("exclude_shipping_option_slugs", "exclude_shipping_options"),
           doc="Exclude by shipping option slugs", reason=f"{GUESS}; {NEVER_SHOWN}"),
    Filter("packageitem__order_item__omnitron_id", "number", column("items.order_item.omnitron_id"),
           aliases=("order_item__omnitron_id", "order_item_omnitron_id"), doc="order item omnitron ID",
           reason=PATTERN),
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
    *reference("source", StockLocation, "erp_code"),
    *reference("destination", StockLocation, "erp_code"),
)
BOTH_WAYS = "the page's words: all transfers to sent and to receive of the given location"

TRANSFER_FILTERS: tuple[Filter, ...] = (
    documented_filter("state", "number", column("state"), aliases=("state_id",), doc="state ID"),
    documented_filter("state__enum_value", "char", reference("state", State, "enum_value"),
                      aliases=("state_enum_value",), doc="state enum value"),
    documented_filter("order", "number", column("package.order"), aliases=("order_id",), doc="order ID"),
    documented_filter("order__number", "char", column("package.order.number"), "startswith",
                      aliases=("order_number",), doc="order number",
                      reason="that it compares the beginning is taken from the packages' filter of this name",
                      lookup_provenance="assumed"),
    documented_filter("package", "number", column("package"), aliases=("package_id",), doc="package ID"),
    documented_filter("package_number", "char", column("package.number"), aliases=("package__number",),
                      doc="package number"),
    documented_filter("product_sku", "char", reference("items.product", Product, "sku"), aliases=("sku",),
                      doc="product SKU"),
    documented_filter("product_barcode", "char", reference("items.product", Product, "barcode"), aliases=("barcode",),
                      doc="product barcode"),
    documented_filter("source__erp_code", "char", reference("source", StockLocation, "erp_code"),
                      aliases=("source_erp_code",), doc="ERP code of the location that sends"),
    documented_filter("destination__erp_code", "char", reference("destination", StockLocation, "erp_code"),
                      aliases=("destination_erp_code",), doc="ERP code of the location that receives"),
    documented_filter("retail_store__erp_code", "char", SENT_OR_RECEIVED,
                      doc="ERP code of a location that sends or receives", reason=BOTH_WAYS),
    documented_filter("erp_code", "char", SENT_OR_RECEIVED, doc="ERP code of a location that sends or receives",
                      reason=BOTH_WAYS),
    documented_filter("order__customer__first_name", "char", column("package.order.customer.first_name"),
                      aliases=("customer_first_name",), doc="customer first name"),
    documented_filter("order__customer__last_name", "char", column("package.order.customer.last_name"),
                      aliases=("customer_last_name",), doc="customer last name"),
    documented_filter("order__date_placed", "date", column("package.order.date_placed"), "date",
                      aliases=("order_date",), doc="order date"),
    documented_filter("id__gt", "number", column("id"), "gt", doc="ID greater than"),
    documented_filter("id__gte", "number", column("id"), "gte", doc="ID greater than or equal"),
    documented_filter("id__lt", "number", column("id"), "lt", doc="ID less than"),
    documented_filter("id__lte", "number", column("id"), "lte", doc="ID less than or equal"),
    documented_filter("pk__in", "number_list", column("id"), "in", aliases=("id__in",), doc="multiple IDs"),
    documented_filter("order__channel", "number", column("package.order.channel"), aliases=("channel",),
                      doc="channel ID"),
    documented_filter("package__shipment__cargo_company", "number", column("package.shipment.cargo_company"),
                      aliases=("cargo_company", "shipment__cargo_company"), doc="shipment cargo company ID"),
    documented_filter("destination__country", "char",
                      (*reference("destination", StockLocation, "address.country.name"),
                       *reference("destination", StockLocation, "address.country.code")),
                      aliases=("country", "destination__address__country"), doc="country",
                      reason="that it compares the name or the code is assumed: the page says that it is a text"),
    Filter("destination__country__id", "number", reference("destination", StockLocation, "address.country"),
           aliases=("country_id",), doc="country ID", reason=PATTERN),
    Filter("destination__country__name", "char", reference("destination", StockLocation, "address.country.name"),
           aliases=("country_name", "destination__address__country__name"), doc="country name", reason=PATTERN),
    Filter("destination__city", "number", reference("destination", StockLocation, "address.city"),
           aliases=("city", "city_id", "destination__address__city"), doc="city ID", reason=PATTERN),
    Filter("destination__city__name", "char", reference("destination", StockLocation, "address.city.name"),
           aliases=("city_name", "destination__address__city__name"), doc="city name", reason=PATTERN),
    Filter("destination__township", "number", reference("destination", StockLocation, "address.township"),
           aliases=("township", "township_id", "destination__address__township"), doc="township ID", reason=PATTERN),
    Filter("destination__township__name", "char", reference("destination", StockLocation, "address.township.name"),
           aliases=("township_name", "destination__address__township__name"), doc="township name", reason=PATTERN),
    Filter("transfer_shipment__awb_number", "char", column("transfer_shipment.awb_number"),
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

DELIVERY_RANGE_FILTERS: tuple[Filter, ...] = (
    Filter("date", "date", (Path("lower", lookup="date__lte"), Path("upper", lookup="date__gte")), match_all=True,
           aliases=("exact_date", "delivery_range_date"), doc="exact date within delivery range", reason=GUESS),
    Filter("lower__date__gte", "date", column("lower"), "date__gte",
           aliases=("lower_start_date", "lower_bound_start_date", "lower_bound_start", "lower__gte"),
           doc="lower bound start date", reason=GUESS),
    Filter("lower__date__lte", "date", column("lower"), "date__lte",
           aliases=("lower_end_date", "lower_bound_end_date", "lower_bound_end", "lower__lte"),
           doc="lower bound end date", reason=GUESS),
    Filter("upper__date__gte", "date", column("upper"), "date__gte",
           aliases=("upper_start_date", "upper_bound_start_date", "upper_bound_start", "upper__gte"),
           doc="upper bound start date", reason=GUESS),
    Filter("upper__date__lte", "date", column("upper"), "date__lte",
           aliases=("upper_end_date", "upper_bound_end_date", "upper_bound_end", "upper__lte"),
           doc="upper bound end date", reason=GUESS),
)
"""The page has lost the names of these filters."""

SAME_DATE = "the page names date ranges; the names are those of the list of transition logs"


def date_filters(name: str, reason: str, source: str | None = None) -> tuple[Filter, ...]:
    """Return the four filters of the range of a date. `source` is the column if its name differs."""
    comparisons = {"gt": "after", "gte": "at or after", "lt": "before", "lte": "at or before"}
    doc = name.removesuffix("_date")
    return tuple(
        Filter(f"{name}__{lookup}", "datetime", column(source or name), lookup, doc=f"{doc} {text}", reason=reason)
        for lookup, text in comparisons.items()
    )


DENIAL_REASON_FILTERS: tuple[Filter, ...] = (
    documented_filter("is_active", "boolean", column("is_active"), doc="whether it is active"),
    documented_filter("title", "char", column("title"), "icontains", doc="part of the title, in any case"),
    documented_filter("priority", "number", column("priority"), doc="priority"),
    documented_filter("remote_id", "char", column("remote_id"), doc="remote ID"),
    *date_filters("created_date", SAME_DATE),
    *date_filters("modified_date", SAME_DATE),
)
DENIAL_REASON_SORTABLE = {name: name for name in ("id", "modified_date")}

LOST_NAME = "the page has lost the name; it is the documented name of the same filter of transfer orders"
PACKAGE_ITEM_FILTERS: tuple[Filter, ...] = (
    Filter("package", "number", column("package"), aliases=("package_id",), doc="package ID", reason=LOST_NAME),
    Filter("package_number", "char", column("package.number"), aliases=("package__number",), doc="package number",
           reason=LOST_NAME),
    Filter("state", "number", column("state"), aliases=("state_id",), doc="state ID", reason=LOST_NAME),
    Filter("state__enum_value", "char", reference("state", State, "enum_value"), aliases=("state_enum_value",),
           doc="state enum value", reason=LOST_NAME),
    *date_filters("created_date", SAME_DATE),
    *date_filters("modified_date", SAME_DATE),
)
PACKAGE_ITEM_SORTABLE = {name: name for name in ("id", "created_date", "modified_date")}
"""The page names an ordering field; its name and its columns are assumed."""

NEVER_CHANGED = "an entry never changes, so that its two dates are equal"
DOCUMENTED_DATES = tuple(
    each._replace(provenance="documented")
    for each in (
        *date_filters("created_date", ""),
        *date_filters("modified_date", NEVER_CHANGED, source="created_date"),
    )
)
TRANSITION_LOG_FILTERS: tuple[Filter, ...] = (
    documented_filter("old_state", "number", column("old_state"), doc="ID of the state before"),
    documented_filter("new_state", "number", column("new_state"), doc="ID of the state after"),
    documented_filter("old_state__name", "char", reference("old_state", State, "name"),
                      doc="name of the state before", reason="compares the untranslated name"),
    documented_filter("new_state__name", "char", reference("new_state", State, "name"),
                      doc="name of the state after", reason="compares the untranslated name"),
    documented_filter("old_state__enum_value__in", "char_list", reference("old_state", State, "enum_value"), "in",
                      doc="enum values of the state before"),
    documented_filter("new_state__enum_value__in", "char_list", reference("new_state", State, "enum_value"), "in",
                      doc="enum values of the state after"),
    documented_filter("object_id", "number", column("object_id"), doc="ID of the record"),
    documented_filter("content_type", "number", column("content_type"), doc="content type of the record"),
    *DOCUMENTED_DATES,
    documented_filter("id__gt", "number", column("id"), "gt", doc="ID greater than"),
    documented_filter("id__gte", "number", column("id"), "gte", doc="ID greater than or equal"),
    documented_filter("id__lt", "number", column("id"), "lt", doc="ID less than"),
    documented_filter("id__lte", "number", column("id"), "lte", doc="ID less than or equal"),
)
TRANSITION_LOG_SORTABLE = {"id": "id", "created_date": "created_date", "modified_date": "created_date"}
"""The three names are documented."""

HOOK_FILTERS: tuple[Filter, ...] = (
    observed_filter("target_url", "char", column("target_url"), "iexact", doc="address, in any case"),
    observed_filter("event_type", "char", column("event_type"), "iexact", doc="type of event, in any case"),
    observed_filter("is_active", "null_boolean", column("is_active"), doc="whether it is active"),
)

EVENT_FILTERS: tuple[Filter, ...] = (
    observed_filter("uuid", "uuid", column("uuid"), doc="UUID"),
    observed_filter("response_http_status", "number", column("response_http_status"),
                    doc="status of the last answer"),
    observed_filter("delivered", "null_boolean", column("delivered"), doc="whether it was delivered"),
    observed_filter("created_date", "datetime", column("created_date"), doc="creation time"),
    observed_filter("created_date__gt", "datetime", column("created_date"), "gt", doc="created after"),
    observed_filter("created_date__gte", "datetime", column("created_date"), "gte", doc="created at or after"),
    observed_filter("created_date__lt", "datetime", column("created_date"), "lt", doc="created before"),
    observed_filter("created_date__lte", "datetime", column("created_date"), "lte", doc="created at or before"),
    observed_filter("object_id", "number", column("object_id"), doc="ID of the record that it describes",
                    reason="a number, as the samples have it; a text from version 0.4.0 of the sender on"),
    observed_filter("content_type", "choice", column("content_type"), doc="content type of that record",
                    is_choice=content_type_exists),
    observed_filter("webhook", "choice", column("webhook"), doc="ID of the hook", is_choice=hook_exists),
    observed_filter("event_type", "char", reference("webhook", Webhook, "event_type"), "iexact",
                    doc="type of event, in any case"),
)

EVENT_QUEUE_FILTERS: tuple[Filter, ...] = (
    observed_filter("event_type", "char", NO_PATHS, "iexact", doc="type of event, in any case"),
    observed_filter("object_id", "char", NO_PATHS, doc="ID of the record that it describes"),
    observed_filter("model_name", "char", NO_PATHS, "iexact", doc="name of the kind of that record, in any case"),
)
"""The queue is always empty, so these filters find no paths."""

OWNER_FILTERS: dict[type[object], Filter] = {
    Webhook: Filter("owner", "char", column("owner")),
    WebhookEvent: Filter("owner", "char", reference("webhook", Webhook, "owner")),
}
"""The conditions that restrict a list to the caller's own records. No query names them."""

OLDEST_FIRST = ("id",)
HOOK_SORTABLE = {
    name: name for name in ("id", "target_url", "event_type", "is_active", "created_date", "modified_date")
}
EVENT_SORTABLE = {
    name: name for name in ("id", "created_date", "modified_date", "response_http_status", "delivered", "retry_count")
}
# fmt: on
"""The sender can order by every column. The name of the parameter is the guide's (assumed)."""
