"""The documents of the guide surface, key by key in the order of the pages (`fixtures/documented/`)."""

from __future__ import annotations

from emulator.core import records
from emulator.shapes.pieces import (
    Address,
    Bound,
    Column,
    Commands,
    ItemCount,
    Part,
    Parts,
    Shape,
    StateName,
    Text,
    Through,
)

LABEL_PREVIEW = "/api/v1/oms/shipping-label/{id}/preview/"


class State(Shape):
    kind, shared = records.State, True
    id = Column()
    created_date = Column()
    modified_date = Column()
    translations = Column()
    name = StateName("name")
    config = Column()
    enum_class = Column()
    enum_value = Column()
    content_type = Column()


class LogState(Shape):
    kind, shared = records.State, True
    id = Column()
    name = StateName("name")
    enum_value = Column()
    enum_class = Column()


class Command(Shape):
    kind, shared = records.Transition, True
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


class City(Shape):
    kind = records.City
    pk = Column("id")
    name = Column()
    country = Column()
    is_active = Column()
    longitude = Column()
    latitude = Column()


class Country(Shape):
    kind = records.Country
    pk = Column("id")
    name = Column()
    code = Column()
    is_active = Column()
    longitude = Column()
    latitude = Column()


class Township(Shape):
    kind = records.Township
    pk = Column("id")
    name = Column()
    city = Column()
    is_active = Column()
    longitude = Column()
    latitude = Column()


class District(Shape):
    kind = records.District
    pk = Column("id")
    name = Column()
    city = Column()
    township = Column()
    is_active = Column()
    longitude = Column()
    latitude = Column()


class Customer(Shape):
    kind = records.Customer
    email = Column()
    first_name = Column()
    last_name = Column()
    phone_number = Column()
    erp_code = Column()
    pk = Column("id")
    channel = Column()


class CustomerAddress(Shape):
    kind = records.Address
    id = Column()
    city = Part(City)
    country = Part(Country)
    township = Part(Township)
    district = Part(District)
    customer = Part(Customer)
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


class LocationAddress(Shape):
    kind = records.LocationAddress
    id = Column()
    city = Part(City)
    country = Part(Country)
    township = Part(Township)
    district = Part(District)
    mapping = Column()
    title = Column()
    is_active = Column()
    line = Column()
    postcode = Column()
    notes = Column()
    longitude = Column()
    latitude = Column()


class DenialReason(Shape):
    """No page shows one: the filters of the list name four keys, the rest is what every record has (assumed)."""

    kind = records.DenialReason
    id = Column()
    title = Column()
    is_active = Column()
    priority = Column()
    remote_id = Column()
    created_date = Column()
    modified_date = Column()


class StockLocation(Shape):
    kind, shared = records.StockLocation, True
    id = Column()
    stock_location_type = Column()
    address = Part(LocationAddress)
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


class ShortCity(Shape):
    kind = records.City
    id = Column()
    name = Column()


class ShortLocationAddress(Shape):
    kind = records.LocationAddress
    line = Column()
    city = Part(ShortCity)


class ShortStockLocation(Shape):
    kind, shared = records.StockLocation, True
    id = Column()
    name = Column()
    erp_code = Column()
    address = Part(ShortLocationAddress)


class ProductImage(Shape):
    kind = records.ProductImage
    order = Column()
    id = Column()
    url = Address()
    product = Column()


class Product(Shape):
    kind, shared = records.Product, True
    id = Column()
    productimage_set = Parts(ProductImage, "product")
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


class PriceList(Shape):
    kind, shared = records.PriceList, True
    pk = Column("id")
    code = Column()
    name = Column()
    currency = Column()
    created_date = Column()
    is_auto_sync = Column()
    modified_date = Column()


class StockList(Shape):
    kind, shared = records.StockList, True
    pk = Column("id")
    code = Column()
    name = Column()
    created_date = Column()
    is_auto_sync = Column()
    modified_date = Column()


class OrderItem(Shape):
    kind = records.OrderItem
    id = Column()
    state = Part(State)
    product = Part(Product)
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
    price_list = Part(PriceList)
    stock_list = Part(StockList)
    extra_field = Column()
    parent_omnitron_id = Column()
    order = Column()


class PackageItem(Shape):
    kind = records.PackageItem
    id = Column()
    state = Part(State)
    discrepancy_reason = Column()
    order_item = Part(OrderItem)
    transfer_order = Column()
    denial_reason = Column()
    created_date = Column()
    modified_date = Column()
    selected_barcode = Column()
    serial_no = Column()
    unit_weight = Column()
    package = Column()


class TransferredPackageItem(Shape):
    """A package item inside a transfer: fewer keys, and `denial_reason` last."""

    kind = records.PackageItem
    id = Column()
    state = Part(State)
    order_item = Part(OrderItem)
    created_date = Column()
    modified_date = Column()
    selected_barcode = Column()
    serial_no = Column()
    unit_weight = Column()
    package = Column()
    denial_reason = Column()


class CargoCompany(Shape):
    kind, shared = records.CargoCompany, True
    id = Column()
    shipping_company = Column()
    created_date = Column()
    modified_date = Column()
    name = Column()
    erp_code = Column()
    is_active = Column()


class Shipment(Shape):
    kind = records.Shipment
    id = Column()
    cargo_company = Part(CargoCompany)
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


class ShippingLabel(Shape):
    kind = records.ShippingLabel
    id = Column()
    is_file = Column()
    preview_url = Text("{world_prefix}" + LABEL_PREVIEW)
    uuid = Column()
    full_path_url = Text("{domain_url}" + LABEL_PREVIEW)


