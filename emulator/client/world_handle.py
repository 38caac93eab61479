"""`WorldHandle`: one world of an emulator, and its clock, from Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from importlib.util import find_spec
from os import PathLike
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, Literal, Self, TypedDict, Unpack, cast

import orjson

from emulator.api.control.clock import advance_clock, build_duration, parse_time, set_clock
from emulator.api.control.operations import run_recorded_operation
from emulator.api.serializers.rendering import fill_links
from emulator.client.changes import Changes
from emulator.client.request_assertions import Requests
from emulator.client.webhooks import DEFAULT_RETRY, Webhooks
from emulator.core import credentials
from emulator.core.files import write_scenario_file
from emulator.core.json_text import JsonObject, JsonValue
from emulator.domain.audit import audit, finding_document
from emulator.state.clock import ClockMode
from emulator.state.faults import OVERTAKEN
from emulator.state.outbox import Receiver
from emulator.state.world import World
from emulator.web.app import WORLD_PREFIX, EmulatorApp, register_graph
from emulator.worlds.loading.faults import Overtaking, WorldFaults
from emulator.worlds.loading.scenarios import encode_scenario_file, export_world
from emulator.worlds.redelivery import redeliver
from emulator.worlds.registry import DEFAULT_WORLD, WorldRegistry

if TYPE_CHECKING:
    import requests

    from emulator.api_types import (
        ArrangedOrder,
        ArrangeOrder,
        ArrangePackage,
        ArrangeStockLocation,
        CarrierEventName,
        ChangeStockLocation,
        EventTypeName,
        Operation,
        Package,
        Role,
        Stock,
        StockLocation,
    )
    from emulator.client.asgi import AsgiApp
    from emulator.coverage import Report


class DurationUnits(TypedDict, total=False):
    """Units of a duration besides seconds, as in `timedelta`."""

    weeks: float
    days: float
    hours: float
    minutes: float
    milliseconds: float


class WorldClock:
    """The clock of the current world. Changes that are not possible raise a `ControlError`, a `ValueError`.

    A time is a `datetime` or ISO 8601 text. A time without an offset is UTC.
    """

    def __init__(self, world: Callable[[], World]) -> None:
        self._world = world

    @property
    def mode(self) -> ClockMode:
        """`real`, `frozen` or `ticking`."""
        return self._world().clock.mode

    @property
    def speed(self) -> float:
        """Seconds of this clock per second of the machine, while it ticks."""
        return self._world().clock.speed

    def now(self) -> datetime:
        """Return the world's time."""
        return self._world().clock.now()

    def next_event(self) -> datetime | None:
        """Return the next due time of a background task, or None."""
        return self._world().schedule.next_due()

    def set(self, now: datetime | str, mode: ClockMode | None = None) -> datetime:
        """Set the time, forwards or back, and return it. Tasks that are due in between do not run."""
        set_clock(self._world(), mode, parse_time(str(now)))
        return self.now()

    def freeze(self) -> datetime:
        """Stop the clock, and return its time. Each write then advances it by a millisecond."""
        set_clock(self._world(), "frozen")
        return self.now()

    def tick(self, speed: float = 1.0) -> datetime:
        """Run the clock `speed` times as fast as the machine's, and return its time."""
        set_clock(self._world(), "ticking", speed=speed)
        return self.now()

    def advance(
        self, seconds: float = 0, *, to: datetime | str | None = None, **units: Unpack[DurationUnits]
    ) -> datetime:
        """Advance by a duration, or to a time, and return the new time. Tasks that are due on the way run in order.

        `units` are `weeks`, `days`, `hours`, `minutes` and `milliseconds`. With `to`, they have no effect.

        Example: `oms.clock.advance(days=1, hours=2)`
        """
        if to is None:
            advance_clock(self._world(), by=build_duration(seconds=seconds, **units))
        else:
            advance_clock(self._world(), to=parse_time(str(to)))
        return self.now()

    def to_next_event(self) -> datetime:
        """Advance to the next due time, run the tasks that are due, and return the new time."""
        advance_clock(self._world())
        return self.now()


