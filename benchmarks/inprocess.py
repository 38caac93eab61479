"""Bars without a socket: our session, werkzeug's client, a fresh world, and the plugin in a run that needs none.

Both sides of a round run in this process; for pytest, in processes of their own, one after the other. Nothing here
waits for anything, so a call takes as long as it keeps the processor busy: that is what is measured. Whatever else
runs on the machine then counts only through the caches that it empties, for both sides of many short slices alike.
"""

import resource
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median
from time import process_time

import requests
import responses
from flask import Flask, Response
from werkzeug.test import Client

from benchmarks.rounds import MeasurementFailedError, Plan, Round, interleaved
from benchmarks.servers import seconds_of
from emulator import Emulator

LIST = "/api/v1/oms/packages/"
CALLS = 1_000
"""How many calls each side of a round has, for each second of the plan."""
SLICES = 25
"""How many slices they are cut into, ours and theirs by turns; the figure of a round is the median of its slices."""
WORLDS = 200
FRESH_LIMIT = 1.0
"""Milliseconds that a fresh world may cost."""
PLUGIN_LIMIT = 20.0
"""Milliseconds that the plugin may add to a run that does not use it."""


def milliseconds(call: Callable[[], object], times: int) -> float:
    """How long one of so many calls keeps the processor busy."""
    began = process_time()
    for _ in range(times):
        call()
    return 1000 * (process_time() - began) / times


def beside(plan: Plan, ours: Callable[[], object], theirs: Callable[[], object]) -> Iterator[Round]:
    """What a call takes, of ours and of theirs, in each round of the plan."""
    times = max(1, round(CALLS * plan.seconds / SLICES))
    sides = [partial(milliseconds, call, times) for call in (ours, theirs)]
    for side in sides:
        side()
    for _ in range(plan.groups * plan.rounds):
        slices = list(interleaved(SLICES, *sides))
        yield Round(median(each.ours for each in slices), median(each.theirs for each in slices))


def by_second(round_: Round) -> Round:
    """Calls in a second, of what one call takes in milliseconds."""
    return Round(1000 / round_.ours, 1000 / round_.theirs)


def detail(oms: Emulator) -> tuple[str, requests.Response]:
    """The path of the first package, and the answer that its GET has."""
    session = oms.session()
    path = f"{LIST}{session.get(LIST).json()['results'][0]['id']}/"
    return path, session.get(path)


def session(plan: Plan) -> Iterator[Round]:
    """Package detail through `oms.session()`, beside `responses` answering the same bytes."""
    oms = Emulator("demo")
    path, answer = detail(oms)
    ours, url = oms.session(), f"http://oms.test{path}"
    theirs = requests.Session()
    theirs.headers.update(oms.auth)
    theirs.trust_env = False  # as ours: neither looks for proxies
    headers = {
        name: value for name, value in answer.headers.items() if name not in ("Content-Type", "Content-Length")
    }
    with responses.RequestsMock() as mock:
        mock.get(url, answer.content, headers=headers, content_type=answer.headers["Content-Type"])
        check_same(answer.content, ours.get(path).content, theirs.get(url).content)
        yield from map(by_second, beside(plan, lambda: ours.get(path), lambda: fresh(mock, theirs, url)))


def fresh(mock: responses.RequestsMock, client: requests.Session, url: str) -> None:
    """Ask, and forget: what a long test run would make of the list of calls is not the point."""
    client.get(url)
    mock.calls.reset()


def werkzeug(plan: Plan) -> Iterator[Round]:
    """Package detail through werkzeug's client, beside a Flask view that gives back constant bytes."""
    oms = Emulator("demo")
    path, answer = detail(oms)
    app = Flask("constant", static_folder=None)
    app.add_url_rule(path, "constant", lambda: Response(answer.content, content_type="application/json"))
    ours, theirs = Client(oms.app), Client(app)
    ask = partial(ours.get, path, headers=oms.auth, base_url="http://oms.test")
    constant = partial(theirs.get, path, headers=oms.auth, base_url="http://oms.test")
    check_same(answer.content, ask().data, constant().data)
    return beside(plan, lambda: ask().data, lambda: constant().data)


def check_same(*bodies: bytes) -> None:
    if len(set(bodies)) != 1:
        raise MeasurementFailedError("the two sides do not answer the same bytes")


def world(plan: Plan) -> Iterator[Round]:
    """What the fixture `oms` makes for each test, beside the limit."""
    Emulator("demo")
    for _ in range(plan.groups * plan.rounds):
        yield Round(milliseconds(lambda: Emulator("demo"), WORLDS), FRESH_LIMIT)


def plugin(plan: Plan) -> Iterator[Round]:
    """What the plugin adds to a run of one test that asks for nothing, beside the limit.

    In processor time, the median of what it adds to each of several runs: a difference of a few percent drowns in
    whatever else runs.
    """
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "test_nothing.py").write_text("def test_nothing(): pass\n", "utf-8")
        alone = ["env", "PYTEST_DISABLE_PLUGIN_AUTOLOAD=1"]  # what other plugins cost is noise
        bare = [*alone, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", folder, folder]
        runs = [partial(processor_seconds, [*bare, "-p", name]) for name in (PLUGIN, f"no:{PLUGIN}")]
        for run in runs:
            run()
        for _ in range(plan.groups):
            both = list(interleaved(RUNS, *runs))
            yield Round(1000 * median(each.ours - each.theirs for each in both), PLUGIN_LIMIT)


PLUGIN = "emulator.pytest_plugin"
RUNS = 15
"""How many runs of each kind a round looks at."""


def processor_seconds(command: list[str]) -> float:
    """How long a command keeps a processor busy, itself and the system on its behalf."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds_of(command)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
