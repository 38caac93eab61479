"""Delivery of webhook events to their receivers. Only this package sends requests to other hosts."""

from emulator.delivery.courier import DeliveryMode, WorldsCourier

__all__ = ["DeliveryMode", "WorldsCourier"]
