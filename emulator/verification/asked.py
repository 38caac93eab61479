"""One exchange of the journal, as tests see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote

import orjson

from emulator.core.journal import Exchange
from emulator.handlers.journal import exchange_document, mask_text

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Message:
    """What was sent one way. Secrets are masked, as in the control API."""

    headers: Mapping[str, str]
    body: Any
    """JSON, or text; None where there was nothing."""


class RecordedRequest:
    """A request and its answer; the names are those of `GET /__admin/requests`."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.id: str = exchange.id
        self.at: datetime = exchange.at
        self.operation: str | None = exchange.info.operation
        self.method: str = exchange.method
        self.path: str = exchange.path
        self.query: str = exchange.query
        self.status: int = exchange.status
        self.token: str | None = exchange.info.role
        self.fault: str | None = exchange.info.fault

    def __str__(self) -> str:
        query = f"?{mask_text(self.query)}" if self.query else ""
        fault = f" (fault: {self.fault})" if self.fault else ""
        return f"{self.id} {self.method} {self.path}{query} -> {self.status}{fault}"

    def __repr__(self) -> str:
        return f"<{self}>"

    @property
    def hint(self) -> str | None:
        """What the emulator had to say about it, or None."""
        told = self._exchange.response_headers.get("X-Emulator-Hint")
        return None if told is None else unquote(told)

    @cached_property
    def request(self) -> Message:
        """What the client sent."""
        return Message(**self._document["request"])

    @cached_property
    def response(self) -> Message:
        """What it was answered."""
        return Message(**self._document["response"])

    @cached_property
    def _document(self) -> dict[str, Any]:
        return exchange_document(self._exchange)

    @cached_property
    def json(self) -> Any:
        """The body that was sent, nothing masked: JSON, a form as an object of texts, else text; None if empty."""
        sent = self._exchange.info.body
        if not sent:
            return None
        try:
            return orjson.loads(sent)
        except ValueError:
            text = sent.decode("utf-8", "replace")
        is_form = self._exchange.request_headers.get("CONTENT_TYPE", "").startswith(FORM)
        return dict(parse_qsl(text, keep_blank_values=True)) if is_form else text

    @cached_property
    def parameters(self) -> dict[str, list[str]]:
        """The parameters of the query, each with its values."""
        return parse_qs(self.query, keep_blank_values=True)
