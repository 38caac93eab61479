"""The Python API: the emulator, world handles, clock, webhooks, request assertions and sessions."""
