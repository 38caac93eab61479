"""What a world was asked, from Python: its journal to look through, and assertions on it."""

from emulator.verification.asked import RecordedRequest
from emulator.verification.requests import Requests

__all__ = ["RecordedRequest", "Requests"]
