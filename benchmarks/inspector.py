"""The cost of the inspector: the time until its first rows, and the load that an open inspector adds.

A browser uses more of two processors than the server. So the second cost is measured twice: in requests per second
of the server's CPU time, and in requests per second of wall-clock time, browser included.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import servers
from benchmarks.commands import run_job
from benchmarks.load import Job, Outcome, Request
from benchmarks.rounds import MeasurementFailedError, Plan, Round, interleave
from benchmarks.servers import Server, running

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FIRST_PICTURE = 1_000.0
"""Limit in milliseconds from the navigation to the first painted rows."""
MANY, FEW = 36_404, 200
ROWS = "performance.getEntriesByName('rows-painted')"
LIVE_PAGES = ("overview", "journal")
"""The pages that follow all requests."""
SLICE_FACTOR = 8
"""Slices are this many times longer than others, because the pages load again every few seconds."""
Figure = Callable[[Outcome, float], float]
"""Computes a figure from the outcome of a slice and the server's CPU seconds during it."""
TICKS = os.sysconf("SC_CLK_TCK")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start a headless browser."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only these bars need it

    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        raise MeasurementFailedError("chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--headless", "--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


def address(server: Server, page: str) -> str:
    return f"http://127.0.0.1:{server.port}/__admin/ui/#/{page}"


# The first picture ----------------------------------------------------------------------------------------


def first_picture(plan: Plan) -> Iterator[Round]:
    """Measure the milliseconds to the first rows of many packages, with an empty browser cache."""
    for _ in range(plan.groups):
        with running(servers.ours("--packages", str(MANY))) as many, chromium() as browser:
            for _ in range(plan.rounds):
                yield Round(first_rows(browser, many, MANY), FIRST_PICTURE)


def first_picture_size(plan: Plan) -> Iterator[Round]:
    """Compare it with the first rows of few packages."""
    for _ in range(plan.groups):
        with (
            running(servers.ours("--packages", str(MANY))) as many,
            running(servers.ours()) as few,
            chromium() as browser,
        ):
            sides = [partial(first_rows, browser, *side) for side in ((many, MANY), (few, FEW))]
            for side in sides:
                side()
            yield from interleave(plan.rounds, *sides)


def first_rows(browser: Browser, server: Server, packages: int) -> float:
    """Return the milliseconds from the navigation to the first painted rows of the list."""
    context = browser.new_context()
    try:
        page = context.new_page()
        page.goto(address(server, "packages"))
        page.wait_for_function(f"() => {ROWS}.length")
        page.get_by_text(f"{packages:,} packages").first.wait_for()
        return float(page.evaluate(f"{ROWS}[0].startTime"))
    finally:
        context.close()


# Load while the inspector is open -------------------------------------------------------------------------


def inspector_cost(choose: Callable[[Server], list[Request]], figure: Figure, plan: Plan) -> Iterator[Round]:
    """Compare the requests per second with an open inspector and without."""
    longer = replace(plan, seconds=SLICE_FACTOR * plan.seconds)
    for _ in range(plan.groups):
        with running(servers.ours()) as server, chromium() as browser:
            pages = [browser.new_page() for _ in LIVE_PAGES]
            work = partial(measure_load, server, choose(server), figure, longer)
            inspector = [address(server, name) for name in LIVE_PAGES]
            watched, alone = (
                partial(measure_with_pages, pages, at, work) for at in (inspector, ["about:blank"] * len(pages))
            )
            watched(), alone()
            yield from interleave(max(plan.rounds // 2, 1), watched, alone)


def measure_with_pages(pages: list[Page], addresses: list[str], work: Callable[[], float]) -> float:
    """Return the figure of the work while the browser's pages are at these addresses."""
    for page, where in zip(pages, addresses, strict=True):
        page.goto(where)
        if where.startswith("http"):
            page.locator("main h1").wait_for()
    return work()


def measure_load(server: Server, requests: list[Request], figure: Figure, plan: Plan) -> float:
    """Return the figure of one slice of load."""
    job = Job(server.port, requests, plan.seconds, warm_up=plan.warm_up, connections=plan.connections)
    before = processor_seconds(server)
    outcome = run_job(job)
    return figure(outcome, processor_seconds(server) - before)


def per_cpu_second(outcome: Outcome, seconds: float) -> float:
    """Return the correct responses per second of the server's CPU time. Both include the warm-up."""
    return (outcome.sent - outcome.failed) / seconds


def per_second(outcome: Outcome, _seconds: float) -> float:
    """Return the correct responses per second of wall-clock time, while the browser shares the processors."""
    return outcome.rps


def processor_seconds(server: Server) -> float:
    """Return the CPU seconds of the server process since its start."""
    fields = Path(f"/proc/{server.pid}/stat").read_text("ascii").rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS
