"""Serializers of the guide surface."""

from __future__ import annotations

from emulator.api.serializers.fields import (
    AvailableCommands,
    Column,
    ItemCount,
    Nested,
    NestedList,
    RangeBound,
    RelatedColumn,
    Serializer,
    StateName,
    UrlColumn,
    UrlTemplate,
    plain_serializer,
)
from emulator.api.serializers.reference_fields import Constant, ItemDenialReason
from emulator.core import records

LABEL_PREVIEW = "/api/v1/oms/shipping-label/{id}/preview/"


# Documents whose keys are all columns

Command = plain_serializer("Command", records.Transition, "transition", is_shared=True)
City = plain_serializer("City", records.City, "city")
Country = plain_serializer("Country", records.Country, "country")
Township = plain_serializer("Township", records.Township, "township")
District = plain_serializer("District", records.District, "district")
Customer = plain_serializer("Customer", records.Customer, "customer")
ShortCity = plain_serializer("ShortCity", records.City, "city-short")
PriceList = plain_serializer("PriceList", records.PriceList, "price-list", is_shared=True)
StockList = plain_serializer("StockList", records.StockList, "stock-list", is_shared=True)
CargoCompany = plain_serializer("CargoCompany", records.CargoCompany, "cargo-company", is_shared=True)
PackageSimple = plain_serializer("PackageSimple", records.Package, "package-simple")
User = plain_serializer("User", records.User, "user")
TransferSimple = plain_serializer("TransferSimple", records.TransferOrder, "transfer-simple")
InvoiceChannel = plain_serializer("InvoiceChannel", records.Channel, "channel")
InvoiceAddress = plain_serializer("InvoiceAddress", records.Address, "invoice-address")
InvoiceItem = plain_serializer("InvoiceItem", records.InvoiceItem, "invoice-item")
DenialReason = plain_serializer("DenialReason", records.DenialReason, "denial-reason")
ItemPackage = plain_serializer("ItemPackage", records.Package, "item-package")
StockLocationSimple = plain_serializer("StockLocationSimple", records.StockLocation, "stock-location-simple")


# Other documents


class State(Serializer):
    kind, is_shared = records.State, True
    schema = "state"
    name = StateName("name")


class LogState(Serializer):
    kind, is_shared = records.State, True
    schema = "state-short"
    name = StateName("name")


class AddressFields:
    """Fields that the documents of addresses share."""

    city = Nested(City)
    country = Nested(Country)
    township = Nested(Township)
    district = Nested(District)
    customer = Nested(Customer)


class CustomerAddress(AddressFields, Serializer):
    kind = records.Address
    schema = "address"


class LocationAddress(AddressFields, Serializer):
    kind = records.LocationAddress
    schema = "location-address"


class StockLocation(Serializer):
    kind, is_shared = records.StockLocation, True
    schema = "stock-location"
    address = Nested(LocationAddress)


class ShortLocationAddress(Serializer):
    kind = records.LocationAddress
    schema = "address-short"
    city = Nested(ShortCity)


class ShortStockLocation(Serializer):
    kind, is_shared = records.StockLocation, True
    schema = "stock-location-short"
    address = Nested(ShortLocationAddress)


class ProductImage(Serializer):
    kind = records.ProductImage
    schema = "product-image"
    url = UrlColumn()


class Product(Serializer):
    kind, is_shared = records.Product, True
    schema = "product"
    productimage_set = NestedList(ProductImage, "product")


class OrderItem(Serializer):
    kind = records.OrderItem
    schema = "order-item"
    state = Nested(State)
    product = Nested(Product)
    price_list = Nested(PriceList)
    stock_list = Nested(StockList)


class PackageItem(Serializer):
    kind = records.PackageItem
    schema = "package-item"
    state = Nested(State)
    order_item = Nested(OrderItem)


class TransferredPackageItem(Serializer):
    """A package item in a transfer: fewer keys, with `denial_reason` last."""

    kind = records.PackageItem
    schema = "transfer-package-item"
    state = Nested(State)
    order_item = Nested(OrderItem)


class Shipment(Serializer):
    kind = records.Shipment
    schema = "shipment"
    cargo_company = Nested(CargoCompany)


class ShippingLabel(Serializer):
    kind = records.ShippingLabel
    schema = "shipping-label"
    preview_url = UrlTemplate("{world_prefix}" + LABEL_PREVIEW)
    full_path_url = UrlTemplate("{domain_url}" + LABEL_PREVIEW)


class DeliveryRange(Serializer):
    kind = records.DeliveryRange
    schema = "delivery-range"
    lower = RangeBound()
    upper = RangeBound()


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


class Webhook(Serializer):
    kind, is_shared = records.Webhook, True
    schema = "webhook"
    target_url = UrlColumn()


class WebhookShort(Serializer):
    kind, is_shared = records.Webhook, True
    schema = "webhook-short"
    target_url = UrlColumn()


class TransferItem(Serializer):
    kind = records.TransferItem
    schema = "transfer-item"
    state = Nested(State)
    package_item = Nested(TransferredPackageItem)
    product = Nested(Product)


class TransferFields:
    """Fields that the documents of transfer orders share."""

    source = Nested(StockLocation)
    destination = Nested(StockLocation)
    transferitem_set = NestedList(TransferItem, "transfer_order")
    order = RelatedColumn("package.order")
    order_number = RelatedColumn("package.order.number")
    order_date_placed = RelatedColumn("package.order.date_placed")
    package_number = RelatedColumn("package.number")
    channel_name = RelatedColumn("package.order.channel.name")
    customer = Nested(Customer, "package.order.customer")
    shipping_address = Nested(CustomerAddress, "package.shipping_address")
    state = Nested(State)
    commands = AvailableCommands(Command)
    transfer_shipment = Nested(Shipment)


class TransferListItem(TransferFields, Serializer):
    kind = records.TransferOrder
    schema = "transfer-list-item"


class Transfer(TransferFields, Serializer):
    kind = records.TransferOrder
    schema = "transfer"


class InvoiceOrder(Serializer):
    kind = records.Order
    schema = "invoice-order"
    state = Nested(State)


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
