"""One world of an emulator, from Python."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from os import PathLike
from typing import TYPE_CHECKING, Any, Self

import orjson

from emulator.api.control.operations import EMPTY_PATH, run_recorded_operation
from emulator.api.serializers.rendering import fill_links
from emulator.client.clock import WorldClock
from emulator.client.requests import Requests
from emulator.client.webhooks import Webhooks
from emulator.core import jwts
from emulator.core.files import write_scenario_file
from emulator.domain.audit import audit, finding_document
from emulator.loading.faults import WorldFaults
from emulator.state.world import World
from emulator.web import LazyControlApi
from emulator.web.app import WORLD_PREFIX, EmulatorApp, register_graph
from emulator.worlds.export import encode_scenario_file, export_world
from emulator.worlds.registry import DEFAULT_WORLD, WorldRegistry

if TYPE_CHECKING:
    import requests

    from emulator.coverage import Report


class Arrangements:
    """The part of `Emulator` that plays shop, planner, carrier and operator.

    Documents are given as keyword arguments. Whatever cannot be done raises a `ControlError` (a `ValueError`) that
    says why and names what is known, and leaves no trace.
    """

    @property
    def url(self) -> str:
        raise NotImplementedError

    @property
    def prefix(self) -> str:
        raise NotImplementedError

    @property
    def world(self) -> World:
        raise NotImplementedError

    def order(self, **document: Any) -> dict[str, Any]:
        """Place an order and let the planner decide; give the ids `{order, packages, transfers}`."""
        return self._asked("control_make_order", document)

    def package(self, **document: Any) -> dict[str, Any]:
        """Make a package, `state="Packed", items=2` for one; give its detail."""
        return self._document(run_recorded_operation(self.world, "control_make_package", document))

    def carrier(self, package: int, event: str) -> dict[str, Any]:
        """Let the carrier report `attempted`, `failed`, `delivered` or `cancelled`; give the package's detail."""
        return self._document(
            run_recorded_operation(self.world, "control_report_carrier", {"event": event}, {"pk": package})
        )

    def cancel_package(self, package: int) -> dict[str, Any]:
        """Cancel a package as the operator does; give its detail."""
        return self._document(run_recorded_operation(self.world, "control_cancel_package", path={"pk": package}))

    def cancel_order(self, order: int) -> dict[str, Any]:
        """Cancel an order with all its packages; give the ids of what was cancelled."""
        return self._asked("control_cancel_order", path={"id": order})

    def stock(self, location: int, sku: str, quantity: int) -> dict[str, Any]:
        """Set how much of a product may be promised at a location; give what is there now."""
        return self._asked("control_put_stock", {"quantity": quantity}, {"location_id": location, "sku": sku})

    def stock_location(self, **document: Any) -> dict[str, Any]:
        """Make a stock location; give its document."""
        return self._document(run_recorded_operation(self.world, "control_make_stock_location", document))

    def change_stock_location(self, location: int, **document: Any) -> dict[str, Any]:
        """Change a stock location; give its document."""
        return self._document(
            run_recorded_operation(self.world, "control_change_stock_location", document, {"id": location})
        )

    def _asked(
        self, operation: str, document: Any = None, path: Mapping[str, int | str] = EMPTY_PATH
    ) -> dict[str, Any]:
        answer: dict[str, Any] = run_recorded_operation(self.world, operation, document, path)
        return answer

    def _document(self, body: bytes) -> dict[str, Any]:
        document: dict[str, Any] = orjson.loads(fill_links(body, self.url, self.prefix))
        return document


