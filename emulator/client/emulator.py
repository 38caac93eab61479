"""`Emulator`: an emulated OMS with its worlds, from Python."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from inspect import signature
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, ParamSpec, Self, get_args
from urllib.parse import urlsplit
from weakref import WeakSet, ref

from emulator.api.control.clock import validate_rate
from emulator.api.serializers.events import record_events
from emulator.client.world_handle import WorldHandle, world_prefix
from emulator.core.errors import InvalidDocument
from emulator.core.hosts import check_hosts
from emulator.domain.fault_rules import refuse_ended_connection
from emulator.domain.installation import installation_path, is_inline_document
from emulator.domain.scenario_files import find_scenario, read_scenario_file, with_installation, with_limits
from emulator.state.clock import CLOCK_MODES, ClockMode
from emulator.state.journal import DEFAULT_JOURNAL_SIZE, Coverage, ProvenanceLog
from emulator.state.runtime import Server, current_runtime
from emulator.state.scenario import Scenario
from emulator.state.world import WorldServices
from emulator.web import (
    ServerName,
    as_flask,
    behind_one_proxy,
    check_server,
    create_emulator_app,
    create_server,
    open_certificate,
)
from emulator.web.cors import Cors
from emulator.worlds.live_traffic import LiveTraffic, Scheduler, TimerScheduler
from emulator.worlds.registry import DEFAULT_WORLD, IDLE_SECONDS, MAX_WORLDS, WorldRegistry
from emulator.worlds.webhooks import DeliveryMode, TimerDispatcher, WebhookDispatcher

if TYPE_CHECKING:
    from flask import Flask

    from emulator.api_types import InstallationName, ScenarioName
    from emulator.contract.evidence import Evidence
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
RANGES = {"port": range(65536), "max_worlds": range(1, sys.maxsize), "journal_size": range(sys.maxsize)}
"""Option -> its accepted numbers."""


def check_options(clock: str, delivery: str, **numbers: int) -> None:
    """Raise `InvalidDocument` for an option that is not one of its known values, or out of its range."""
    for name, value, known in (("clock", clock, CLOCK_MODES), ("delivery", delivery, get_args(DeliveryMode))):
        if value not in known:
            raise InvalidDocument(f"unknown {name} {value!r}", known, value)
    for name, number in numbers.items():
        if number not in (allowed := RANGES[name]):
            raise InvalidDocument(f"{name} must be from {allowed.start} to {allowed.stop - 1} (got {number!r})")


def check_lists(*lists: Collection[str]) -> None:
    """Raise `InvalidDocument` for a text in place of a list, which would be a list of its characters."""
    for each in lists:
        if isinstance(each, str):
            raise InvalidDocument(f"{each!r} must be in a list: [{each!r}]")


class Emulator(WorldHandle):
    """An emulated OMS: in process, or on a free port of 127.0.0.1 inside `with`.

    - `scenario`: name of a scenario, or a file.
    - `packages`: number of packages in the scenario.
    - `seed`: seed of the generated data.
    - `installation`: name of an installation, or a file with custom states and transitions.
    - `clock`: `frozen`, `ticking` or `real`.
    - `host`, `port`: address of the server. Port 0 selects a free one.
    - `allow_hosts`: host names under which the control API may be called.
    - `admin_token`: token that requests from other machines need for the control API.
    - `cors_origins`: origins whose pages may read responses, also with credentials. Default: all, no credentials.
    - `cors_headers`: request headers that pages may send, besides the usual ones.
    - `cors_credentials`: also accept requests with credentials if `cors_origins` is empty.
    - `behind_proxy`: trust `X-Forwarded-For`, `-Proto`, `-Host` and `-Prefix` of one proxy in front of the server.
    - `tls`: serve HTTPS. The certificate is made at the start, which needs the extra `tls`.
    - `tls_cert`, `tls_key`: files of the certificate for HTTPS, and of its key.
    - `strict`: answer 400 to requests that the real service silently accepts.
    - `validate_responses`: answer 500 in place of a response that violates its JSON Schema.
    - `max_worlds`: maximum number of open worlds.
    - `world_idle`: seconds without a call after which a world may be closed.
    - `journal_size`: number of exchanges in the journal of each world.
    - `limits`: rate limits of tokens: `{"full-access": {"write": "20/min"}}`.
    - `allow_fault_header`: allow requests to inject faults with `X-Emulator-Fault`.
    - `provenance`: name in each response what it rests on (`X-Emulator-Provenance`), and collect it.
    - `coverage`: counts that several emulators share.
    - `delivery`: `"background"` sends webhooks at once. `"flush"`, the default with a frozen clock, sends them on a
      flush, on an assertion, and when the clock is advanced.
    - `allow_webhook_hosts`: hosts beyond this machine that webhooks may call.
    - `demo_receiver`: accept the events of the demo data's hooks in this process, as `serve` does.
    - `live`: generate this number of orders per hour of the world's clock.
    - `state`: store all worlds in this file, across restarts. Each write is on disk before it is acknowledged.
    - `evidence`: mark behaviours that this file of `record --shadow` confirms as observed, in the fidelity table.
    - `server`: `waitress`, or `granian` (extra `fast`), which is faster and refuses faults that end a connection.

    Raise `ScenarioError` or `StateFileError` (both are a `ValueError`) for a file that cannot be used.

    Example: `with Emulator("demo", packages=50) as oms: requests.get(f"{oms.url}/api/v1/oms/packages/")`
    """

    _instances: ClassVar[WeakSet[Emulator]] = WeakSet()
    """All emulators of the process."""

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
        admin_token: str | None = None,
        cors_origins: Collection[str] = (),
        cors_headers: Collection[str] = (),
        cors_credentials: bool = False,
        behind_proxy: bool = False,
        tls: bool = False,
        tls_cert: str | PathLike[str] | None = None,
        tls_key: str | PathLike[str] | None = None,
        strict: bool = False,
        validate_responses: bool = False,
        max_worlds: int = MAX_WORLDS,
        world_idle: float = IDLE_SECONDS,
        journal_size: int = DEFAULT_JOURNAL_SIZE,
        limits: Mapping[str, Mapping[str, str]] | None = None,
        allow_fault_header: bool = False,
        provenance: bool = False,
        coverage: Coverage | None = None,
        delivery: DeliveryMode | None = None,
        allow_webhook_hosts: Collection[str] = (),
        demo_receiver: bool = False,
        live: float | None = None,
        state: str | PathLike[str] | None = None,
        evidence: str | PathLike[str] | None = None,
        server: ServerName = "waitress",
    ) -> None:
        check_options(clock, delivery or "flush", port=port, max_worlds=max_worlds, journal_size=journal_size)
        check_lists(allow_hosts, allow_webhook_hosts, cors_origins, cors_headers)
        self._server_name = check_server(server)
        check_hosts(host, (*allow_hosts, *allow_webhook_hosts))
        cors = Cors(cors_origins, cors_headers, credentials=cors_credentials)
        self._host, self._port, self._behind_proxy = host, port, behind_proxy
        self._server: Server | None = None
        names = (host, *allow_hosts)
        self._certificate = open_certificate(self, tls_cert, tls_key, names) if tls or tls_cert or tls_key else None
        self._dispatcher, self._scheduler = background_workers(
            delivery or DEFAULT_DELIVERY[clock], allow_webhook_hosts, has_demo_receiver=demo_receiver
        )
        self.provenance = ProvenanceLog() if provenance else None
        services = WorldServices(
            record_events,
            sender=self._dispatcher.sender,
            traffic=lambda world: [LiveTraffic(world, self._scheduler)],
            coverage=coverage or Coverage(),
            provenance=self.provenance,
            journal_size=journal_size,
            validates_responses=validate_responses,
            world_url=self._served_url,
            check_fault=refuse_ended_connection if server == "granian" else lambda _kind: None,
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
        app, self._flask = create_emulator_app(
            worlds,
            allow_hosts,
            cors,
            allow_fault_header=allow_fault_header,
            admin_token=admin_token,
            evidence=None if evidence is None else load_evidence(Path(evidence)),
        )
        super().__init__(worlds, app, self._current_url, DEFAULT_WORLD)
        self._instances.add(self)

    def _current_url(self) -> str:
        return IN_PROCESS_URL if self._server is None else self._server.url

    def _served_url(self, world: str) -> str | None:
        """Return the URL at which the server answers for a world, or None if it does not run."""
        return None if self._server is None else self._server.url + world_prefix(world)

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
        """Serve on a port, in a thread, and return the URL. Raise `OSError` if the port is taken.

        Return the URL of the running server if there is one.
        """
        if self._server is not None:
            return self.url
        app = behind_one_proxy(self._emulator_app) if self._behind_proxy else self._emulator_app
        server = create_server(self._server_name, app, self._host, self._port, self._certificate)
        server.start()
        self._server = server
        self._dispatcher.deliverer.hosts.set_own_port(urlsplit(server.url).port)
        return self.url

    def stop(self) -> None:
        """Stop the server and all background work. Calls in process still work."""
        if self._server is not None:
            self._server.stop()
            self._server = None
            self._dispatcher.deliverer.hosts.set_own_port(None)
        self._scheduler.stop()
        self._dispatcher.stop(self.worlds.all())

    def reset_after_fork(self) -> None:
        """Drop the server and the threads, which belong to the process that was forked. Calls in process work."""
        server, self._server = self._server, None
        if server is not None:
            server.close_sockets()
        self._scheduler.reset_after_fork()
        self._dispatcher.reset_after_fork()
        if self._state is not None:
            self._state.writer.reset_after_fork()

    @classmethod
    def reset_all_after_fork(cls) -> None:
        """Make the emulators usable in a forked process, in which their threads do not exist.

        Fork only while no thread of an emulator works. Otherwise the process may inherit a locked lock.
        """
        for emulator in cls._instances:
            emulator.reset_after_fork()

    def close(self) -> None:
        """Stop the server, and close the state file. Later writes to it are refused."""
        self.stop()
        if self._state is not None:
            self._state.close(self.worlds.all())

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def load_evidence(file: Path) -> Evidence:
    from emulator.contract.evidence import read_evidence  # noqa: PLC0415 - imports requests

    return read_evidence(file)


def known_installation(name: str) -> str:
    """Return the name if it is JSON text, a bundled installation or a file. Raise `ValueError` otherwise."""
    if not is_inline_document(name):
        installation_path(name)
    return name


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=Emulator.reset_all_after_fork)


def load_scenario(scenario: str | PathLike[str]) -> Scenario:
    """Return a scenario by name or file. A `Path` is always a file."""
    return find_scenario(scenario) if isinstance(scenario, str) else read_scenario_file(Path(scenario))


def background_workers(
    mode: DeliveryMode, webhook_hosts: Collection[str], *, has_demo_receiver: bool
) -> tuple[WebhookDispatcher, Scheduler]:
    """Return what works in the background: with threads, or with the timers of the runtime."""
    runtime = current_runtime()
    if runtime is None:
        return WebhookDispatcher(mode, webhook_hosts, has_demo_receiver=has_demo_receiver), Scheduler()
    dispatcher = TimerDispatcher(runtime, mode, webhook_hosts, has_demo_receiver=has_demo_receiver)
    return dispatcher, TimerScheduler(runtime)


def open_state(path: str | PathLike[str], start: Scenario, services: WorldServices, *, strict: bool) -> StateFile:
    if current_runtime() is not None:
        raise ValueError("a state file needs the Python package: this runtime has no threads to write it")
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
