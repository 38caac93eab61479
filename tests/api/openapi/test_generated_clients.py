"""Client generators make clients of the document that compile and work: each packs a package."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from emulator import Emulator
from emulator.api.openapi import openapi_document
from tests.support.node import NodeTools, PythonTools, missing_tools, run_command

HERE = Path(__file__).parent
NODE, PYTHON = NodeTools(HERE / "node"), PythonTools(HERE / "python")
PACKED = "500 valid date"
"""What a program prints: the state of the package, and that the client parsed a date."""

pytestmark = [
    pytest.mark.gate,
    pytest.mark.skipif(missing_tools() is not None, reason=f"requires Node: {missing_tools()}"),
]


class Generator(NamedTuple):
    """A client generator, the program that uses its client, and the OpenAPI version that it reads best."""

    command: str
    program: str
    version: str = "3.1"
    warnings: tuple[str, ...] = ()
    """Texts of the only warnings that it may print."""


TYPESCRIPT = {
    "@hey-api/openapi-ts": Generator(
        "openapi-ts --input {} --output generated --client @hey-api/client-fetch", "hey-api"
    ),
    "orval": Generator("orval --input {} --output generated/api.ts --client fetch", "orval"),
    "openapi-generator typescript-fetch": Generator(
        "openapi-generator-cli generate --input-spec {} --generator-name typescript-fetch --output generated",
        "typescript-fetch",
        "3.0",
    ),
}
PYTHON_GENERATORS = {
    "openapi-python-client": Generator(
        "openapi-python-client generate --path {} --meta none --output-path generated",
        "openapi_python_client",
        warnings=("Unsupported content_type image/svg+xml",),
    ),
    "openapi-generator python": Generator(
        "openapi-generator-cli generate --input-spec {} --generator-name python --output .",
        "openapi_generator",
        "3.0",
    ),
    "datamodel-code-generator": Generator(
        "datamodel-codegen --input {} --input-file-type openapi --output models.py"
        " --output-model-type pydantic_v2.BaseModel --formatters builtin",
        "datamodel_code_generator",
    ),
}


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    NODE.install()
    PYTHON.install()


@pytest.fixture
def oms() -> Iterator[Emulator]:
    with Emulator("demo") as emulator:
        yield emulator


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Return a folder with the documents in both versions, and with the packages of Node."""
    for version in ("3.1", "3.0"):
        document = openapi_document(version=version)
        (tmp_path / f"openapi-{version}.json").write_text(json.dumps(document), "utf-8")
    (tmp_path / "node_modules").symlink_to(NODE.installed)
    return tmp_path


def generate(generator: Generator, work: Path) -> None:
    """Run a generator. It prints no warning about the document but those that it may print."""
    name, *arguments = generator.command.format(f"openapi-{generator.version}.json").split()
    tools = NODE if (NODE.installed / ".bin" / name).exists() else PYTHON
    done = tools.run(name, *arguments, within=work)
    assert done.code == 0, done.text
    assert done.text.count("Cannot parse") == len(generator.warnings)
    assert all(warning in done.text for warning in generator.warnings)


@pytest.mark.parametrize("name", TYPESCRIPT)
def test_typescript_client_packs_a_package(name: str, oms: Emulator, work: Path) -> None:
    generator = TYPESCRIPT[name]
    generate(generator, work)
    shutil.copy(NODE.folder / "clients" / f"{generator.program}.ts", work / "main.ts")
    shutil.copy(NODE.folder / "clients" / "tsconfig.json", work)
    compiled = NODE.run("tsc", "--project", work)
    assert compiled.code == 0, compiled.text
    done = run_command(["node", "compiled/main.js", oms.url], work)
    assert (done.code, done.text.strip()) == (0, PACKED), done.text


@pytest.mark.parametrize("name", PYTHON_GENERATORS)
def test_python_client_packs_a_package(name: str, oms: Emulator, work: Path) -> None:
    generator = PYTHON_GENERATORS[name]
    generate(generator, work)
    shutil.copy(PYTHON.folder / f"{generator.program}_program.py", work / "program.py")
    done = PYTHON.run("python", "program.py", oms.url, within=work)
    assert (done.code, done.text.strip()) == (0, PACKED), done.text