class WorldHandle:
    """A world of an emulator. Calls that are not possible raise a `ControlError`, which is a `ValueError`.

    `clock`, `faults`, `hooks` (webhooks) and `requests` (the journal) are the parts of the world.
    """

    def __init__(self, worlds: WorldRegistry, app: EmulatorApp, server_url: Callable[[], str], name: str) -> None:
        self.worlds, self.name = worlds, name
        self._emulator_app, self._server_url = app, server_url
        self.clock = WorldClock(lambda: self.world)
        self.faults = WorldFaults(lambda: self.world)
        self.hooks = Webhooks(lambda: self.world, lambda receiver: redeliver(worlds, name, receiver))
        self.requests = Requests(lambda: self.world)

    # Addresses and clients

    @property
    def server_url(self) -> str:
        """Base URL of the emulator."""
        return self._server_url()

    @property
    def prefix(self) -> str:
        """Path prefix of this world: empty for the default world, otherwise `/w/<name>`."""
        return world_prefix(self.name)

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
        return self.world.settings.source.request

    def session(self) -> requests.Session:
        """Return an authorized `requests.Session` that calls this world in process. It accepts paths as URLs.

        Example: `oms.session().get("/api/v1/oms/packages/").json()`
        """
        from emulator.client.session import InProcessSession  # noqa: PLC0415 - requests is imported when used

        return InProcessSession(self._emulator_app, self.url, self.auth)

    @contextmanager
    def intercept(self, *urls: str) -> Iterator[Self]:
        """Route calls of `requests`, httpx and aiohttp to these hosts to this world, inside the `with` block.

        Calls of all sessions and of module functions such as `requests.get` are routed. A session's adapter is not
        called, but its `max_retries` apply. Clients of httpx are routed, sync and async, unless they have a transport
        of another library. Sessions of aiohttp are routed if they have a `TCPConnector`, which is the default. Calls
        to other hosts are not affected. Raise `ValueError` for an invalid host.

        Example: `with oms.intercept("https://acme-oms.akinon.net"): ...`
        """
        from emulator.client.session import InProcessAdapter, intercept_requests  # noqa: PLC0415 - as above

        world = None if self.name == DEFAULT_WORLD else self.name
        adapter = InProcessAdapter(self._emulator_app, world)
        with intercept_requests(urls, adapter), ExitStack() as stack:
            for module in filter(find_spec, ("httpx", "aiohttp")):
                intercept = resolve_name(f"emulator.client.{module}_intercept:intercept_{module}")
                stack.enter_context(intercept(urls, adapter))
            yield self

    @property
    def asgi(self) -> AsgiApp:
        """An ASGI application that answers for this world: for `httpx.ASGITransport` and Starlette's test client.

        Servers may run it, too. It needs anyio, which httpx and Starlette install.

        Example: `httpx.AsyncClient(transport=httpx.ASGITransport(oms.asgi), base_url=oms.url)`
        """
        from emulator.client.asgi import AsgiApp  # noqa: PLC0415 - anyio is optional

        return AsgiApp(self._emulator_app, None if self.name == DEFAULT_WORLD else self.name)

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

    # Webhook receivers

    def converges(  # noqa: PLR0913 - options by keyword
        self,
        receiver: str | Receiver,
        view: Callable[[Self], tuple[object, object]],
        histories: int = 1_000,
        *,
        reset: Callable[[], object] | None = None,
        recorded: bool = False,
        seed: int = 0,
        save: str | PathLike[str] = "converges.json",
        event_type: EventTypeName | Literal["*"] | Sequence[EventTypeName] = "*",
        secret_key: str | None = "converges",  # noqa: S107 - signs the deliveries of a test
        retry: Mapping[str, JsonValue] = DEFAULT_RETRY,
    ) -> int:
        """Check that a receiver of webhooks has the right records after each of many histories. Return their number.

        A history has commands, events of the carrier, the planner and the operator, faults of deliveries and of the
        client's own calls. Then all events are sent until none is due.

        - `receiver`: a URL, a WSGI application or a function, as in `oms.hooks.add`.
        - `view`: takes this object, and returns the client's records and what they should be.
        - `reset`: empties the client's records. It is called before each history.
        - `recorded`: check only the history that the world's scenario contains.
        - `seed`: the same seed gives the same histories.
        - `save`: file for the shortest history that fails.
        - `event_type`, `secret_key`, `retry`: options of the hook, as in `oms.hooks.add`.

        Needs the extra `hypothesis`, except with `recorded`. Raise an `AssertionError` that describes the shortest
        history that fails, also if the receiver accepts a wrong signature.

        Example: `oms.converges(shop.receive, shop.view, reset=shop.clear)`
        """
        from emulator.client import convergence  # noqa: PLC0415 - as above

        client = convergence.Client(lambda: view(self), reset or (lambda: None), isinstance(receiver, str))
        if recorded:
            return convergence.check_recorded(self.worlds, self.name, receiver, client)
        check = convergence.ConvergenceCheck(self.worlds, self.name, client)

        def subscribe() -> None:
            self.hooks.add(receiver, event_type, secret_key=secret_key, retry=retry)

        return check.run(subscribe, histories, seed, save)

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

    def export(self, *, with_secrets: bool = False) -> JsonObject:
        """Return the world as a scenario document. A world that starts from it is equal, byte for byte.

        Without `with_secrets`, the credentials of hooks are masked. The new world then sends the masks.
        """
        return export_world(self.world, with_secrets=with_secrets)

    def save(self, path: str | PathLike[str], *, force: bool = False, with_secrets: bool = False) -> None:
        """Write the world to a scenario file, without the credentials of hooks unless `with_secrets` is set.

        An existing file is replaced if it is a scenario file, or with `force`. Raise `ValueError` otherwise.
        """
        write_scenario_file(path, encode_scenario_file(self.export(with_secrets=with_secrets)), force=force)

    def changes(self) -> Changes:
        """Record the exact changes of the records inside a `with` block, for `changes.only(...)`.

        Example: `with oms.changes() as changes: ...`
        """
        return Changes(lambda: self.world)

    def between(
        self,
        *,
        read: Operation,
        write: Operation,
        do: Callable[[], object],
        token: Role | None = None,
        times: int = 1,
    ) -> Overtaking:
        """Call `do` between a client's `read` and its `write` of the same record, as another actor that overtakes it.

        - `read`: the operation that the client calls first. A list counts for each of its records.
        - `write`: the operation before which `do` is called, which then meets the changed record.
        - `token`: only calls with this role.
        - `times`: number of writes that are overtaken.

        In a `with` block, the end raises the error of `do`, or an `AssertionError` if no write was overtaken.
        Example: `oms.between(read="get_package", write="command_package", do=lambda: oms.cancel_package(pk))`
        """
        when = {"read": read} | ({} if token is None else {"token": token})
        return Overtaking(self.world, {"kind": OVERTAKEN, "operation": write, "when": when, "times": times}, do)

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
        from emulator.coverage import counts, report  # noqa: PLC0415 - imported when used

        register_graph(self.world)
        return report.build_report(counts.counts_of(self.world.coverage))


def world_prefix(world: str) -> str:
    return "" if world == DEFAULT_WORLD else WORLD_PREFIX + world
