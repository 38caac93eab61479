"""A world with data for every page of the inspector."""

from __future__ import annotations

from emulator import Emulator

PACKAGES = "/api/v1/oms/packages/"


def fill_world(oms: Emulator) -> dict[str, str]:
    """Create exchanges, deliveries, faults, a snapshot and a world. Return the pages of single records."""
    session = oms.session()
    oms.hooks.add(lambda delivery: 500 if delivery.event_type.startswith("package.status") else 200)
    waiting = newest_package_id(oms, "100")
    for slug in ("package__prepare_package_command__waiting__preparing", "no-such"):
        session.post(f"{PACKAGES}{waiting}/command/", json={"slug": slug, "input_parameters": {}})
    rejected = session.get("/__admin/requests", params={"limit": 1}).json()["results"][0]["id"]
    oms.package(state="Packed")
    oms.hooks.flush()
    assert {each.delivered for each in oms.hooks.deliveries} == {True, False}
    oms.faults.add("get_package", status=503, times=1)
    oms.faults.add("list_packages", delay=2, rate=0.1)
    assert session.get(f"{PACKAGES}{waiting}/").status_code == 503
    session.put("/__admin/snapshots/morning")
    session.put("/__admin/worlds/tryout", json={"world": "default"})
    transfer = session.get("/api/v1/oms/transfer_orders/", params={"limit": 1}).json()["results"][0]["id"]
    return {
        "package": f"packages/{waiting}",
        "shipped": f"packages/{newest_package_id(oms, '600')}",
        "transfer": f"transfers/{transfer}",
        "exchange": f"journal/{rejected}",
        "story": "stories/what-goes-wrong/2",
        "parcel": f"shop/{waiting}",
        "unknown": "no-such-page",
    }


def newest_package_id(oms: Emulator, value: str) -> int:
    """Return the id of the newest package whose state has this enum value."""
    page = oms.session().get(f"{PACKAGES}short/", params={"state__enum_value": value, "limit": 1})
    return int(page.json()["results"][0]["id"])
