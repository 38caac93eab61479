"""Serializers of the guide surface."""

from __future__ import annotations

from collections.abc import Mapping

from emulator.api.serializers.fields import (
    AvailableCommands,
    Column,
    ItemCount,
    Nested,
    NestedList,
    RangeBound,
    RelatedColumn,
    Serializer,
    SerializerField,
    StateName,
    UrlColumn,
    UrlTemplate,
    serializer_of,
)
from emulator.api.serializers.reference_fields import Constant, ItemDenialReason
from emulator.core import records

LABEL_PREVIEW = "/api/v1/oms/shipping-label/{id}/preview/"


# Documents whose keys are all columns

Command = serializer_of("Command", records.Transition, "transition", is_shared=True)
City = serializer_of("City", records.City, "city")
Country = serializer_of("Country", records.Country, "country")
Township = serializer_of("Township", records.Township, "township")
District = serializer_of("District", records.District, "district")
Customer = serializer_of("Customer", records.Customer, "customer")
ShortCity = serializer_of("ShortCity", records.City, "city-short")
PriceList = serializer_of("PriceList", records.PriceList, "price-list", is_shared=True)
StockList = serializer_of("StockList", records.StockList, "stock-list", is_shared=True)
CargoCompany = serializer_of("CargoCompany", records.CargoCompany, "cargo-company", is_shared=True)
PackageSimple = serializer_of("PackageSimple", records.Package, "package-simple")
User = serializer_of("User", records.User, "user")
TransferSimple = serializer_of("TransferSimple", records.TransferOrder, "transfer-simple")
InvoiceChannel = serializer_of("InvoiceChannel", records.Channel, "channel")
InvoiceAddress = serializer_of("InvoiceAddress", records.Address, "invoice-address")
InvoiceItem = serializer_of("InvoiceItem", records.InvoiceItem, "invoice-item")
DenialReason = serializer_of("DenialReason", records.DenialReason, "denial-reason")
ItemPackage = serializer_of("ItemPackage", records.Package, "item-package")
StockLocationSimple = serializer_of("StockLocationSimple", records.StockLocation, "stock-location-simple")


# Other documents


State = serializer_of("State", records.State, "state", is_shared=True, name=StateName("name"))
LogState = serializer_of("LogState", records.State, "state-short", is_shared=True, name=StateName("name"))


ADDRESS_FIELDS: Mapping[str, SerializerField] = {
    "city": Nested(City),
    "country": Nested(Country),
    "township": Nested(Township),
    "district": Nested(District),
    "customer": Nested(Customer),
}
"""Fields that the documents of addresses share."""
CustomerAddress = serializer_of("CustomerAddress", records.Address, "address", **ADDRESS_FIELDS)
LocationAddress = serializer_of("LocationAddress", records.LocationAddress, "location-address", **ADDRESS_FIELDS)
StockLocation = serializer_of(
    "StockLocation", records.StockLocation, "stock-location", is_shared=True, address=Nested(LocationAddress)
)
ShortLocationAddress = serializer_of(
    "ShortLocationAddress", records.LocationAddress, "address-short", city=Nested(ShortCity)
)


class ShortStockLocation(Serializer):
    kind, is_shared = records.StockLocation, True
    schema = "stock-location-short"
    address = Nested(ShortLocationAddress)


ProductImage = serializer_of("ProductImage", records.ProductImage, "product-image", url=UrlColumn())
Product = serializer_of(
    "Product", records.Product, "product", is_shared=True, productimage_set=NestedList(ProductImage, "product")
)


class OrderItem(Serializer):
    kind = records.OrderItem
    schema = "order-item"
    state = Nested(State)
    product = Nested(Product)
    price_list = Nested(PriceList)
    stock_list = Nested(StockList)


PackageItem = serializer_of(
    "PackageItem", records.PackageItem, "package-item", state=Nested(State), order_item=Nested(OrderItem)
)


class TransferredPackageItem(Serializer):
    """A package item in a transfer: fewer keys, with `denial_reason` last."""

    kind = records.PackageItem
    schema = "transfer-package-item"
    state = Nested(State)
    order_item = Nested(OrderItem)


Shipment = serializer_of("Shipment", records.Shipment, "shipment", cargo_company=Nested(CargoCompany))


class ShippingLabel(Serializer):
    kind = records.ShippingLabel
    schema = "shipping-label"
    preview_url = UrlTemplate("{world_prefix}" + LABEL_PREVIEW)
    full_path_url = UrlTemplate("{domain_url}" + LABEL_PREVIEW)


DeliveryRange = serializer_of(
    "DeliveryRange", records.DeliveryRange, "delivery-range", lower=RangeBound(), upper=RangeBound()
)


