"""`Emulator` and `WorldHandle`: an emulated OMS and its worlds, from Python."""

from __future__ import annotations

import atexit
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from inspect import signature
from os import PathLike, fspath
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, ParamSpec, Self, Unpack, cast
from weakref import ref

import orjson

from emulator.api.control.clock import validate_rate
from emulator.api.control.operations import run_recorded_operation
from emulator.api.serializers.events import record_events
from emulator.api.serializers.rendering import fill_links
from emulator.client.clock import WorldClock
from emulator.client.request_assertions import Requests
from emulator.client.webhooks import Webhooks
from emulator.core import credentials
from emulator.core.errors import InvalidDocument
from emulator.core.files import write_scenario_file
from emulator.core.json_text import JsonObject, JsonValue
from emulator.domain.audit import audit, finding_document
from emulator.domain.installation import installation_path, is_inline_document
from emulator.domain.scenario_files import find_scenario, read_scenario_file, with_installation, with_limits
from emulator.loading.faults import WorldFaults
from emulator.loading.worlds import encode_scenario_file, export_world
from emulator.state.clock import CLOCK_MODES, ClockMode
from emulator.state.journal import DEFAULT_JOURNAL_SIZE, Coverage
from emulator.state.scenario import Scenario
from emulator.state.world import World, WorldServices
from emulator.web import as_flask, behind_one_proxy, create_emulator_app, open_certificate
from emulator.web.app import WORLD_PREFIX, EmulatorApp, register_graph
from emulator.web.cors import Cors
from emulator.webhooks import DeliveryMode, WebhookDispatcher
from emulator.worlds.live_traffic import LiveTraffic, Scheduler
from emulator.worlds.registry import DEFAULT_WORLD, IDLE_SECONDS, MAX_WORLDS, WorldRegistry

if TYPE_CHECKING:
    import requests
    from flask import Flask

    from emulator.api_types import (
        ArrangedOrder,
        ArrangeOrder,
        ArrangePackage,
        ArrangeStockLocation,
        CarrierEventName,
        ChangeStockLocation,
        InstallationName,
        Package,
        Role,
        ScenarioName,
        Stock,
        StockLocation,
    )
    from emulator.coverage import Report
    from emulator.web.tls import Server
    from emulator.worlds.sqlite.state_file import StateFile

