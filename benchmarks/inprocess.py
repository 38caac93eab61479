"""Bars without a socket: `oms.session()`, werkzeug's client, a new world, and an unused pytest plugin.

Both sides of a round run in this process. The pytest runs are separate processes, one after the other. The figure is
CPU time, because no call waits for I/O. Other load on the machine then matters only through the processor caches,
and many short slices spread this over both sides.
"""

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

import orjson
import requests
import responses
from flask import Flask, Response
from werkzeug.test import Client, create_environ

from benchmarks.rounds import MeasurementFailedError, Plan, Round, interleave
from benchmarks.servers import seconds_of
from emulator import Emulator

LIST = "/api/v1/oms/packages/"
CALLS = 1_000
"""Calls of each side in a round, for each second of the plan."""
SLICES = 25
"""Number of alternating slices of these calls. The figure of a round is the median of its slices."""
WORLDS = 200
FRESH_LIMIT = 1.0
"""Limit in milliseconds for a new world."""
PLUGIN_LIMIT = 20.0
"""Limit in milliseconds that the plugin may add to a run that does not use it."""


def milliseconds(call: Callable[[], object], times: int) -> float:
    """Return the mean CPU milliseconds of a call."""
    began = process_time()
    for _ in range(times):
        call()
    return 1000 * (process_time() - began) / times


def compare_calls(plan: Plan, ours: Callable[[], object], theirs: Callable[[], object]) -> Iterator[Round]:
    """Measure a call of both sides in each round of the plan."""
    times = max(1, round(CALLS * plan.seconds / SLICES))
    sides = [partial(milliseconds, call, times) for call in (ours, theirs)]
    for side in sides:
        side()
    for _ in range(plan.groups * plan.rounds):
        slices = list(interleave(SLICES, *sides))
        yield Round(median(each.ours for each in slices), median(each.theirs for each in slices))


def by_second(round_: Round) -> Round:
    """Convert milliseconds per call to calls per second."""
    return Round(1000 / round_.ours, 1000 / round_.theirs)


def detail(oms: Emulator) -> tuple[str, requests.Response]:
    """Return the path of the first package, and its response."""
    session = oms.session()
    path = f"{LIST}{session.get(LIST).json()['results'][0]['id']}/"
    return path, session.get(path)


def session(plan: Plan) -> Iterator[Round]:
    """Compare a package detail through `oms.session()` with `responses` and the same bytes."""
    oms = Emulator("demo")
    path, answer = detail(oms)
    ours, url = oms.session(), f"http://oms.test{path}"
    theirs = requests.Session()
    theirs.headers.update(oms.auth)
    theirs.trust_env = False  # as in our session: do not look for proxies
    headers = {
        name: value for name, value in answer.headers.items() if name not in ("Content-Type", "Content-Length")
    }
    with responses.RequestsMock() as mock:
        mock.get(url, answer.content, headers=headers, content_type=answer.headers["Content-Type"])
        check_same(answer.content, ours.get(path).content, theirs.get(url).content)
        yield from map(
            by_second, compare_calls(plan, lambda: ours.get(path), lambda: get_and_forget(mock, theirs, url))
        )


def get_and_forget(mock: responses.RequestsMock, client: requests.Session, url: str) -> None:
    """Send a request and clear the recorded calls, which would grow."""
    client.get(url)
    mock.calls.reset()


def wsgi(plan: Plan) -> Iterator[Round]:
    """Compare a package detail by a call of the WSGI application with a Flask view of constant bytes."""
    oms = Emulator("demo")
    path, answer = detail(oms)
    app = Flask("constant", static_folder=None)
    app.add_url_rule(path, "constant", lambda: Response(answer.content, content_type="application/json"))
    environ = create_environ(path, "http://oms.test", headers=oms.auth)
    ours, theirs = (partial(wsgi_body, each, environ) for each in (oms.app, app))
    check_same(answer.content, ours(), theirs())
    return compare_calls(plan, ours, theirs)


def wsgi_body(app: Flask, environ: dict[str, Any]) -> bytes:
    return b"".join(app(dict(environ), lambda *_: bytes))


def werkzeug(plan: Plan) -> Iterator[Round]:
    """Compare a package detail through werkzeug's client with a Flask view of constant bytes."""
    oms = Emulator("demo")
    path, answer = detail(oms)
    app = Flask("constant", static_folder=None)
    app.add_url_rule(path, "constant", lambda: Response(answer.content, content_type="application/json"))
    ours, theirs = Client(oms.app), Client(app)
    ask = partial(ours.get, path, headers=oms.auth, base_url="http://oms.test")
    constant = partial(theirs.get, path, headers=oms.auth, base_url="http://oms.test")
    check_same(answer.content, ask().data, constant().data)
    return compare_calls(plan, lambda: ask().data, lambda: constant().data)


def check_same(*bodies: bytes) -> None:
    if len(set(bodies)) != 1:
        raise MeasurementFailedError("the two sides do not answer the same bytes")


def world(plan: Plan) -> Iterator[Round]:
    """Measure the creation of an `Emulator`, as the fixture `oms` does for each test, beside the limit."""
    Emulator("demo")
    for _ in range(plan.groups * plan.rounds):
        yield Round(milliseconds(lambda: Emulator("demo"), WORLDS), FRESH_LIMIT)


def plugin(plan: Plan) -> Iterator[Round]:
    """Measure what the plugin adds to a run of one test that does not use it, beside the limit.

    The figure is CPU time, the median of the differences of several runs. Other load would hide a difference of a few
    percent.
    """
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "test_nothing.py").write_text("def test_nothing(): pass\n", "utf-8")
        alone = ["env", "PYTEST_DISABLE_PLUGIN_AUTOLOAD=1"]  # other plugins would add noise
        bare = [*alone, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", folder, folder]
        runs = [partial(processor_seconds, [*bare, "-p", name]) for name in (PLUGIN, f"no:{PLUGIN}")]
        for run in runs:
            run()
        for _ in range(plan.groups):
            both = list(interleave(RUNS, *runs))
            yield Round(1000 * median(each.ours - each.theirs for each in both), PLUGIN_LIMIT)


PLUGIN = "pytest_oms_emulator"
RUNS = 15
"""Runs of each kind in a round."""


def mutation(plan: Plan) -> Iterator[Round]:
    """Compare the reruns of `oms-emulator mutate` in the example suite with the own time of the selected tests."""
    suite = Path(__file__).parent.parent / "examples" / "mutation"
    for _ in range(plan.groups):
        with tempfile.TemporaryDirectory() as folder:
            options = ["--results", f"{folder}/results", "--format", "json", "-o", f"{folder}/report"]
            program = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", PLUGIN]
            command = [sys.executable, "-m", "emulator.cli", "mutate", *options, "--", *program]
            variables = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
            subprocess.run(command, cwd=suite, env=variables, capture_output=True, check=False)
            run = orjson.loads(Path(folder, "report").read_bytes())["run"]
            yield Round(run["reruns"], run["own"])


def processor_seconds(command: list[str]) -> float:
    """Return the user and system CPU seconds of a command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds_of(command)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
