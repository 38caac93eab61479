"""Commands as load. Every request changes a state, and the sequence can be repeated without end."""

import json

from benchmarks import load
from benchmarks.load import Job, Outcome, Request
from benchmarks.rounds import MeasurementFailedError, Plan
from benchmarks.servers import Server, fetch

PACKAGES = "/api/v1/oms/packages/"
AUTH = {"Authorization": "Token full-access"}
FEW = 200
RESET = 204

BLOCK, UNBLOCK = 1021, 1025
"""The transitions of the default installation that block and unblock a waiting package."""
PACKAGE_COUNT = 8
"""Number of packages; the demo has nine that wait. Each belongs to one connection, so its commands stay in order."""
CALLERS = 4
TURNS = 50


def command_requests(server: Server) -> list[Request]:
    """Return requests that block some waiting packages and then unblock them. Each changes a state."""
    waiting = waiting_packages(server)
    return [command_request(pk, transition) for transition in (BLOCK, UNBLOCK) for pk in waiting]


def waiting_packages(server: Server) -> list[int]:
    found: list[int] = []
    for number in range(1, 1 + FEW // 100):
        page = json.loads(fetch(server, f"{PACKAGES}short/?limit=100&page={number}", headers=AUTH).body)
        found += [package["id"] for package in page["results"] if package["state"]["enum_value"] == "100"]
    if len(found) < PACKAGE_COUNT:
        raise MeasurementFailedError(f"{len(found)} waiting packages instead of {PACKAGE_COUNT}")
    return found[:PACKAGE_COUNT]


def command_request(pk: int, transition: int) -> Request:
    body = json.dumps({"transition": transition, "input_parameters": {}})
    headers = AUTH | {"Content-Type": "application/json"}
    return Request(f"{PACKAGES}{pk}/command/", method="POST", headers=headers, body=body, status=204, length=0)


def reset_and_command_rate(server: Server, requests: list[Request], plan: Plan) -> float:
    """Return the rate of commands after a reset. Otherwise the logs of the packages would grow in each slice."""
    if (status := fetch(server, "/__admin/reset", "POST").status) != RESET:
        raise MeasurementFailedError(f"reset: status {status}")
    return command_rate(server, requests, plan)


def command_rate(server: Server, requests: list[Request], plan: Plan) -> float:
    """Return the requests per second of complete turns. Afterwards every package is in its old state."""
    turns = round(TURNS * plan.seconds) or 1
    job = Job(server.port, requests, seconds=60, connections=CALLERS, limit=len(requests) * turns, shares=True)
    return run_job(job).rps


def run_job(job: Job) -> Outcome:
    """Run the job. Raise `MeasurementFailedError` for a single wrong response or lost connection."""
    got = load.measure(job)
    if got.failed or got.reconnects or not got.answered:
        raise MeasurementFailedError(
            f"{got.failed} of {got.sent} requests failed, {got.reconnects} reconnects: {'; '.join(got.reasons)}"
        )
    return got
