"""What happens around the emulated API, arranged from Python: the control API's calls as methods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from emulator.core.world import World
from emulator.handlers.control import EMPTY_PATH, run_recorded_operation
from emulator.shapes.rendering import fill_links


class Arrangements:
    """The part of `Emulator` that plays shop, planner, carrier and operator.

    Documents are given as keyword arguments. Whatever cannot be done raises a `ControlError` (a `ValueError`) that
    says why and names what is known, and leaves no trace.
    """

    @property
    def url(self) -> str:
        raise NotImplementedError

    @property
    def prefix(self) -> str:
        raise NotImplementedError

    @property
    def world(self) -> World:
        raise NotImplementedError

    def order(self, **document: Any) -> dict[str, Any]:
        """Place an order and let the planner decide; give the ids `{order, packages, transfers}`."""
        return self._asked("control_make_order", document)

    def package(self, **document: Any) -> dict[str, Any]:
        """Make a package, `state="Packed", items=2` for one; give its detail."""
        return self._document(run_recorded_operation(self.world, "control_make_package", document))

    def carrier(self, package: int, event: str) -> dict[str, Any]:
        """Let the carrier report `attempted`, `failed`, `delivered` or `cancelled`; give the package's detail."""
        return self._document(
            run_recorded_operation(self.world, "control_report_carrier", {"event": event}, {"pk": package})
        )

    def cancel_package(self, package: int) -> dict[str, Any]:
        """Cancel a package as the operator does; give its detail."""
        return self._document(run_recorded_operation(self.world, "control_cancel_package", path={"pk": package}))

    def cancel_order(self, order: int) -> dict[str, Any]:
        """Cancel an order with all its packages; give the ids of what was cancelled."""
        return self._asked("control_cancel_order", path={"id": order})

    def stock(self, location: int, sku: str, quantity: int) -> dict[str, Any]:
        """Set how much of a product may be promised at a location; give what is there now."""
        return self._asked("control_put_stock", {"quantity": quantity}, {"location_id": location, "sku": sku})

    def stock_location(self, **document: Any) -> dict[str, Any]:
        """Make a stock location; give its document."""
        return self._document(run_recorded_operation(self.world, "control_make_stock_location", document))

    def change_stock_location(self, location: int, **document: Any) -> dict[str, Any]:
        """Change a stock location; give its document."""
        return self._document(
            run_recorded_operation(self.world, "control_change_stock_location", document, {"id": location})
        )

    def _asked(
        self, operation: str, document: Any = None, path: Mapping[str, int | str] = EMPTY_PATH
    ) -> dict[str, Any]:
        answer: dict[str, Any] = run_recorded_operation(self.world, operation, document, path)
        return answer

    def _document(self, body: bytes) -> dict[str, Any]:
        document: dict[str, Any] = orjson.loads(fill_links(body, self.url, self.prefix))
        return document
