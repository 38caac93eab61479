"""The scale-out example with a real nginx: worlds are spread over processes, and each behaves as if it were alone."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests
import yaml

from emulator import Emulator
from tests.cli.test_serve import environment
from tests.support.ports import free_port

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "scale-out"
WORLDS = [f"world-{number}" for number in range(50)]
PATIENCE = 60
"""Seconds until a process must be ready."""
BELOW_KEEP_ALIVE = 8
"""Seconds without data. After ten, the next bytes of a stream would push out a delayed message."""

pytestmark = pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")


class Cluster(NamedTuple):
    url: str
    folder: Path
    shard_urls: tuple[str, ...]

    def worlds_of(self, shard: int) -> set[str]:
        """Return the names of the worlds of a process."""
        found = requests.get(f"{self.shard_urls[shard]}/__admin/worlds", timeout=30).json()["results"]
        return {each["name"] for each in found}


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """Run two processes behind nginx."""
    port = free_port(3)
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "oms-emulator").write_text(f'#!/bin/sh\nexec {sys.executable} -m emulator.cli "$@"\n')
    (programs / "oms-emulator").chmod(0o755)
    variables = environment({"PATH": f"{programs}:{os.environ['PATH']}"})
    folder = tmp_path / "state"
    with subprocess.Popen(
        [str(EXAMPLE / "start.sh"), "2", str(port), str(folder)], env=variables, stdout=subprocess.PIPE
    ) as process:
        urls = [f"http://127.0.0.1:{port + number}" for number in range(3)]
        for url in reversed(urls):  # nginx last: it answers 502 until the processes are ready
            wait_until_ready(url)
        yield Cluster(urls[0], folder, (urls[1], urls[2]))
        process.terminate()
    assert process.returncode == 0


def wait_until_ready(url: str) -> None:
    """Poll the health endpoint. There is no other signal that a process behind a proxy is ready."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with suppress(requests.ConnectionError):
            if requests.get(f"{url}/__admin/health", timeout=5).status_code == 200:
                return
        time.sleep(0.05)
    raise AssertionError(f"{url} is not ready")


def traffic(url: str, name: str) -> list[tuple[int, str]]:
    """Create a world, use it, and return the status and the body of each response, without the address."""
    base = f"{url}/w/{name}"
    with requests.Session() as client:
        client.headers["Authorization"] = "Token full-access"
        seed = int(name.rpartition("-")[2])
        created = client.put(f"{url}/__admin/worlds/{name}", json={"scenario": "demo", "seed": seed})
        assert created.status_code == 201
        client.put(f"{base}/__admin/clock", json={"mode": "frozen", "now": "2023-05-01T09:00:00Z"})
        responses = [client.post(f"{base}/__admin/packages", json={"state": "Waiting"})]
        path = f"{base}/api/v1/oms/packages/{responses[0].json()['id']}/"
        slug = "package__complete_packaging__waiting__packed-all-items"
        responses += [client.post(f"{path}command/", json={"slug": slug, "input_parameters": {}}) for _ in range(2)]
        responses += [client.get(path), client.get(f"{base}/api/v1/oms/packages/?limit=50&sort=-id")]
        in_header = {"X-Emulator-World": name}
        responses.append(client.get(f"{url}/api/v1/oms/transfer_orders/", headers=in_header))
    return [(response.status_code, response.text.replace(url, "")) for response in responses]


def test_fifty_worlds_at_once_behave_as_if_each_were_alone(cluster: Cluster) -> None:
    with ThreadPoolExecutor(len(WORLDS)) as pool:
        together = list(pool.map(lambda name: traffic(cluster.url, name), WORLDS))
    with Emulator("demo", max_worlds=100) as alone:
        assert together == [traffic(alone.url, name) for name in WORLDS]
    assert [status for status, _ in together[0]] == [201, 204, 400, 200, 200, 200]
    first, second = cluster.worlds_of(0), cluster.worlds_of(1)
    assert first & second == {"default"}
    assert (first | second) - {"default"} == set(WORLDS)
    assert min(len(first), len(second)) > 10


