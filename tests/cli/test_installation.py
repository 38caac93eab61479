"""`installation import|lint|diff` and `serve --installation`: exit codes, one line for each thing, whole files."""

import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from emulator.cli import main
from emulator.domain import installation
from tests.support import samples
from tools.second_installation import SECOND, arguments

STATE = {"id": 1, "name": "x", "enum_class": "PackageStatus", "enum_value": "100", "content_type": 4}


def run(*args: object) -> Result:
    """Run the command line in process."""
    return CliRunner().invoke(main, [str(arg) for arg in args])


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    """Return a file with a recorded response."""
    file = tmp_path / "capture.json"
    file.write_bytes(orjson.dumps(samples.body("package-detail.response-200")))
    return file


def test_an_import_writes_the_file_and_lists_what_it_made_up(tmp_path: Path) -> None:
    """What was made up goes to stdout, warnings to stderr; nothing but the file is left in the folder."""
    output = tmp_path / "mine.json"
    result = run(*arguments(output))
    assert result.exit_code == 0
    assert output.read_bytes() == SECOND.read_bytes()
    assert "state 142: known by its id alone; named State 142" in result.stdout.splitlines()
    assert "warning: transition 1346 Test Yeni: no known command" in result.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["mine.json"]


def test_a_file_that_differs_is_not_written_over(tmp_path: Path, capture: Path) -> None:
    """Another file is not replaced without --force. Writing the same content again succeeds."""
    output = tmp_path / "mine.json"
    output.write_text("my notes")
    result = run("installation", "import", capture, "-o", output)
    assert (result.exit_code, output.read_text()) == (2, "my notes")
    assert "--force" in result.stderr
    assert run("installation", "import", capture, "-o", output, "--force").exit_code == 0
    assert run("installation", "import", capture, "-o", output).exit_code == 0


def test_invalid_capture_gives_a_one_line_error_and_writes_no_file(tmp_path: Path) -> None:
    """The line names the file; exit code 2."""
    file, output = tmp_path / "bad.json", tmp_path / "mine.json"
    for text in ("{", "3", '{"hello": 1}', '{"results": []}', '{"results": 5}'):
        file.write_text(text)
        result = run("installation", "import", file, "-o", output)
        assert result.exit_code == 2, text
        assert result.stderr.count("\n") == 1
        assert not output.exists()
    assert run("installation", "import", tmp_path / "none.json", "-o", output).exit_code == 2


def test_unwritable_folder_gives_a_one_line_error(tmp_path: Path, capture: Path) -> None:
    result = run("installation", "import", capture, "-o", tmp_path / "nowhere" / "mine.json")
    assert result.exit_code == 2
    assert "cannot write" in result.stderr


def test_lint_exits_with_1_when_it_finds_something() -> None:
    """Each finding is one line on stdout."""
    assert (run("installation", "lint").exit_code, run("installation", "lint").stdout) == (0, "")
    result = run("installation", "lint", "second")
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "state 37 State 37 (PackageStatus 500): has no outgoing transition and is not a final state",
        "state 142 State 142 (PackageStatus 0): has no outgoing transition and is not a final state",
    ]


def test_diff_exits_with_1_when_they_differ() -> None:
    assert (run("installation", "diff", "second", SECOND).exit_code) == 0
    result = run("installation", "diff", "default", "second")
    assert result.exit_code == 1
    assert "~ state 37 Preparing (PackageStatus 200): enum_value: 200 -> 500" in result.stdout.splitlines()


@pytest.mark.parametrize("args", [("lint", "nowhere"), ("diff", "default", "nowhere")])
def test_unknown_installation_gives_a_one_line_error(args: tuple[str, ...]) -> None:
    """It names the known ones; exit code 2."""
    result = run("installation", *args)
    assert result.exit_code == 2
    assert f"known: {', '.join(installation.bundled_names())}" in result.stderr


@pytest.mark.parametrize("by_environment", [False, True])
def test_a_server_refuses_a_broken_installation_in_one_line(tmp_path: Path, by_environment: bool) -> None:
    """File, place in it and reason; exit code 2, by the flag and by its twin in the environment."""
    file = tmp_path / "mine.json"
    file.write_bytes(orjson.dumps({"state": [STATE | {"provenance": "guessed"}]}))
    env = {"OMS_EMULATOR_INSTALLATION": str(file)} if by_environment else {}
    flag = [] if by_environment else ["--installation", str(file)]
    command = [sys.executable, "-m", "emulator.cli", "serve", "--port", "0", *flag]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(env), timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr == (
        f"oms-emulator: {file}: /state/0/provenance: must be one of "
        '"documented", "observed", "framework", "assumed" (got "guessed")\n'
    )
    assert done.stdout == ""


def environment(more: dict[str, str]) -> dict[str, str]:
    return {**os.environ, **more}


def test_a_server_answers_with_the_installation_it_was_given() -> None:
    """From the command line to an answer over a socket."""
    command = [sys.executable, "-m", "emulator.cli", "serve", "--port", "0", "--installation", "second"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = server.stdout.readline().removeprefix("ready: ").strip()
        with urllib.request.urlopen(f"{url}/__admin/graph", timeout=30) as answer:  # noqa: S310 - our own server
            graph = orjson.loads(answer.read())
        server.terminate()
        assert server.wait(timeout=30) == 0
    assert [state["id"] for state in graph["packages"]["states"]] == [33, 34, 37, 44, 46, 85, 142]
    assert sum(state["count"] for state in graph["packages"]["states"]) == 200
