"""The documents of the reference surface, key by key in the order of its page (`fixtures/documented_reference/`).

Where the page prints an empty object for something that the guide shows, the guide's document stands.
"""

from __future__ import annotations

from types import MappingProxyType

from emulator.core import records
from emulator.shapes import guide
from emulator.shapes.derived import (
    AsText,
    Choice,
    Chosen,
    ContentType,
    Denial,
    Fixed,
    HookAnswer,
    Itself,
    NextTry,
    Progress,
    Reason,
    Retryable,
    Taken,
    TakenName,
    Username,
)
from emulator.shapes.events import Payload
from emulator.shapes.pieces import Column, Commands, ItemCount, Part, Parts, Shape, StateName, Through

SCENARIOS = {False: {"name": "Default", "id": 1}, True: {"name": "Click and collect", "id": 2}}
RULES = {False: {"name": "Nearest location with stock", "id": 1}, True: {"name": "Chosen store", "id": 2}}
"""By which plan a package came to its location, by whether the customer collects it (assumed)."""


class State(Shape):
    kind, shared = records.State, True
    id = Column()
    created_date = Column()
    modified_date = Column()
    name = StateName("name")
    config = Column()
    enum_class = Column()
    enum_value = Column()
    content_type = Column()


class ShortState(Shape):
    kind, shared = records.State, True
    implied = MappingProxyType({"enum_class": "PackageStatus"})
    name = StateName("name")
    enum_value = Column()


class CustomerAddress(Shape):
    kind = records.Address
    id = Column()
    city = Part(guide.City)
    country = Part(guide.Country)
    township = Part(guide.Township)
    district = Part(guide.District)
    customer = Part(guide.Customer)
    title = Column()
    line = Column()
    email = Column()
    phone_number = Column()
    first_name = Column()
    last_name = Column()
    is_active = Column()


class LocationAddress(Shape):
    """A location's address in the form of a customer's: the location itself says how to reach it."""

    kind = records.StockLocation
    id = Column("address")
    city = Part(guide.City, "address.city")
    country = Part(guide.Country, "address.country")
    township = Part(guide.Township, "address.township")
    district = Part(guide.District, "address.district")
    customer = Fixed(None)
    title = Through("address.title")
    line = Through("address.line")
    email = Column()
    phone_number = Column("daytime_phone")
    first_name = Fixed("")
    last_name = Fixed("")
    is_active = Through("address.is_active")


class StockLocation(Shape):
    kind, shared = records.StockLocation, True
    id = Column()
    name = Column()
    erp_code = Column()
    address = Itself(LocationAddress)
    tags = Column()


class PackageItem(Shape):
    kind = records.PackageItem
    id = Column()
    state = Part(State)
    order_item = Part(guide.OrderItem)
    transfer_order = Part(guide.TransferSimple)
    created_date = Column()
    modified_date = Column()
    package = Column()
    denial_reason = Denial()
    discrepancy_reason = Reason()
    unit_type = Fixed("quantity")


class PackageItemRow(Shape):
    """An entry of a package's own list of items."""

    kind = records.PackageItem
    id = Column()
    product_sku = Through("order_item.product.sku")


class DeliveryRange(Shape):
    kind = records.DeliveryRange
    lower = Column()
    upper = Column()


class PackageShort(Shape):
    kind = records.Package
    packageitem_set = Parts(PackageItem, "package")
    order_number = Through("order.number")
    channel_name = Through("order.channel.name")
    state = Part(State)
    number = Column()
    id = Column()
    shipping_address = Part(CustomerAddress)
    order_id = Column("order")
    stock_location = Part(StockLocation)
    commands = Commands(guide.Command)
    shipment = Part(guide.Shipment)
    shipping_label = Part(guide.ShippingLabel)
    is_click_and_collect = Through("order.is_click_and_collect")
    shipment_date = Column()
    extra_information = Column()
    delivery_type = Choice("order.delivery_type")
    omnitron_order_id = Through("order.omnitron_id")
    id_encrypted = Column()
    scenario = Chosen("order.is_click_and_collect", SCENARIOS)
    rule = Chosen("order.is_click_and_collect", RULES)


