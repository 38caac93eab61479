"""`routes` and `scenarios` list all there is, for people and as JSON."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from emulator import __version__
from emulator.api.routes import ROUTES
from emulator.cli import main
from emulator.domain.scenario_files import FOLDER, bundled_scenarios


def run(*arguments: str) -> str:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0
    return result.output


def test_routes_lists_every_operation_in_one_line() -> None:
    lines = run("routes").splitlines()
    assert [line.split()[0] for line in lines] == [route.operation for route in ROUTES]
    assert all(route.doc in line for route, line in zip(ROUTES, lines, strict=True))


def test_routes_as_json() -> None:
    rows = json.loads(run("routes", "--json"))
    assert [(row["operation"], row["method"]) for row in rows] == [(one.operation, one.method) for one in ROUTES]
    assert {tuple(row) for row in rows} == {("operation", "method", "path", "statuses", "doc")}
    assert rows[0]["path"] == "/api/v1/oms/packages/"
    assert rows[-1]["path"] == "/cdn/<path>"


def test_scenarios_lists_every_scenario_with_its_request() -> None:
    lines = run("scenarios").splitlines()
    assert [line.split()[0] for line in lines] == list(bundled_scenarios())
    for one, line in zip(bundled_scenarios().values(), lines, strict=True):
        assert one.description in line
        assert one.request is None or line.endswith(f"GET {one.request}")


def test_scenarios_as_json() -> None:
    rows = json.loads(run("scenarios", "--json"))
    assert [row["name"] for row in rows] == list(bundled_scenarios())
    assert {tuple(row) for row in rows} == {("name", "description", "request")}


def test_the_version_and_the_help() -> None:
    assert run("--version") == f"oms-emulator, version {__version__}\n"
    for arguments in (("--help",), ("-h",), ("serve", "--help"), ("routes", "-h"), ("scenarios", "-h")):
        assert "Usage: " in run(*arguments)


@pytest.mark.parametrize("arguments", [("routes", "x"), ("scenarios", "--xml"), ("nowhere",)])
def test_wrong_usage_gives_a_one_line_error_and_exit_code_2(arguments: tuple[str, ...]) -> None:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert len(result.output.splitlines()) == 1


def test_schema_of_scenario_files_refers_to_no_other_file() -> None:
    """An editor that is given the one file completes and judges with it."""
    schema = json.loads(run("scenarios", "--schema"))
    judge = Draft202012Validator(schema)
    for file in FOLDER.glob("*.json"):
        assert list(judge.iter_errors(json.loads(file.read_bytes()))) == []
    wrong = {"name": "x", "clock": "noon", "steps": [{"operation": 1}]}
    assert {error.json_path for error in judge.iter_errors(wrong)} == {"$.clock", "$.steps[0].operation"}
