"""Links inside documents: they open in a browser, which sends no credentials."""

from __future__ import annotations

from collections.abc import Iterator

from emulator.contract.answers import expect, header_other_than
from emulator.contract.discovery import Row, first
from emulator.contract.findings import Finding, NotVerified
from emulator.contract.target import Target
from emulator.routes import Route

PACKAGES = "/api/v1/oms/packages/"


def label_opens(target: Target, route: Route) -> Iterator[Finding]:
    package = first(target, PACKAGES, lambda row: bool(label(row)), "no package has a shipping label")
    yield from opens(target, route, label(package), "text/html")


def image_opens(target: Target, route: Route) -> Iterator[Finding]:
    package = first(target, PACKAGES, lambda row: bool(images(row)), "no package has a product with an image")
    yield from opens(target, route, images(package)[0], "image/")


def label(package: Row) -> str:
    return str(package["shipping_label"]["full_path_url"])


def images(package: Row) -> list[str]:
    """Give the addresses of the pictures of all products in a package."""
    products = [item["order_item"]["product"] for item in package["packageitem_set"]]
    return [str(image["url"]) for product in products for image in product["productimage_set"]]


def opens(target: Target, route: Route, link: str, content_type: str) -> Iterator[Finding]:
    if not target.owns(link):
        raise NotVerified(f"{link} is on another host")
    answer = expect(route, target.ask("GET", link, token=None, headers={"Accept": "*/*"}), 200)
    yield from header_other_than(route, answer, "Content-Type", content_type)
