"""A client of the OMS for the people in a warehouse: lists, parcels, transfers, and a receiver of events."""

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any

import requests

API = "/api/v1/oms"
PACKAGES, TRANSFERS = f"{API}/packages/", f"{API}/transfer_orders/"
PACK = "package__complete_packaging__waiting__packed-all-items"
PREPARE = "package__pkg_state_transition__waiting__preparing"
BLOCK = "package__block_the_package__waiting__blocked"
REFUSE = "package__refuse_package__waiting__requires-replan"
DISPATCH = "transferorder__dispatch_transfer_order__waiting__in-transit"
READY = "transferorder__ready_to_ship_transfer_order__waiting__ready-for-shipping"
PAUSE = 0.001
"""Seconds before a request is repeated that a rate limit refused."""
Row = dict[str, Any]


class Refused(Exception):
    """The OMS refused a command."""


class Warehouse:
    """Calls one OMS."""

    def __init__(self, session: requests.Session) -> None:
        self.session = session

    def _get(self, path: str, **parameters: Any) -> Any:
        response = self.session.get(path, params=parameters, timeout=10)
        response.raise_for_status()
        return response.json()

    def _pages(self, path: str, **parameters: Any) -> Iterator[Row]:
        page = self._get(path, **parameters)
        yield from page["results"]
        while page["next"]:
            page = self._get(page["next"])
            yield from page["results"]

    def _command(self, path: str, slug: str, **parameters: Any) -> None:
        response = self.session.post(
            f"{path}command/", json={"slug": slug, "input_parameters": parameters}, timeout=10
        )
        if response.status_code == 400:
            raise Refused(response.text)
        response.raise_for_status()

    # Lists

    def waiting(self) -> list[Row]:
        """Return id, number and age of all waiting packages."""
        rows = self._pages(PACKAGES, state__enum_value="100", limit=4)
        return [
            {
                "id": row["id"],
                "number": row["number"],
                "created": datetime.fromisoformat(row["created_date"]),
            }
            for row in rows
        ]

    def overdue(self, before: datetime) -> list[int]:
        """Return the ids of the packages created before a time, the oldest first."""
        rows = self._pages(f"{PACKAGES}short/", created_date__lte=before.isoformat(), sort="id", limit=100)
        return [row["id"] for row in rows]

    def latest(self) -> list[str]:
        """Return the numbers of the latest packages. This reads one page only."""
        return [row["number"] for row in self._get(f"{PACKAGES}list-simple/")["results"]]

    def transfers(self) -> list[str]:
        """Return the numbers of all transfer orders."""
        return [row["number"] for row in self._pages(TRANSFERS, limit=10)]

    def transfer_sources(self, after: int) -> dict[str, str]:
        """Return the codes of the source locations of the transfer orders after an id."""
        rows = self._pages(f"{TRANSFERS}list-simple/", id__gt=after, limit=100)
        return {row["number"]: f"location {row.get('source', '')}" for row in rows}

    def locations(self) -> list[str]:
        """Return the labels of the stock locations."""
        rows = self._pages(f"{API}/stocklocations/list-simple/", limit=100)
        return [f"{row['name']} ({row.get('erp_code', '')})" for row in rows]

    def reasons(self) -> dict[str, int]:
        """Return the reasons for refusing a package: title -> id."""
        rows = self._pages(f"{PACKAGES}package_denial_reason/", page_size=100)
        return {row["title"]: row["id"] for row in rows}

    # Packages and transfer orders

    def label(self, package: int) -> str:
        """Return the text of a parcel's label."""
        row = self._get(f"{PACKAGES}{package}/")
        return f"{row['number']} / {row['tracking_number']} / {row.get('city', '')}"

    def summary(self, package: int) -> Row:
        """Return what the screen of a package shows."""
        row = self._get(f"{PACKAGES}{package}/short/")
        return {
            "state": row["state"]["name"],
            "order": row["order_id"],
            "express": row.get("delivery_type") == "express",
        }

    def history(self, package: int) -> list[datetime]:
        """Return when a package changed its state."""
        rows = self._pages(f"{PACKAGES}{package}/transition_logs/", limit=100)
        return [datetime.fromisoformat(row["created_date"]) for row in rows]

    def route(self, transfer: int) -> str:
        """Return the route of a transfer order."""
        row = self._get(f"{TRANSFERS}{transfer}/")
        return f"{row['source']['name']} - {row['destination']['name']}"

    def pack(self, package: int) -> None:
        """Pack a package. Raise `Refused` if it is not waiting."""
        self._command(f"{PACKAGES}{package}/", PACK)

    def prepare(self, package: int) -> bool:
        """Begin with a package, and return whether it is ours. Another person may have begun."""
        try:
            self._command(f"{PACKAGES}{package}/", PREPARE)
        except Refused:
            return False
        return True

    def block(self, packages: list[int]) -> None:
        """Block packages, as far as this is possible."""
        for package in packages:
            with suppress(Refused):
                self._command(f"{PACKAGES}{package}/", BLOCK)

    def refuse(self, package: int, reason: int) -> None:
        """Refuse a package for a reason."""
        self._command(f"{PACKAGES}{package}/", REFUSE, denial_reason=reason)

    def dispatch(self, transfer: int) -> bool:
        """Send a transfer order, and return whether the OMS accepted it."""
        try:
            self._command(f"{TRANSFERS}{transfer}/", DISPATCH)
        except Refused:
            return False
        return True

    def announce(self, transfer: int) -> None:
        """Announce that a transfer order is ready, if it is not on its way."""
        with suppress(Refused):
            self._command(f"{TRANSFERS}{transfer}/", READY)

    def set_number(self, package: int, number: str) -> None:
        """Set our own number of a package. Wait as long as a rate limit asks for."""
        self._write(f"{PACKAGES}{package}/set_remote_id/", {"remote_id": number})

    def set_invoice(self, package: int, number: str) -> None:
        """Set the invoice number of a package. Wait as long as a rate limit asks for."""
        self._write(f"{PACKAGES}{package}/set_invoice_number/", {"invoice_number": number})

    def _write(self, path: str, document: Row) -> None:
        while True:
            response = self.session.post(path, json=document, timeout=10)
            if response.status_code != 429:
                response.raise_for_status()
                return
            time.sleep(float(response.headers.get("Retry-After", PAUSE)))


