"""Subscriptions, requests and retries compared with dj-whisperer, the webhook sender that the vendor publishes."""
