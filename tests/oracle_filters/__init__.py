"""Filters and sort orders compared with a django-filter application over the same records."""
