"""One world of an emulator, from Python: what its clients see, and what a test does around them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from typing import TYPE_CHECKING, Any, Self

from emulator.app import Control
from emulator.arrange import Arranging
from emulator.core import jwts
from emulator.core.files import write_own
from emulator.core.world import World
from emulator.exporting import as_file, exported
from emulator.faulting import WorldFaults
from emulator.handlers.snapshots import snapshot_named, take
from emulator.rules.auditing import audit, misdeed_document
from emulator.subscribing import Hooks
from emulator.timekeeping import WorldClock
from emulator.verification import Requests
from emulator.web.app import WORLDS, EmulatorApp
from emulator.web.record_coverage import register_graph
from emulator.worlds import DEFAULT_WORLD, Worlds

if TYPE_CHECKING:
    import requests

    from emulator.coverage import Report


class InWorld(Arranging):
    """A world of an emulator. What cannot be done raises a `ControlError` (a `ValueError`) that says why."""

    def __init__(self, worlds: Worlds, app: EmulatorApp, control: Control, name: str = DEFAULT_WORLD) -> None:
        self.worlds, self.name = worlds, name
        self._emulator_app, self._control = app, control
        self.clock = WorldClock(lambda: self.world)
        self.faults = WorldFaults(lambda: self.world)
        self.hooks = Hooks(lambda: self.world)
        self.requests = Requests(lambda: self.world)

    @property
    def server_url(self) -> str:
        """Where the emulator answers."""
        raise NotImplementedError

    @property
    def url(self) -> str:
        """Where this world answers: its API is below."""
        return self.server_url + self.prefix

    @property
    def prefix(self) -> str:
        """What leads to this world in a path: nothing, or `/w/<name>`."""
        return "" if self.name == DEFAULT_WORLD else WORLDS + self.name

    @property
    def world(self) -> World:
        """The world as it is now: a reset puts another one in its place."""
        return self.worlds.named(self.name)

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
        """Give an authorised `requests.Session` that speaks to this world in process; paths do as URLs."""
        from emulator.session import InProcessSession  # noqa: PLC0415 - requests is imported when used

        return InProcessSession(self._emulator_app, self.url, self.auth)

    def audit(self) -> list[dict[str, Any]]:
        """Give what the client did that works here and hurts the real service, as far back as the journal goes."""
        return [misdeed_document(found) for found in audit(reversed(list(self.world.journal.newest_first())))]

    def assert_well_behaved(self) -> None:
        """Raise an `AssertionError` that tells all that `audit` finds: for the end of a test that is strict."""
        if found := self.audit():
            raise AssertionError("; ".join(f"{one['kind']}: {one['says']}" for one in found))

    @contextmanager
    def intercept(self, *urls: str) -> Iterator[Self]:
        """Let plain `requests` calls to these hosts (`https://acme-oms.akinon.net`) land in this world.

        It takes module functions and sessions alike, also ones made before; calls to every other host do as ever.
        `ValueError` for what is no host.
        """
        from emulator.intercepting import intercepting  # noqa: PLC0415 - requests is imported when used
        from emulator.session import InProcessAdapter  # noqa: PLC0415

        world = None if self.name == DEFAULT_WORLD else self.name
        with intercepting(urls, InProcessAdapter(self._emulator_app, world)):
            yield self

    def reset(self) -> None:
        """Go back to the scenario's start."""
        self.worlds.reset(self.name)

    def undo(self) -> str:
        """Take the last write back; give the id of the request that made it."""
        return self.world.undo()

    def snapshot(self, name: str) -> None:
        """Keep what the world is now under a name, to `restore` it or to start others from it."""
        take(self.world, name)

    def restore(self, name: str) -> None:
        """Be again what the world was when the snapshot of this name was taken."""
        world = self.world
        world.go_to(snapshot_named(world, name))

    @property
    def coverage(self) -> Report:
        """How much of the emulated behaviour callers met so far, in all worlds of the server: `.percent`, `.missing`,
        `.narrowed(only=…, operations=…)`, `.save(path)`.
        """
        from emulator.coverage import build_report, counts_of  # noqa: PLC0415 - made when it is asked for

        register_graph(self.world)
        return build_report(counts_of(self.world.coverage))

    def export(self) -> dict[str, Any]:
        """Give the world as a scenario document: loading it gives the same world, byte for byte."""
        return exported(self.world)

    def save(self, path: str | PathLike[str], *, force: bool = False) -> None:
        """Write the world as a scenario file; one that is there is replaced if it is a scenario, or with `force`."""
        write_own(path, as_file(self.export()), force=force)
