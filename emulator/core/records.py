"""The entities: their columns, what they refer to, and how they are looked up from the other side.

Every entity is one flat immutable record (a named tuple). A reference is the other record's id. A free JSON
value (attributes, configuration, a stored payload) is kept as its JSON text in `bytes`: immutable, shared, and
ready to be put into an answer as it is. Kinds bear the vendor's model names.
"""

from __future__ import annotations

import enum
from datetime import UTC, datetime
from itertools import chain
from typing import Annotated, Any, NamedTuple, TypeAlias, get_args, get_type_hints

Json: TypeAlias = bytes
"""The text of a JSON value, UTF-8, compact."""

EMPTY_OBJECT: Json = b"{}"
EMPTY_ARRAY: Json = b"[]"
Record: TypeAlias = Any
"""A record of any kind: an instance of one of the named tuples below."""
RecordKind: TypeAlias = type[Any]
"""The class of the records of one kind."""
ColumnValue: TypeAlias = Any
"""The value of a column of any kind: a number, string, boolean, time, JSON text, None or `ABSENT`."""
Columns: TypeAlias = dict[str, ColumnValue]
"""Column values of one record, by the names of the columns."""
UNDATED = datetime(1970, 1, 1, tzinfo=UTC)


class Absent(enum.Enum):
    """A column whose key a document leaves out, unlike `None`, which is printed as null."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT


class Refers(NamedTuple):
    """Marks a column that holds the id of a record of another kind."""

    kind: str


CountryId = Annotated[int, Refers("country")]
CityId = Annotated[int, Refers("city")]
TownshipId = Annotated[int, Refers("township")]
DistrictId = Annotated[int, Refers("district")]
CustomerId = Annotated[int, Refers("customer")]
AddressId = Annotated[int, Refers("address")]
LocationAddressId = Annotated[int, Refers("location_address")]
StockLocationId = Annotated[int, Refers("stock_location")]
ChannelId = Annotated[int, Refers("channel")]
CargoCompanyId = Annotated[int, Refers("cargo_company")]
PriceListId = Annotated[int, Refers("price_list")]
StockListId = Annotated[int, Refers("stock_list")]
ProductId = Annotated[int, Refers("product")]
StateId = Annotated[int, Refers("state")]
OrderId = Annotated[int, Refers("order")]
OrderItemId = Annotated[int, Refers("order_item")]
PackageId = Annotated[int, Refers("package")]
PackageItemId = Annotated[int, Refers("package_item")]
ShipmentId = Annotated[int, Refers("shipment")]
ShippingLabelId = Annotated[int, Refers("shipping_label")]
DeliveryRangeId = Annotated[int, Refers("delivery_range")]
InvoiceId = Annotated[int, Refers("invoice")]
TransferOrderId = Annotated[int, Refers("transfer_order")]
UserId = Annotated[int, Refers("user")]
WebhookId = Annotated[int, Refers("webhook")]


class Country(NamedTuple):
    id: int
    name: str = ""
    code: str = ""
    is_active: bool = True
    longitude: str | None = None
    latitude: str | None = None


class City(NamedTuple):
    id: int
    country: CountryId
    name: str = ""
    is_active: bool = True
    longitude: str | None = None
    latitude: str | None = None


class Township(NamedTuple):
    id: int
    city: CityId
    name: str = ""
    is_active: bool = True
    longitude: str | None = None
    latitude: str | None = None


class District(NamedTuple):
    id: int
    city: CityId
    township: TownshipId
    name: str = ""
    is_active: bool = True
    longitude: str | None = None
    latitude: str | None = None


class User(NamedTuple):
    id: int
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    username: str = ""


class Channel(NamedTuple):
    id: int
    channel_type: str = "web"
    created_date: datetime = UNDATED
    modified_date: datetime = UNDATED
    omnitron_id: int = 1
    name: str = ""
    configuration: Json = EMPTY_OBJECT
    is_active: bool = True


class Customer(NamedTuple):
    id: int
    channel: ChannelId
    email: str = ""
    first_name: str = ""
    last_name: str = ""
    phone_number: str = ""
    erp_code: str | None = None


class Address(NamedTuple):
    """A customer's address; orders ship to one and bill to one."""

    id: int
    city: CityId
    country: CountryId
    township: TownshipId
    district: DistrictId | None
    customer: CustomerId
    address_type: str = "customer"
    created_date: datetime = UNDATED
    modified_date: datetime = UNDATED
    omnitron_id: int | None = None
    mapping: Json | None = None
    title: str = ""
    is_active: bool = True
    line: str = ""
    postcode: str | None = None
    notes: str | None = None
    email: str = ""
    phone_number: str = ""
    first_name: str = ""
    last_name: str = ""
    company_name: str = ""
    tax_office: str = ""
    tax_no: str = ""
    e_bill_taxpayer: bool = False
    is_corporate: bool = False


