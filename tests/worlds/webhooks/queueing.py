"""Many events at once, for one hook."""

from __future__ import annotations

import json
from collections.abc import Sequence

from emulator import Emulator
from emulator.core.records import Package, Webhook
from tests.support.receivers import ReceivedRequest

TYPE = "package.refused"
AT_ONCE = 500


def queue_events(oms: Emulator, url: str, count: int) -> None:
    """Queue events of the world's first package for a URL."""
    with oms.world.transaction() as tx:
        tx.add(
            Webhook(
                tx.new_id(Webhook),
                target_url=url,
                event_type=TYPE,
                secret_key="key",
                retry_countdown_config=b'{"choice":"fixed","kwargs":{"seconds":60}}',
            )
        )
    for start in range(0, count, AT_ONCE):
        with oms.world.transaction() as tx:
            package = next(tx.all(Package))
            for _ in range(min(AT_ONCE, count - start)):
                tx.queue_event(TYPE, package)


def uuids_of(got: Sequence[ReceivedRequest]) -> list[str]:
    return [json.loads(each.body)["event"]["uuid"] for each in got]
