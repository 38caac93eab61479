"""Subscriptions, requests and retries beside the vendor's own sender, dj-whisperer, in a real Django application."""
