"""Errors of Node as the errors of the C library."""

from __future__ import annotations

import errno
import json

ERRORS = {
    "EACCES": "Permission denied",
    "EADDRINUSE": "Address already in use",
    "EADDRNOTAVAIL": "Cannot assign requested address",
    "ECONNREFUSED": "Connection refused",
    "ECONNRESET": "Connection reset by peer",
    "EHOSTUNREACH": "No route to host",
    "ENETUNREACH": "Network is unreachable",
    "ENOTFOUND": "Name or service not known",
    "ETIMEDOUT": "Connection timed out",
}
"""Error codes of Node -> the texts of the C library."""


def as_error(text: str) -> OSError:
    """Return the error that CPython raises for an error of Node."""
    error = json.loads(text)
    message = ERRORS.get(error["code"], error["message"])
    number = getattr(errno, error["code"], error["number"]) if error["code"] != "ENOTFOUND" else -2
    return OSError(number, message)
