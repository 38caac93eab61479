"""Errors of Node as the errors of the C library."""

from __future__ import annotations

import errno
import json
import socket

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
    """Return the error with the number of this Python, so that code can compare it."""
    error = json.loads(text)
    return OSError(getattr(errno, error["code"], error["number"]), ERRORS.get(error["code"], error["message"]))


def as_connection_error(text: str) -> OSError:
    """Return the error with the number of the machine, which delivery logs show."""
    error = json.loads(text)
    message = ERRORS.get(error["code"], error["message"])
    return socket.gaierror(-2, message) if error["code"] == "ENOTFOUND" else OSError(error["number"], message)
