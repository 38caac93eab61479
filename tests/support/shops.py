"""Webhook receivers that keep records of packages: a correct one, and ones with a planted bug each."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

from emulator.client.world_handle import WorldHandle
from emulator.state.outbox import Delivery

SECRET = "a secret"
SIGNATURE = "X-Whisperer-Signature"
SHIPPED = "package.status.shipped"
CANCELLED = "900"
"""Enum value of a state."""
Document = dict[str, Any]


def sign(body: bytes) -> str:
    return "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()


class Shop:
    """Keeps the newest document of each package, and sends one mail for each shipped event.

    It reads the payload only, so it needs no call to the OMS.
    """

    def __init__(self, oms: WorldHandle) -> None:
        self.oms = oms
        self.clear()

    def clear(self) -> None:
        self.packages: dict[int, Document] = {}
        self.mails: list[int] = []
        self.seen: set[str] = set()

    def receive(self, delivery: Delivery) -> int:
        if not self.is_signed(delivery):
            return 401
        message = json.loads(delivery.body)
        event, payload = message["event"], message["payload"]
        if event["type"].startswith(("package.", "shipment.")) and "packageitem_set" in payload:
            return self.process(event, payload)
        return 200

    def is_signed(self, delivery: Delivery) -> bool:
        return hmac.compare_digest(delivery.headers.get(SIGNATURE, ""), sign(delivery.body))

    def process(self, event: Document, payload: Document) -> int:
        if event["uuid"] not in self.seen:
            self.seen.add(event["uuid"])
            self.handle(event["type"], payload)
        return 200

    def handle(self, type_: str, payload: Document) -> None:
        if type_ == SHIPPED:
            self.mails.append(payload["id"])
        self.store(payload)

    def store(self, payload: Document) -> None:
        known = self.packages.get(payload["id"])
        if known is None or known["modified_date"] <= payload["modified_date"]:
            self.packages[payload["id"]] = payload

    def view(self, oms: WorldHandle) -> tuple[object, object]:
        """Return the states of the packages, and the number of mails for each, here and in the OMS."""
        shipped = [each for each in oms.hooks.deliveries if each.event_type == SHIPPED]
        ids = {each.event: json.loads(each.body)["payload"]["id"] for each in shipped}
        here = {id_: (each["state"]["name"], self.mails.count(id_)) for id_, each in self.packages.items()}
        states = {id_: state_of(oms, id_)["name"] for id_ in added_packages(oms)}
        return here, {id_: (state, list(ids.values()).count(id_)) for id_, state in states.items()}


def added_packages(oms: WorldHandle) -> list[int]:
    answer = oms.session().get("/api/v1/oms/packages/", params={"limit": 100}).json()
    return [each["id"] for each in answer["results"]]


def state_of(oms: WorldHandle, package: int) -> Document:
    return oms.session().get(f"/api/v1/oms/packages/{package}/").json()["state"]


class Fetching(Shop):
    """Keeps the present document of the OMS, which it requests for each event."""

    def process(self, event: Document, payload: Document) -> int:
        if event["uuid"] in self.seen:
            return 200
        document = self.fetch(payload["id"])
        if document is None:
            return 503
        self.seen.add(event["uuid"])
        self.handle(event["type"], document)
        return 200

    def fetch(self, package: int) -> Document | None:
        try:
            answer = self.oms.session().get(f"/api/v1/oms/packages/{package}/")
        except OSError:
            return None
        return answer.json() if answer.status_code == 200 else None


# --- planted bugs ---------------------------------------------------------------------------------------------------


class NotIdempotent(Shop):
    """Handles an event each time that it arrives."""

    def process(self, event: Document, payload: Document) -> int:
        self.handle(event["type"], payload)
        return 200


class LastArrivalWins(Shop):
    """Replaces a document by the one that arrives last."""

    def store(self, payload: Document) -> None:
        self.packages[payload["id"]] = payload


def reencoded(body: bytes) -> bytes:
    return json.dumps(json.loads(body), ensure_ascii=False).encode()


class SignsParsedJson(Shop):
    """Computes the signature of the parsed and encoded body, whose bytes differ with the first Turkish letter."""

    def is_signed(self, delivery: Delivery) -> bool:
        return delivery.headers.get(SIGNATURE) == sign(reencoded(delivery.body))


class NoSignatureCheck(Shop):
    """Accepts every delivery."""

    def is_signed(self, delivery: Delivery) -> bool:
        return True


class AcceptsBeforeStoring(Fetching):
    """Answers 200 also if the document cannot be fetched and stored."""

    def process(self, event: Document, payload: Document) -> int:
        super().process(event, payload)
        return 200


class SeenBeforeStoring(Fetching):
    """Marks an event as processed before it is stored, so that the retry is ignored."""

    def process(self, event: Document, payload: Document) -> int:
        if event["uuid"] in self.seen:
            return 200
        self.seen.add(event["uuid"])
        document = self.fetch(payload["id"])
        if document is None:
            return 503
        self.handle(event["type"], document)
        return 200


class WrongKey(Shop):
    """Recognizes a repeated event by its type and its package, so that a second one of the type is ignored."""

    def process(self, event: Document, payload: Document) -> int:
        return super().process({**event, "uuid": f"{event['type']} {payload['id']}"}, payload)


class IgnoresUnknown(Shop):
    """Ignores a change of a package that it does not know, because the event of the creation is late."""

    def handle(self, type_: str, payload: Document) -> None:
        if type_ == "package.created" or payload["id"] in self.packages:
            super().handle(type_, payload)


class CreationOverwrites(Shop):
    """Inserts a created package without a look at what is there."""

    def handle(self, type_: str, payload: Document) -> None:
        super().handle(type_, payload)
        if type_ == "package.created":
            self.packages[payload["id"]] = payload


class NeverGoesBack(Shop):
    """Orders documents by the rank of their states, which commands may lower."""

    def store(self, payload: Document) -> None:
        known = self.packages.get(payload["id"])
        if known is None or rank(known) <= rank(payload):
            self.packages[payload["id"]] = payload


def rank(payload: Document) -> int:
    return int(payload["state"]["enum_value"])


class CancellationForgets(Shop):
    """Deletes a cancelled package, so that a late event creates it again."""

    def store(self, payload: Document) -> None:
        super().store(payload)
        if payload["state"]["enum_value"] == CANCELLED and self.packages[payload["id"]] is payload:
            del self.packages[payload["id"]]

    def view(self, oms: WorldHandle) -> tuple[object, object]:
        kept = [id_ for id_ in added_packages(oms) if state_of(oms, id_)["enum_value"] != CANCELLED]
        here, expected = super().view(oms)
        assert isinstance(expected, dict)
        return here, {id_: expected[id_] for id_ in kept}


class ComparesSeconds(Shop):
    """Compares dates without their fractions, so that of two changes in one second the later arrival wins."""

    def store(self, payload: Document) -> None:
        known = self.packages.get(payload["id"])
        if known is None or known["modified_date"][:19] <= payload["modified_date"][:19]:
            self.packages[payload["id"]] = payload


CORRECT: tuple[Callable[[WorldHandle], Shop], ...] = (Shop, Fetching)
BUGS: tuple[Callable[[WorldHandle], Shop], ...] = (
    NotIdempotent,
    LastArrivalWins,
    SignsParsedJson,
    NoSignatureCheck,
    AcceptsBeforeStoring,
    SeenBeforeStoring,
    WrongKey,
    IgnoresUnknown,
    CreationOverwrites,
    NeverGoesBack,
    CancellationForgets,
    ComparesSeconds,
)
