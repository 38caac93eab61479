"""The Django lookup of each filter, written by hand and independently of the emulator's own table."""

from __future__ import annotations

from typing import NamedTuple


class DjangoFilter(NamedTuple):
    """Arguments of a django-filter filter."""

    field: str
    lookup: str = "exact"
    exclude: bool = False
    either: tuple[str, ...] = ()
    """Alternative fields: it is enough that one of them matches."""
    also: tuple[tuple[str, str], ...] = ()
    """Additional fields and lookups that must match."""


ORDER_ITEM = "packageitem__order_item"
ABSENT_COLUMN = "cancellation_failure_status"
DESTINATION_ADDRESS = "destination__address"

PACKAGE = {
    "state": DjangoFilter("state__id"),
    "state__enum_value": DjangoFilter("state__enum_value"),
    "state__enum_value__not": DjangoFilter("state__enum_value", exclude=True),
    "order": DjangoFilter("order__id"),
    "stock_location": DjangoFilter("stock_location__id"),
    "stock_location__erp_code": DjangoFilter("stock_location__erp_code"),
    "stock_location__erp_code__in": DjangoFilter("stock_location__erp_code", "in"),
    "stock_location__stock_location_type": DjangoFilter("stock_location__stock_location_type"),
    "order__number": DjangoFilter("order__number", "startswith"),
    "order__omnitron_id": DjangoFilter("order__omnitron_id"),
    "created_date__gte": DjangoFilter("created_date", "gte"),
    "created_date__lte": DjangoFilter("created_date", "lte"),
    "modified_date__gte": DjangoFilter("modified_date", "gte"),
    "modified_date__lte": DjangoFilter("modified_date", "lte"),
    "shipment__created_date__gte": DjangoFilter("shipment__created_date", "gte"),
    "shipment__created_date__lte": DjangoFilter("shipment__created_date", "lte"),
    "product_sku": DjangoFilter(f"{ORDER_ITEM}__product__sku"),
    "product_barcode": DjangoFilter(f"{ORDER_ITEM}__product__barcode"),
    "delivery_range__lower": DjangoFilter("delivery_range__lower"),
    "delivery_range__upper": DjangoFilter("delivery_range__upper"),
    "delivery_range__date": DjangoFilter("delivery_range__lower", "date"),
    "order__channel": DjangoFilter("order__channel__id"),
    "order__customer__first_name": DjangoFilter("order__customer__first_name"),
    "order__customer__last_name": DjangoFilter("order__customer__last_name"),
    "order__date_placed": DjangoFilter("order__date_placed", "date"),
    "order__date_placed__gte": DjangoFilter("order__date_placed", "gte"),
    "order__date_placed__lte": DjangoFilter("order__date_placed", "lte"),
    "shipment__cargo_company": DjangoFilter("shipment__cargo_company__id"),
    "packageitem__order_item__omnitron_id__in": DjangoFilter(f"{ORDER_ITEM}__omnitron_id", "in"),
    "is_click_and_collect": DjangoFilter("order__is_click_and_collect"),
    "id__gt": DjangoFilter("id", "gt"),
    "id__gte": DjangoFilter("id", "gte"),
    "id__lt": DjangoFilter("id", "lt"),
    "id__lte": DjangoFilter("id", "lte"),
    "pk__in": DjangoFilter("id", "in"),
    "order__delivery_type": DjangoFilter("order__delivery_type"),
    "shipping_address__country": DjangoFilter("shipping_address__country__id"),
    "shipping_address__country__name": DjangoFilter("shipping_address__country__name"),
    "shipping_address__city": DjangoFilter("shipping_address__city__id"),
    "shipping_address__city__name": DjangoFilter("shipping_address__city__name"),
    "shipping_address__township": DjangoFilter("shipping_address__township__id"),
    "shipping_address__township__name": DjangoFilter("shipping_address__township__name"),
    "cancellation_failure_status": DjangoFilter(ABSENT_COLUMN),
    "order__retail_store__erp_code": DjangoFilter("order__retail_store__erp_code"),
    "erp_code": DjangoFilter("stock_location__erp_code", either=("order__retail_store__erp_code",)),
    "shipping_option__slug__in": DjangoFilter(ABSENT_COLUMN, "in"),
    "shipping_option__slug__not_in": DjangoFilter(ABSENT_COLUMN, "in", exclude=True),
    "packageitem__order_item__omnitron_id": DjangoFilter(f"{ORDER_ITEM}__omnitron_id"),
}
TRANSFER = {
    "state": DjangoFilter("state__id"),
    "state__enum_value": DjangoFilter("state__enum_value"),
    "order": DjangoFilter("package__order__id"),
    "order__number": DjangoFilter("package__order__number", "startswith"),
    "package": DjangoFilter("package__id"),
    "package_number": DjangoFilter("package__number"),
    "product_sku": DjangoFilter("transferitem__product__sku"),
    "product_barcode": DjangoFilter("transferitem__product__barcode"),
    "source__erp_code": DjangoFilter("source__erp_code"),
    "destination__erp_code": DjangoFilter("destination__erp_code"),
    "retail_store__erp_code": DjangoFilter("source__erp_code", either=("destination__erp_code",)),
    "erp_code": DjangoFilter("source__erp_code", either=("destination__erp_code",)),
    "order__customer__first_name": DjangoFilter("package__order__customer__first_name"),
    "order__customer__last_name": DjangoFilter("package__order__customer__last_name"),
    "order__date_placed": DjangoFilter("package__order__date_placed", "date"),
    "id__gt": DjangoFilter("id", "gt"),
    "id__gte": DjangoFilter("id", "gte"),
    "id__lt": DjangoFilter("id", "lt"),
    "id__lte": DjangoFilter("id", "lte"),
    "pk__in": DjangoFilter("id", "in"),
    "order__channel": DjangoFilter("package__order__channel__id"),
    "package__shipment__cargo_company": DjangoFilter("package__shipment__cargo_company__id"),
    "destination__country": DjangoFilter(
        f"{DESTINATION_ADDRESS}__country__name", either=(f"{DESTINATION_ADDRESS}__country__code",)
    ),
    "destination__country__id": DjangoFilter(f"{DESTINATION_ADDRESS}__country__id"),
    "destination__country__name": DjangoFilter(f"{DESTINATION_ADDRESS}__country__name"),
    "destination__city": DjangoFilter(f"{DESTINATION_ADDRESS}__city__id"),
    "destination__city__name": DjangoFilter(f"{DESTINATION_ADDRESS}__city__name"),
    "destination__township": DjangoFilter(f"{DESTINATION_ADDRESS}__township__id"),
    "destination__township__name": DjangoFilter(f"{DESTINATION_ADDRESS}__township__name"),
    "transfer_shipment__awb_number": DjangoFilter("transfer_shipment__awb_number"),
}
DELIVERY_RANGE = {
    "date": DjangoFilter("lower", "date__lte", also=(("upper", "date__gte"),)),
    "lower__date__gte": DjangoFilter("lower", "date__gte"),
    "lower__date__lte": DjangoFilter("lower", "date__lte"),
    "upper__date__gte": DjangoFilter("upper", "date__gte"),
    "upper__date__lte": DjangoFilter("upper", "date__lte"),
}
COMPARISONS = ("gt", "gte", "lt", "lte")


