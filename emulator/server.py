"""`Emulator`: a world behind a WSGI application, in this process or on a port."""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property
from os import PathLike, fspath
from types import TracebackType
from typing import TYPE_CHECKING, Self

from emulator.app import as_flask, create_door
from emulator.arrange import Arranging
from emulator.core import jwts
from emulator.core.sources import CLOCK_MODES, Clock, ClockMode
from emulator.core.world import World
from emulator.loading import open_world
from emulator.rules.scenarios import scenario as find_scenario
from emulator.web.door import DEFAULT_WORLD

if TYPE_CHECKING:
    import requests
    from flask import Flask

    from emulator.listening import Serving

IN_PROCESS_URL = "http://oms.test"


class Emulator(Arranging):
    """An emulated OMS. In process as it is; on a free port of 127.0.0.1 inside `with`.

    `scenario` is a name or a file, `packages`, `seed` and `installation` (a name or a file) override what it says,
    `clock` is `frozen`, `ticking` or `real`, `strict` refuses query parameters that nobody knows. `cors_origins` are
    the origins whose pages may read answers; without any, all may. Raises `ScenarioError` (a `ValueError`) that names
    what is known.
    """

    def __init__(  # noqa: PLR0913 - the options of DESIGN's `serve`, by keyword only
        self,
        scenario: str = "demo",
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
    ) -> None:
        if clock not in CLOCK_MODES:
            raise ValueError(f"unknown clock {clock!r}; known: {', '.join(CLOCK_MODES)}")
        self._scenario = find_scenario(scenario).sized(packages, seed).on(name_of(installation))
        self._mode: ClockMode = clock
        self._strict = strict
        self._host, self._port = host, port
        self._serving: Serving | None = None
        self.url = IN_PROCESS_URL
        self._worlds: dict[str, World] = {}
        self.reset()
        self._door, self._control = create_door(self._worlds, self.reset, allow_hosts, cors_origins)

    @cached_property
    def app(self) -> Flask:
        """The WSGI application, for clients that speak to one: httpx, werkzeug's, webtest."""
        return as_flask(self._door, self._control)

    def reset(self) -> None:
        """Go back to the scenario's start."""
        self._worlds[DEFAULT_WORLD] = open_world(self._scenario, self._mode, strict=self._strict)

    @property
    def world(self) -> World:
        """The world that answers calls which name none."""
        return self._worlds[DEFAULT_WORLD]

    @property
    def clock(self) -> Clock:
        return self.world.clock

    @property
    def auth(self) -> dict[str, str]:
        """The header of a token that may do everything."""
        return {"Authorization": "Token full-access"}

    def jwt(self, role: str = "full-access", expires_in: float = 3600) -> str:
        """Give a JWT for the reference surface that expires so many seconds from now, by this world's clock.

        Raises a `ValueError` that names what is known for an unknown role.
        """
        return jwts.issue(role, self.clock.now(), expires_in).token

    @property
    def request(self) -> str | None:
        """For a `documented/...` scenario: the path whose GET gives the sample."""
        return self.world.settings.request

    def session(self) -> requests.Session:
        """Give an authorised `requests.Session` that speaks to this emulator in process; paths do as URLs."""
        from emulator.session import InProcessSession  # noqa: PLC0415 - requests is imported when used

        return InProcessSession(self._door, self.url, self.auth)

    def start(self) -> str:
        """Answer on a port from now on, in a thread; give the URL. `OSError` if the port is taken."""
        from emulator.listening import Serving  # noqa: PLC0415 - in-process use needs no server

        self._serving = Serving(self._door, self._host, self._port)
        self._serving.start()
        self.url = self._serving.url
        return self.url

    def stop(self) -> None:
        """Stop answering on the port."""
        if self._serving is not None:
            self._serving.stop()
            self._serving = None
            self.url = IN_PROCESS_URL

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def name_of(installation: str | PathLike[str] | None) -> str | None:
    return None if installation is None else fspath(installation)