class LocationAddress(NamedTuple):
    """A stock location's address: no customer, but a point on the map."""

    id: int
    city: CityId
    country: CountryId
    township: TownshipId
    district: DistrictId | None
    mapping: Json | None = None
    title: str = ""
    is_active: bool = True
    line: str = ""
    postcode: str | None = None
    notes: str | None = None
    longitude: str | None = None
    latitude: str | None = None


class StockLocation(NamedTuple):
    id: int
    address: LocationAddressId
    stock_location_type: str = "store"
    engine: int | None = None
    tags: Json = EMPTY_ARRAY
    created_date: datetime = UNDATED
    modified_date: datetime = UNDATED
    omnitron_id: int | None = None
    name: str = ""
    is_fulfillment_center: bool = True
    is_pickup_location: bool = False
    is_delivery_location: bool = True
    is_return_available: bool = False
    is_fast_delivery_available: bool | None = None
    is_active: bool = True
    priority: int = 10
    conf: Json = EMPTY_OBJECT
    daytime_phone: str = ""
    evening_phone: str = ""
    fax_number: str = ""
    email: str = ""
    target_packing_interval: str = "5 00:00:00"
    target_transfer_interval: str = "3 00:00:00"
    erp_code: str = ""
    use_as_shipper_location: bool = False
    max_quota: int | None = None
    """How many packages it can have in work; None: as many as come. No document prints it."""


class CargoCompany(NamedTuple):
    id: int
    shipping_company: str = ""
    created_date: datetime = UNDATED
    modified_date: datetime = UNDATED
    name: str = ""
    erp_code: str | None = None
    is_active: bool = True


class PriceList(NamedTuple):
    id: int
    code: str | None = None
    name: str = ""
    currency: str | Absent = ABSENT
    created_date: datetime = UNDATED
    is_auto_sync: bool = False
    modified_date: datetime = UNDATED


class StockList(NamedTuple):
    id: int
    code: str | None = None
    name: str = ""
    created_date: datetime = UNDATED
    is_auto_sync: bool = False
    modified_date: datetime = UNDATED


class Product(NamedTuple):
    id: int
    created_date: datetime = UNDATED
    modified_date: datetime = UNDATED
    omnitron_id: int | None = None
    name: str | Absent = ABSENT
    base_code: str = ""
    sku: str = ""
    barcode: str | None = None
    attributes: Json = EMPTY_OBJECT
    attributes_kwargs: Json = EMPTY_OBJECT
    extra_attributes: Json = EMPTY_OBJECT
    remote_modified_date: datetime | None = None


class ProductImage(NamedTuple):
    id: int
    product: ProductId
    order: int = 0
    url: str = ""


class State(NamedTuple):
    """One state of the installation's graph; its content type tells which kind of record it is a state of."""

    id: int
    created_date: datetime = UNDATED
    modified_date: datetime = UNDATED
    translations: Json | Absent | None = None
    name: str = ""
    config: Json = EMPTY_OBJECT
    enum_class: str = "PackageStatus"
    enum_value: str = "0"
    content_type: int = 0


