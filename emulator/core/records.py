"""The entities: their columns, their references, and the relations to look them up.

Every entity is a flat immutable record (a named tuple). A reference is the id of another record. A JSON value of
any shape (attributes, configuration, a stored payload) is stored as its JSON text in `bytes`. It can be shared, and a
response can contain it unchanged. Kinds have the vendor's model names.
"""

import enum
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter
from typing import Annotated, Any, NamedTuple, TypeAlias, get_args, get_type_hints

Json: TypeAlias = bytes
"""The compact UTF-8 text of a JSON value."""

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
Key: TypeAlias = Any
"""The key of a relation or of a tally: the value of a column, or a tuple of the values of several columns."""
UNDATED = datetime(1970, 1, 1, tzinfo=UTC)


class Omitted(enum.Enum):
    """A column that a document omits. `None` is printed as null."""

    OMITTED = "absent"


OMITTED = Omitted.OMITTED


# A column with one of these types has the id of a record of the named kind.
CountryId = Annotated[int, "country"]
CityId = Annotated[int, "city"]
TownshipId = Annotated[int, "township"]
DistrictId = Annotated[int, "district"]
CustomerId = Annotated[int, "customer"]
AddressId = Annotated[int, "address"]
LocationAddressId = Annotated[int, "location_address"]
StockLocationId = Annotated[int, "stock_location"]
ChannelId = Annotated[int, "channel"]
CargoCompanyId = Annotated[int, "cargo_company"]
PriceListId = Annotated[int, "price_list"]
StockListId = Annotated[int, "stock_list"]
ProductId = Annotated[int, "product"]
StateId = Annotated[int, "state"]
OrderId = Annotated[int, "order"]
OrderItemId = Annotated[int, "order_item"]
PackageId = Annotated[int, "package"]
PackageItemId = Annotated[int, "package_item"]
ShipmentId = Annotated[int, "shipment"]
ShippingLabelId = Annotated[int, "shipping_label"]
DeliveryRangeId = Annotated[int, "delivery_range"]
InvoiceId = Annotated[int, "invoice"]
TransferOrderId = Annotated[int, "transfer_order"]
UserId = Annotated[int, "user"]
WebhookId = Annotated[int, "webhook"]


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
    """A customer's address. An order has one for shipping and one for billing."""

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
    """A stock location's address. It has coordinates and no customer."""

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
    """The largest number of packages in work, or None for no limit. No document prints it."""


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
    currency: str | Omitted = OMITTED
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
    name: str | Omitted = OMITTED
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
    """A state of the installation's graph. Its content type names the kind of record."""

    id: int
    created_date: datetime = UNDATED
    modified_date: datetime = UNDATED
    translations: Json | Omitted | None = None
    name: str = ""
    config: Json = EMPTY_OBJECT
    enum_class: str = "PackageStatus"
    enum_value: str = "0"
    content_type: int = 0


class Transition(NamedTuple):
    """An edge of the graph.

    `command` is the code that the vendor's page prints on some entries; `command_code` is the command that runs.
    """

    id: int
    source_state: StateId
    destination_state: StateId
    is_packageitem_parameter_required: bool = False
    configuration: Json = EMPTY_OBJECT
    translations: Json | None = None
    command: str | Omitted = OMITTED
    label: str = ""
    slug: str | Omitted = OMITTED
    ui_visibility: Json = b'["list","detail"]'
    """Assumed: the samples print an array with contents, which are lost."""
    command_code: str = "PKG_STATE_TRANSITION"
    position: int = 0
    actor: str = "command"
    """The actor: a `command`, or outside the API the `carrier`, the `planner` or an `operator`."""


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
    """A shipment of a package, or of a transfer order (then `package` is empty)."""

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
    """The request that wrote it, for hints. No document prints it."""


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
    """The name of the user who registered it. No document prints it."""


class WebhookEvent(NamedTuple):
    """An event for one hook.

    If `request_payload` is empty, the payload is the subject's document in `snapshot`, or at the scenario's start.
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
    snapshot: Any = None
    """A `state.store.Snapshot`, or None."""
    due: datetime | None = None
    """Time of the next attempt. None: none, as for all events of a scenario's start. No document prints it."""


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


