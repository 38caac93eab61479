"""The container file and the compose example: what of them can be judged and run without a container engine."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from click.testing import CliRunner

from emulator import Emulator
from emulator.cli import main

ROOT = Path(__file__).parents[1]
COMPOSE = ROOT / "examples" / "compose"


def instructions() -> list[tuple[str, str]]:
    """Give the instructions of the container file, each with what follows it."""
    text = (ROOT / "Containerfile").read_text("utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split(None, 1)[0], line.split(None, 1)[1].strip()) for line in lines]


def following(name: str) -> list[str]:
    return [rest for found, rest in instructions() if found == name]


def health_command() -> list[str]:
    command: list[str] = json.loads(following("HEALTHCHECK")[0].partition("CMD")[2])
    return command


def test_what_is_copied_is_there_and_let_through() -> None:
    """The ignore file leaves out all but what the image is made of."""
    let_through = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {name for rest in following("COPY") for name in rest.split()[:-1]}
    assert copied == let_through
    assert all((ROOT / name).exists() for name in copied)


def test_it_runs_as_a_user_without_rights_on_a_port_that_is_told() -> None:
    assert following("USER") == ["10001"]
    assert "--uid 10001" in following("RUN")[0]
    assert following("EXPOSE") == ["8080"]
    names = [name for name, _ in instructions()]
    assert names.index("USER") < names.index("ENTRYPOINT")
    assert ":latest" not in following("FROM")[0]


def commands() -> list[list[str]]:
    services: dict[str, Any] = yaml.safe_load((COMPOSE / "compose.yaml").read_text("utf-8"))["services"]
    return [json.loads(following("CMD")[0]), services["oms"]["command"]]


@pytest.mark.parametrize("command", commands(), ids=shlex.join)
def test_its_commands_are_the_command_lines_own(command: list[str]) -> None:
    """A wrong option would be refused before `--help` answers; all addresses are answered on."""
    assert following("ENTRYPOINT") == ['["oms-emulator"]']
    assert command[:5] == ["serve", "--host", "0.0.0.0", "--port", "8080"]
    assert CliRunner().invoke(main, [*command, "--help"]).exit_code == 0


def test_the_health_check_knows_a_server_that_answers_from_one_that_does_not() -> None:
    """Run as it stands, but for the port."""
    with Emulator("empty", host="0.0.0.0") as oms:
        port = oms.url.rpartition(":")[2]
        check = [part.replace(":8080/", f":{port}/") for part in [sys.executable, *health_command()[1:]]]
        assert subprocess.run(check, check=False, timeout=30).returncode == 0
    assert subprocess.run(check, check=False, timeout=30, stderr=subprocess.DEVNULL).returncode != 0


def test_the_control_api_answers_another_containers_name_only_where_it_is_allowed() -> None:
    """The example allows the name under which its services reach the server."""
    services = yaml.safe_load((COMPOSE / "compose.yaml").read_text("utf-8"))["services"]
    name = services["oms"]["environment"]["OMS_EMULATOR_ALLOW_HOST"]
    assert name in services
    for allowed, status in (((), 403), ((name,), 200)):
        with Emulator("empty", allow_hosts=allowed) as oms:
            answer = requests.get(oms.url + "/__admin/health", headers={"Host": f"{name}:8080"}, timeout=10)
            assert answer.status_code == status


def test_what_the_example_mounts_and_builds_is_there() -> None:
    services = yaml.safe_load((COMPOSE / "compose.yaml").read_text("utf-8"))["services"]
    build = services["oms"]["build"]
    assert (COMPOSE / build["context"] / build["dockerfile"]).resolve() == ROOT / "Containerfile"
    for mount in services["front"]["volumes"]:
        assert (COMPOSE / mount.split(":")[0]).exists()
    assert "http://oms:8080" in (COMPOSE / "nginx.conf").read_text("utf-8")