def date_ranges(**fields: str) -> dict[str, DjangoFilter]:
    """Return the filters of the range of each date. The value is the field in the model."""
    return {f"{name}__{each}": DjangoFilter(field, each) for name, field in fields.items() for each in COMPARISONS}


PACKAGE_ITEM = {
    "package": DjangoFilter("package__id"),
    "package_number": DjangoFilter("package__number"),
    "state": DjangoFilter("state__id"),
    "state__enum_value": DjangoFilter("state__enum_value"),
    **date_ranges(created_date="created_date", modified_date="modified_date"),
}
TRANSITION_LOG = {
    "old_state": DjangoFilter("old_state__id"),
    "new_state": DjangoFilter("new_state__id"),
    "old_state__name": DjangoFilter("old_state__name"),
    "new_state__name": DjangoFilter("new_state__name"),
    "old_state__enum_value__in": DjangoFilter("old_state__enum_value", "in"),
    "new_state__enum_value__in": DjangoFilter("new_state__enum_value", "in"),
    "object_id": DjangoFilter("object_id"),
    "content_type": DjangoFilter("content_type"),
    **date_ranges(created_date="created_date", modified_date="created_date"),
    **{f"id__{each}": DjangoFilter("id", each) for each in COMPARISONS},
}

SORT = {
    "package": {
        "id": "id",
        "pk": "id",
        "created_date": "created_date",
        "modified_date": "modified_date",
        "order_id": "order__id",
        "order": "order__id",
        "number": "number",
        "order__number": "order__number",
        "order__date_placed": "order__date_placed",
        "state": "state__id",
        "stock_location": "stock_location__id",
        "shipment__created_date": "shipment__created_date",
    },
    "transfer": {
        "id": "id",
        "pk": "id",
        "created_date": "created_date",
        "modified_date": "modified_date",
        "order_id": "package__order__id",
        "state": "state__id",
        "number": "number",
    },
    "package_item": {"id": "id", "created_date": "created_date", "modified_date": "modified_date"},
    "transition_log": {"id": "id", "created_date": "created_date", "modified_date": "created_date"},
}
TABLES = {
    "package": PACKAGE,
    "package_simple": {name: PACKAGE[name] for name in ("state", "state__enum_value", "order__number")},
    "transfer": TRANSFER,
    "delivery_range": DELIVERY_RANGE,
    "package_item": PACKAGE_ITEM,
    "transition_log": TRANSITION_LOG,
}
ORDERS = {"delivery_range": ("lower", "upper", "id")}
