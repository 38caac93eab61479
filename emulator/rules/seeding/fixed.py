"""The part of a demonstration that does not grow with it: products, stock, delivery ranges and hooks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from emulator.core.jsontext import compact
from emulator.core.records import DeliveryRange, Product, ProductImage, Stock, StockLocation, Webhook
from emulator.rules import installation
from emulator.rules.seeding.dice import roll
from emulator.rules.seeding.places import pool

RANGES = 30
OPENING, CLOSING = timedelta(hours=6), timedelta(hours=15)
SUNDAY = 6
ADDED = datetime(2022, 9, 14, 8, 10, 44, 353121, tzinfo=UTC)
HOOKED = datetime(2023, 1, 4, 13, 2, 18, 404799, tzinfo=UTC)
FIXED = b'{"choice":"fixed","kwargs":{"seconds":60}}'
EXPONENTIAL = b'{"choice":"exponential","kwargs":{"base":2,"factor":1}}'
HOOKS = (
    (67, "package.created", EXPONENTIAL),
    (69, "package.status.transitioned", EXPONENTIAL),
    (70, "package.status.packed", FIXED),
    (71, "package.status.shipped", FIXED),
    (131, "transfer.status.created", FIXED),
    (132, "transfer.status.transitioned", FIXED),
    (133, "transfer.status.cancelled", FIXED),
)
TARGET = "https://integration.example.com/oms/"


def fixed_records(name: str, packages: int, seed: int, start: datetime) -> installation.Records:
    """Give the records of the installation, and those that the demonstration adds to it once."""
    goods = pool("products")
    records = dict(installation.load(name))
    for kind, made in (
        (Product, [product(row) for row in goods]),
        (ProductImage, images(goods)),
        (Stock, stock(records[StockLocation], goods, packages, seed)),
        (DeliveryRange, delivery_ranges(start)),
        (Webhook, hooks()),
    ):
        records[kind] = {record.id: record for record in made}
    return records


def product(row: dict[str, Any]) -> Product:
    added = ADDED + timedelta(minutes=row["id"])
    return Product(
        id=row["id"],
        created_date=added,
        modified_date=added + timedelta(microseconds=10),
        omnitron_id=row["id"] + 7000,
        name=row["name"],
        base_code=row["base_code"],
        sku=row["sku"],
        barcode=row["barcode"],
        attributes=compact(row["attributes"]),
        attributes_kwargs=compact(row["attributes_kwargs"]),
        remote_modified_date=added - timedelta(days=7),
    )


def images(goods: list[dict[str, Any]]) -> list[ProductImage]:
    pictures = [(row["id"], order, url) for row in goods for order, url in enumerate(row["images"])]
    return [ProductImage(id_, *picture) for id_, picture in enumerate(pictures, start=2001)]


def stock(locations: dict[int, Any], goods: list[dict[str, Any]], packages: int, seed: int) -> list[Stock]:
    """Give some of every product at every location that packs: enough for all packages that wait there."""
    found: list[Stock] = []
    for location in locations.values():
        if location.is_fulfillment_center:
            dice = roll(seed, "stock", location.id)
            for row in goods:
                quantity = 8 + dice[(row["id"] * 7) % 64] // 4 + packages // 300
                found.append(Stock(len(found) + 1, row["id"], location.id, quantity))
    return found


def delivery_ranges(start: datetime) -> list[DeliveryRange]:
    """Give the working hours of the days that follow the start, Sundays apart."""
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    days = [midnight + timedelta(days=day) for day in range(1, 2 * RANGES)]
    open_days = [day for day in days if day.weekday() != SUNDAY][:RANGES]
    return [DeliveryRange(id_, day + OPENING, day + CLOSING) for id_, day in enumerate(open_days, start=401)]


def hooks() -> list[Webhook]:
    return [
        Webhook(
            id=id_,
            retry_countdown_config=retry,
            created_date=HOOKED,
            modified_date=HOOKED + timedelta(microseconds=39),
            target_url=TARGET + event_type.replace(".", "/"),
            event_type=event_type,
        )
        for id_, event_type, retry in HOOKS
    ]