class Stock(NamedTuple):
    """The available quantity of a product at a location: the stock without the reservations."""

    id: int
    product: ProductId
    stock_location: StockLocationId
    quantity: int = 0


class Reservation(NamedTuple):
    """A package item's claim on a location's stock. It ends when the item is packed or moved."""

    id: int
    package: PackageId
    package_item: PackageItemId
    product: ProductId
    stock_location: StockLocationId
    quantity: int = 1


class DenialReason(NamedTuple):
    """A reason for a location to refuse a package."""

    id: int
    title: str = ""
    is_active: bool = True
    priority: int | None = 0
    remote_id: str | None = None
    created_date: datetime = UNDATED
    modified_date: datetime = UNDATED


class InvoiceDocument(NamedTuple):
    """The document that `update invoice` stored for a package."""

    id: int
    package: PackageId
    number: str = ""
    document_type: str = ""
    content: str = ""
    date: str = ""
    created_date: datetime = UNDATED


KINDS: dict[str, RecordKind] = {
    re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower(): kind
    for name, kind in tuple(globals().items())
    if hasattr(kind, "_fields")
}
"""The vendor's name of a kind, as references and files have it -> the kind, for all entities above."""

RELATIONS: dict[RecordKind, dict[str, tuple[str, ...]]] = {
    User: {"username": ("username",)},
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
"""Reverse look-ups: kind -> relation -> the columns of its key (a tuple if there are several). A key leads to a few
records; filters find long lists."""

TALLIES: dict[RecordKind, tuple[str, ...]] = {
    Package: ("stock_location", "state"),
    TransferOrder: ("state",),
}
"""Kinds whose records are counted by these columns, so that quotas and the graph's counts need no scan."""

QUEUES: dict[RecordKind, str] = {WebhookEvent: "due"}
"""Kinds whose records wait for a due time -> its column. `Reader.due_items` yields them in this order."""


class KindIndexes(NamedTuple):
    """The indexes of one kind, each with the function that returns the key of a record in it."""

    relations: tuple[tuple[tuple[RecordKind, str], Callable[[Record], Key]], ...]
    tally: Callable[[Record], Key] | None
    queue: Callable[[Record], datetime | None] | None


@lru_cache(1_024)
def indexes_of(kind: RecordKind, columns: tuple[str, ...]) -> KindIndexes:
    """Return the indexes of a kind that use one of these columns. A change of the columns updates them, too."""
    changed = frozenset(columns)
    relations = tuple(
        ((kind, name), attrgetter(*keys))
        for name, keys in RELATIONS.get(kind, {}).items()
        if not changed.isdisjoint(keys)
    )
    tally = None if changed.isdisjoint(TALLIES.get(kind, ())) else attrgetter(*TALLIES[kind])
    return KindIndexes(relations, tally, attrgetter(QUEUES[kind]) if QUEUES.get(kind) in changed else None)


INDEXES: dict[RecordKind, KindIndexes] = {kind: indexes_of(kind, kind._fields) for kind in KINDS.values()}  # type: ignore[arg-type]


def _references(kind: RecordKind) -> dict[str, RecordKind]:
    references: dict[str, RecordKind] = {}
    for column, hint in get_type_hints(kind, include_extras=True).items():
        for part in (hint, *get_args(hint)):
            for name in getattr(part, "__metadata__", ()):
                references[column] = KINDS[name]
    return references


REFERENCES: dict[RecordKind, dict[str, RecordKind]] = {kind: _references(kind) for kind in KINDS.values()}
"""The columns that refer to another record: kind -> column -> other kind."""


POSITIONS: dict[RecordKind, dict[str, int]] = {
    kind: {name: at for at, name in enumerate(kind._fields)} for kind in KINDS.values()
}
"""The positions of the columns of a kind."""


def replace_columns(record: Record, columns: Mapping[str, ColumnValue]) -> Record:
    """Return a copy of a record with other values in some columns. `_replace` looks up every column instead."""
    kind, values = type(record), list(record)
    positions = POSITIONS[kind]
    for name, value in columns.items():
        values[positions[name]] = value
    return tuple.__new__(kind, values)
