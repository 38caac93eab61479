"""Logging of the commands `serve` and `exec` to stderr."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

from emulator.web.access_log import ACCESS_LOG, FIELDS

LOG = logging.getLogger("emulator")


class TextFormatter(logging.Formatter):
    """Formats a record of the access log with its time, and any other record with its level."""

    def __init__(self) -> None:
        super().__init__("%(levelname)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name in logging
        if record.name != ACCESS_LOG.name:
            return super().formatMessage(record)
        return f"{self.formatTime(record, '%H:%M:%S')} {record.message}"


class JsonFormatter(logging.Formatter):
    """Formats each log record as one line of JSON. Records of the access log have the fields of the request."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.name == ACCESS_LOG.name:
            line |= {name: getattr(record, name) for name in FIELDS}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def configure_logging(log_format: str, *, quiet: bool, verbose: bool, access: bool) -> None:
    """Configure logging to stderr: errors only if quiet, everything if verbose. `access` turns the access log on."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if log_format == "json" else TextFormatter())
    LOG.addHandler(handler)
    LOG.propagate = False
    LOG.setLevel(logging.ERROR if quiet else logging.INFO if verbose else logging.WARNING)
    logging.getLogger("emulator.watch").setLevel(logging.ERROR if quiet else logging.INFO)
    ACCESS_LOG.setLevel(logging.INFO if access and not quiet else logging.NOTSET)
    # waitress warns when more requests wait than it has threads, which is normal for parallel test runs
    logging.getLogger("waitress").setLevel(logging.ERROR)
