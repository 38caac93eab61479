"""Requests that a service accepts although it refused equal ones before and after.

One response does not show whether a credential is wrong, or whether a record exists. Refusals before and after do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

import requests

from emulator.api.routes import LOGIN_RESPONSES
from emulator.client.shadow_checks import Comparison
from emulator.contract.findings import Finding, Kind
from emulator.core.json_text import JsonValue
from emulator.loading.recording import RecordKey
from emulator.web.authentication import INVALID

Subject: TypeAlias = tuple[str, RecordKey | None]
"""What is refused: the value of an Authorization header, or an unknown record together with it."""
AFTER_AUTHENTICATION = frozenset((200, 201, 204, 400, 403, 404))
"""Statuses of Django REST framework that follow the check of the credential."""
AFTER_LOOKUP = frozenset((400, 406, 409, 415, 422))
"""Statuses of errors about a request to an existing record."""


class Suspicion(NamedTuple):
    """A finding that the next refusal confirms, and the behaviours that its exchange is about."""

    finding: Finding
    behaviours: tuple[str, ...]


class ConsistencyCheck:
    """Finds accepted requests between two refusals of the same credential, or of the same unknown record."""

    def __init__(self, is_known: Callable[[RecordKey | None], bool]) -> None:
        """`is_known` returns whether a response showed a package or transfer order."""
        self._is_known = is_known
        self._suspicions: dict[Subject, list[Suspicion]] = {}
        """What was refused -> the requests that were accepted since."""
        self._issued: set[str] = set()
        """Tokens that a login returned. A part of the service may learn of them later than another."""

    def check(self, comparison: Comparison) -> list[Suspicion]:
        """Return the suspicions that an exchange confirms. Remember what it refuses or accepts."""
        exchange, ours = comparison.exchange, comparison.ours
        if comparison.route.responses is LOGIN_RESPONSES and exchange.status == 200:
            self._issued.update(texts_of(comparison))
        header = exchange.headers.get("Authorization", "")
        if ours is None or comparison.probe is not None or not header:
            return []
        return [*self._check_credential(comparison, header), *self._check_record(comparison, ours, header)]

    def _check_credential(self, comparison: Comparison, header: str) -> list[Suspicion]:
        scheme, _, token = header.partition(" ")
        status, real = comparison.exchange.status, comparison.real.response
        if scheme.lower() != str(comparison.route.auth_scheme).lower() or token in self._issued:
            return []
        if status == 401:
            return self._refuse((header, None)) if detail_of(real) == INVALID else []
        if status in AFTER_AUTHENTICATION and (status < 300 or is_json(real)):
            self._suspect((header, None), comparison, "must be 401, as before and after for the same credential")
        return []

    def _check_record(self, comparison: Comparison, ours: requests.Response, header: str) -> list[Suspicion]:
        exchange = comparison.exchange
        subject = (header, exchange.subject)
        if exchange.subject is None or len(exchange.parameters) > 1:
            return []
        if self._is_known(exchange.subject) or exchange.status < 300:
            self._suspicions.pop(subject, None)
        elif ours.status_code == exchange.status == 404 and not comparison.findings:
            return self._refuse(subject)
        elif ours.status_code == 404 and exchange.status in AFTER_LOOKUP:
            self._suspect(subject, comparison, "must be 404, as before and after for the same id")
        return []

    def _refuse(self, subject: Subject) -> list[Suspicion]:
        """Return the requests that were accepted since the last refusal, and wait for further ones."""
        confirmed = self._suspicions.get(subject, [])
        self._suspicions[subject] = []
        return confirmed

    def _suspect(self, subject: Subject, comparison: Comparison, expected: str) -> None:
        """Remember an accepted request, if an equal one was refused before."""
        if subject in self._suspicions:
            seen = f"status is {comparison.exchange.status}"
            finding = comparison.real.finding(Kind.STATUS, seen, expected)
            self._suspicions[subject].append(Suspicion(finding, tuple(comparison.behaviours)))


def is_json(response: requests.Response) -> bool:
    return str(response.headers.get("Content-Type")).startswith("application/json")


def detail_of(response: requests.Response) -> JsonValue:
    """Return the text of an error, or None if it has none."""
    try:
        body = response.json()
    except ValueError:
        return None
    return body.get("detail") if isinstance(body, dict) else None


def texts_of(comparison: Comparison) -> Iterator[str]:
    """Yield the texts in the response of a login."""
    try:
        body = comparison.real.response.json()
    except ValueError:
        return
    yield from (value for value in body.values() if isinstance(value, str)) if isinstance(body, dict) else ()