def test_killed_process_restarts_with_its_worlds_and_the_others_continue(cluster: Cluster) -> None:
    names = WORLDS[:12]
    before = {name: traffic(cluster.url, name)[3] for name in names}
    lost = cluster.worlds_of(0)
    os.kill(int((cluster.folder / "shard-1.db.pid").read_text()), signal.SIGKILL)
    headers = {"Authorization": "Token full-access"}
    path = "api/v1/oms/packages/?limit=1&sort=-id"
    for name in set(names) - lost:
        assert requests.get(f"{cluster.url}/w/{name}/{path}", headers=headers, timeout=30).status_code == 200
    wait_until_ready(cluster.shard_urls[0])
    assert cluster.worlds_of(0) == lost
    for name in names:
        url = f"{cluster.url}/w/{name}/{path}"
        (newest,) = requests.get(url, headers=headers, timeout=30).json()["results"]
        detail = requests.get(
            f"{cluster.url}/w/{name}/api/v1/oms/packages/{newest['id']}/", headers=headers, timeout=30
        )
        assert (detail.status_code, detail.text.replace(cluster.url, "")) == before[name]


def test_nginx_does_not_delay_events(cluster: Cluster) -> None:
    """Each message of an open stream arrives at once. nginx with its defaults keeps back what is beyond 4 KB."""
    create_world(cluster, "streamed", 10)
    control = f"{cluster.url}/w/streamed/__admin"
    with requests.get(f"{control}/events", stream=True, timeout=BELOW_KEEP_ALIVE) as stream:
        messages = (line for line in stream.iter_lines() if line.startswith(b"data:"))
        assert len(next(messages)) > 4_096
        requests.put(f"{control}/clock", json={"mode": "frozen"}, timeout=30)
        assert b"ticking" in next(messages)


def test_nginx_passes_on_a_page_of_hundred_packages(cluster: Cluster) -> None:
    """The page is larger than all buffers of nginx."""
    create_world(cluster, "large", 200)
    url = f"{cluster.url}/w/large/api/v1/oms/packages/?limit=100"
    page = requests.get(url, headers={"Authorization": "Token full-access"}, timeout=30)
    assert len(page.content) > 4 * 64 * 1024
    assert len(page.json()["results"]) == 100


def create_world(cluster: Cluster, name: str, packages: int) -> None:
    created = requests.put(f"{cluster.url}/__admin/worlds/{name}", json={"packages": packages}, timeout=30)
    assert created.status_code == 201


def manifests(kind: str) -> list[Any]:
    documents = yaml.safe_load_all((EXAMPLE / "kubernetes.yaml").read_text("utf-8"))
    return [document for document in documents if document["kind"] == kind]


def test_the_pod_of_the_manifests_is_ready_and_takes_calls_of_other_machines(tmp_path: Path) -> None:
    """The emulator of the StatefulSet runs here with another port and folder. A proxy forwards an address."""
    [stateful_set], port = manifests("StatefulSet"), str(free_port())
    [container] = stateful_set["spec"]["template"]["spec"]["containers"]
    here = {"8080": port, "0.0.0.0": "127.0.0.1", "/state/worlds.db": str(tmp_path / "worlds.db")}
    arguments = [here.get(argument, argument) for argument in container["args"]]
    variables = environment({variable["name"]: "secret" for variable in container["env"]})
    probe = [part.replace("8080", port) for part in container["readinessProbe"]["exec"]["command"]]
    command = [sys.executable, "-m", "emulator.cli", *arguments]
    with subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("ready: ")
        assert subprocess.run([sys.executable, *probe[1:]], check=False).returncode == 0
        headers = {"Host": "oms-proxy:8080", "X-Forwarded-For": "10.0.0.9"}
        url = f"http://127.0.0.1:{port}/__admin/worlds/one"
        assert requests.put(url, json={}, headers=headers, timeout=30).status_code == 401
        headers["Authorization"] = "Bearer secret"
        assert requests.put(url, json={}, headers=headers, timeout=30).status_code == 201
        process.terminate()


def test_nginx_of_the_manifests_knows_a_service_with_an_own_address_for_each_pod() -> None:
    [stateful_set], [proxy] = manifests("StatefulSet"), manifests("ConfigMap")
    names = [f"oms-{number}" for number in range(stateful_set["spec"]["replicas"])]
    assert proxy["data"]["shards.conf"].split("\n")[:-1] == [f"server {name}:8080 max_fails=0;" for name in names]
    services = {each["metadata"]["name"]: each["spec"] for each in manifests("Service")}
    for name in names:
        assert services[name]["selector"] == {"statefulset.kubernetes.io/pod-name": name}
        assert "clusterIP" not in services[name]


def test_the_manifests_are_valid() -> None:
    """Every document is valid for each Kubernetes version that the validator knows by default."""
    command = [sys.executable, "-m", "kubernetes_validate", "--strict", str(EXAMPLE / "kubernetes.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
