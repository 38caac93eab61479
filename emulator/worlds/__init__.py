"""The worlds of a server: registry, live traffic, export and state files."""
