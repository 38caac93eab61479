"""Deliveries as the control API lists them."""

from __future__ import annotations

from emulator import Emulator

DELIVERIES = "/__admin/hooks/deliveries"


def test_the_latest_deliveries_alone_may_be_asked_for() -> None:
    """The first of them first; the count is that of all."""
    oms = Emulator("empty")
    oms.hooks.add(lambda _: 200, "package.created")
    for _ in range(3):
        oms.package(state="Waiting")
    oms.hooks.flush()
    session = oms.session()
    every = session.get(DELIVERIES).json()
    count = every["count"]
    assert [row["id"] for row in every["results"]] == [*range(1, count + 1)]
    assert count >= 3
    for limit, shown in ((2, every["results"][-2:]), (0, []), (99, every["results"])):
        assert session.get(DELIVERIES, params={"limit": limit}).json() == {"count": count, "results": shown}
    refusal = session.get(DELIVERIES, params={"limit": "all"})
    assert (refusal.status_code, refusal.json()["error"]) == (400, "limit is 'all', must be a whole number")