IN_PROCESS_URL = "http://oms.test"
EXTENSION_KEY = "oms_emulator"
"""Key of the Flask application's extensions that holds the emulator."""
Options = ParamSpec("Options")
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

    def jwt(self, role: Role = "full-access", expires_in: float = 3600) -> str:
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

        Calls of all sessions and of module functions such as `requests.get` are routed. A session's adapter is not
        called, but its `max_retries` apply. Calls to other hosts are not affected. Raise `ValueError` for an invalid
        host.

        Example: `with oms.intercept("https://acme-oms.akinon.net"): ...`
        """
        from emulator.client.session import InProcessAdapter, intercept_requests  # noqa: PLC0415 - as above

        world = None if self.name == DEFAULT_WORLD else self.name
        with intercept_requests(urls, InProcessAdapter(self._emulator_app, world)):
            yield self

    # Records

    def order(self, **document: Unpack[ArrangeOrder]) -> ArrangedOrder:
        """Place an order and plan its packages.

        Arguments are the keys of an order document; `lines` is required. Return the ids of the new records:
        `{"order": 1, "packages": [2], "transfers": []}`.

        Example: `oms.order(lines=[{"sku": "PZ-101-02-L", "quantity": 2}], shipping_address={"city": "Bursa"})`
        """
        return cast("ArrangedOrder", self._run("control_make_order", document))

    def package(self, **document: Unpack[ArrangePackage]) -> Package:
        """Create a package, and return its detail. Arguments are the keys of a package document.

        Example: `oms.package(state="Packed", items=2)`
        """
        return cast("Package", self._run("control_make_package", document))

    def carrier(self, package: int, event: CarrierEventName) -> Package:
        """Report an event of the carrier, and return the package's detail.

        `event` is `attempted`, `failed`, `delivered` or `cancelled`.
        """
        return cast("Package", self._run("control_report_carrier", {"event": event}, pk=package))

    def cancel_package(self, package: int) -> Package:
        """Cancel a package as the operator does, and return its detail."""
        return cast("Package", self._run("control_cancel_package", pk=package))

    def cancel_order(self, order: int) -> ArrangedOrder:
        """Cancel an order with all its packages, and return the ids of the cancelled records."""
        return cast("ArrangedOrder", self._run("control_cancel_order", id=order))

    def stock(self, location: int, sku: str, quantity: int) -> Stock:
        """Set the available quantity of a product at a location, and return the new stock."""
        return cast("Stock", self._run("control_put_stock", {"quantity": quantity}, location_id=location, sku=sku))

    def stock_location(self, **document: Unpack[ArrangeStockLocation]) -> StockLocation:
        """Create a stock location, and return its document."""
        return cast("StockLocation", self._run("control_make_stock_location", document))

    def change_stock_location(self, location: int, **document: Unpack[ChangeStockLocation]) -> StockLocation:
        """Change a stock location, and return its document."""
        return cast("StockLocation", self._run("control_change_stock_location", document, id=location))

    def _run(self, operation: str, document: Mapping[str, JsonValue] | None = None, **path: int | str) -> Any:
        result = run_recorded_operation(self.world, operation, document, path)
        if isinstance(result, bytes):
            result = orjson.loads(fill_links(result, self.url, self.prefix))
        return result

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
    - `cors_origins`: origins whose pages may read responses, also with credentials. Default: all, no credentials.
    - `cors_headers`: request headers that pages may send, besides the usual ones.
    - `cors_credentials`: also accept requests with credentials if `cors_origins` is empty.
    - `behind_proxy`: trust `X-Forwarded-For`, `-Proto`, `-Host` and `-Prefix` of one proxy in front of the server.
    - `tls`: serve HTTPS. The certificate is made at the start, which needs the extra `tls`.
    - `tls_cert`, `tls_key`: files of the certificate for HTTPS, and of its key.
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
    - `live`: generate this number of orders per hour of the world's clock.
    - `state`: store all worlds in this file, across restarts. Each write is on disk before it is acknowledged.

    Raise `ScenarioError` or `StateFileError` (both are a `ValueError`) for a file that cannot be used.

    Example: `with Emulator("demo", packages=50) as oms: requests.get(f"{oms.url}/api/v1/oms/packages/")`
    """

    def __init__(  # noqa: PLR0913 - options by keyword
        self,
        scenario: ScenarioName | str | PathLike[str] = "demo",
        *,
        packages: int | None = None,
        seed: int | None = None,
        installation: InstallationName | str | PathLike[str] | None = None,
        clock: ClockMode = "frozen",
        host: str = "127.0.0.1",
        port: int = 0,
        allow_hosts: Collection[str] = (),
        cors_origins: Collection[str] = (),
        cors_headers: Collection[str] = (),
        cors_credentials: bool = False,
        behind_proxy: bool = False,
        tls: bool = False,
        tls_cert: str | PathLike[str] | None = None,
        tls_key: str | PathLike[str] | None = None,
        strict: bool = False,
        max_worlds: int = MAX_WORLDS,
        world_idle: float = IDLE_SECONDS,
        journal_size: int = DEFAULT_JOURNAL_SIZE,
        limits: Mapping[str, Mapping[str, str]] | None = None,
        allow_fault_header: bool = False,
        coverage: Coverage | None = None,
        delivery: DeliveryMode | None = None,
        allow_webhook_hosts: Collection[str] = (),
        live: float | None = None,
        state: str | PathLike[str] | None = None,
    ) -> None:
        if clock not in CLOCK_MODES:
            raise InvalidDocument(f"unknown clock {clock!r}", CLOCK_MODES, clock)
        cors = Cors(cors_origins, cors_headers, credentials=cors_credentials)
        self._host, self._port, self._behind_proxy = host, port, behind_proxy
        self._server: Server | None = None
        names = (host, *allow_hosts)
        self._certificate = open_certificate(self, tls_cert, tls_key, names) if tls or tls_cert or tls_key else None
        self._dispatcher = WebhookDispatcher(delivery or DEFAULT_DELIVERY[clock], allow_webhook_hosts)
        self._scheduler = Scheduler()
        services = WorldServices(
            record_events,
            sender=self._dispatcher.sender,
            tasks=lambda world: [LiveTraffic(world, self._scheduler)],
            coverage=coverage or Coverage(),
            journal_size=journal_size,
        )
        name = None if installation is None else known_installation(fspath(installation))

        def load_start() -> Scenario:
            start = with_limits(with_installation(load_scenario(scenario).with_size(packages, seed), name), limits)
            return start if live is None else start.with_traffic(validate_rate(live))

        self._load_start = load_start
        start = load_start()
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
        app, self._flask = create_emulator_app(worlds, allow_hosts, cors, allow_fault_header=allow_fault_header)
        super().__init__(worlds, app, self._current_url, DEFAULT_WORLD)

    def _current_url(self) -> str:
        return IN_PROCESS_URL if self._server is None else self._server.url

    @property
    def address(self) -> str:
        """Host and port of the server."""
        return f"{self._host}:{self._port}"

    @property
    def certificate(self) -> Path | None:
        """The file with the certificate that clients of the server must trust, or None without HTTPS."""
        return None if self._certificate is None else self._certificate.trusted

    @cached_property
    def app(self) -> Flask:
        """The Flask application: each operation is an endpoint. Hooks, blueprints and extensions work as usual.

        `app.extensions["oms_emulator"]` is this emulator. WSGI clients may call the application: httpx, webtest.
        """
        app = as_flask(self._emulator_app, self._flask)
        app.extensions[EXTENSION_KEY] = self
        return app

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

    def reload(self) -> None:
        """Read the files of the scenario and the installation again, and restart the worlds that started from them.

        Raise `ValueError` for a file that cannot be used. All worlds then stay as they are.
        """
        self.worlds.replace_scenario(self._load_start())

    def start(self) -> str:
        """Serve on a port, in a thread, and return the URL. Raise `OSError` if the port is taken."""
        from emulator.web.server import HttpServer  # noqa: PLC0415 - waitress is imported when used

        app = behind_one_proxy(self._emulator_app) if self._behind_proxy else self._emulator_app
        if self._certificate is None:
            server: Server = HttpServer(app, self._host, self._port)
        else:
            from emulator.web.tls import TlsServer  # noqa: PLC0415 - as above

            server = TlsServer(HttpServer, app, (self._host, self._port), self._certificate.context())
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


