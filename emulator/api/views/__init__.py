"""The functions that handle the requests of the emulated API."""
