"""Sends events to hooks: the only part that calls out."""

from emulator.delivery.courier import DeliveryMode, WorldsCourier

__all__ = ["DeliveryMode", "WorldsCourier"]
