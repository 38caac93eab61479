"""Worlds in a file: every write is on disk before it is acknowledged, and a restart goes on exactly there."""
