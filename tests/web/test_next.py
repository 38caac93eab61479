"""The rewrites of a Next application forward to the emulator, with the code of the documentation."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator import Emulator
from tests.support.node import NodeTools, missing_tools

NEXT = NodeTools(Path(__file__).parent / "next" / "node")
PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "proxy.md"
FILE = re.compile(r"```js\n// ((?:next|middleware)\S+)\n(.*?)```", re.DOTALL)
API = "/oms/api/v1/oms/packages"

pytestmark = [
    pytest.mark.gate,
    pytest.mark.skipif(missing_tools() is not None, reason=f"Next runs on Node: {missing_tools()}"),
]


@pytest.fixture(scope="module")
def oms() -> Iterator[Emulator]:
    with Emulator("demo", behind_proxy=True) as oms:
        yield oms


@pytest.fixture(scope="module")
def url(oms: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run the development server of a project with the files of the documentation."""
    NEXT.install()
    project = tmp_path_factory.mktemp("next")
    for name, text in FILE.findall(PAGE.read_text("utf-8")):
        (project / name).write_text(text.replace("http://127.0.0.1:8080", oms.url), "utf-8")
    (project / "pages").mkdir()
    (project / "pages" / "index.js").write_text("export default () => null\n", "utf-8")
    (project / "node_modules").symlink_to(NEXT.installed)
    command = [str(NEXT.installed / ".bin" / "next"), "dev", "--hostname", "127.0.0.1", "--port", "0"]
    environment = os.environ | {"NEXT_TELEMETRY_DISABLED": "1", "NO_COLOR": "1"}
    with subprocess.Popen(command, cwd=project, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = next(filter(None, (re.search(r"http://127\.0\.0\.1:\d+", line) for line in process.stdout)))
            yield address[0]
        finally:
            process.terminate()


def test_links_and_pictures_have_the_address_of_next(oms: Emulator, url: str) -> None:
    document = oms.session().get(f"{url}{API}/?limit=1").json()
    assert document["next"] == f"{url}{API}/?limit=1&page=2"
    assert oms.session().get(document["next"]).json()["previous"] == f"{url}{API}/?limit=1"
    assert f'"{url}/oms/cdn/' in json.dumps(document)


def test_redirects_keep_the_prefix(oms: Emulator, url: str) -> None:
    answer = oms.session().get(f"{url}{API}", allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (301, f"{API}/")


def test_commands_pass(oms: Emulator, url: str) -> None:
    package = oms.package(state="Waiting")
    body = {"transition": 1021, "input_parameters": {}}
    assert oms.session().post(f"{url}{API}/{package['id']}/command/", json=body).status_code == 204


def test_inspector_is_below_the_prefix(oms: Emulator, url: str) -> None:
    assert "<title>OMS emulator" in oms.session().get(f"{url}/oms/__admin/ui/").text
