"""The types of webhook events."""

from __future__ import annotations

from typing import NamedTuple


class EventType(NamedTuple):
    """A type of event."""

    name: str
    subjects: tuple[str, ...]
    """Kinds of record whose document may be the payload."""
    when: str
    """A sentence that says when it is sent."""
    provenance: str = "documented"


PACKAGE, TRANSFER, LOCATION = ("package",), ("transfer_order",), ("stock_location",)
SHIPPED = ("package", "transfer_order")

EVENT_TYPES: tuple[EventType, ...] = (
    EventType("package.created", PACKAGE, "A package was planned."),
    EventType("package.status.transitioned", PACKAGE, "A package went from one state to another."),
    EventType("package.status.packed", PACKAGE, "All items of a package are packed."),
    EventType("package.status.cancelled", PACKAGE, "A package was cancelled."),
    EventType("package.status.shipped", PACKAGE, "A package was given to the carrier."),
    EventType("package.status.packed_for_refund", PACKAGE, "A package came back and was packed for its refund."),
    EventType("package.shipment.awb_number", PACKAGE, "A package got its tracking number."),
    EventType("package.refused", PACKAGE, "A location refused a package."),
    EventType("shipment.created", SHIPPED, "A package or a transfer order got a shipment."),
    EventType("shipment.status.updated", SHIPPED, "A shipment of a package or a transfer order changed its state."),
    EventType("shipment.cancelled", SHIPPED, "A shipment of a package or a transfer order was called off."),
    EventType("transfer.status.created", TRANSFER, "A transfer order was planned."),
    EventType("transfer.status.transitioned", TRANSFER, "A transfer order went from one state to another."),
    EventType("transfer.status.ready_to_shipment", TRANSFER, "A transfer order is ready for the carrier."),
    EventType("transfer.status.in_transit", TRANSFER, "A transfer order left its source."),
    EventType("transfer.status.transferred", TRANSFER, "A transfer order arrived."),
    EventType("transfer.status.cancelled", TRANSFER, "A transfer order was cancelled."),
    EventType("stock_location.created", LOCATION, "A stock location was made."),
    EventType("stock_location.updated", LOCATION, "A stock location was changed."),
)