class WorldHandle(Arrangements):
    """A world of an emulator. Calls that are not possible raise a `ControlError` (a `ValueError`)."""

    def __init__(
        self, worlds: WorldRegistry, app: EmulatorApp, control: LazyControlApi, name: str = DEFAULT_WORLD
    ) -> None:
        self.worlds, self.name = worlds, name
        self._emulator_app, self._control = app, control
        self.clock = WorldClock(lambda: self.world)
        self.faults = WorldFaults(lambda: self.world)
        self.hooks = Webhooks(lambda: self.world)
        self.requests = Requests(lambda: self.world)

    @property
    def server_url(self) -> str:
        """Base URL of the emulator."""
        raise NotImplementedError

    @property
    def url(self) -> str:
        """Base URL of this world."""
        return self.server_url + self.prefix

    @property
    def prefix(self) -> str:
        """Path prefix of this world: empty for the default world, otherwise `/w/<name>`."""
        return "" if self.name == DEFAULT_WORLD else WORLD_PREFIX + self.name

    @property
    def world(self) -> World:
        """The present world of this name. A reset replaces it."""
        return self.worlds.get(self.name)

    @property
    def auth(self) -> dict[str, str]:
        """The header of a token with all permissions."""
        return {"Authorization": "Token full-access"}

    def jwt(self, role: str = "full-access", expires_in: float = 3600) -> str:
        """Return a JWT for the reference surface. It expires after these seconds of this world's clock.

        Raise `ValueError` for an unknown role.
        """
        return jwts.issue_token(role, self.clock.now(), expires_in).token

    @property
    def request(self) -> str | None:
        """For a `documented/...` scenario: the path whose GET returns the sample."""
        return self.world.settings.request

    def session(self) -> requests.Session:
        """Return an authorized `requests.Session` that calls this world in process. URLs may be paths."""
        from emulator.client.session import InProcessSession  # noqa: PLC0415 - requests is imported when used

        return InProcessSession(self._emulator_app, self.url, self.auth)

    def audit(self) -> list[dict[str, Any]]:
        """Return calls in the journal that work here, but cause problems in the real service."""
        return [finding_document(found) for found in audit(reversed(list(self.world.journal.newest_first())))]

    def assert_well_behaved(self) -> None:
        """Raise an `AssertionError` with all that `audit` finds."""
        if found := self.audit():
            raise AssertionError("; ".join(f"{one['kind']}: {one['says']}" for one in found))

    @contextmanager
    def intercept(self, *urls: str) -> Iterator[Self]:
        """Route calls of `requests` to these hosts (`https://acme-oms.akinon.net`) to this world.

        This works for module functions and for all sessions. Calls to other hosts are not affected.
        Raise `ValueError` for an invalid host.
        """
        from emulator.client.intercept import intercept_requests  # noqa: PLC0415 - requests is imported when used
        from emulator.client.session import InProcessAdapter  # noqa: PLC0415

        world = None if self.name == DEFAULT_WORLD else self.name
        with intercept_requests(urls, InProcessAdapter(self._emulator_app, world)):
            yield self

    def reset(self) -> None:
        """Start again from the scenario."""
        self.worlds.reset(self.name)

    def undo(self) -> str:
        """Undo the write of the last call, and return its request id."""
        return self.world.undo()

    def snapshot(self, name: str) -> None:
        """Store the present state under a name, to `restore` it or to start other worlds from it."""
        self.world.take_snapshot(name)

    def restore(self, name: str) -> None:
        """Return to a snapshot."""
        world = self.world
        world.restore(world.snapshots[name])

    @property
    def coverage(self) -> Report:
        """How much of the emulated behaviour was used, in all worlds of the server: `.percent`, `.missing`,
        `.narrowed(only=…, operations=…)`, `.save(path)`.
        """
        from emulator.coverage import build_report, counts_of  # noqa: PLC0415 - made when it is asked for

        register_graph(self.world)
        return build_report(counts_of(self.world.coverage))

    def export(self) -> dict[str, Any]:
        """Return the world as a scenario document. A world that starts from it is equal, byte for byte."""
        return export_world(self.world)

    def save(self, path: str | PathLike[str], *, force: bool = False) -> None:
        """Write the world to a scenario file. Replace a file only if it is a scenario, or with `force`."""
        write_scenario_file(path, encode_scenario_file(self.export()), force=force)
