"""Worlds in a file: restarts, kills, refusals, full disks."""
