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
from emulator.api.serializers.reference_fields import Constant, ItemDenialReason
from emulator.core import records

LABEL_PREVIEW = "/api/v1/oms/shipping-label/{id}/preview/"


class State(Serializer):
    kind, is_shared = records.State, True
    keys = "id created_date modified_date translations name config enum_class enum_value content_type"
    name = StateName("name")


class LogState(Serializer):
    kind, is_shared = records.State, True
    keys = "id name enum_value enum_class"
    name = StateName("name")


class Command(Serializer):
    kind, is_shared = records.Transition, True
    keys = """
        id is_packageitem_parameter_required configuration translations command label slug ui_visibility source_state
        destination_state
    """


class City(Serializer):
    kind = records.City
    keys = "pk name country is_active longitude latitude"
    pk = Column("id")


class Country(Serializer):
    kind = records.Country
    keys = "pk name code is_active longitude latitude"
    pk = Column("id")


class Township(Serializer):
    kind = records.Township
    keys = "pk name city is_active longitude latitude"
    pk = Column("id")


class District(Serializer):
    kind = records.District
    keys = "pk name city township is_active longitude latitude"
    pk = Column("id")


class Customer(Serializer):
    kind = records.Customer
    keys = "email first_name last_name phone_number erp_code pk channel"
    pk = Column("id")


class AddressFields:
    """Fields that the documents of addresses share."""

    city = Nested(City)
    country = Nested(Country)
    township = Nested(Township)
    district = Nested(District)
    customer = Nested(Customer)


class CustomerAddress(AddressFields, Serializer):
    kind = records.Address
    keys = """
        id city country township district customer address_type created_date modified_date omnitron_id mapping title
        is_active line postcode notes email phone_number first_name last_name company_name tax_office tax_no
        e_bill_taxpayer
    """


class LocationAddress(AddressFields, Serializer):
    kind = records.LocationAddress
    keys = "id city country township district mapping title is_active line postcode notes longitude latitude"


class StockLocation(Serializer):
    kind, is_shared = records.StockLocation, True
    keys = """
        id stock_location_type address engine tags created_date modified_date omnitron_id name is_fulfillment_center
        is_pickup_location is_delivery_location is_return_available is_fast_delivery_available is_active priority conf
        daytime_phone evening_phone fax_number email target_packing_interval target_transfer_interval erp_code
        use_as_shipper_location
    """
    address = Nested(LocationAddress)


class ShortCity(Serializer):
    kind = records.City
    keys = "id name"


class ShortLocationAddress(Serializer):
    kind = records.LocationAddress
    keys = "line city"
    city = Nested(ShortCity)


class ShortStockLocation(Serializer):
    kind, is_shared = records.StockLocation, True
    keys = "id name erp_code address"
    address = Nested(ShortLocationAddress)


class ProductImage(Serializer):
    kind = records.ProductImage
    keys = "order id url product"
    url = UrlColumn()


class Product(Serializer):
    kind, is_shared = records.Product, True
    keys = """
        id productimage_set created_date modified_date omnitron_id name base_code sku barcode attributes
        attributes_kwargs extra_attributes remote_modified_date
    """
    productimage_set = NestedList(ProductImage, "product")


class PriceList(Serializer):
    kind, is_shared = records.PriceList, True
    keys = "pk code name currency created_date is_auto_sync modified_date"
    pk = Column("id")


class StockList(Serializer):
    kind, is_shared = records.StockList, True
    keys = "pk code name created_date is_auto_sync modified_date"
    pk = Column("id")


class OrderItem(Serializer):
    kind = records.OrderItem
    keys = """
        id state product created_date modified_date omnitron_id net_amount price price_currency retail_price tax_rate
        tax_amount discount_amount without_net_amount installment_interest_amount attributes attributes_kwargs image
        price_list stock_list extra_field parent_omnitron_id order
    """
    state = Nested(State)
    product = Nested(Product)
    price_list = Nested(PriceList)
    stock_list = Nested(StockList)


class PackageItem(Serializer):
    kind = records.PackageItem
    keys = """
        id state discrepancy_reason order_item transfer_order denial_reason created_date modified_date
        selected_barcode serial_no unit_weight package
    """
    state = Nested(State)
    order_item = Nested(OrderItem)


class TransferredPackageItem(Serializer):
    """A package item in a transfer: fewer keys, with `denial_reason` last."""

    kind = records.PackageItem
    keys = """
        id state order_item created_date modified_date selected_barcode serial_no unit_weight package denial_reason
    """
    state = Nested(State)
    order_item = Nested(OrderItem)


class CargoCompany(Serializer):
    kind, is_shared = records.CargoCompany, True
    keys = "id shipping_company created_date modified_date name erp_code is_active"


class Shipment(Serializer):
    kind = records.Shipment
    keys = """
        id cargo_company created_date modified_date awb_number pay_on_delivery_amount update_date_time
        estimated_delivery_date query_number state package invoice
    """
    cargo_company = Nested(CargoCompany)


class ShippingLabel(Serializer):
    kind = records.ShippingLabel
    keys = "id is_file preview_url uuid full_path_url"
    preview_url = UrlTemplate("{world_prefix}" + LABEL_PREVIEW)
    full_path_url = UrlTemplate("{domain_url}" + LABEL_PREVIEW)


