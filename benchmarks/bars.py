"""The table of bars: what is measured, the peer, and the allowed ratio. A new bar is a row and a function."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from benchmarks import agents, filters, hooks, inprocess, inspector, recording, scaling, servers, unarmed, worlds
from benchmarks.baseline import Answer, dump
from benchmarks.commands import command_rate, command_requests, reset_and_command_rate, run_job
from benchmarks.load import Job, Request
from benchmarks.recording import added_by_recording
from benchmarks.rounds import PRINTED, Bar, MeasurementFailedError, Plan, Round, at_least, at_most, interleave
from benchmarks.scaling import rate
from benchmarks.servers import Server, baseline, fetch, running

PACKAGES = "/api/v1/oms/packages/"
AUTH = {"Authorization": "Token full-access"}
PAGE = 20
MANY, FEW = 36_404, 200
DEEP_PAGES = 50
FIRST_PAGE = Request(f"{PACKAGES}?limit={PAGE}", headers=AUTH)
IMPORTS = [sys.executable, "-c", "import flask, marshmallow, faker, jsonschema"]


# Load on a server -----------------------------------------------------------------------------------------


def cost(server: Server, requests: list[Request], plan: Plan) -> float:
    """Return the milliseconds per response, over all connections."""
    return 1000 / rate(server, requests, plan)


def with_length(server: Server, request: Request) -> Request:
    """Return the request with the current length of its response. Every response must have this length."""
    answer = fetch(server, request.path, request.method, request.headers, request.body)
    if answer.status != request.status:
        raise MeasurementFailedError(f"{request.method} {request.path}: status {answer.status}")
    return replace(request, length=len(answer.body))


# A constant-bytes peer ------------------------------------------------------------------------------------


def compare_with_baseline(choose: Callable[[Server], Request], plan: Plan) -> Iterator[Round]:
    """Compare the requests per second with a peer that returns the same bytes."""
    for _ in range(plan.groups):
        with running(servers.ours()) as mine:
            request = with_length(mine, choose(mine))
            answer = fetch(mine, request.path, request.method, request.headers, request.body)
            with baseline([answer]) as peer:
                requests = [request]
                yield from interleave(
                    plan.rounds, partial(rate, mine, requests, plan), partial(rate, peer, requests, plan)
                )


def detail(plan: Plan) -> Iterator[Round]:
    return compare_with_baseline(first_package, plan)


def full_list(plan: Plan) -> Iterator[Round]:
    return compare_with_baseline(lambda server: check_full_page(server, FIRST_PAGE), plan)


def first_package(server: Server) -> Request:
    """Return a request for the detail of the first listed package."""
    page = json.loads(fetch(server, FIRST_PAGE.path, headers=AUTH).body)
    return Request(f"{PACKAGES}{page['results'][0]['id']}/", headers=AUTH)


def typical_requests(server: Server) -> list[Request]:
    """Return typical requests: a page of the list, and a package."""
    return [with_length(server, FIRST_PAGE), with_length(server, first_package(server))]


def check_full_page(server: Server, request: Request) -> Request:
    found = len(json.loads(fetch(server, request.path, headers=AUTH).body)["results"])
    if found != PAGE:
        raise MeasurementFailedError(f"{request.path}: {found} packages instead of {PAGE}")
    return request


# The number of packages -----------------------------------------------------------------------------------


def compare_sizes(choose: Callable[[int], list[Request]], plan: Plan) -> Iterator[Round]:
    """Compare the time of a page with many packages and with few. Every page was requested once before."""
    for _ in range(plan.groups):
        with running_with_packages(MANY) as many, running_with_packages(FEW) as few:
            of_many = [with_length(many, request) for request in choose(MANY)]
            of_few = [with_length(few, request) for request in choose(FEW)]
            yield from interleave(plan.rounds, partial(cost, many, of_many, plan), partial(cost, few, of_few, plan))


@contextmanager
def running_with_packages(packages: int) -> Iterator[Server]:
    """Start the emulator with this number of packages, and check the number."""
    with running(servers.ours("--packages", str(packages))) as server:
        found = json.loads(fetch(server, FIRST_PAGE.path, headers=AUTH).body)["count"]
        if found != packages:
            raise MeasurementFailedError(f"asked for {packages:,} packages, got {found:,}")
        yield server


def size_first(plan: Plan) -> Iterator[Round]:
    return compare_sizes(lambda _packages: [FIRST_PAGE], plan)


def size_deep(plan: Plan) -> Iterator[Round]:
    return compare_sizes(deep_pages, plan)


def deep_pages(packages: int, pages: int = DEEP_PAGES) -> list[Request]:
    """Return full pages spread evenly from the first to the last. If there are fewer pages, some are repeated."""
    last = packages // PAGE
    numbers = [1 + step * (last - 1) // (pages - 1) for step in range(pages)]
    return [Request(f"{PACKAGES}?limit={PAGE}&page={number}", headers=AUTH) for number in numbers]


def size_cold(plan: Plan) -> Iterator[Round]:
    """Measure pages that were not requested since the start. Each slice starts a new server."""
    return interleave(2 * plan.groups, partial(cold_page_cost, MANY), partial(cold_page_cost, FEW))


def cold_page_cost(packages: int) -> float:
    """Return the milliseconds per page, one after the other. The first page was requested at the start."""
    unseen = deep_pages(packages, FEW // PAGE)[1:]
    with running_with_packages(packages) as server:
        return 1000 / run_job(Job(server.port, unseen, seconds=60, connections=1, limit=len(unseen))).rps


# Commands -------------------------------------------------------------------------------------------------


CONSTANT_204 = {
    "waitress": ["benchmarks.baseline", str(servers.THREADS)],
    "granian": ["benchmarks.constant", "flask"],
}
"""Server -> the module and the arguments of its peer."""


def command(server: str, plan: Plan) -> Iterator[Round]:
    """Compare commands with a Flask view that answers 204, on the same server."""
    for _ in range(plan.groups):
        with running(servers.ours("--server", server)) as mine:
            requests = command_requests(mine)
            answers = [Answer("POST", path, 204, None, b"") for path in sorted({each.path for each in requests})]
            with running([sys.executable, "-m", *CONSTANT_204[server]], stdin=dump(answers)) as peer:
                ours = partial(reset_and_command_rate, mine, requests, plan)
                theirs = partial(command_rate, peer, requests, plan)
                ours(), theirs()
                yield from interleave(plan.rounds, ours, theirs)


def command_size(plan: Plan) -> Iterator[Round]:
    for _ in range(plan.groups):
        with running_with_packages(MANY) as many, running_with_packages(FEW) as few:
            sides = [partial(command_cost, server, command_requests(server), plan) for server in (many, few)]
            for side in sides:
                side()
            yield from interleave(plan.rounds, *sides)


def command_cost(server: Server, requests: list[Request], plan: Plan) -> float:
    return 1000 / reset_and_command_rate(server, requests, plan)


# Starting -------------------------------------------------------------------------------------------------


def compare_starts(ours: Callable[[], float], theirs: Callable[[], float], plan: Plan) -> Iterator[Round]:
    """Compare start times. The first start of each side writes the byte code and is not counted."""
    ours(), theirs()
    return interleave(plan.groups * plan.rounds, ours, theirs)


def start_seconds(command: list[str]) -> float:
    with running(command) as server:
        return server.ready_after


def start_many(plan: Plan) -> Iterator[Round]:
    ours = partial(start_seconds, servers.ours("--packages", str(MANY)))
    return compare_starts(ours, partial(servers.seconds_of, IMPORTS), plan)


def start_demo(plan: Plan) -> Iterator[Round]:
    return compare_starts(partial(start_seconds, servers.ours()), partial(start_seconds, servers.bare()), plan)


# The table ------------------------------------------------------------------------------------------------

CONSTANT = "Flask + waitress, the same bytes"


BARS = (
    Bar("detail", "package detail", CONSTANT, "requests/s", at_least(1.15), detail),
    Bar("list", "full list page, 20 packages", CONSTANT, "requests/s", at_least(1.15), full_list),
    Bar("size-first", f"first page of {MANY:,}", f"first page of {FEW}", "ms/page", at_most(1.3), size_first),
    Bar("size-deep", f"pages all over {MANY:,}", f"pages all over {FEW}", "ms/page", at_most(1.3), size_deep),
    Bar("size-cold", f"unseen pages of {MANY:,}", f"unseen pages of {FEW}", "ms/page", at_most(1.3), size_cold),
    Bar(
        "command",
        "a command that changes the state",
        "constant 204",
        "requests/s",
        at_least(0.7),
        partial(command, "waitress"),
    ),
    Bar(
        "command-granian",
        "the same on granian",
        "constant 204",
        "requests/s",
        at_least(0.7),
        partial(command, "granian"),
    ),
    Bar(
        "command-size", f"commands among {MANY:,}", f"commands among {FEW}", "ms/command", at_most(1.3), command_size
    ),
    Bar("start-36404", f"ready with {MANY:,}", "import of four libraries", "s", at_most(10), start_many),
    Bar("start-demo", "ready with demo", "bare Flask + waitress ready", "s", at_most(1.8), start_demo),
    Bar(
        "memory",
        f"after {scaling.REQUESTS:,} requests",
        "its limit",
        "MB",
        at_most(1),
        partial(scaling.memory, typical_requests),
    ),
    Bar(
        "scale-out",
        "two processes behind nginx",
        "one behind nginx",
        "requests/s",
        at_least(1.3),
        scaling.two_processes,
    ),
    Bar(
        "session",
        "detail, oms.session()",
        "`responses`, the same bytes",
        "requests/s",
        at_least(1.2),
        inprocess.session,
    ),
    Bar("wsgi", "detail, a WSGI call", "a constant Flask view", "ms/call", at_most(0.35), inprocess.wsgi),
    Bar(
        "werkzeug", "detail, werkzeug's client", "a constant Flask view", "ms/call", at_most(1.5), inprocess.werkzeug
    ),
    Bar("world", "a new world", "its limit", "ms", at_most(1), inprocess.world),
    Bar("unarmed", "checks for faults and limits", "its limit", "µs", at_most(1), unarmed.unarmed),
    Bar("plugin", "start of an unused plugin", "its limit", "ms", at_most(1), inprocess.plugin),
    Bar("mutation", "reruns of a suite", "own time of its tests", "s", at_most(3), inprocess.mutation),
    Bar("mcp", "a tool that reads, beyond HTTP", "its limit", "ms", at_most(1), partial(agents.read_tool, "stdio")),
    Bar("mcp-http", "the same over HTTP", "its limit", "ms", at_most(1), partial(agents.read_tool, "http")),
    *(
        Bar(name, f"added by recording {ours}", "its limit", "ms", at_most(1), partial(added_by_recording, request))
        for name, ours, request in (
            ("record", "a page of 20", recording.PAGE_OF_20),
            ("record-detail", "a package", recording.DETAIL),
            ("record-100", "a page of 100", recording.PAGE_OF_100),
        )
    ),
    Bar(
        "record-cpu",
        "CPU time of the proxy, a page of 100",
        "its limit",
        "ms",
        at_most(1),
        partial(recording.processor_time, recording.PAGE_OF_100),
    ),
    Bar(
        "record-shadow",
        "added by --shadow, a page of 20",
        "its limit",
        "ms",
        at_most(1),
        partial(added_by_recording, recording.PAGE_OF_20, compares=True),
    ),
    # Both sides of the row `record`.
    Bar(
        "record-direct",
        "a recorded page of 20",
        "the same without",
        "ms",
        PRINTED,
        partial(recording.recorded_request, recording.PAGE_OF_20),
    ),
    Bar("filters", "the slowest filtered page", "unfiltered page", "ms/page", at_most(2), filters.filtered_pages),
    Bar("filters-write", "the same after a write", "unfiltered page", "ms/page", at_most(15), filters.after_write),
    Bar("filters-first", "the first filtered page", "its limit", "s", at_most(1), filters.first_filtered_page),
    Bar("choose-world", "choosing a world of 1,000", "its limit", "µs", at_most(1), worlds.world_lookup),
    Bar("moments", "snapshot, branch, undo, restore", "their limit", "ms", at_most(1), worlds.snapshot_limit),
    Bar("moments-size", f"the same of {MANY:,}", f"of {FEW}", "ms", at_most(1.3), worlds.snapshot_size),
    Bar("changes", f"all changes of a command, {MANY:,}", "its limit", "ms", at_most(1), worlds.changes_limit),
    Bar("durable", "commands with a state file", "the same in memory", "requests/s", at_least(0.5), worlds.durable),
    # If the disk is slower than half of memory, it limits the row above.
    Bar("durable-disk", "commands with a state file", "commits of this disk", "rows/s", PRINTED, worlds.durable_disk),
    Bar("open-100000", "ready with 100,000 stored steps", "its limit", "s", at_most(1), worlds.opening),
    Bar("hooks", "deliveries of 10,000 events", "`requests` loop", "deliveries/s", at_least(0.8), hooks.rate),
    Bar("hooks-p99", "a read, 50 deliveries/s", "a read, no hook", "ms (p99)", at_most(2), hooks.latency),
    Bar("hooks-threads", "delivering for 1,000 worlds", "for one", "threads", at_most(1), hooks.threads),
    Bar("first-picture", f"first rows of {MANY:,} painted", "its limit", "ms", at_most(1), inspector.first_picture),
    Bar(
        "first-picture-size", f"first rows of {MANY:,}", f"of {FEW}", "ms", at_most(1.3), inspector.first_picture_size
    ),
    Bar("cold-pages", f"slowest first page of {MANY:,}", "its limit", "ms", at_most(1), inspector.cold_pages),
    Bar("story-jump", "next chapter of a story", "its limit", "ms", at_most(1), inspector.story_jump),
    Bar(
        "inspector-cost",
        "inspector open, by server CPU time",
        "inspector closed",
        "requests/s",
        at_least(0.9),
        partial(inspector.inspector_cost, typical_requests, inspector.per_cpu_second),
    ),
    Bar(
        "inspector-cost-wall",
        "inspector open, by wall clock",
        "inspector closed",
        "requests/s",
        at_least(0.9),
        partial(inspector.inspector_cost, typical_requests, inspector.per_second),
    ),
)
