"""The container file and the compose example. The image is built on Debian, because no registry of images is used."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
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
    """Return the instructions of the container file with their arguments."""
    text = (ROOT / "Containerfile").read_text("utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split(None, 1)[0], line.split(None, 1)[1].strip()) for line in lines]


def arguments(name: str) -> list[str]:
    return [rest for instruction, rest in instructions() if instruction == name]


def health_command() -> list[str]:
    command: list[str] = json.loads(arguments("HEALTHCHECK")[0].partition("CMD")[2])
    return command


def test_copied_files_exist_and_are_not_ignored() -> None:
    """The ignore file excludes all other files."""
    included = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {name for rest in arguments("COPY") for name in rest.split()[:-1]}
    assert copied == included
    assert all((ROOT / name).exists() for name in copied)


def test_it_runs_as_an_unprivileged_user_on_an_exposed_port() -> None:
    assert arguments("USER") == ["10001"]
    assert "--uid 10001" in arguments("RUN")[0]
    assert arguments("EXPOSE") == ["8080"]
    names = [name for name, _ in instructions()]
    assert names.index("USER") < names.index("ENTRYPOINT")
    assert ":latest" not in arguments("FROM")[0]


def commands() -> list[list[str]]:
    services: dict[str, Any] = yaml.safe_load((COMPOSE / "compose.yaml").read_text("utf-8"))["services"]
    return [json.loads(arguments("CMD")[0]), services["oms"]["command"]]


@pytest.mark.parametrize("command", commands(), ids=shlex.join)
def test_its_commands_are_valid(command: list[str]) -> None:
    """`--help` would fail after an unknown option. The server listens on all addresses."""
    assert arguments("ENTRYPOINT") == ['["oms-emulator"]']
    assert command[:5] == ["serve", "--host", "0.0.0.0", "--port", "8080"]
    assert CliRunner().invoke(main, [*command, "--help"]).exit_code == 0


@pytest.mark.medium
def test_the_health_check_fails_without_a_server() -> None:
    """Only the port of the command is changed."""
    with Emulator("empty", host="0.0.0.0") as oms:
        port = oms.url.rpartition(":")[2]
        check = [part.replace(":8080/", f":{port}/") for part in [sys.executable, *health_command()[1:]]]
        assert subprocess.run(check, check=False, timeout=30).returncode == 0
    assert subprocess.run(check, check=False, timeout=30, stderr=subprocess.DEVNULL).returncode != 0


@pytest.mark.medium
def test_the_control_api_answers_only_to_allowed_host_names() -> None:
    """The example allows the name that its services use for the server."""
    services = yaml.safe_load((COMPOSE / "compose.yaml").read_text("utf-8"))["services"]
    name = services["oms"]["environment"]["OMS_EMULATOR_ALLOW_HOST"]
    assert name in services
    for allowed, status in (((), 403), ((name,), 200)):
        with Emulator("empty", allow_hosts=allowed) as oms:
            answer = requests.get(oms.url + "/__admin/health", headers={"Host": f"{name}:8080"}, timeout=10)
            assert answer.status_code == status


def test_files_of_the_compose_example_exist() -> None:
    services = yaml.safe_load((COMPOSE / "compose.yaml").read_text("utf-8"))["services"]
    build = services["oms"]["build"]
    assert (COMPOSE / build["context"] / build["dockerfile"]).resolve() == ROOT / "Containerfile"
    for mount in services["front"]["volumes"]:
        assert (COMPOSE / mount.split(":")[0]).exists()
    assert "http://oms:8080" in (COMPOSE / "nginx.conf").read_text("utf-8")


BUILDAH, DEBOOTSTRAP = (shutil.which(name) or "" for name in ("buildah", "debootstrap"))
PACKAGES = "ca-certificates,passwd,python-is-python3,python3-pip"
Buildah = Callable[..., str]


@pytest.fixture
def buildah(tmp_path: Path) -> Iterator[Buildah]:
    """Return a function that calls buildah. Its images are deleted afterwards."""
    folders = ("--root", tmp_path / "images", "--runroot", tmp_path / "run", "--storage-driver", "vfs")
    variables = os.environ | {"BUILDAH_ISOLATION": "chroot"}

    def call(*words: str | Path) -> str:
        done = subprocess.run(
            [BUILDAH, *folders, *words], env=variables, capture_output=True, text=True, cwd=ROOT, check=False
        )
        assert done.returncode == 0, done.stderr[-2_000:]
        return done.stdout.strip()

    yield call
    call("rm", "--all")
    call("rmi", "--all", "--force")


def make_base(folder: Path) -> None:
    """Install Debian's Python in a folder, so that pip may install into it as in the image of the container file."""
    subprocess.run([DEBOOTSTRAP, "--variant=minbase", f"--include={PACKAGES}", "stable", folder], check=True)
    for marker in folder.glob("usr/lib/python3*/EXTERNALLY-MANAGED"):
        marker.unlink()
    shutil.copy("/etc/ssl/certs/ca-certificates.crt", folder / "etc/ssl/certs")  # those of this machine


@pytest.mark.gate
@pytest.mark.timeout(1_800)
@pytest.mark.skipif(not (BUILDAH and DEBOOTSTRAP and os.geteuid() == 0), reason="needs root, buildah and debootstrap")
def test_the_image_is_built_and_its_program_answers(tmp_path: Path, buildah: Buildah) -> None:
    """It runs as the user of the image. The base is another one: Debian in place of the official Python image."""
    make_base(tmp_path / "debian")
    base = buildah("from", "scratch")
    buildah("copy", "--quiet", base, tmp_path / "debian", "/")
    buildah("commit", "--quiet", base, "localhost/python")
    build = ("build", "--format", "docker", "--network", "host", "--from", "localhost/python")
    buildah(*build, "--tag", "localhost/oms-emulator", "--file", "Containerfile", ".")
    container = buildah("from", "localhost/oms-emulator")
    health = "urllib.request.urlopen(os.environ['OMS_URL'] + '/__admin/health').status"
    check = f"import os, urllib.request; print(os.getuid(), {health})"
    run = ("run", "--network", "host", container, "--")
    assert buildah(*run, "oms-emulator", "exec", "--", "python", "-c", check) == "10001 200"