class DeliveryRange(Serializer):
    kind = records.DeliveryRange
    keys = "lower upper bounds"
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
    keys = """
        packageitem_set order_number date_placed city channel_name payment_type state number tracking_number id
        shipping_address target_packing_date order_id stock_location commands shipment shipping_label
        order_gift_box_note order_has_gift_box order_retail_store_id invoice_number remote_id is_click_and_collect
        delivery_range shipment_date order_notes created_date modified_date extra_information channel_omnitron_id
        delivery_type omnitron_order_id id_encrypted
    """


class PackageShortListItem(PackageFields, Serializer):
    kind = records.Package
    keys = """
        packageitem_count order_number date_placed channel_name state number id target_packing_date order_id
        stock_location is_click_and_collect delivery_type
    """
    packageitem_count = ItemCount()
    stock_location = Nested(ShortStockLocation)


class PackageShort(PackageFields, Serializer):
    kind = records.Package
    keys = """
        packageitem_set order_number channel_name state number id shipping_address order_id stock_location commands
        shipment shipping_label is_click_and_collect shipment_date extra_information delivery_type omnitron_order_id
    """
    stock_location = Nested(ShortStockLocation)


class PackageSimple(Serializer):
    kind = records.Package
    keys = """
        id created_date modified_date number extra_information target_packing_date invoice_number invoice_url
        remote_id state order shipping_address stock_location invoice plan_item
    """


class User(Serializer):
    kind = records.User
    keys = "pk first_name last_name email username"
    pk = Column("id")


class TransitionLogShort(Serializer):
    kind = records.TransitionLog
    keys = "id old_state new_state user attributes created_date"
    old_state = Nested(LogState)
    new_state = Nested(LogState)
    user = Nested(User)


class TransitionLog(TransitionLogShort):
    keys = "object_id content_type"


class Webhook(Serializer):
    kind, is_shared = records.Webhook, True
    keys = """
        id retry_countdown_config created_date modified_date target_url is_active secret_key event_type callback
        additional_headers config
    """
    target_url = UrlColumn()


class WebhookShort(Serializer):
    kind, is_shared = records.Webhook, True
    keys = "id target_url is_active event_type"
    target_url = UrlColumn()


class TransferItem(Serializer):
    kind = records.TransferItem
    keys = """
        id state unit_type package_item product created_date modified_date name quantity stock_code barcode
        transfer_order
    """
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
    keys = """
        id source destination transferitem_set number order order_number package package_number target_transfer_date
        order_date_placed state commands invoice_number remote_id transfer_shipment created_date modified_date
    """


class Transfer(TransferFields, Serializer):
    kind = records.TransferOrder
    keys = """
        id source destination transferitem_set number order order_number package package_number channel_name customer
        shipping_address target_transfer_date state commands invoice_number remote_id transfer_shipment created_date
        modified_date
    """


class TransferSimple(Serializer):
    kind = records.TransferOrder
    keys = """
        id created_date modified_date number target_transfer_date invoice_number remote_id state source destination
        plan_item
    """


class InvoiceChannel(Serializer):
    kind = records.Channel
    keys = "id channel_type created_date modified_date omnitron_id name configuration is_active"


class InvoiceAddress(Serializer):
    kind = records.Address
    keys = """
        pk email phone_number first_name last_name country city line title township district postcode notes
        company_name tax_office tax_no e_bill_taxpayer is_corporate
    """
    pk = Column("id")


class InvoiceItem(Serializer):
    kind = records.InvoiceItem
    keys = """
        id created_date modified_date tax_rate tax_amount discount_rate discount_amount interest_rate interest_amount
        total_amount net_amount order_item
    """


class InvoiceOrder(Serializer):
    kind = records.Order
    keys = """
        id state payment_type created_date modified_date omnitron_id number date_placed channel customer
        shipping_address billing_address
    """
    state = Nested(State)


class Invoice(Serializer):
    kind = records.Invoice
    keys = """
        id invoice_type status channel address invoiceitem_set order package_number created_date modified_date number
    """
    channel = Nested(InvoiceChannel)
    address = Nested(InvoiceAddress)
    invoiceitem_set = NestedList(InvoiceItem, "invoice")
    order = Nested(InvoiceOrder)
    package_number = RelatedColumn("package.number")


# The smaller services: their pages describe rows that the pages of packages do not have


class DenialReason(Serializer):
    kind = records.DenialReason
    keys = "id title remote_id priority is_active"


class ItemPackage(Serializer):
    """The package of an item: the keys of the minimal model on the page of models."""

    kind = records.Package
    keys = "id number state order stock_location created_date modified_date"


class PackageItemListed(Serializer):
    """A package item in the list of all items, and in the detail of that list."""

    kind = records.PackageItem
    keys = "id package order_item state quantity unit_weight created_date modified_date"
    package = Nested(ItemPackage)
    order_item = Nested(OrderItem)
    state = Nested(State)
    quantity = Constant(1)


class PackageItemDetail(Serializer):
    """A package item at `/api/v1/package-item/<pk>/`."""

    kind = records.PackageItem
    keys = """
        id state discrepancy_reason denial_reason created_date modified_date selected_barcode serial_no unit_weight
        package order_item unit_type
    """
    state = Nested(State)
    denial_reason = ItemDenialReason()
    unit_type = Constant("quantity")


class StockLocationSimple(Serializer):
    kind = records.StockLocation
    keys = """
        id created_date modified_date omnitron_id name stock_location_type fax_number erp_code address
        is_fulfillment_center is_pickup_location is_delivery_location is_fast_delivery_available is_return_available
        is_active priority
    """
