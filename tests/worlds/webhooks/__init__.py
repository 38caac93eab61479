"""Delivery of webhook events: over HTTP, by the world's clock, and with delivery faults."""
