"""GET responses of a world, recorded as a user would record those of an OMS."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from emulator import Emulator
from emulator.api.routes import Route
from emulator.core.records import Package, State, TransferOrder, TransitionLog, WebhookEvent

CHILD_KINDS = {"log_id": TransitionLog, "webhook_event_id": WebhookEvent}
GENERATED = ("html_content", "invoice_document")
"""Parts of paths whose responses the emulator generates. They are not recorded."""


def existing_urls(oms: Emulator, path: str) -> list[str]:
    """Return the paths of a route for all records."""
    if "<" not in path:
        return [path]
    root = oms.world.records
    owner: type[Any] = Package if "/packages/" in path else TransferOrder
    found = [path.replace("<pk>", str(pk)) for pk in root.ids(owner)]
    for name, kind in CHILD_KINDS.items():
        if f"<{name}>" in path:
            subjects = {
                pk: (root.get_existing(State, root.get_existing(owner, pk).state).content_type, pk)
                for pk in root.ids(owner)
            }
            found = [
                path.replace("<pk>", str(pk)).replace(f"<{name}>", str(id_))
                for pk, subject in subjects.items()
                for id_ in root.related(kind, "subject", subject)
            ]
    return found


def record_responses(oms: Emulator, routes: Iterable[Route]) -> Iterator[tuple[str, Any]]:
    """Yield the path and the body of every GET response. A page contains all records."""
    client = oms.session()
    headers = {"Token": oms.auth, "Bearer": {"Authorization": f"Bearer {oms.jwt()}"}}
    for route in routes:
        if route.method != "GET" or not route.path.startswith(("/api/v1/oms/", "/packages/")):
            continue
        if any(word in route.path for word in GENERATED):
            continue
        for url in existing_urls(oms, route.path):
            answer = client.get(url, params={"limit": 100}, headers=headers[str(route.auth_scheme)])
            assert answer.status_code == 200, url
            yield url, answer.json()
