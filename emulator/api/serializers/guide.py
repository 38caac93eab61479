"""Serializers of the guide surface; keys are in the order of the pages (`fixtures/documented/`)."""

from __future__ import annotations

from emulator.api.serializers.fields import (
    AvailableCommands,
    Column,
    ItemCount,
    Nested,
    NestedList,
    RelatedColumn,
    Serializer,
    UrlColumn,
)
from emulator.api.serializers.nested import (
    Command,
    Customer,
    CustomerAddress,
    DeliveryRange,
    LogState,
    PackageItem,
    Product,
    Shipment,
    ShippingLabel,
    ShortStockLocation,
    State,
    StockLocation,
    TransferredPackageItem,
)
from emulator.core import records


class Package(Serializer):
    kind = records.Package
    packageitem_set = NestedList(PackageItem, "package")
    order_number = RelatedColumn("order.number")
    date_placed = RelatedColumn("order.date_placed")
    city = RelatedColumn("shipping_address.city.name")
    channel_name = RelatedColumn("order.channel.name")
    payment_type = RelatedColumn("order.payment_type")
    state = Nested(State)
    number = Column()
    tracking_number = Column()
    id = Column()
    shipping_address = Nested(CustomerAddress)
    target_packing_date = Column()
    order_id = Column("order")
    stock_location = Nested(StockLocation)
    commands = AvailableCommands(Command)
    shipment = Nested(Shipment)
    shipping_label = Nested(ShippingLabel)
    order_gift_box_note = RelatedColumn("order.gift_box_note")
    order_has_gift_box = RelatedColumn("order.has_gift_box")
    order_retail_store_id = RelatedColumn("order.retail_store_id")
    invoice_number = Column()
    remote_id = Column()
    is_click_and_collect = RelatedColumn("order.is_click_and_collect")
    delivery_range = Nested(DeliveryRange)
    shipment_date = Column()
    order_notes = RelatedColumn("order.notes")
    created_date = Column()
    modified_date = Column()
    extra_information = Column()
    channel_omnitron_id = RelatedColumn("order.channel.omnitron_id")
    delivery_type = RelatedColumn("order.delivery_type")
    omnitron_order_id = RelatedColumn("order.omnitron_id")
    id_encrypted = Column()


class PackageShortListItem(Serializer):
    kind = records.Package
    packageitem_count = ItemCount()
    order_number = RelatedColumn("order.number")
    date_placed = RelatedColumn("order.date_placed")
    channel_name = RelatedColumn("order.channel.name")
    state = Nested(State)
    number = Column()
    id = Column()
    target_packing_date = Column()
    order_id = Column("order")
    stock_location = Nested(ShortStockLocation)
    is_click_and_collect = RelatedColumn("order.is_click_and_collect")
    delivery_type = RelatedColumn("order.delivery_type")


class PackageShort(Serializer):
    kind = records.Package
    packageitem_set = NestedList(PackageItem, "package")
    order_number = RelatedColumn("order.number")
    channel_name = RelatedColumn("order.channel.name")
    state = Nested(State)
    number = Column()
    id = Column()
    shipping_address = Nested(CustomerAddress)
    order_id = Column("order")
    stock_location = Nested(ShortStockLocation)
    commands = AvailableCommands(Command)
    shipment = Nested(Shipment)
    shipping_label = Nested(ShippingLabel)
    is_click_and_collect = RelatedColumn("order.is_click_and_collect")
    shipment_date = Column()
    extra_information = Column()
    delivery_type = RelatedColumn("order.delivery_type")
    omnitron_order_id = RelatedColumn("order.omnitron_id")


class PackageSimple(Serializer):
    kind = records.Package
    id = Column()
    created_date = Column()
    modified_date = Column()
    number = Column()
    extra_information = Column()
    target_packing_date = Column()
    invoice_number = Column()
    invoice_url = Column()
    remote_id = Column()
    state = Column()
    order = Column()
    shipping_address = Column()
    stock_location = Column()
    invoice = Column()
    plan_item = Column()


class User(Serializer):
    kind = records.User
    pk = Column("id")
    first_name = Column()
    last_name = Column()
    email = Column()
    username = Column()


class TransitionLogShort(Serializer):
    kind = records.TransitionLog
    id = Column()
    old_state = Nested(LogState)
    new_state = Nested(LogState)
    user = Nested(User)
    attributes = Column()
    created_date = Column()


class TransitionLog(TransitionLogShort):
    object_id = Column()
    content_type = Column()


