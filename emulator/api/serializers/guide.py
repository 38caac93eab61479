"""Serializers of the guide surface; keys are in the order of the pages (`fixtures/documented/`)."""

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
)
from emulator.core import records

LABEL_PREVIEW = "/api/v1/oms/shipping-label/{id}/preview/"


class State(Serializer):
    kind, is_shared = records.State, True
    id = Column()
    created_date = Column()
    modified_date = Column()
    translations = Column()
    name = StateName("name")
    config = Column()
    enum_class = Column()
    enum_value = Column()
    content_type = Column()


class LogState(Serializer):
    kind, is_shared = records.State, True
    id = Column()
    name = StateName("name")
    enum_value = Column()
    enum_class = Column()


class Command(Serializer):
    kind, is_shared = records.Transition, True
    id = Column()
    is_packageitem_parameter_required = Column()
    configuration = Column()
    translations = Column()
    command = Column()
    label = Column()
    slug = Column()
    ui_visibility = Column()
    source_state = Column()
    destination_state = Column()


class City(Serializer):
    kind = records.City
    pk = Column("id")
    name = Column()
    country = Column()
    is_active = Column()
    longitude = Column()
    latitude = Column()


class Country(Serializer):
    kind = records.Country
    pk = Column("id")
    name = Column()
    code = Column()
    is_active = Column()
    longitude = Column()
    latitude = Column()


class Township(Serializer):
    kind = records.Township
    pk = Column("id")
    name = Column()
    city = Column()
    is_active = Column()
    longitude = Column()
    latitude = Column()


class District(Serializer):
    kind = records.District
    pk = Column("id")
    name = Column()
    city = Column()
    township = Column()
    is_active = Column()
    longitude = Column()
    latitude = Column()


class Customer(Serializer):
    kind = records.Customer
    email = Column()
    first_name = Column()
    last_name = Column()
    phone_number = Column()
    erp_code = Column()
    pk = Column("id")
    channel = Column()


class CustomerAddress(Serializer):
    kind = records.Address
    id = Column()
    city = Nested(City)
    country = Nested(Country)
    township = Nested(Township)
    district = Nested(District)
    customer = Nested(Customer)
    address_type = Column()
    created_date = Column()
    modified_date = Column()
    omnitron_id = Column()
    mapping = Column()
    title = Column()
    is_active = Column()
    line = Column()
    postcode = Column()
    notes = Column()
    email = Column()
    phone_number = Column()
    first_name = Column()
    last_name = Column()
    company_name = Column()
    tax_office = Column()
    tax_no = Column()
    e_bill_taxpayer = Column()


class LocationAddress(Serializer):
    kind = records.LocationAddress
    id = Column()
    city = Nested(City)
    country = Nested(Country)
    township = Nested(Township)
    district = Nested(District)
    mapping = Column()
    title = Column()
    is_active = Column()
    line = Column()
    postcode = Column()
    notes = Column()
    longitude = Column()
    latitude = Column()


class DenialReason(Serializer):
    """No page shows this document. Four keys are filters of its list, the others are in every record (assumed)."""

    kind = records.DenialReason
    id = Column()
    title = Column()
    is_active = Column()
    priority = Column()
    remote_id = Column()
    created_date = Column()
    modified_date = Column()


class StockLocation(Serializer):
    kind, is_shared = records.StockLocation, True
    id = Column()
    stock_location_type = Column()
    address = Nested(LocationAddress)
    engine = Column()
    tags = Column()
    created_date = Column()
    modified_date = Column()
    omnitron_id = Column()
    name = Column()
    is_fulfillment_center = Column()
    is_pickup_location = Column()
    is_delivery_location = Column()
    is_return_available = Column()
    is_fast_delivery_available = Column()
    is_active = Column()
    priority = Column()
    conf = Column()
    daytime_phone = Column()
    evening_phone = Column()
    fax_number = Column()
    email = Column()
    target_packing_interval = Column()
    target_transfer_interval = Column()
    erp_code = Column()
    use_as_shipper_location = Column()


