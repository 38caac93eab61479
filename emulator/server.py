"""`Emulator`: worlds behind a WSGI application, in this process or on a port."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cached_property
from os import PathLike, fspath
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from emulator.app import as_flask, create_emulator_app
from emulator.core.coverage import Coverage
from emulator.core.journal import EXCHANGES
from emulator.core.sources import CLOCK_MODES, ClockMode
from emulator.core.world import World
from emulator.delivery import DeliveryMode, WorldsCourier
from emulator.handlers.living import checked_rate
from emulator.inworld import InWorld
from emulator.living import LiveDemo
from emulator.rules.scenarios import Scenario, from_file
from emulator.rules.scenarios import scenario as find_scenario
from emulator.ticking import Timekeeper
from emulator.worlds import IDLE_SECONDS, MOST_WORLDS, Worlds

if TYPE_CHECKING:
    from flask import Flask

    from emulator.durable.state import State
    from emulator.listening import Serving

IN_PROCESS_URL = "http://oms.test"
USUAL_DELIVERY: Mapping[ClockMode, DeliveryMode] = {"frozen": "flush", "ticking": "background", "real": "background"}
"""With a frozen clock all that happens is the test's doing, so that the same calls give the same world."""


class Emulator(InWorld):
    """An emulated OMS. In process as it is; on a free port of 127.0.0.1 inside `with`.

    `scenario` is a name or a file, `packages`, `seed` and `installation` (a name or a file) override what it says,
    `clock` is `frozen`, `ticking` or `real`, `strict` refuses what the service takes in silence. `cors_origins` are
    the origins whose pages may read answers; without any, all may. At most `max_worlds` worlds are open, each with a
    journal of the latest `journal_size` exchanges; one that nobody calls for `world_idle` seconds may be closed.
    `limits` say how often a token may read and write (`{"full-access": {"write": "20/min"}}`); a request may ask for
    a fault of its own with `allow_fault_header`.
    What its callers met is counted, into `coverage` if several emulators are to share one.
    Hooks are told in the `background` as events come up, or (`delivery="flush"`, usual with a frozen clock) when
    somebody flushes, asserts or moves the clock; beyond this machine only `allow_webhook_hosts` are called.
    With `live`, so many orders an hour come by themselves and go their way as the clock does.
    With a `state` file, what is written is on disk before it is acknowledged, and the next emulator on the file goes
    on exactly there. Raises `ScenarioError` (a `ValueError`) that names what is known, or `StateProblem` (one, too).
    """

    def __init__(  # noqa: PLR0913 - the options of DESIGN's `serve`, by keyword only
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
        max_worlds: int = MOST_WORLDS,
        world_idle: float = IDLE_SECONDS,
        journal_size: int = EXCHANGES,
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
        self._serving: Serving | None = None
        self._journal_size = journal_size
        self._coverage = coverage or Coverage()
        self._courier = WorldsCourier(delivery or USUAL_DELIVERY[clock], allow_webhook_hosts)
        self._timekeeper = Timekeeper()
        start = found(scenario).sized(packages, seed).on(name_of(installation)).limited(limits)
        if live is not None:
            start = start.lively(checked_rate(live))
        self._state = None if state is None else opened_state(state, start, strict=strict)
        worlds = Worlds(
            start,
            clock,
            strict=strict,
            limit=max_worlds,
            idle_seconds=world_idle,
            outfit=self._outfit,
            shelf=self._state,
        )
        app = create_emulator_app(worlds, allow_hosts, cors_origins, allow_fault_header=allow_fault_header)
        super().__init__(worlds, *app)

    def _outfit(self, world: World) -> None:
        """Give a new world what it has of this emulator."""
        world.journal.limit = self._journal_size
        world.coverage = self._coverage
        self._courier.outfit(world)
        demo = LiveDemo(world)
        world.agenda.append(demo)
        self._timekeeper.keep(world, demo)

    @property
    def server_url(self) -> str:
        return IN_PROCESS_URL if self._serving is None else self._serving.url

    @property
    def address(self) -> str:
        """Where it answers, or will."""
        return f"{self._host}:{self._port}"

    @cached_property
    def app(self) -> Flask:
        """The WSGI application, for clients that speak to one: httpx, werkzeug's, webtest."""
        return as_flask(self._emulator_app, self._control)

    def in_world(self, name: str, scenario: str | PathLike[str] | None = None, *, seed: int | None = None) -> InWorld:
        """Give another world of this emulator, made from a scenario if there is none of that name yet."""
        if scenario is not None or seed is not None or name not in self.worlds:
            start = self.worlds.scenario if scenario is None else found(scenario)
            self.worlds.put(name, start.sized(None, seed))
        return Another(self, name)

    def branch(self, name: str) -> InWorld:
        """Give a new world that goes on from what this one is now; the two share nothing that changes."""
        self.worlds.branch(name, self.world)
        return Another(self, name)

    def start(self) -> str:
        """Answer on a port from now on, in a thread; give the URL. `OSError` if the port is taken."""
        from emulator.listening import Serving  # noqa: PLC0415 - in-process use needs no server

        serving = Serving(self._emulator_app, self._host, self._port)
        serving.start()
        self._serving = serving
        return self.url

    def stop(self) -> None:
        """Stop answering on the port."""
        if self._serving is not None:
            self._serving.stop()
            self._serving = None
        self._timekeeper.stop()
        self._courier.stop(self.worlds.all())

    def close(self) -> None:
        """Stop answering, and close the state file: whatever is written afterwards is refused."""
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


class Another(InWorld):
    """Another world of an emulator."""

    def __init__(self, emulator: Emulator, name: str) -> None:
        super().__init__(emulator.worlds, emulator._emulator_app, emulator._control, name)  # noqa: SLF001 - part of one
        self._emulator = emulator

    @property
    def server_url(self) -> str:
        return self._emulator.server_url


def found(scenario: str | PathLike[str]) -> Scenario:
    """Give a scenario by its name or its file; what is a path and no text is a file, whatever its name ends in."""
    return find_scenario(scenario) if isinstance(scenario, str) else from_file(Path(scenario))


def opened_state(path: str | PathLike[str], start: Scenario, *, strict: bool) -> State:
    from emulator.durable.state import State  # noqa: PLC0415 - only who keeps worlds needs a database

    return State(path, start, strict=strict)


def name_of(installation: str | PathLike[str] | None) -> str | None:
    return None if installation is None else fspath(installation)
