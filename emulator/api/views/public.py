"""Operations without credentials: login, and the images and labels that responses link to."""

from __future__ import annotations

import html
from urllib.parse import unquote

import orjson

from emulator.api.parameters import LOGIN_FIELDS
from emulator.core.call import Call, Reply
from emulator.core.credentials import PASSWORDS
from emulator.core.errors import NotFound, ValidationFailed
from emulator.core.fields import validate
from emulator.core.records import Address, City, Order, Package, ShippingLabel, StockLocation
from emulator.state.world import World

INVALID_CREDENTIALS = "Unable to log in with provided credentials."
HTML = "text/html; charset=utf-8"
SVG = "image/svg+xml"
MAX_FILE_NAME_LENGTH = 40


def log_in(call: Call, _world: World) -> Reply:
    """Return the token of a built-in user."""
    fields = validate(LOGIN_FIELDS, call.read_body())
    token = PASSWORDS.get((fields["username"], fields["password"]))
    if token is None:
        raise ValidationFailed({"non_field_errors": [INVALID_CREDENTIALS]})
    return Reply(200, orjson.dumps({"key": token}))


def render_product_image(call: Call, _world: World) -> Reply:
    """Return a placeholder image that shows the name of the real file."""
    name = unquote(call.url.partition("?")[0]).rpartition("/")[2]
    shown = "".join(filter(str.isprintable, name))[:MAX_FILE_NAME_LENGTH]  # XML does not allow control characters
    return Reply(200, IMAGE_TEMPLATE.format(name=html.escape(shown)).encode(), content_type=SVG)


def render_shipping_label(call: Call, world: World) -> Reply:
    """Return a printable label with sender, recipient, package number and tracking number."""
    root = world.records
    label = root.get(ShippingLabel, call.path["pk"]) if root.has(ShippingLabel, call.path["pk"]) else None
    if label is None:
        raise NotFound
    package = root.get_existing(Package, label.package)
    address = root.get_existing(Address, package.shipping_address)
    texts = {
        "number": package.number,
        "tracking": package.tracking_number or "-",
        "sender": root.get_existing(StockLocation, package.stock_location).name,
        "name": f"{address.first_name} {address.last_name}",
        "line": address.line,
        "place": f"{address.postcode or ''} {root.get_existing(City, address.city).name}",
        "phone": address.phone_number,
        "order": root.get_existing(Order, package.order).number,
    }
    safe = {key: html.escape(text) for key, text in texts.items()}
    return Reply(200, LABEL_TEMPLATE.format_map(safe).encode(), content_type=HTML)


IMAGE_TEMPLATE = """<svg xmlns="http://www.w3.org/2000/svg" width="480" height="480" viewBox="0 0 480 480" role="img">
<title>{name}</title>
<rect width="480" height="480" fill="#e8eaee"/>
<path d="M150 320v-140h180v140zM150 180l30-40h120l30 40M240 140v40" fill="none" stroke="#8a93a3" stroke-width="8"/>
<text x="240" y="390" font-family="sans-serif" font-size="18" text-anchor="middle" fill="#5b6472">{name}</text>
</svg>
"""

LABEL_TEMPLATE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Shipping label {number}</title>
<style>
@page {{ size: 100mm 150mm; margin: 0 }}
body {{ font: 14px/1.4 sans-serif; width: 92mm; margin: 4mm; border: 1px solid #000 }}
section {{ padding: 3mm; border-bottom: 1px solid #000 }}
section:last-child {{ border: 0 }}
h1, p {{ margin: 0 }}
h1 {{ font-size: 20px; letter-spacing: 1px }}
small {{ text-transform: uppercase }}
</style>
</head>
<body>
<section><small>From</small><p>{sender}</p></section>
<section><small>To</small><p><b>{name}</b></p><p>{line}</p><p>{place}</p><p>{phone}</p></section>
<section><small>Tracking number</small><h1>{tracking}</h1></section>
<section><small>Package</small><p>{number}</p><small>Order</small><p>{order}</p></section>
</body>
</html>
"""
