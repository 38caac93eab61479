"""What only the reference surface has: extra information, a package's items, its invoice as a document."""

from __future__ import annotations

from typing import Any

import orjson

from emulator.core.errors import ValidationFailed
from emulator.core.exchange import Call, Reply
from emulator.core.fields import validate
from emulator.core.records import InvoiceDocument, Package, PackageItem
from emulator.core.world import World
from emulator.handlers.invoice_page import invoice_page
from emulator.handlers.reading import REFERENCE_PAGE_SIZE, answer
from emulator.handlers.writing import found
from emulator.params.body_fields import EXTRA_INFORMATION
from emulator.shapes.rendering import to_json

NOT_KEEPABLE = "Value must be valid JSON."


def patch_extra_information(call: Call, world: World) -> Reply:
    """Add the keys sent to the package's extra information; one that was there takes the new value."""
    with world.transaction() as tx:
        package: Package = found(tx, Package, call.path["pk"])
        sent = validate(EXTRA_INFORMATION, call.read_body())["extra_information"]
        merged = keepable({**orjson.loads(package.extra_information), **sent})
        tx.change(package, extra_information=merged, modified_date=tx.now)
    return Reply(204)


def keepable(value: dict[str, Any]) -> bytes:
    """Give the text of a JSON value; `ValidationFailed` for one that is no UTF-8, too deep, or beyond 64 bits."""
    try:
        return orjson.dumps(value)
    except TypeError:
        raise ValidationFailed({"extra_information": [NOT_KEEPABLE]}) from None


def list_package_items(call: Call, world: World) -> Reply:
    """Answer with a page of the package's items, oldest first."""
    root = world.root
    package: Package = found(root, Package, call.path["pk"])
    ids = root.related(PackageItem, "package", package.id)
    return answer(call, world, root, "reference-package-item-row", ids, REFERENCE_PAGE_SIZE, newest_first=False)


def get_invoice_document(call: Call, world: World) -> Reply:
    """Answer with the document that a command stored for the package, or with one made from the package."""
    root = world.root
    package: Package = found(root, Package, call.path["pk"])
    stored = root.find(InvoiceDocument, "package", package.id)
    content = stored[-1].content if stored else invoice_page(package, root)
    return Reply(200, to_json({"html_content": content}))
