"""Serializers of the reference surface.

Where the page prints an empty object for something that the guide shows, the guide's document is used.
"""

from __future__ import annotations

from types import MappingProxyType

from emulator.api.serializers import guide
from emulator.api.serializers.events import EventPayload
from emulator.api.serializers.fields import (
    Column,
    Nested,
    NestedList,
    RelatedColumn,
    Serializer,
    StateName,
    serializer_of,
)
from emulator.api.serializers.reference_fields import (
    Constant,
    ContentType,
    DeliveryStatus,
    DerivedColumn,
    EventRetry,
    ItemDenialReason,
    JsonText,
    LabeledChoice,
    LogTransition,
    LogTransitionName,
    NestedSelf,
    ReceiverResponse,
    Username,
)
from emulator.core import records
from emulator.domain.webhook_retries import is_pending, next_attempt_at

SCENARIOS = {False: {"name": "Default", "id": 1}, True: {"name": "Click and collect", "id": 2}}
RULES = {False: {"name": "Nearest location with stock", "id": 1}, True: {"name": "Chosen store", "id": 2}}
"""Planning scenario and rule of a package, by whether the customer collects it (assumed)."""


# Documents whose keys are all columns

DeliveryRange = serializer_of("DeliveryRange", records.DeliveryRange, "reference-delivery-range")
User = serializer_of("User", records.User, "reference-user")


# Other documents


State = serializer_of("State", records.State, "reference-state", is_shared=True, name=StateName("name"))


class ShortState(Serializer):
    kind, is_shared = records.State, True
    schema = "reference-state-short"
    implied_columns = MappingProxyType({"enum_class": "PackageStatus"})
    name = StateName("name")


CustomerAddress = serializer_of("CustomerAddress", records.Address, "reference-address", **guide.ADDRESS_FIELDS)


class LocationAddress(Serializer):
    """A location's address with the keys of a customer's address; e-mail and telephone are the location's own."""

    kind = records.StockLocation
    schema = "reference-location-address"
    id = Column("address")
    city = Nested(guide.City, "address.city")
    country = Nested(guide.Country, "address.country")
    township = Nested(guide.Township, "address.township")
    district = Nested(guide.District, "address.district")
    customer = Constant(None)
    title = RelatedColumn("address.title")
    line = RelatedColumn("address.line")
    phone_number = Column("daytime_phone")
    first_name = Constant("")
    last_name = Constant("")
    is_active = RelatedColumn("address.is_active")


class StockLocation(Serializer):
    kind, is_shared = records.StockLocation, True
    schema = "reference-stock-location"
    address = NestedSelf(LocationAddress)


class PackageItem(Serializer):
    kind = records.PackageItem
    schema = "reference-package-item"
    state = Nested(State)
    order_item = Nested(guide.OrderItem)
    transfer_order = Nested(guide.TransferSimple)
    denial_reason = ItemDenialReason()
    discrepancy_reason = JsonText()
    unit_type = Constant("quantity")


class PackageItemRow(Serializer):
    """An entry of the list of a package's items."""

    kind = records.PackageItem
    schema = "reference-package-item-row"
    product_sku = RelatedColumn("order_item.product.sku")


class PackageShort(guide.PackageShort):
    schema = "reference-package-short"
    packageitem_set = NestedList(PackageItem, "package")
    state = Nested(State)
    shipping_address = Nested(CustomerAddress)
    stock_location = Nested(StockLocation)
    delivery_type = LabeledChoice("order.delivery_type")
    scenario = DerivedColumn("order.is_click_and_collect", SCENARIOS.get)
    rule = DerivedColumn("order.is_click_and_collect", RULES.get)


class Package(PackageShort):
    schema = "reference-package"
    delivery_range = Nested(DeliveryRange)
    source = Constant("oms")
    origin_address = RelatedColumn("stock_location.address")
    origin_address_id = DerivedColumn("stock_location.address", str)


class PackageShortListItem(guide.PackageShortListItem):
    schema = "reference-package-short-list-item"
    state = Nested(State)
    delivery_type = LabeledChoice("order.delivery_type")


class PackageSimple(Serializer):
    kind = records.Package
    schema = "reference-package-simple"
    state = Nested(State)
    is_click_and_collect = RelatedColumn("order.is_click_and_collect")
    delivery_range = Nested(DeliveryRange)


class TransitionLog(Serializer):
    kind = records.TransitionLog
    schema = "reference-transition-log"
    modified_date = Column("created_date")
    source_state = Nested(State, "old_state")
    target_state = Nested(State, "new_state")
    transition = LogTransition()
    content_type = ContentType()
    additional_data = Column("attributes")
    user = Nested(User)


class TransitionLogShort(Serializer):
    kind = records.TransitionLog
    schema = "reference-transition-log-short"
    source_state = Nested(ShortState, "old_state")
    target_state = Nested(ShortState, "new_state")
    transition_name = LogTransitionName()
    user = Username()


class WebhookEvent(Serializer):
    kind = records.WebhookEvent
    schema = "reference-webhook-event"
    event_type = RelatedColumn("webhook.event_type")
    content_type = ContentType()
    status = DeliveryStatus()
    payload = EventPayload()
    response = ReceiverResponse()
    retryable = EventRetry(is_pending)
    next_retry_date = EventRetry(next_attempt_at)


class WebhookEventShort(Serializer):
    kind = records.WebhookEvent
    schema = "reference-webhook-event-short"
    event_type = RelatedColumn("webhook.event_type")
    status = DeliveryStatus()


class Invoice(guide.Invoice):
    schema = "reference-invoice"
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
