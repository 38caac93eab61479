"""The emulated API: routes, views, serializers, filters and parameters."""