class Transition(NamedTuple):
    """One edge of the graph. `command` is the code that the page prints on some entries only; `command_code`
    is the one the emulator runs.
    """

    id: int
    source_state: StateId
    destination_state: StateId
    is_packageitem_parameter_required: bool = False
    configuration: Json = EMPTY_OBJECT
    translations: Json | None = None
    command: str | Absent = ABSENT
    label: str = ""
    slug: str | Absent = ABSENT
    ui_visibility: Json = EMPTY_ARRAY
    command_code: str = "PKG_STATE_TRANSITION"
    position: int = 0
    actor: str = "command"
    """Who moves along it: a `command`, or - outside the API - the `carrier`, the `planner`, an `operator`."""


class Order(NamedTuple):
    id: int
    state: StateId
    channel: ChannelId
    customer: CustomerId
    shipping_address: AddressId
    billing_address: AddressId
    number: str = ""
    payment_type: str | None = None
    date_placed: datetime = UNDATED
    created_date: datetime = UNDATED
    modified_date: datetime = UNDATED
    omnitron_id: int | None = None
    gift_box_note: str | None = None
    has_gift_box: bool = False
    retail_store_id: int | None = None
    notes: str | None = None
    is_click_and_collect: bool = False
    delivery_type: str | None = None


class OrderItem(NamedTuple):
    id: int
    state: StateId
    product: ProductId
    order: OrderId
    price_list: PriceListId
    stock_list: StockListId
    created_date: datetime = UNDATED
    modified_date: datetime = UNDATED
    omnitron_id: int | None = None
    net_amount: str = "0.00"
    price: str = "0.00"
    price_currency: str = "try"
    retail_price: str = "0.00"
    tax_rate: str = "0.00"
    tax_amount: str | None = None
    discount_amount: str = "0.00"
    without_net_amount: str | None = None
    installment_interest_amount: str | None = None
    attributes: Json = EMPTY_OBJECT
    attributes_kwargs: Json = EMPTY_OBJECT
    image: str | None = None
    extra_field: Json = b'{"price_extra_field":{},"stock_extra_field":{}}'
    parent_omnitron_id: int | None = None


class Package(NamedTuple):
    id: int
    state: StateId
    order: OrderId
    shipping_address: AddressId
    stock_location: StockLocationId
    number: str = ""
    tracking_number: str | None = None
    target_packing_date: datetime | None = None
    shipment: ShipmentId | None = None
    shipping_label: ShippingLabelId | None = None
    invoice_number: str | None = None
    invoice_url: str | None = None
    invoice: InvoiceId | None = None
    remote_id: str | None = None
    delivery_range: DeliveryRangeId | None = None
    shipment_date: datetime | None = None
    plan_item: int | None = None
    created_date: datetime = UNDATED
    modified_date: datetime = UNDATED
    extra_information: Json = EMPTY_OBJECT
    id_encrypted: str = ""


class PackageItem(NamedTuple):
    id: int
    state: StateId
    order_item: OrderItemId
    package: PackageId
    transfer_order: TransferOrderId | None = None
    discrepancy_reason: Json | None = None
    denial_reason: Json | None = None
    created_date: datetime = UNDATED
    modified_date: datetime = UNDATED
    selected_barcode: str | None = None
    serial_no: str | None = None
    unit_weight: str | None = None


class Shipment(NamedTuple):
    """What a carrier moves: of a package, or of a transfer order (then `package` is empty)."""

    id: int
    cargo_company: CargoCompanyId
    state: StateId
    package: PackageId | None = None
    transfer_order: TransferOrderId | None = None
    created_date: datetime = UNDATED
    modified_date: datetime = UNDATED
    awb_number: str | None = None
    pay_on_delivery_amount: str | None = None
    update_date_time: datetime | None = None
    estimated_delivery_date: datetime | None = None
    query_number: str | None = None
    invoice: InvoiceId | None = None


class ShippingLabel(NamedTuple):
    id: int
    package: PackageId
    is_file: bool = False
    uuid: str = ""


class DeliveryRange(NamedTuple):
    id: int
    lower: datetime = UNDATED
    upper: datetime = UNDATED
    bounds: str = "[)"


