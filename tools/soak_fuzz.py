"""Soak test: send random requests to servers with schemathesis (`make soak-fuzz`).

schemathesis reads the OpenAPI document of the server. All its checks are on, and it follows links between operations.
Each run has its own server and seed, and covers the emulated API with both surfaces, or the control API.
A status of 500 and a response that the document does not describe are faults.
`docs/explanation/fuzzing.md` explains the other findings that may occur. A finding that is not explained there is a
fault too.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tools.soak_load import Server, running_server

FEWEST_SEEDS, PACKAGES, IDS = 3, 200, 2
PARTS = {"emulated API": "--exclude-tag", "control API": "--include-tag"}
"""Part -> how it treats the operations with the tag `control`."""
EXPLAINED = {
    "AcceptedNegativeData": ("emulated API",),
    "EnsureResourceAvailability": ("control API",),
    "RejectedPositiveData": ("emulated API", "control API"),
}
"""Finding -> the parts in which it may occur. `docs/explanation/fuzzing.md` has the causes."""
UNCHECKED = {("/whisperer/hooks/{pk}/", "use_after_free")}
"""Path and check that does not apply to it. `docs/explanation/fuzzing.md` has the cause."""
OPTIONS = (
    *("--continue-on-failure", "--no-shrink", "--no-color", "--generation-database", "none", "--report", "json"),
    *("--request-timeout", "120"),
)
STREAM_EVENTS = 1
"""Events to read of a stream, which never ends."""
GUIDE = "/api/v1/oms"
COLLECTIONS = {
    "/__admin/packages/": f"{GUIDE}/packages/",
    "/__admin/stock/": f"{GUIDE}/stocklocations/list-simple/",
    "/__admin/stock_locations/": f"{GUIDE}/stocklocations/list-simple/",
    "/api/v1/package-item/": f"{GUIDE}/packages/package-items/",
}
"""Path before an id -> the list that has these ids. For other paths it is the same path."""


class Ids:
    """The ids of existing records, as values of path parameters."""

    def __init__(self, server: Server, credentials: tuple[str, ...]) -> None:
        self.client, self.credentials = server.client(), credentials
        self.lists: dict[str, list[int]] = {}

    def parameters(self, path: str) -> dict[str, list[int]]:
        """Return the ids for the parameters of a path: ids of the first record for each further parameter."""
        found: dict[str, list[int]] = {}
        collection, *rest = path.split("{")
        for part in rest:
            name, _, after = part.partition("}")
            ids = self.of_collection(COLLECTIONS.get(collection, collection))
            if not ids:
                break
            found[name] = ids
            collection += f"{ids[0]}{after}"
        return found

    def of_collection(self, path: str) -> list[int]:
        if path not in self.lists:
            self.lists[path] = self.read(path)
        return self.lists[path]

    def read(self, path: str) -> list[int]:
        """Return the first ids of a list, or no ids if the path is not a list."""
        for credential in self.credentials:
            self.client.connection.request("GET", path, headers={"Authorization": credential})
            response = self.client.connection.getresponse()
            body = response.read()
            if response.status == 200:
                results = json.loads(body).get("results", [])
                return [each["id"] for each in results if isinstance(each.get("id"), int)][:IDS]
        return []


def configuration(server: Server) -> str:
    """Return the configuration of schemathesis: credentials, existing ids, and checks that do not apply."""
    client = server.client()
    wanted = {"role": "full-access", "kind": "jwt", "expires_in": 10**6}
    jwt = json.loads(client.send("POST", "/__admin/tokens", wanted)[1])["token"]
    lines = [
        f"max-stream-events = {STREAM_EVENTS}",
        "[auth.openapi]",
        'Token = { api_key = "Token full-access" }',
        f'Bearer = {{ bearer = "{jwt}" }}',
    ]
    ids = Ids(server, ("Token full-access", f"Bearer {jwt}"))
    names = count()
    dictionaries, operations = ["[dictionaries]"], []
    for path in json.loads(client.send("GET", "/__admin/openapi.json")[1])["paths"]:
        entries = [f"checks.{check}.enabled = false" for each, check in UNCHECKED if each == path]
        for parameter, values in ids.parameters(path).items():
            name = f"ids-{next(names)}"
            dictionaries.append(f"{name} = {{ values = {values} }}")
            entries.append(f'parameters."path.{parameter}" = {{ dictionary = "{name}", probability = 0.5 }}')
        if entries:
            operations += ["[[operations]]", f"include-path = {json.dumps(path)}", *entries]
    return "\n".join((*lines, *dictionaries, *operations, ""))


def run_schemathesis(server: Server, folder: Path, options: list[str]) -> tuple[dict[str, Any], str]:
    """Run schemathesis. Return its report and its output."""
    settings, report = folder / "schemathesis.toml", folder / "report.json"
    settings.write_text(configuration(server), "utf-8")
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(settings), "run"]
    command += [f"{server.url.geturl()}/__admin/openapi.json", *OPTIONS, "--report-json-path", str(report), *options]
    result = subprocess.run(command, check=False, cwd=folder, capture_output=True, text=True)
    if not report.exists():
        raise RuntimeError(result.stdout + result.stderr)
    return json.loads(report.read_text("utf-8")), result.stdout


def unexplained(report: Mapping[str, Any], part: str) -> Iterator[str]:
    """Yield the findings of a report that are faults, and the problems of the run."""
    for finding in report["failures"]:
        if part not in EXPLAINED.get(finding["type"], ()):
            yield f"{finding['title']}: {', '.join(finding['operations'])}"
    for error in report["errors"]:
        yield f"{error['title']}: {error['count']}"
    if not report["complete"]:
        yield f"stopped: {report['stop_reason']}"


def fuzz(part: str, seed: int, examples: int, findings: Counter[str]) -> tuple[int, bool]:
    """Fuzz a part of a new server with a seed. Return the number of requests, and whether no fault was found."""
    started = time.monotonic()
    options = [PARTS[part], "control", "--seed", str(seed), "-n", str(examples)]
    if seed > 1:  # the other phases send the same requests for each seed
        options += ["--phases", "fuzzing,stateful"]
    with running_server(PACKAGES) as server, TemporaryDirectory() as folder:
        report, output = run_schemathesis(server, Path(folder), options)
        memory = server.megabytes()
    faults = list(unexplained(report, part))
    for finding in report["failures"]:
        findings[f"{part}: {finding['title']}"] += finding["count"]
    requests = report["test_cases"]["generated"]
    sys.stdout.write(
        f"  seed {seed}, {part}: {requests} requests in {time.monotonic() - started:.0f} s, {memory:.0f} MB,"
        f" {len(faults)} kinds of faults\n"
    )
    if faults:
        sys.stdout.write(output + "".join(f"  FAULT {fault}\n" for fault in faults))
    sys.stdout.flush()
    return requests, not faults


def main() -> int:
    """Fuzz with seed after seed until enough requests were sent. Return 0 if no fault was found."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--requests", type=int, default=100_000)
    arguments.add_argument("--examples", type=int, default=50, help="examples of each operation and seed")
    arguments.add_argument("--first-seed", type=int, default=1)
    options = arguments.parse_args()
    findings, requests, is_good = Counter[str](), 0, True
    for number in count():
        if number >= FEWEST_SEEDS and requests >= options.requests:
            break
        for part in PARTS:
            sent, is_part_good = fuzz(part, options.first_seed + number, options.examples, findings)
            requests, is_good = requests + sent, is_good and is_part_good
    sys.stdout.write(f"{requests} requests with {number} seeds: {'no faults' if is_good else 'FAULTS'}\n")
    for finding, amount in sorted(findings.items()):
        sys.stdout.write(f"  {amount:5} {finding}\n")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
