"""Filters and order beside those of a real django-filter application over the same records."""
