"""Which Django lookup each filter is: written by hand, apart from the emulator's own table."""

from __future__ import annotations

from typing import NamedTuple


class Of(NamedTuple):
    """What a django-filter filter is made of."""

    field: str
    lookup: str = "exact"
    exclude: bool = False
    either: tuple[str, ...] = ()
    """Other fields of which one may match instead."""
    also: tuple[tuple[str, str], ...] = ()
    """Fields and lookups that must match too."""


ITEM = "packageitem__order_item"
ABSENT = "cancellation_failure_status"
PLACE = "destination__address"

PACKAGE = {
    "state": Of("state__id"),
    "state__enum_value": Of("state__enum_value"),
    "state__enum_value__not": Of("state__enum_value", exclude=True),
    "order": Of("order__id"),
    "stock_location": Of("stock_location__id"),
    "stock_location__erp_code": Of("stock_location__erp_code"),
    "stock_location__erp_code__in": Of("stock_location__erp_code", "in"),
    "stock_location__stock_location_type": Of("stock_location__stock_location_type"),
    "order__number": Of("order__number", "startswith"),
    "order__omnitron_id": Of("order__omnitron_id"),
    "created_date__gte": Of("created_date", "gte"),
    "created_date__lte": Of("created_date", "lte"),
    "modified_date__gte": Of("modified_date", "gte"),
    "modified_date__lte": Of("modified_date", "lte"),
    "shipment__created_date__gte": Of("shipment__created_date", "gte"),
    "shipment__created_date__lte": Of("shipment__created_date", "lte"),
    "product_sku": Of(f"{ITEM}__product__sku"),
    "product_barcode": Of(f"{ITEM}__product__barcode"),
    "delivery_range__lower": Of("delivery_range__lower"),
    "delivery_range__upper": Of("delivery_range__upper"),
    "delivery_range__date": Of("delivery_range__lower", "date"),
    "order__channel": Of("order__channel__id"),
    "order__customer__first_name": Of("order__customer__first_name"),
    "order__customer__last_name": Of("order__customer__last_name"),
    "order__date_placed": Of("order__date_placed", "date"),
    "order__date_placed__gte": Of("order__date_placed", "gte"),
    "order__date_placed__lte": Of("order__date_placed", "lte"),
    "shipment__cargo_company": Of("shipment__cargo_company__id"),
    "packageitem__order_item__omnitron_id__in": Of(f"{ITEM}__omnitron_id", "in"),
    "is_click_and_collect": Of("order__is_click_and_collect"),
    "id__gt": Of("id", "gt"),
    "id__gte": Of("id", "gte"),
    "id__lt": Of("id", "lt"),
    "id__lte": Of("id", "lte"),
    "pk__in": Of("id", "in"),
    "order__delivery_type": Of("order__delivery_type"),
    "shipping_address__country": Of("shipping_address__country__id"),
    "shipping_address__country__name": Of("shipping_address__country__name"),
    "shipping_address__city": Of("shipping_address__city__id"),
    "shipping_address__city__name": Of("shipping_address__city__name"),
    "shipping_address__township": Of("shipping_address__township__id"),
    "shipping_address__township__name": Of("shipping_address__township__name"),
    "cancellation_failure_status": Of(ABSENT),
    "order__retail_store__erp_code": Of("order__retail_store__erp_code"),
    "erp_code": Of("stock_location__erp_code", either=("order__retail_store__erp_code",)),
    "shipping_option__slug__in": Of(ABSENT, "in"),
    "shipping_option__slug__not_in": Of(ABSENT, "in", exclude=True),
    "packageitem__order_item__omnitron_id": Of(f"{ITEM}__omnitron_id"),
}
TRANSFER = {
    "state": Of("state__id"),
    "state__enum_value": Of("state__enum_value"),
    "order": Of("package__order__id"),
    "order__number": Of("package__order__number", "startswith"),
    "package": Of("package__id"),
    "package_number": Of("package__number"),
    "product_sku": Of("transferitem__product__sku"),
    "product_barcode": Of("transferitem__product__barcode"),
    "source__erp_code": Of("source__erp_code"),
    "destination__erp_code": Of("destination__erp_code"),
    "retail_store__erp_code": Of("source__erp_code", either=("destination__erp_code",)),
    "erp_code": Of("source__erp_code", either=("destination__erp_code",)),
    "order__customer__first_name": Of("package__order__customer__first_name"),
    "order__customer__last_name": Of("package__order__customer__last_name"),
    "order__date_placed": Of("package__order__date_placed", "date"),
    "id__gt": Of("id", "gt"),
    "id__gte": Of("id", "gte"),
    "id__lt": Of("id", "lt"),
    "id__lte": Of("id", "lte"),
    "pk__in": Of("id", "in"),
    "order__channel": Of("package__order__channel__id"),
    "package__shipment__cargo_company": Of("package__shipment__cargo_company__id"),
    "destination__country": Of(f"{PLACE}__country__id"),
    "destination__country__name": Of(f"{PLACE}__country__name"),
    "destination__city": Of(f"{PLACE}__city__id"),
    "destination__city__name": Of(f"{PLACE}__city__name"),
    "destination__township": Of(f"{PLACE}__township__id"),
    "destination__township__name": Of(f"{PLACE}__township__name"),
    "transfer_shipment__awb_number": Of("transfer_shipment__awb_number"),
}
DELIVERY_RANGE = {
    "date": Of("lower", "date__lte", also=(("upper", "date__gte"),)),
    "lower__date__gte": Of("lower", "date__gte"),
    "lower__date__lte": Of("lower", "date__lte"),
    "upper__date__gte": Of("upper", "date__gte"),
    "upper__date__lte": Of("upper", "date__lte"),
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
}
TABLES = {
    "package": PACKAGE,
    "package_simple": {name: PACKAGE[name] for name in ("state", "state__enum_value", "order__number")},
    "transfer": TRANSFER,
    "delivery_range": DELIVERY_RANGE,
}
ORDERS = {"delivery_range": ("lower", "upper", "id")}
