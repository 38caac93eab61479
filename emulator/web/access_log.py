"""The access log: a record for each request, with the hint of its response."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import unquote

from emulator.api.control.journal import mask_text
from emulator.core.json_text import escape_unprintable
from emulator.state.clock import machine_seconds
from emulator.web.context import Environ, decode_path, escape_path, escape_query, mount_path, path_bytes

if TYPE_CHECKING:
    from _typeshed import OptExcInfo
    from _typeshed.wsgi import StartResponse

    from emulator.web.cors import Write

ACCESS_LOG = logging.getLogger("emulator.access")
FIELDS = ("method", "path", "query", "status", "milliseconds", "request_id", "world", "fault", "hint")
"""Attributes of a log record that `--log-format json` prints."""


is_enabled = partial(ACCESS_LOG.isEnabledFor, logging.INFO)
"""Return whether requests are logged."""


def log_when_started(environ: Environ, start_response: StartResponse) -> StartResponse:
    """Return a `start_response` that also logs the request with the status and the hint of the response."""
    started_at = machine_seconds()

    def start(status: str, headers: list[tuple[str, str]], *exc_info: OptExcInfo | None) -> Write:
        log_request(environ, int(status[:3]), headers, machine_seconds() - started_at)
        return start_response(status, headers, *exc_info)

    return start


def log_request(environ: Environ, status: int | None, headers: Iterable[tuple[str, str]], seconds: float) -> None:
    """Log a request. The status is None if a fault suppressed the response."""
    fields = access_fields(environ, dict(headers)) | {"status": status, "milliseconds": round(seconds * 1000, 1)}
    url = f"{fields['path']}?{fields['query']}" if fields["query"] else fields["path"]
    parts = [f"{fields['method']} {url} {status or '-'} {fields['milliseconds']} ms"]
    if fields["fault"]:
        parts.append(f"fault: {fields['fault']}")
    if fields["hint"]:
        parts.append(f"hint: {fields['hint']}")
    ACCESS_LOG.info("%s", "; ".join(parts), extra=fields)


def access_fields(environ: Environ, headers: Mapping[str, str]) -> dict[str, str | float | None]:
    """Return what the log says about a request and the headers of its response. Secrets are masked."""
    hint = headers.get("X-Emulator-Hint")
    return {
        "method": escape_unprintable(str(environ["REQUEST_METHOD"])),
        "path": escape_path(mount_path(environ) + decode_path(path_bytes(environ))),
        "query": escape_query(mask_text(str(environ.get("QUERY_STRING", "")))),
        "request_id": headers.get("X-Emulator-Request-Id"),
        "world": environ.get("HTTP_X_EMULATOR_WORLD"),
        "fault": headers.get("X-Emulator-Fault"),
        "hint": None if hint is None else escape_unprintable(unquote(hint)),
    }
