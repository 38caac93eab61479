"""Serializers of documents that other documents contain: reference data, addresses, products and items."""

from __future__ import annotations

from emulator.api.serializers.fields import (
    Column,
    Nested,
    NestedList,
    RangeBound,
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
