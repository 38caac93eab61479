"""Serializers: from records to the documents of the API."""
