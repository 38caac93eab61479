"""`Emulator` and `WorldHandle`: an emulated OMS and its worlds, from Python."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from os import PathLike, fspath
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import orjson

from emulator.api.control.clock import validate_rate
from emulator.api.control.operations import run_recorded_operation
from emulator.api.serializers.events import record_events
from emulator.api.serializers.rendering import fill_links
from emulator.client.clock import WorldClock
from emulator.client.request_assertions import Requests
from emulator.client.webhooks import Webhooks
from emulator.core import credentials
from emulator.core.files import write_scenario_file
from emulator.core.json_text import JsonObject, JsonValue
from emulator.domain.audit import audit, finding_document
from emulator.domain.scenario_files import find_scenario, read_scenario_file, with_installation, with_limits
from emulator.loading.faults import WorldFaults
from emulator.loading.worlds import encode_scenario_file, export_world
from emulator.state.clock import CLOCK_MODES, ClockMode
from emulator.state.journal import DEFAULT_JOURNAL_SIZE, Coverage
from emulator.state.scenario import Scenario
from emulator.state.world import World, WorldServices
from emulator.web import as_flask, create_emulator_app
from emulator.web.app import WORLD_PREFIX, EmulatorApp, register_graph
from emulator.webhooks import DeliveryMode, WebhookDispatcher
from emulator.worlds.live_traffic import LiveTraffic, Scheduler
from emulator.worlds.registry import DEFAULT_WORLD, IDLE_SECONDS, MAX_WORLDS, WorldRegistry

if TYPE_CHECKING:
    import requests
    from flask import Flask

    from emulator.coverage import Report
    from emulator.web.server import HttpServer
    from emulator.worlds.sqlite.state_file import StateFile

IN_PROCESS_URL = "http://oms.test"
DEFAULT_DELIVERY: Mapping[ClockMode, DeliveryMode] = {
    "frozen": "flush",  # nothing runs in the background, so that tests are reproducible
    "ticking": "background",
    "real": "background",
}


class WorldHandle:
    """A world of an emulator. Calls that are not possible raise a `ControlError`, which is a `ValueError`.

    `clock`, `faults`, `hooks` (webhooks) and `requests` (the journal) are the parts of the world.
    """

    def __init__(self, worlds: WorldRegistry, app: EmulatorApp, server_url: Callable[[], str], name: str) -> None:
        self.worlds, self.name = worlds, name
        self._emulator_app, self._server_url = app, server_url
        self.clock = WorldClock(lambda: self.world)
        self.faults = WorldFaults(lambda: self.world)
        self.hooks = Webhooks(lambda: self.world)
        self.requests = Requests(lambda: self.world)

    # Addresses and clients

    @property
    def server_url(self) -> str:
        """Base URL of the emulator."""
        return self._server_url()

    @property
    def prefix(self) -> str:
        """Path prefix of this world: empty for the default world, otherwise `/w/<name>`."""
        return "" if self.name == DEFAULT_WORLD else WORLD_PREFIX + self.name

    @property
    def url(self) -> str:
        """Base URL of this world."""
        return self.server_url + self.prefix

    @property
    def auth(self) -> dict[str, str]:
        """The header of a token with all permissions."""
        return {"Authorization": "Token full-access"}

    def jwt(self, role: str = "full-access", expires_in: float = 3600) -> str:
        """Return a JWT for the reference surface (`Authorization: Bearer ...`).

        It expires after `expires_in` seconds of this world's clock. Raise `ValueError` for an unknown role.
        """
        return credentials.issue_token(role, self.clock.now(), expires_in).token

    @property
    def request(self) -> str | None:
        """For a `documented/...` scenario: the path whose GET returns the sample."""
        return self.world.settings.request

    def session(self) -> requests.Session:
        """Return an authorized `requests.Session` that calls this world in process. It accepts paths as URLs.

        Example: `oms.session().get("/api/v1/oms/packages/").json()`
        """
        from emulator.client.session import InProcessSession  # noqa: PLC0415 - requests is imported when used

        return InProcessSession(self._emulator_app, self.url, self.auth)

    @contextmanager
    def intercept(self, *urls: str) -> Iterator[Self]:
        """Route calls of `requests` to these hosts to this world, inside the `with` block.

        Calls of all sessions and of module functions such as `requests.get` are routed. Calls to other hosts are not
        affected. Raise `ValueError` for an invalid host.

        Example: `with oms.intercept("https://acme-oms.akinon.net"): ...`
        """
        from emulator.client.session import InProcessAdapter, intercept_requests  # noqa: PLC0415 - as above

        world = None if self.name == DEFAULT_WORLD else self.name
        with intercept_requests(urls, InProcessAdapter(self._emulator_app, world)):
            yield self

    # Records

    def order(self, **document: JsonValue) -> JsonObject:
        """Place an order and plan its packages.

        Arguments are the keys of an order document; `lines` is required. Return the ids of the new records:
        `{"order": 1, "packages": [2], "transfers": []}`.

        Example: `oms.order(lines=[{"sku": "PZ-101-02-L", "quantity": 2}], shipping_address={"city": "Bursa"})`
        """
        return self._run("control_make_order", document)

    def package(self, **document: JsonValue) -> JsonObject:
        """Create a package, and return its detail. Arguments are the keys of a package document.

        Example: `oms.package(state="Packed", items=2)`
        """
        return self._run("control_make_package", document)

    def carrier(self, package: int, event: str) -> JsonObject:
        """Report an event of the carrier, and return the package's detail.

        `event` is `attempted`, `failed`, `delivered` or `cancelled`.
        """
        return self._run("control_report_carrier", {"event": event}, pk=package)

    def cancel_package(self, package: int) -> JsonObject:
        """Cancel a package as the operator does, and return its detail."""
        return self._run("control_cancel_package", pk=package)

    def cancel_order(self, order: int) -> JsonObject:
        """Cancel an order with all its packages, and return the ids of the cancelled records."""
        return self._run("control_cancel_order", id=order)

    def stock(self, location: int, sku: str, quantity: int) -> JsonObject:
        """Set the available quantity of a product at a location, and return the new stock."""
        return self._run("control_put_stock", {"quantity": quantity}, location_id=location, sku=sku)

    def stock_location(self, **document: JsonValue) -> JsonObject:
        """Create a stock location, and return its document."""
        return self._run("control_make_stock_location", document)

    def change_stock_location(self, location: int, **document: JsonValue) -> JsonObject:
        """Change a stock location, and return its document."""
        return self._run("control_change_stock_location", document, id=location)

    def _run(self, operation: str, document: JsonValue = None, **path: int | str) -> JsonObject:
        result: JsonValue = run_recorded_operation(self.world, operation, document, path)
        if isinstance(result, bytes):
            result = orjson.loads(fill_links(result, self.url, self.prefix))
        created: JsonObject = result
        return created

    # State

    @property
    def world(self) -> World:
        """The current world of this name. A reset replaces it."""
        return self.worlds.get(self.name)

    def reset(self) -> None:
        """Start again from the scenario."""
        self.worlds.reset(self.name)

    def undo(self) -> str:
        """Undo the write of the last call, and return its request id."""
        return self.world.undo()

    def snapshot(self, name: str) -> None:
        """Store the current state under a name, for `restore` and for new worlds."""
        self.world.take_snapshot(name)

    def restore(self, name: str) -> None:
        """Return to a snapshot. Raise a `ControlError` if there is no snapshot of this name."""
        world = self.world
        world.restore(world.snapshots[name])

    def export(self) -> JsonObject:
        """Return the world as a scenario document. A world that starts from it is equal, byte for byte."""
        return export_world(self.world)

    def save(self, path: str | PathLike[str], *, force: bool = False) -> None:
        """Write the world to a scenario file.

        An existing file is replaced if it is a scenario file, or with `force`. Raise `ValueError` otherwise.
        """
        write_scenario_file(path, encode_scenario_file(self.export()), force=force)

    # Reports

    def audit(self) -> list[JsonObject]:
        """Return the calls in the journal that succeed here but cause problems in the real service."""
        exchanges = reversed(list(self.world.journal.newest_first()))
        return [finding_document(finding) for finding in audit(exchanges)]

    def assert_well_behaved(self) -> None:
        """Raise an `AssertionError` with all findings of `audit`, if there are any."""
        if findings := self.audit():
            raise AssertionError("; ".join(f"{finding['kind']}: {finding['says']}" for finding in findings))

    @property
    def coverage(self) -> Report:
        """The coverage of the emulated behaviour by the calls to all worlds of the server.

        The report has `.percent`, `.missing`, `.narrowed(only=..., operations=...)` and `.save(path)`.
        """
        from emulator.coverage import build_report, counts_of  # noqa: PLC0415 - imported when used

        register_graph(self.world)
        return build_report(counts_of(self.world.coverage))


class Emulator(WorldHandle):
    """An emulated OMS: in process, or on a free port of 127.0.0.1 inside `with`.

    - `scenario`: name of a scenario, or a file.
    - `packages`: number of packages in the scenario.
    - `seed`: seed of the generated data.
    - `installation`: name of an installation, or a file with custom states and transitions.
    - `clock`: `frozen`, `ticking` or `real`.
    - `host`, `port`: address of the server. Port 0 selects a free one.
    - `allow_hosts`: host names under which the control API may be called.
    - `cors_origins`: origins whose pages may read responses. Default: all.
    - `strict`: answer 400 to requests that the real service silently accepts.
    - `max_worlds`: maximum number of open worlds.
    - `world_idle`: seconds without a call after which a world may be closed.
    - `journal_size`: number of exchanges in the journal of each world.
    - `limits`: rate limits of tokens: `{"full-access": {"write": "20/min"}}`.
    - `allow_fault_header`: allow requests to inject faults with `X-Emulator-Fault`.
    - `coverage`: counts that several emulators share.
    - `delivery`: `"background"` sends webhooks at once. `"flush"`, the default with a frozen clock, sends them on a
      flush, on an assertion, and when the clock is advanced.
    - `allow_webhook_hosts`: hosts beyond this machine that webhooks may call.
    - `demo_receiver`: accept the events of the demo data's hooks in this process, as `serve` does.
    - `live`: generate this number of orders per hour of the world's clock.
    - `state`: store all worlds in this file, across restarts. Each write is on disk before it is acknowledged.

    Raise `ScenarioError` or `StateFileError` (both are a `ValueError`) for a file that cannot be used.

    Example: `with Emulator("demo", packages=50) as oms: requests.get(f"{oms.url}/api/v1/oms/packages/")`
    """

    def __init__(  # noqa: PLR0913 - options by keyword
        self,
        scenario: str | PathLike[str] = "demo",
        *,
        packages: int | None = None,
        seed: int | None = None,
        installation: str | PathLike[str] | None = None,
        clock: ClockMode = "frozen",
        host: str = "127.0.0.1",
        port: int = 0,
        allow_hosts: Collection[str] = (),
        cors_origins: Collection[str] = (),
        strict: bool = False,
        max_worlds: int = MAX_WORLDS,
        world_idle: float = IDLE_SECONDS,
        journal_size: int = DEFAULT_JOURNAL_SIZE,
        limits: Mapping[str, Mapping[str, str]] | None = None,
        allow_fault_header: bool = False,
        coverage: Coverage | None = None,
        delivery: DeliveryMode | None = None,
        allow_webhook_hosts: Collection[str] = (),
        demo_receiver: bool = False,
        live: float | None = None,
        state: str | PathLike[str] | None = None,
    ) -> None:
        if clock not in CLOCK_MODES:
            raise ValueError(f"unknown clock {clock!r}; known: {', '.join(CLOCK_MODES)}")
        self._host, self._port = host, port
        self._server: HttpServer | None = None
        self._dispatcher = WebhookDispatcher(
            delivery or DEFAULT_DELIVERY[clock], allow_webhook_hosts, has_demo_receiver=demo_receiver
        )
        self._scheduler = Scheduler()
        services = WorldServices(
            record_events,
            sender=self._dispatcher.sender,
            tasks=lambda world: [LiveTraffic(world, self._scheduler)],
            coverage=coverage or Coverage(),
            journal_size=journal_size,
        )
        name = None if installation is None else fspath(installation)
        start = with_limits(with_installation(load_scenario(scenario).with_size(packages, seed), name), limits)
        if live is not None:
            start = start.with_traffic(validate_rate(live))
        self._state = None if state is None else open_state(state, start, services, strict=strict)
        worlds = WorldRegistry(
            start,
            clock,
            strict=strict,
            limit=max_worlds,
            idle_seconds=world_idle,
            services=services,
            storage=self._state,
        )
        app, self._control = create_emulator_app(
            worlds, allow_hosts, cors_origins, allow_fault_header=allow_fault_header
        )
        super().__init__(worlds, app, self._current_url, DEFAULT_WORLD)

    def _current_url(self) -> str:
        return IN_PROCESS_URL if self._server is None else self._server.url

    @property
    def address(self) -> str:
        """Host and port of the server."""
        return f"{self._host}:{self._port}"

    @cached_property
    def app(self) -> Flask:
        """The Flask application, for WSGI clients: httpx, werkzeug's client, webtest."""
        return as_flask(self._emulator_app, self._control)

    def in_world(
        self, name: str, scenario: str | PathLike[str] | None = None, *, seed: int | None = None
    ) -> WorldHandle:
        """Return a world by name. Create it if it does not exist, or if a scenario or seed is given."""
        if scenario is not None or seed is not None or name not in self.worlds:
            start = self.worlds.scenario if scenario is None else load_scenario(scenario)
            self.worlds.create(name, start.with_size(None, seed))
        return self._handle(name)

    def branch(self, name: str) -> WorldHandle:
        """Create a world that continues from the current state of the default world, and return it.

        Later changes of one world are not visible in the other.
        """
        self.worlds.branch(name, self.world)
        return self._handle(name)

    def _handle(self, name: str) -> WorldHandle:
        return WorldHandle(self.worlds, self._emulator_app, self._current_url, name)

    def start(self) -> str:
        """Serve on a port, in a thread, and return the URL. Raise `OSError` if the port is taken."""
        from emulator.web.server import HttpServer  # noqa: PLC0415 - waitress is imported when used

        server = HttpServer(self._emulator_app, self._host, self._port)
        server.start()
        self._server = server
        return self.url

    def stop(self) -> None:
        """Stop the server and all background work. Calls in process still work."""
        if self._server is not None:
            self._server.stop()
            self._server = None
        self._scheduler.stop()
        self._dispatcher.stop(self.worlds.all())

    def close(self) -> None:
        """Stop the server, and close the state file. Later writes to it are refused."""
        self.stop()
        if self._state is not None:
            self._state.close(self.worlds.all())

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def load_scenario(scenario: str | PathLike[str]) -> Scenario:
    """Return a scenario by name or file. A `Path` is always a file."""
    return find_scenario(scenario) if isinstance(scenario, str) else read_scenario_file(Path(scenario))


def open_state(path: str | PathLike[str], start: Scenario, services: WorldServices, *, strict: bool) -> StateFile:
    from emulator.worlds.sqlite.state_file import StateFile  # noqa: PLC0415 - SQLite is imported when used

    return StateFile(path, start, services, strict=strict)