class TransferOrder(NamedTuple):
    id: int
    state: StateId
    package: PackageId
    source: StockLocationId
    destination: StockLocationId
    number: str = ""
    target_transfer_date: datetime | None = None
    invoice_number: str | None = None
    remote_id: str | None = None
    transfer_shipment: ShipmentId | None = None
    plan_item: int | None = None
    created_date: datetime = UNDATED
    modified_date: datetime = UNDATED


class TransferItem(NamedTuple):
    id: int
    state: StateId
    package_item: PackageItemId
    product: ProductId
    transfer_order: TransferOrderId
    unit_type: str = "quantity"
    created_date: datetime = UNDATED
    modified_date: datetime = UNDATED
    name: str = "Transfer Item"
    quantity: str = "1.00"
    stock_code: str | None = None
    barcode: str | None = None


class TransitionLog(NamedTuple):
    id: int
    old_state: StateId
    new_state: StateId
    object_id: int
    content_type: int
    user: UserId | None = None
    attributes: Json = EMPTY_OBJECT
    created_date: datetime = UNDATED
    request_id: str | None = None
    """The request that wrote it, for explanations; no document prints it."""


class Webhook(NamedTuple):
    id: int
    retry_countdown_config: Json = b'{"choice":"fixed","kwargs":{"seconds":60}}'
    created_date: datetime = UNDATED
    modified_date: datetime = UNDATED
    target_url: str = ""
    is_active: bool = True
    secret_key: str | None = None
    event_type: str = ""
    callback: str | None = None
    additional_headers: Json = EMPTY_OBJECT
    config: Json = EMPTY_OBJECT
    owner: str = "admin"
    """Name of the user who registered it; no document prints it."""


class WebhookEvent(NamedTuple):
    """One event for one hook. Without a `request_payload` it tells of its subject as a root has it: the one that
    `told_from` keeps, or the scenario's start.
    """

    id: int
    webhook: WebhookId
    object_id: int
    content_type: int
    created_date: datetime = UNDATED
    modified_date: datetime = UNDATED
    uuid: str = ""
    request_payload: Json | None = None
    response_content: str | None = None
    response_http_status: int | None = None
    delivered: bool = False
    request_datetimes: Json = EMPTY_ARRAY
    retry_count: int = 0
    told_from: Any = None
    due: datetime | None = None
    """When the next attempt is due; None: never, as with all events of a scenario's start. No document prints it."""


class Invoice(NamedTuple):
    id: int
    channel: ChannelId
    address: AddressId
    order: OrderId
    package: PackageId
    invoice_type: str = "purchased"
    status: str = "waiting"
    created_date: datetime = UNDATED
    modified_date: datetime = UNDATED
    number: str | None = None


class InvoiceItem(NamedTuple):
    id: int
    invoice: InvoiceId
    order_item: OrderItemId
    created_date: datetime = UNDATED
    modified_date: datetime = UNDATED
    tax_rate: str = "0.00"
    tax_amount: str | None = None
    discount_rate: str = "0.00"
    discount_amount: str = "0.00"
    interest_rate: str = "0.00"
    interest_amount: str | None = None
    total_amount: str = "0.00"
    net_amount: str = "0.00"


class DenialReason(NamedTuple):
    """Why a location may refuse a package."""

    id: int
    title: str = ""
    is_active: bool = True
    priority: int = 0
    remote_id: str | None = None
    created_date: datetime = UNDATED
    modified_date: datetime = UNDATED


class InvoiceDocument(NamedTuple):
    """What `update invoice` stored for a package."""

    id: int
    package: PackageId
    number: str = ""
    document_type: str = ""
    content: str = ""
    date: str = ""
    created_date: datetime = UNDATED


class Reservation(NamedTuple):
    """A package item's claim on a location's stock; it ends when the item is packed or goes elsewhere."""

    id: int
    package: PackageId
    package_item: PackageItemId
    product: ProductId
    stock_location: StockLocationId
    quantity: int = 1


class Stock(NamedTuple):
    """How much of a product may still be promised at a location: what lies there, less what is reserved."""

    id: int
    product: ProductId
    stock_location: StockLocationId
    quantity: int = 0