class DeliveryRange(Shape):
    kind = records.DeliveryRange
    lower = Bound()
    upper = Bound()
    bounds = Column()


class Package(Shape):
    kind = records.Package
    packageitem_set = Parts(PackageItem, "package")
    order_number = Through("order.number")
    date_placed = Through("order.date_placed")
    city = Through("shipping_address.city.name")
    channel_name = Through("order.channel.name")
    payment_type = Through("order.payment_type")
    state = Part(State)
    number = Column()
    tracking_number = Column()
    id = Column()
    shipping_address = Part(CustomerAddress)
    target_packing_date = Column()
    order_id = Column("order")
    stock_location = Part(StockLocation)
    commands = Commands(Command)
    shipment = Part(Shipment)
    shipping_label = Part(ShippingLabel)
    order_gift_box_note = Through("order.gift_box_note")
    order_has_gift_box = Through("order.has_gift_box")
    order_retail_store_id = Through("order.retail_store_id")
    invoice_number = Column()
    remote_id = Column()
    is_click_and_collect = Through("order.is_click_and_collect")
    delivery_range = Part(DeliveryRange)
    shipment_date = Column()
    order_notes = Through("order.notes")
    created_date = Column()
    modified_date = Column()
    extra_information = Column()
    channel_omnitron_id = Through("order.channel.omnitron_id")
    delivery_type = Through("order.delivery_type")
    omnitron_order_id = Through("order.omnitron_id")
    id_encrypted = Column()


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
    stock_location = Part(ShortStockLocation)
    is_click_and_collect = Through("order.is_click_and_collect")
    delivery_type = Through("order.delivery_type")


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
    stock_location = Part(ShortStockLocation)
    commands = Commands(Command)
    shipment = Part(Shipment)
    shipping_label = Part(ShippingLabel)
    is_click_and_collect = Through("order.is_click_and_collect")
    shipment_date = Column()
    extra_information = Column()
    delivery_type = Through("order.delivery_type")
    omnitron_order_id = Through("order.omnitron_id")


class PackageSimple(Shape):
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


class User(Shape):
    kind = records.User
    pk = Column("id")
    first_name = Column()
    last_name = Column()
    email = Column()
    username = Column()


class TransitionLogShort(Shape):
    kind = records.TransitionLog
    id = Column()
    old_state = Part(LogState)
    new_state = Part(LogState)
    user = Part(User)
    attributes = Column()
    created_date = Column()


class TransitionLog(TransitionLogShort):
    object_id = Column()
    content_type = Column()


class Webhook(Shape):
    kind, shared = records.Webhook, True
    id = Column()
    retry_countdown_config = Column()
    created_date = Column()
    modified_date = Column()
    target_url = Address()
    is_active = Column()
    secret_key = Column()
    event_type = Column()
    callback = Column()
    additional_headers = Column()
    config = Column()


class WebhookShort(Shape):
    kind, shared = records.Webhook, True
    id = Column()
    target_url = Address()
    is_active = Column()
    event_type = Column()


class TransferItem(Shape):
    kind = records.TransferItem
    id = Column()
    state = Part(State)
    unit_type = Column()
    package_item = Part(TransferredPackageItem)
    product = Part(Product)
    created_date = Column()
    modified_date = Column()
    name = Column()
    quantity = Column()
    stock_code = Column()
    barcode = Column()
    transfer_order = Column()


class TransferListItem(Shape):
    kind = records.TransferOrder
    id = Column()
    source = Part(StockLocation)
    destination = Part(StockLocation)
    transferitem_set = Parts(TransferItem, "transfer_order")
    number = Column()
    order = Through("package.order")
    order_number = Through("package.order.number")
    package = Column()
    package_number = Through("package.number")
    target_transfer_date = Column()
    order_date_placed = Through("package.order.date_placed")
    state = Part(State)
    commands = Commands(Command)
    invoice_number = Column()
    remote_id = Column()
    transfer_shipment = Part(Shipment)
    created_date = Column()
    modified_date = Column()


class Transfer(Shape):
    kind = records.TransferOrder
    id = Column()
    source = Part(StockLocation)
    destination = Part(StockLocation)
    transferitem_set = Parts(TransferItem, "transfer_order")
    number = Column()
    order = Through("package.order")
    order_number = Through("package.order.number")
    package = Column()
    package_number = Through("package.number")
    channel_name = Through("package.order.channel.name")
    customer = Part(Customer, "package.order.customer")
    shipping_address = Part(CustomerAddress, "package.shipping_address")
    target_transfer_date = Column()
    state = Part(State)
    commands = Commands(Command)
    invoice_number = Column()
    remote_id = Column()
    transfer_shipment = Part(Shipment)
    created_date = Column()
    modified_date = Column()


class TransferSimple(Shape):
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


class InvoiceChannel(Shape):
    kind = records.Channel
    id = Column()
    channel_type = Column()
    created_date = Column()
    modified_date = Column()
    omnitron_id = Column()
    name = Column()
    configuration = Column()
    is_active = Column()


class InvoiceAddress(Shape):
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


class InvoiceItem(Shape):
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


class InvoiceOrder(Shape):
    kind = records.Order
    id = Column()
    state = Part(State)
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


class Invoice(Shape):
    kind = records.Invoice
    id = Column()
    invoice_type = Column()
    status = Column()
    channel = Part(InvoiceChannel)
    address = Part(InvoiceAddress)
    invoiceitem_set = Parts(InvoiceItem, "invoice")
    order = Part(InvoiceOrder)
    package_number = Through("package.number")
    created_date = Column()
    modified_date = Column()
    number = Column()