class Webhook(Serializer):
    kind, is_shared = records.Webhook, True
    id = Column()
    retry_countdown_config = Column()
    created_date = Column()
    modified_date = Column()
    target_url = UrlColumn()
    is_active = Column()
    secret_key = Column()
    event_type = Column()
    callback = Column()
    additional_headers = Column()
    config = Column()


class WebhookShort(Serializer):
    kind, is_shared = records.Webhook, True
    id = Column()
    target_url = UrlColumn()
    is_active = Column()
    event_type = Column()


class TransferItem(Serializer):
    kind = records.TransferItem
    id = Column()
    state = Nested(State)
    unit_type = Column()
    package_item = Nested(TransferredPackageItem)
    product = Nested(Product)
    created_date = Column()
    modified_date = Column()
    name = Column()
    quantity = Column()
    stock_code = Column()
    barcode = Column()
    transfer_order = Column()


class TransferListItem(Serializer):
    kind = records.TransferOrder
    id = Column()
    source = Nested(StockLocation)
    destination = Nested(StockLocation)
    transferitem_set = NestedList(TransferItem, "transfer_order")
    number = Column()
    order = RelatedColumn("package.order")
    order_number = RelatedColumn("package.order.number")
    package = Column()
    package_number = RelatedColumn("package.number")
    target_transfer_date = Column()
    order_date_placed = RelatedColumn("package.order.date_placed")
    state = Nested(State)
    commands = AvailableCommands(Command)
    invoice_number = Column()
    remote_id = Column()
    transfer_shipment = Nested(Shipment)
    created_date = Column()
    modified_date = Column()


class Transfer(Serializer):
    kind = records.TransferOrder
    id = Column()
    source = Nested(StockLocation)
    destination = Nested(StockLocation)
    transferitem_set = NestedList(TransferItem, "transfer_order")
    number = Column()
    order = RelatedColumn("package.order")
    order_number = RelatedColumn("package.order.number")
    package = Column()
    package_number = RelatedColumn("package.number")
    channel_name = RelatedColumn("package.order.channel.name")
    customer = Nested(Customer, "package.order.customer")
    shipping_address = Nested(CustomerAddress, "package.shipping_address")
    target_transfer_date = Column()
    state = Nested(State)
    commands = AvailableCommands(Command)
    invoice_number = Column()
    remote_id = Column()
    transfer_shipment = Nested(Shipment)
    created_date = Column()
    modified_date = Column()


class TransferSimple(Serializer):
    kind = records.TransferOrder
    id = Column()
    created_date = Column()
    modified_date = Column()
    number = Column()
    target_transfer_date = Column()
    invoice_number = Column()
    remote_id = Column()
    state = Column()
    source = Column()
    destination = Column()
    plan_item = Column()


class InvoiceChannel(Serializer):
    kind = records.Channel
    id = Column()
    channel_type = Column()
    created_date = Column()
    modified_date = Column()
    omnitron_id = Column()
    name = Column()
    configuration = Column()
    is_active = Column()


class InvoiceAddress(Serializer):
    kind = records.Address
    pk = Column("id")
    email = Column()
    phone_number = Column()
    first_name = Column()
    last_name = Column()
    country = Column()
    city = Column()
    line = Column()
    title = Column()
    township = Column()
    district = Column()
    postcode = Column()
    notes = Column()
    company_name = Column()
    tax_office = Column()
    tax_no = Column()
    e_bill_taxpayer = Column()
    is_corporate = Column()


class InvoiceItem(Serializer):
    kind = records.InvoiceItem
    id = Column()
    created_date = Column()
    modified_date = Column()
    tax_rate = Column()
    tax_amount = Column()
    discount_rate = Column()
    discount_amount = Column()
    interest_rate = Column()
    interest_amount = Column()
    total_amount = Column()
    net_amount = Column()
    order_item = Column()


class InvoiceOrder(Serializer):
    kind = records.Order
    id = Column()
    state = Nested(State)
    payment_type = Column()
    created_date = Column()
    modified_date = Column()
    omnitron_id = Column()
    number = Column()
    date_placed = Column()
    channel = Column()
    customer = Column()
    shipping_address = Column()
    billing_address = Column()


class Invoice(Serializer):
    kind = records.Invoice
    id = Column()
    invoice_type = Column()
    status = Column()
    channel = Nested(InvoiceChannel)
    address = Nested(InvoiceAddress)
    invoiceitem_set = NestedList(InvoiceItem, "invoice")
    order = Nested(InvoiceOrder)
    package_number = RelatedColumn("package.number")
    created_date = Column()
    modified_date = Column()
    number = Column()
