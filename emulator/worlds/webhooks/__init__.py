"""Delivery of webhook events to their receivers. Only this package sends requests to other hosts."""

from emulator.worlds.webhooks.dispatcher import DeliveryMode, TimerDispatcher, WebhookDispatcher

__all__ = ["DeliveryMode", "TimerDispatcher", "WebhookDispatcher"]