class Package(PackageShort):
    date_placed = Through("order.date_placed")
    city = Through("shipping_address.city.name")
    payment_type = Through("order.payment_type")
    tracking_number = Column()
    target_packing_date = Column()
    invoice_number = Column()
    remote_id = Column()
    delivery_range = Part(DeliveryRange)
    order_gift_box_note = Through("order.gift_box_note")
    order_has_gift_box = Through("order.has_gift_box")
    order_retail_store_id = Through("order.retail_store_id")
    order_notes = Through("order.notes")
    created_date = Column()
    modified_date = Column()
    channel_omnitron_id = Through("order.channel.omnitron_id")
    source = Fixed("oms")
    origin_address = Through("stock_location.address")
    origin_address_id = AsText("stock_location.address")


class PackageShortListItem(Shape):
    kind = records.Package
    packageitem_count = ItemCount()
    order_number = Through("order.number")
    date_placed = Through("order.date_placed")
    channel_name = Through("order.channel.name")
    state = Part(State)
    number = Column()
    id = Column()
    target_packing_date = Column()
    order_id = Column("order")
    stock_location = Part(guide.ShortStockLocation)
    is_click_and_collect = Through("order.is_click_and_collect")
    delivery_type = Choice("order.delivery_type")
    created_date = Column()
    modified_date = Column()


class PackageSimple(Shape):
    kind = records.Package
    id = Column()
    number = Column()
    state = Part(State)
    order = Column()
    stock_location = Column()
    tracking_number = Column()
    invoice_number = Column()
    remote_id = Column()
    shipping_address = Column()
    is_click_and_collect = Through("order.is_click_and_collect")
    shipment_date = Column()
    target_packing_date = Column()
    delivery_range = Part(DeliveryRange)
    created_date = Column()
    modified_date = Column()
    extra_information = Column()


class User(Shape):
    kind = records.User
    id = Column()
    username = Column()
    email = Column()


class TransitionLog(Shape):
    kind = records.TransitionLog
    id = Column()
    created_date = Column()
    modified_date = Column("created_date")
    source_state = Part(State, "old_state")
    target_state = Part(State, "new_state")
    transition = Taken()
    content_type = ContentType()
    object_id = Column()
    additional_data = Column("attributes")
    user = Part(User)


class TransitionLogShort(Shape):
    kind = records.TransitionLog
    id = Column()
    created_date = Column()
    source_state = Part(ShortState, "old_state")
    target_state = Part(ShortState, "new_state")
    transition_name = TakenName()
    user = Username()


class WebhookEvent(Shape):
    kind = records.WebhookEvent
    id = Column()
    created_date = Column()
    modified_date = Column()
    event_type = Through("webhook.event_type")
    content_type = ContentType()
    object_id = Column()
    status = Progress()
    payload = Payload()
    response = HookAnswer()
    retryable = Retryable()
    retry_count = Column()
    next_retry_date = NextTry()


class WebhookEventShort(Shape):
    kind = records.WebhookEvent
    id = Column()
    created_date = Column()
    event_type = Through("webhook.event_type")
    status = Progress()
    retry_count = Column()


class Invoice(Shape):
    kind = records.Invoice
    id = Column()
    invoice_type = Column()
    status = Column()
    channel = Part(guide.InvoiceChannel)
    address = Part(CustomerAddress)
    invoiceitem_set = Parts(guide.InvoiceItem, "invoice")
    order = Part(guide.InvoiceOrder)
    package_number = Through("package.number")
    created_date = Column()
    modified_date = Column()
    number = Column()


SHAPES: dict[str, type[Shape]] = {
    "reference-package": Package,
    "reference-package-short": PackageShort,
    "reference-package-short-list-item": PackageShortListItem,
    "reference-package-simple": PackageSimple,
    "reference-package-item-row": PackageItemRow,
    "reference-delivery-range": DeliveryRange,
    "reference-transition-log": TransitionLog,
    "reference-transition-log-short": TransitionLogShort,
    "reference-webhook-event": WebhookEvent,
    "reference-webhook-event-short": WebhookEventShort,
    "reference-invoice": Invoice,
}
"""Name (as in `schemas/` and the route table) -> shape."""