class Receiver:
    """Receives the events of the OMS."""

    def __init__(self, secret: str) -> None:
        self.secret = secret.encode()
        self.packages: dict[int, str] = {}
        """Package -> its state."""
        self.parcels = 0
        """Number of parcels of today."""
        self.moves: list[int] = []
        """Packages in the order of their last moves."""

    def __call__(self, delivery: Any) -> int:
        """Handle a delivery, and return the status of the response."""
        message = json.loads(delivery.body)
        handle = getattr(self, "on_" + delivery.event_type.replace(".", "_"))
        return handle(delivery, message["payload"]) or 200

    def _is_signed(self, delivery: Any) -> bool:
        expected = "sha256=" + hmac.new(self.secret, delivery.body, hashlib.sha256).hexdigest()
        return hmac.compare_digest(expected, delivery.headers.get("X-Whisperer-Signature", ""))

    def on_package_created(self, delivery: Any, package: Row) -> int | None:
        if not self._is_signed(delivery):
            return 401
        self.packages[package["id"]] = "created"
        return None

    def on_package_status_packed(self, delivery: Any, package: Row) -> int | None:
        if not self._is_signed(delivery):
            return 401
        self.packages[package["id"]] = "packed"
        self.parcels += 1
        return None

    def on_package_status_transitioned(self, delivery: Any, package: Row) -> int | None:
        if not self._is_signed(delivery):
            return 401
        self.moves.append(package["id"])
        return None

    def on_package_status_cancelled(self, _delivery: Any, package: Row) -> int | None:
        self.packages.pop(package["id"], None)
        return None
