"""The worlds of a server: registry, live traffic and state files."""
