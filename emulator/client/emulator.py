"""`Emulator`: a server of worlds, in process or on a port."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cached_property
from os import PathLike, fspath
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from emulator.api.control.clock import validate_rate
from emulator.client.world_handle import WorldHandle
from emulator.domain.scenario_files import find_scenario, read_scenario_file, with_installation, with_limits
from emulator.loading.worlds import record_events
from emulator.state.clock import CLOCK_MODES, ClockMode
from emulator.state.counters import Coverage
from emulator.state.journal import DEFAULT_JOURNAL_SIZE
from emulator.state.scenario import Scenario
from emulator.state.world import WorldServices
from emulator.web import as_flask, create_emulator_app
from emulator.webhooks import DeliveryMode, WebhookDispatcher
from emulator.worlds.live_traffic import LiveTraffic
from emulator.worlds.registry import IDLE_SECONDS, MAX_WORLDS, WorldRegistry
from emulator.worlds.scheduler import Scheduler

if TYPE_CHECKING:
    from flask import Flask

    from emulator.web.server import HttpServer
    from emulator.worlds.sqlite.state_file import StateFile

IN_PROCESS_URL = "http://oms.test"
DEFAULT_DELIVERY: Mapping[ClockMode, DeliveryMode] = {
    "frozen": "flush",
    "ticking": "background",
    "real": "background",
}
"""Default delivery mode. With a frozen clock nothing runs in the background, so that tests are reproducible."""


class Emulator(WorldHandle):
    """An emulated OMS: in process, or on a free port of 127.0.0.1 inside `with`.

    - `scenario` is a name or a file. `packages`, `seed` and `installation` (a name or a file) override its values.
    - `clock` is `frozen`, `ticking` or `real`.
    - `strict` refuses requests that the real service silently accepts.
    - `cors_origins` are the origins whose pages may read responses. Default: all.
    - `max_worlds` limits the open worlds. A world without a call for `world_idle` seconds may be closed.
    - `journal_size` is the number of exchanges in the journal of a world.
    - `limits` are the rates of tokens: `{"full-access": {"write": "20/min"}}`.
    - `allow_fault_header` lets a request ask for a fault with `X-Emulator-Fault`.
    - `coverage` collects the coverage of several emulators.
    - `delivery="background"` sends webhooks at once. `"flush"`, the default with a frozen clock, sends them on a
      flush, on an assertion, and when the clock is advanced.
    - `allow_webhook_hosts` are hosts beyond this machine that webhooks may call.
    - `live` generates traffic: orders per hour of the world's clock.
    - `state` is a file. Each write is on disk before it is acknowledged, and the next emulator on the file continues.

    Raise `ScenarioError` or `StateProblem` (both are a `ValueError`).
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
        live: float | None = None,
        state: str | PathLike[str] | None = None,
    ) -> None:
        if clock not in CLOCK_MODES:
            raise ValueError(f"unknown clock {clock!r}; known: {', '.join(CLOCK_MODES)}")
        self._host, self._port = host, port
        self._serving: HttpServer | None = None
        self._dispatcher = WebhookDispatcher(delivery or DEFAULT_DELIVERY[clock], allow_webhook_hosts)
        self._scheduler = Scheduler()
        services = WorldServices(
            record_events,
            sender=self._dispatcher.sender,
            tasks=lambda world: [LiveTraffic(world, self._scheduler)],
            coverage=coverage or Coverage(),
            journal_size=journal_size,
        )
        start = with_limits(
            with_installation(load_scenario(scenario).with_size(packages, seed), installation_name(installation)),
            limits,
        )
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
        app = create_emulator_app(worlds, allow_hosts, cors_origins, allow_fault_header=allow_fault_header)
        super().__init__(worlds, *app)

    @property
    def server_url(self) -> str:
        return IN_PROCESS_URL if self._serving is None else self._serving.url

    @property
    def address(self) -> str:
        """Host and port of the server."""
        return f"{self._host}:{self._port}"

    @cached_property
    def app(self) -> Flask:
        """The WSGI application, for clients that speak to one: httpx, werkzeug's, webtest."""
        return as_flask(self._emulator_app, self._control)

    def in_world(
        self, name: str, scenario: str | PathLike[str] | None = None, *, seed: int | None = None
    ) -> WorldHandle:
        """Return a world by name. Create it if it does not exist, or if a scenario or seed is given."""
        if scenario is not None or seed is not None or name not in self.worlds:
            start = self.worlds.scenario if scenario is None else load_scenario(scenario)
            self.worlds.create(name, start.with_size(None, seed))
        return Another(self, name)

    def branch(self, name: str) -> WorldHandle:
        """Create a world that continues from the present state of this one. They share nothing that changes."""
        self.worlds.branch(name, self.world)
        return Another(self, name)

    def start(self) -> str:
        """Serve on a port, in a thread, and return the URL. Raise `OSError` if the port is taken."""
        from emulator.web.server import HttpServer  # noqa: PLC0415 - waitress is imported when used

        serving = HttpServer(self._emulator_app, self._host, self._port)
        serving.start()
        self._serving = serving
        return self.url

    def stop(self) -> None:
        """Stop the server and all background work."""
        if self._serving is not None:
            self._serving.stop()
            self._serving = None
        self._scheduler.stop()
        self._dispatcher.stop(self.worlds.all())

    def close(self) -> None:
        """Stop the server, and close the state file. Later writes are refused."""
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


class Another(WorldHandle):
    """Another world of an emulator."""

    def __init__(self, emulator: Emulator, name: str) -> None:
        super().__init__(emulator.worlds, emulator._emulator_app, emulator._control, name)  # noqa: SLF001 - part of one
        self._emulator = emulator

    @property
    def server_url(self) -> str:
        return self._emulator.server_url


def load_scenario(scenario: str | PathLike[str]) -> Scenario:
    """Return a scenario by name or file. A `Path` is always a file."""
    return find_scenario(scenario) if isinstance(scenario, str) else read_scenario_file(Path(scenario))


def open_state(path: str | PathLike[str], start: Scenario, services: WorldServices, *, strict: bool) -> StateFile:
    from emulator.worlds.sqlite.state_file import StateFile  # noqa: PLC0415 - SQLite is imported when used

    return StateFile(path, start, services, strict=strict)


def installation_name(installation: str | PathLike[str] | None) -> str | None:
    return None if installation is None else fspath(installation)
