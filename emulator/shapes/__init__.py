"""Serializers: convert records to the documented JSON documents, and cache the rendered text."""
