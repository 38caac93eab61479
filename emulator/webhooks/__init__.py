"""Delivery of webhook events to their receivers. Only this package sends requests to other hosts."""

from emulator.webhooks.dispatcher import DeliveryMode, WebhookDispatcher

__all__ = ["DeliveryMode", "WebhookDispatcher"]