class PackageFields:
    """Fields that the documents of packages share."""

    packageitem_set = NestedList(PackageItem, "package")
    order_number = RelatedColumn("order.number")
    date_placed = RelatedColumn("order.date_placed")
    city = RelatedColumn("shipping_address.city.name")
    channel_name = RelatedColumn("order.channel.name")
    payment_type = RelatedColumn("order.payment_type")
    state = Nested(State)
    shipping_address = Nested(CustomerAddress)
    order_id = Column("order")
    stock_location = Nested(StockLocation)
    commands = AvailableCommands(Command)
    shipment = Nested(Shipment)
    shipping_label = Nested(ShippingLabel)
    order_gift_box_note = RelatedColumn("order.gift_box_note")
    order_has_gift_box = RelatedColumn("order.has_gift_box")
    order_retail_store_id = RelatedColumn("order.retail_store_id")
    is_click_and_collect = RelatedColumn("order.is_click_and_collect")
    delivery_range = Nested(DeliveryRange)
    order_notes = RelatedColumn("order.notes")
    channel_omnitron_id = RelatedColumn("order.channel.omnitron_id")
    delivery_type = RelatedColumn("order.delivery_type")
    omnitron_order_id = RelatedColumn("order.omnitron_id")


class Package(PackageFields, Serializer):
    kind = records.Package
    schema = "package"


class PackageShortListItem(PackageFields, Serializer):
    kind = records.Package
    schema = "package-short-list-item"
    packageitem_count = ItemCount()
    stock_location = Nested(ShortStockLocation)


class PackageShort(PackageFields, Serializer):
    kind = records.Package
    schema = "package-short"
    stock_location = Nested(ShortStockLocation)


class TransitionLogShort(Serializer):
    kind = records.TransitionLog
    schema = "transition-log-short"
    old_state = Nested(LogState)
    new_state = Nested(LogState)
    user = Nested(User)


class TransitionLog(TransitionLogShort):
    schema = "transition-log"


Webhook = serializer_of("Webhook", records.Webhook, "webhook", is_shared=True, target_url=UrlColumn())
WebhookShort = serializer_of("WebhookShort", records.Webhook, "webhook-short", is_shared=True, target_url=UrlColumn())


class TransferItem(Serializer):
    kind = records.TransferItem
    schema = "transfer-item"
    state = Nested(State)
    package_item = Nested(TransferredPackageItem)
    product = Nested(Product)


TRANSFER_FIELDS: Mapping[str, SerializerField] = {
    "source": Nested(StockLocation),
    "destination": Nested(StockLocation),
    "transferitem_set": NestedList(TransferItem, "transfer_order"),
    "order": RelatedColumn("package.order"),
    "order_number": RelatedColumn("package.order.number"),
    "order_date_placed": RelatedColumn("package.order.date_placed"),
    "package_number": RelatedColumn("package.number"),
    "channel_name": RelatedColumn("package.order.channel.name"),
    "customer": Nested(Customer, "package.order.customer"),
    "shipping_address": Nested(CustomerAddress, "package.shipping_address"),
    "state": Nested(State),
    "commands": AvailableCommands(Command),
    "transfer_shipment": Nested(Shipment),
}
"""Fields that the documents of transfer orders share."""
TransferListItem = serializer_of("TransferListItem", records.TransferOrder, "transfer-list-item", **TRANSFER_FIELDS)
Transfer = serializer_of("Transfer", records.TransferOrder, "transfer", **TRANSFER_FIELDS)
InvoiceOrder = serializer_of("InvoiceOrder", records.Order, "invoice-order", state=Nested(State))


class Invoice(Serializer):
    kind = records.Invoice
    schema = "invoice"
    channel = Nested(InvoiceChannel)
    address = Nested(InvoiceAddress)
    invoiceitem_set = NestedList(InvoiceItem, "invoice")
    order = Nested(InvoiceOrder)
    package_number = RelatedColumn("package.number")


# The smaller services: their pages describe rows that the pages of packages do not have


class PackageItemListed(Serializer):
    """A package item in the list of all items, and in the detail of that list."""

    kind = records.PackageItem
    schema = "package-item-listed"
    package = Nested(ItemPackage)
    order_item = Nested(OrderItem)
    state = Nested(State)
    quantity = Constant(1)


class PackageItemDetail(Serializer):
    """A package item at `/api/v1/package-item/<pk>/`."""

    kind = records.PackageItem
    schema = "package-item-detail"
    state = Nested(State)
    denial_reason = ItemDenialReason()
    unit_type = Constant("quantity")