KINDS: dict[str, type[Any]] = {
    "country": Country,
    "city": City,
    "township": Township,
    "district": District,
    "user": User,
    "channel": Channel,
    "customer": Customer,
    "address": Address,
    "location_address": LocationAddress,
    "stock_location": StockLocation,
    "cargo_company": CargoCompany,
    "price_list": PriceList,
    "stock_list": StockList,
    "product": Product,
    "product_image": ProductImage,
    "state": State,
    "transition": Transition,
    "order": Order,
    "order_item": OrderItem,
    "package": Package,
    "package_item": PackageItem,
    "shipment": Shipment,
    "shipping_label": ShippingLabel,
    "delivery_range": DeliveryRange,
    "transfer_order": TransferOrder,
    "transfer_item": TransferItem,
    "transition_log": TransitionLog,
    "webhook": Webhook,
    "webhook_event": WebhookEvent,
    "invoice": Invoice,
    "invoice_item": InvoiceItem,
    "stock": Stock,
    "reservation": Reservation,
    "denial_reason": DenialReason,
    "invoice_document": InvoiceDocument,
}
"""The vendor's names of the kinds, for references and files."""

RELATIONS: dict[type[Any], dict[str, tuple[str, ...]]] = {
    State: {"value": ("enum_class", "content_type", "enum_value")},
    Transition: {"source_state": ("source_state",), "slug": ("slug",)},
    ProductImage: {"product": ("product",)},
    Order: {"customer": ("customer",), "number": ("number",)},
    OrderItem: {"order": ("order",)},
    Package: {"order": ("order",), "number": ("number",), "shipping_address": ("shipping_address",)},
    PackageItem: {"package": ("package",)},
    TransferOrder: {"package": ("package",)},
    TransferItem: {"transfer_order": ("transfer_order",)},
    TransitionLog: {"subject": ("content_type", "object_id")},
    Webhook: {"event_type": ("event_type",), "registered": ("owner", "target_url", "event_type")},
    WebhookEvent: {"subject": ("content_type", "object_id")},
    Invoice: {"package": ("package",)},
    InvoiceItem: {"invoice": ("invoice",)},
    InvoiceDocument: {"package": ("package",)},
    Reservation: {"package": ("package",)},
    Stock: {"place": ("stock_location", "product"), "stock_location": ("stock_location",)},
}
"""Look-ups from the other side: what is found -> relation -> the columns whose values are its key (a tuple of
them where there are several). Each key finds a handful of records: long lists are the filters' business."""

TALLIES: dict[type[Any], tuple[str, ...]] = {
    Package: ("stock_location", "state"),
    TransferOrder: ("state",),
}
"""Kinds whose records are counted, by the values of these columns: quotas and the graph's counts need no scan."""

QUEUES: dict[type[Any], str] = {WebhookEvent: "due"}
"""Kinds whose records wait for a time -> the column that has it; `View.queued` gives them in this order."""

LOOKED_UP: dict[type[Any], frozenset[str]] = {
    kind: frozenset((*chain(*RELATIONS.get(kind, {}).values()), *TALLIES.get(kind, ()), QUEUES.get(kind, "id")))
    for kind in KINDS.values()
}
"""The columns by which records of a kind are found, counted or waited for: these cost more to change."""


def relation_key(record: Any, columns: tuple[str, ...]) -> Any:
    """Give the key under which a relation over these columns finds the record."""
    if len(columns) == 1:
        return getattr(record, columns[0])
    return tuple(getattr(record, column) for column in columns)


def _references(kind: type[Any]) -> dict[str, type[Any]]:
    found: dict[str, type[Any]] = {}
    for column, hint in get_type_hints(kind, include_extras=True).items():
        for part in (hint, *get_args(hint)):
            for mark in getattr(part, "__metadata__", ()):
                if isinstance(mark, Refers):
                    found[column] = KINDS[mark.kind]
    return found


REFERENCES: dict[type[Any], dict[str, type[Any]]] = {kind: _references(kind) for kind in KINDS.values()}
"""The columns that refer to another record: kind -> column -> kind of the other."""
