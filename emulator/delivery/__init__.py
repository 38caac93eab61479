"""Sends events to hooks. No other part of the package opens connections to other servers."""

from emulator.delivery.dispatcher import DeliveryMode, WebhookDispatcher

__all__ = ["DeliveryMode", "WebhookDispatcher"]
