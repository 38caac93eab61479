"""The cost of the inspector: the time until its first rows, and the load that an open inspector adds.

A browser uses more of two processors than the server. So the second cost is measured twice: in requests per second
of the server's CPU time, and in requests per second of wall-clock time, browser included.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from benchmarks import servers
from benchmarks.commands import run_job
from benchmarks.load import Job, Outcome, Request
from benchmarks.rounds import MeasurementFailedError, Plan, Round, interleave
from benchmarks.servers import Server, cpu_seconds, fetch, running

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FIRST_PICTURE = 1_000.0
"""Limit in milliseconds from the navigation to the first painted rows."""
MANY, FEW = 36_404, 200
ROWS = "performance.getEntriesByName('rows-painted')"
COLD_PAGES = {
    "overview": ".canvas .node",
    f"packages?page={MANY // 50 + 1}": "tbody tr",  # the last page of the list
    "packages?state=35": "tbody tr",
}
"""Pages whose first picture can depend on all packages, and what that picture shows."""
PAINTED = """(selector) => new Promise((resolve) => {
    const check = () => (document.querySelector(selector)
        ? requestAnimationFrame(() => setTimeout(() => resolve(performance.now()))) : requestAnimationFrame(check));
    check();
})"""
"""Returns the milliseconds from the navigation until an element is painted."""
STORY = "/__admin/stories/a-day-in-the-warehouse"
JUMP = 50.0
"""Limit in milliseconds of a jump to another chapter of a story."""
LIVE_PAGES = ("overview", "journal")
"""The pages that follow all requests."""
SLICE_FACTOR = 8
"""Slices are this many times longer than others, because the pages load again every few seconds."""
Figure = Callable[[Outcome, float], float]
"""Computes a figure from the outcome of a slice and the server's CPU seconds during it."""


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


def cold_pages(plan: Plan) -> Iterator[Round]:
    """Measure the slowest first picture of many packages. Each server is new, so it has no page of any kind yet."""
    for _ in range(plan.groups):
        with chromium() as browser:
            for _ in range(max(plan.rounds // 2, 1)):
                yield Round(max(cold_page(browser, *each) for each in COLD_PAGES.items()), FIRST_PICTURE)


def cold_page(browser: Browser, where: str, selector: str) -> float:
    """Return the milliseconds from the navigation to the painted picture, on a new server."""
    context = browser.new_context()
    try:
        with running(servers.ours("--packages", str(MANY))) as server:
            page = context.new_page()
            page.goto(address(server, where))
            return float(page.evaluate(PAINTED, selector))
    finally:
        context.close()


def story_jump(plan: Plan) -> Iterator[Round]:
    """Measure the milliseconds to put a story's world into another chapter. The first call prepares the story."""
    with running(servers.ours()) as server:
        world = json.loads(fetch(server, f"{STORY}/1", "POST").body)["world"]
        for number in range(2, 2 + plan.groups * plan.rounds):
            before = time.perf_counter()
            answer = fetch(server, f"/w/{world}{STORY}/{1 + number % 5}", "POST")
            taken = 1000 * (time.perf_counter() - before)
            if answer.status != 200:
                raise MeasurementFailedError(f"chapter {1 + number % 5}: status {answer.status}")
            yield Round(taken, JUMP)


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
    before = cpu_seconds(server.pid)
    outcome = run_job(job)
    return figure(outcome, cpu_seconds(server.pid) - before)


def per_cpu_second(outcome: Outcome, seconds: float) -> float:
    """Return the correct responses per second of the server's CPU time. Both include the warm-up."""
    return (outcome.sent - outcome.failed) / seconds


def per_second(outcome: Outcome, _seconds: float) -> float:
    """Return the correct responses per second of wall-clock time, while the browser shares the processors."""
    return outcome.rps
