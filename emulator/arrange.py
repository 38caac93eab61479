"""What happens around the emulated API, arranged from Python: the control API's calls as methods."""

from __future__ import annotations

from typing import Any

import orjson

from emulator.core.world import World
from emulator.handlers import control
from emulator.shapes.links import addressed


class Arranging:
    """The part of `Emulator` that plays shop, planner, carrier and operator.

    Documents are given as keyword arguments. Whatever cannot be done raises a `ControlError` (a `ValueError`) that
    says why and names what is known, and leaves no trace.
    """

    url: str

    @property
    def world(self) -> World:
        raise NotImplementedError

    def order(self, **document: Any) -> dict[str, Any]:
        """Place an order and let the planner decide; give the ids `{order, packages, transfers}`."""
        return control.make_order(self.world, document)

    def package(self, **document: Any) -> dict[str, Any]:
        """Make a package, `state="Packed", items=2` for one; give its detail."""
        return self._document(control.make_package(self.world, document))

    def carrier(self, package: int, event: str) -> dict[str, Any]:
        """Let the carrier report `attempted`, `failed`, `delivered` or `cancelled`; give the package's detail."""
        return self._document(control.report_carrier(self.world, package, {"event": event}))

    def cancel_package(self, package: int) -> dict[str, Any]:
        """Cancel a package as the operator does; give its detail."""
        return self._document(control.cancel_package(self.world, package))

    def cancel_order(self, order: int) -> dict[str, Any]:
        """Cancel an order with all its packages; give the ids of what was cancelled."""
        return control.cancel_order(self.world, order)

    def stock(self, location: int, sku: str, quantity: int) -> dict[str, Any]:
        """Set how much of a product may be promised at a location; give what is there now."""
        return control.put_stock(self.world, location, sku, {"quantity": quantity})

    def stock_location(self, **document: Any) -> dict[str, Any]:
        """Make a stock location; give its document."""
        return self._document(control.make_stock_location(self.world, document))

    def change_stock_location(self, location: int, **document: Any) -> dict[str, Any]:
        """Change a stock location; give its document."""
        return self._document(control.change_stock_location(self.world, location, document))

    def _document(self, body: bytes) -> dict[str, Any]:
        document: dict[str, Any] = orjson.loads(addressed(body, self.url, ""))
        return document
