"""Serializers of the reference surface; keys are in the order of its page (`fixtures/documented_reference/`).

Where the page prints an empty object for something that the guide shows, the guide's document is used.
"""

from __future__ import annotations

from types import MappingProxyType

from emulator.api.serializers import guide, nested
from emulator.api.serializers.events import EventPayload
from emulator.api.serializers.fields import (
    Column,
    Nested,
    NestedList,
    RelatedColumn,
    Serializer,
    StateName,
)
from emulator.api.serializers.reference_fields import (
    Constant,
    ContentType,
    DeliveryStatus,
    IsRetryable,
    ItemDenialReason,
    JsonText,
    LabeledChoice,
    LogTransition,
    LogTransitionName,
    MappedColumn,
    NestedSelf,
    NextRetryDate,
    ReceiverResponse,
    StringColumn,
    Username,
)
from emulator.core import records

SCENARIOS = {False: {"name": "Default", "id": 1}, True: {"name": "Click and collect", "id": 2}}
RULES = {False: {"name": "Nearest location with stock", "id": 1}, True: {"name": "Chosen store", "id": 2}}
"""Planning scenario and rule of a package, by whether the customer collects it (assumed)."""


class State(Serializer):
    kind, is_shared = records.State, True
    id = Column()
    created_date = Column()
    modified_date = Column()
    name = StateName("name")
    config = Column()
    enum_class = Column()
    enum_value = Column()
    content_type = Column()


class ShortState(Serializer):
    kind, is_shared = records.State, True
    implied_columns = MappingProxyType({"enum_class": "PackageStatus"})
    name = StateName("name")
    enum_value = Column()


class CustomerAddress(Serializer):
    kind = records.Address
    id = Column()
    city = Nested(nested.City)
    country = Nested(nested.Country)
    township = Nested(nested.Township)
    district = Nested(nested.District)
    customer = Nested(nested.Customer)
    title = Column()
    line = Column()
    email = Column()
    phone_number = Column()
    first_name = Column()
    last_name = Column()
    is_active = Column()


class LocationAddress(Serializer):
    """A location's address with the keys of a customer's address; e-mail and telephone are the location's own."""

    kind = records.StockLocation
    id = Column("address")
    city = Nested(nested.City, "address.city")
    country = Nested(nested.Country, "address.country")
    township = Nested(nested.Township, "address.township")
    district = Nested(nested.District, "address.district")
    customer = Constant(None)
    title = RelatedColumn("address.title")
    line = RelatedColumn("address.line")
    email = Column()
    phone_number = Column("daytime_phone")
    first_name = Constant("")
    last_name = Constant("")
    is_active = RelatedColumn("address.is_active")


class StockLocation(Serializer):
    kind, is_shared = records.StockLocation, True
    id = Column()
    name = Column()
    erp_code = Column()
    address = NestedSelf(LocationAddress)
    tags = Column()


class PackageItem(Serializer):
    kind = records.PackageItem
    id = Column()
    state = Nested(State)
    order_item = Nested(nested.OrderItem)
    transfer_order = Nested(guide.TransferSimple)
    created_date = Column()
    modified_date = Column()
    package = Column()
    denial_reason = ItemDenialReason()
    discrepancy_reason = JsonText()
    unit_type = Constant("quantity")


class PackageItemRow(Serializer):
    """An entry of the list of a package's items."""

    kind = records.PackageItem
    id = Column()
    product_sku = RelatedColumn("order_item.product.sku")


class DeliveryRange(Serializer):
    kind = records.DeliveryRange
    lower = Column()
    upper = Column()


class PackageShort(guide.PackageShort):
    packageitem_set = NestedList(PackageItem, "package")
    state = Nested(State)
    shipping_address = Nested(CustomerAddress)
    stock_location = Nested(StockLocation)
    delivery_type = LabeledChoice("order.delivery_type")
    id_encrypted = Column()
    scenario = MappedColumn("order.is_click_and_collect", SCENARIOS)
    rule = MappedColumn("order.is_click_and_collect", RULES)


class Package(PackageShort):
    date_placed = RelatedColumn("order.date_placed")
    city = RelatedColumn("shipping_address.city.name")
    payment_type = RelatedColumn("order.payment_type")
    tracking_number = Column()
    target_packing_date = Column()
    invoice_number = Column()
    remote_id = Column()
    delivery_range = Nested(DeliveryRange)
    order_gift_box_note = RelatedColumn("order.gift_box_note")
    order_has_gift_box = RelatedColumn("order.has_gift_box")
    order_retail_store_id = RelatedColumn("order.retail_store_id")
    order_notes = RelatedColumn("order.notes")
    created_date = Column()
    modified_date = Column()
    channel_omnitron_id = RelatedColumn("order.channel.omnitron_id")
    source = Constant("oms")
    origin_address = RelatedColumn("stock_location.address")
    origin_address_id = StringColumn("stock_location.address")


class PackageShortListItem(guide.PackageShortListItem):
    state = Nested(State)
    delivery_type = LabeledChoice("order.delivery_type")
    created_date = Column()
    modified_date = Column()


class PackageSimple(Serializer):
    kind = records.Package
    id = Column()
    number = Column()
    state = Nested(State)
    order = Column()
    stock_location = Column()
    tracking_number = Column()
    invoice_number = Column()
    remote_id = Column()
    shipping_address = Column()
    is_click_and_collect = RelatedColumn("order.is_click_and_collect")
    shipment_date = Column()
    target_packing_date = Column()
    delivery_range = Nested(DeliveryRange)
    created_date = Column()
    modified_date = Column()
    extra_information = Column()


class User(Serializer):
    kind = records.User
    id = Column()
    username = Column()
    email = Column()


class TransitionLog(Serializer):
    kind = records.TransitionLog
    id = Column()
    created_date = Column()
    modified_date = Column("created_date")
    source_state = Nested(State, "old_state")
    target_state = Nested(State, "new_state")
    transition = LogTransition()
    content_type = ContentType()
    object_id = Column()
    additional_data = Column("attributes")
    user = Nested(User)


class TransitionLogShort(Serializer):
    kind = records.TransitionLog
    id = Column()
    created_date = Column()
    source_state = Nested(ShortState, "old_state")
    target_state = Nested(ShortState, "new_state")
    transition_name = LogTransitionName()
    user = Username()


class WebhookEvent(Serializer):
    kind = records.WebhookEvent
    id = Column()
    created_date = Column()
    modified_date = Column()
    event_type = RelatedColumn("webhook.event_type")
    content_type = ContentType()
    object_id = Column()
    status = DeliveryStatus()
    payload = EventPayload()
    response = ReceiverResponse()
    retryable = IsRetryable()
    retry_count = Column()
    next_retry_date = NextRetryDate()


class WebhookEventShort(Serializer):
    kind = records.WebhookEvent
    id = Column()
    created_date = Column()
    event_type = RelatedColumn("webhook.event_type")
    status = DeliveryStatus()
    retry_count = Column()


class Invoice(guide.Invoice):
    address = Nested(CustomerAddress)


SERIALIZERS: dict[str, type[Serializer]] = {
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
"""Name of the schema (as in `schemas/` and the route tables) -> serializer."""
