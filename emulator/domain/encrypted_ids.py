"""The encrypted id that the vendor shows next to the id of a package."""

from __future__ import annotations

import base64
import hashlib
import string
from datetime import datetime

DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
SIGNING_SALT = b"oms-emulator id_encrypted"


def encrypted_id(id_: int, signed_at: datetime) -> str:
    """Return `<base64 of the id>:<seconds in base 62>:<signature>`, the form of Django's timestamp signer.

    The vendor signs at the time of the response. The emulator signs at the creation of the package, so that responses
    are deterministic.
    """
    value = base64.urlsafe_b64encode(str(id_).encode()).rstrip(b"=").decode()
    signed = f"{value}:{base62(int(signed_at.timestamp()))}"
    digest = hashlib.sha256(SIGNING_SALT + signed.encode()).digest()
    return f"{signed}:{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def base62(number: int) -> str:
    """Return a number in Django's base 62."""
    text = ""
    while True:
        number, digit = divmod(number, 62)
        text = DIGITS[digit] + text
        if number == 0:
            return text
