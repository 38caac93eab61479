"""Handlers of the reference surface alone: extra information, package items, and invoice documents."""

from __future__ import annotations

import orjson

from emulator.core.errors import ValidationFailed
from emulator.core.exchange import Call, Reply
from emulator.core.fields import validate
from emulator.core.jsontext import JsonObject
from emulator.core.records import InvoiceDocument, Package, PackageItem
from emulator.core.world import World
from emulator.handlers.invoice_page import invoice_page
from emulator.handlers.reading import REFERENCE_PAGE_SIZE, render_page
from emulator.handlers.writing import get_or_404
from emulator.params.body_fields import EXTRA_INFORMATION
from emulator.params.pagination import paginate
from emulator.shapes.rendering import to_json

NOT_STORABLE = "Value must be valid JSON."


def patch_extra_information(call: Call, world: World) -> Reply:
    """Merge the given keys into the package's extra information."""
    with world.transaction() as tx:
        package = get_or_404(tx, Package, call.path["pk"])
        changes = validate(EXTRA_INFORMATION, call.read_body())["extra_information"]
        merged = storable_text({**orjson.loads(package.extra_information), **changes})
        tx.change(package, extra_information=merged, modified_date=tx.now)
    return Reply(204)


def storable_text(value: JsonObject) -> bytes:
    """Return the text of a JSON value. Raise `ValidationFailed` if it is not UTF-8, too deep, or exceeds 64 bits."""
    try:
        return orjson.dumps(value)
    except TypeError:
        raise ValidationFailed({"extra_information": [NOT_STORABLE]}) from None


def list_package_items(call: Call, world: World) -> Reply:
    """List the package's items, oldest first."""
    root = world.root
    package = get_or_404(root, Package, call.path["pk"])
    ids = root.related(PackageItem, "package", package.id)
    page = paginate(call, ids, REFERENCE_PAGE_SIZE, newest_first=False)
    return render_page(call, world, root, "reference-package-item-row", page)


def get_invoice_document(call: Call, world: World) -> Reply:
    """Return the invoice document that a command stored, or one that is generated from the package."""
    root = world.root
    package = get_or_404(root, Package, call.path["pk"])
    stored = root.find(InvoiceDocument, "package", package.id)
    content = stored[-1].content if stored else invoice_page(package, root)
    return Reply(200, to_json({"html_content": content}))