class ShortCity(Serializer):
    kind = records.City
    id = Column()
    name = Column()


class ShortLocationAddress(Serializer):
    kind = records.LocationAddress
    line = Column()
    city = Nested(ShortCity)


class ShortStockLocation(Serializer):
    kind, is_shared = records.StockLocation, True
    id = Column()
    name = Column()
    erp_code = Column()
    address = Nested(ShortLocationAddress)


class ProductImage(Serializer):
    kind = records.ProductImage
    order = Column()
    id = Column()
    url = UrlColumn()
    product = Column()


class Product(Serializer):
    kind, is_shared = records.Product, True
    id = Column()
    productimage_set = NestedList(ProductImage, "product")
    created_date = Column()
    modified_date = Column()
    omnitron_id = Column()
    name = Column()
    base_code = Column()
    sku = Column()
    barcode = Column()
    attributes = Column()
    attributes_kwargs = Column()
    extra_attributes = Column()
    remote_modified_date = Column()


class PriceList(Serializer):
    kind, is_shared = records.PriceList, True
    pk = Column("id")
    code = Column()
    name = Column()
    currency = Column()
    created_date = Column()
    is_auto_sync = Column()
    modified_date = Column()


class StockList(Serializer):
    kind, is_shared = records.StockList, True
    pk = Column("id")
    code = Column()
    name = Column()
    created_date = Column()
    is_auto_sync = Column()
    modified_date = Column()


class OrderItem(Serializer):
    kind = records.OrderItem
    id = Column()
    state = Nested(State)
    product = Nested(Product)
    created_date = Column()
    modified_date = Column()
    omnitron_id = Column()
    net_amount = Column()
    price = Column()
    price_currency = Column()
    retail_price = Column()
    tax_rate = Column()
    tax_amount = Column()
    discount_amount = Column()
    without_net_amount = Column()
    installment_interest_amount = Column()
    attributes = Column()
    attributes_kwargs = Column()
    image = Column()
    price_list = Nested(PriceList)
    stock_list = Nested(StockList)
    extra_field = Column()
    parent_omnitron_id = Column()
    order = Column()


class PackageItem(Serializer):
    kind = records.PackageItem
    id = Column()
    state = Nested(State)
    discrepancy_reason = Column()
    order_item = Nested(OrderItem)
    transfer_order = Column()
    denial_reason = Column()
    created_date = Column()
    modified_date = Column()
    selected_barcode = Column()
    serial_no = Column()
    unit_weight = Column()
    package = Column()


class TransferredPackageItem(Serializer):
    """A package item in a transfer: fewer keys, with `denial_reason` last."""

    kind = records.PackageItem
    id = Column()
    state = Nested(State)
    order_item = Nested(OrderItem)
    created_date = Column()
    modified_date = Column()
    selected_barcode = Column()
    serial_no = Column()
    unit_weight = Column()
    package = Column()
    denial_reason = Column()


class CargoCompany(Serializer):
    kind, is_shared = records.CargoCompany, True
    id = Column()
    shipping_company = Column()
    created_date = Column()
    modified_date = Column()
    name = Column()
    erp_code = Column()
    is_active = Column()


class Shipment(Serializer):
    kind = records.Shipment
    id = Column()
    cargo_company = Nested(CargoCompany)
    created_date = Column()
    modified_date = Column()
    awb_number = Column()
    pay_on_delivery_amount = Column()
    update_date_time = Column()
    estimated_delivery_date = Column()
    query_number = Column()
    state = Column()
    package = Column()
    invoice = Column()


class ShippingLabel(Serializer):
    kind = records.ShippingLabel
    id = Column()
    is_file = Column()
    preview_url = UrlTemplate("{world_prefix}" + LABEL_PREVIEW)
    uuid = Column()
    full_path_url = UrlTemplate("{domain_url}" + LABEL_PREVIEW)


class DeliveryRange(Serializer):
    kind = records.DeliveryRange
    lower = RangeBound()
    upper = RangeBound()
    bounds = Column()


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