def known_installation(name: str) -> str:
    """Return the name if it is JSON text, a bundled installation or a file. Raise `ValueError` otherwise."""
    if not is_inline_document(name):
        installation_path(name)
    return name


def load_scenario(scenario: str | PathLike[str]) -> Scenario:
    """Return a scenario by name or file. A `Path` is always a file."""
    return find_scenario(scenario) if isinstance(scenario, str) else read_scenario_file(Path(scenario))


def open_state(path: str | PathLike[str], start: Scenario, services: WorldServices, *, strict: bool) -> StateFile:
    from emulator.worlds.sqlite.state_file import StateFile  # noqa: PLC0415 - SQLite is imported when used

    return StateFile(path, start, services, strict=strict)


def app_factory(emulator: Callable[Options, Emulator]) -> Callable[Options, Flask]:
    """Return an application factory with the options of `Emulator`."""

    def create_app(*args: Options.args, **options: Options.kwargs) -> Flask:
        """Return the Flask application of a new emulator. It takes the options of `Emulator`.

        `app.extensions["oms_emulator"]` is the emulator. It is closed when Python exits.

        Example: `flask --app 'emulator:create_app("demo", packages=50)' run`
        """
        oms = emulator(*args, **options)
        atexit.register(close_referenced, ref(oms))
        return oms.app

    create_app.__signature__ = signature(emulator)  # type: ignore[attr-defined]  # inspect reads it
    return create_app


def close_referenced(reference: ref[Emulator]) -> None:
    """Close an emulator if it is still in use."""
    if (oms := reference()) is not None:
        oms.close()


create_app = app_factory(Emulator)
