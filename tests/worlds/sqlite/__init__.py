"""Worlds in a state file: restarts, killed servers, unusable files, full disks."""
