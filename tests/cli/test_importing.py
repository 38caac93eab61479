"""`oms-emulator import`: files in, a scenario out, everything that a person should know on stderr."""

from __future__ import annotations

import json
import subprocess
import sys
from codecs import BOM_UTF8
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from emulator import Emulator
from emulator.cli import main
from emulator.core.schemas import find_problem
from tests.support import samples

DETAIL = samples.body("package-detail.response-200")
PATH = f"/api/v1/oms/packages/{DETAIL['id']}/"


def run(*args: object) -> Result:
    """Run the command line in process."""
    return CliRunner().invoke(main, [str(arg) for arg in args])


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    """Return a file with a recorded response."""
    file = tmp_path / "capture.json"
    file.write_bytes(orjson.dumps(DETAIL))
    return file


def test_an_import_writes_a_scenario_that_gives_the_answer_back(tmp_path: Path, capture: Path) -> None:
    """Nothing but the file is left, nothing is on stdout, and every line on stderr says what it is about."""
    output = tmp_path / "out" / "my shop.json"
    output.parent.mkdir()
    result = run("import", capture, "-o", output, "--no-anonymize")
    assert (result.exit_code, result.stdout) == (0, "")
    assert [each.name for each in output.parent.iterdir()] == ["my shop.json"]
    document = json.loads(output.read_bytes())
    assert find_problem("scenario", document) is None
    assert document["name"] == "my-shop"
    lines = result.stderr.splitlines()
    assert {line.partition(":")[0] for line in lines[:-2]} == {"filled", "by id"}
    assert lines[-2] == (
        f"wrote {output}: 1 paths, 1 documents; 4 filled, 0 missing, 0 corrected, 1 by id, 0 left out, 0 replaced"
    )
    oms = Emulator(str(output))
    found = json.dumps(oms.session().get(PATH).json())
    expected = json.dumps(DETAIL).replace("{domain_url}", oms.url).replace("{cdn_url}", f"{oms.url}/cdn")
    assert found == expected


def test_without_a_file_the_scenario_is_printed_without_personal_data(capture: Path) -> None:
    """Anonymizing is what happens unless told otherwise; stderr shows no recorded value either."""
    result = run("import", capture, capture)
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert find_problem("scenario", document) is None
    person = DETAIL["shipping_address"]
    for value in (person["line"], f'"{person["last_name"]}"', person["phone_number"]):
        assert value not in result.stdout + result.stderr
    assert "replaced: phone: 1 different" in result.stderr.splitlines()


def test_a_foreign_file_is_not_written_over(tmp_path: Path, capture: Path) -> None:
    """Somebody's work is safe without --force; a scenario of ours may be replaced."""
    output = tmp_path / "mine.json"
    output.write_text("my notes")
    result = run("import", capture, "-o", output)
    assert (result.exit_code, output.read_text()) == (2, "my notes")
    assert result.stderr.splitlines()[-1].endswith("use --force to replace it")
    assert run("import", capture, "-o", output, "--force").exit_code == 0
    assert run("import", capture, "-o", output).exit_code == 0


def test_a_byte_order_mark_is_ignored(tmp_path: Path, capture: Path) -> None:
    """Editors on Windows write one."""
    capture.write_bytes(BOM_UTF8 + capture.read_bytes())
    assert run("import", capture, "-o", tmp_path / "mine.json").exit_code == 0


BAD = {
    "not JSON": (b"{", "is not JSON"),
    "no answer": (b"3", "neither the body of a response"),
    "a stranger": (b'{"hello": 1}', "its keys: hello"),
    "no keys": (b"{}", "its keys: none"),
    "an empty page": (
        b'{"path": "/api/v1/oms/packages/", "body": {"results": []}}',
        "no response contains a document",
    ),
    "a wrong page": (b'{"path": "/api/v1/oms/packages/", "body": {"results": 5}}', "/results: is 5, must be a list"),
    "nothing but writes": (b'{"method": "POST", "path": "/x/", "body": {}}', "no response contains a document"),
    "events of an unknown record": (
        orjson.dumps(samples.body("package-webhook-event-short-list.response-200")),
        'give it as {"path": "/api/v1/oms/packages/<id>/webhook_events/short/", "body": ...}',
    ),
    "nested too deep": (b"[" * 3000 + b"]" * 3000, "is not JSON"),
}


@pytest.mark.parametrize(("content", "said"), BAD.values(), ids=BAD)
def test_invalid_file_gives_a_one_line_error_and_writes_no_file(content: bytes, said: str, tmp_path: Path) -> None:
    """Exit code 2; the line says which file, what is wrong or missing, and what would be right."""
    file, output = tmp_path / "bad.json", tmp_path / "mine.json"
    file.write_bytes(content)
    result = run("import", file, "-o", output)
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert said in result.stderr
    assert not output.exists()


def test_missing_file_gives_a_one_line_error(tmp_path: Path) -> None:
    result = run("import", tmp_path / "none.json")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "none.json: No such file" in result.stderr


def test_skipped_entries_are_reported(tmp_path: Path) -> None:
    """A HAR file contains many responses that are not from the OMS."""
    entries = [
        {
            "request": {"method": method, "url": f"https://oms.example{path}"},
            "response": {"status": 200, "content": kept},
        }
        for method, path, kept in (
            ("GET", PATH, {"text": json.dumps(DETAIL)}),
            ("POST", f"{PATH}command/", {}),
            ("GET", "/logo.png", {"text": "PNG"}),
        )
    ]
    file = tmp_path / "browser.har"
    file.write_text(json.dumps({"log": {"entries": entries}}))
    result = run("import", file)
    skipped = [line for line in result.stderr.splitlines() if line.startswith("skipped: ")]
    assert skipped == [
        f"skipped: {file}: entry 1: POST {PATH}command/ answered 200",
        f"skipped: {file}: entry 2: GET /logo.png: the response is not JSON",
    ]
    assert [answer["path"] for answer in json.loads(result.stdout)["answers"]] == [PATH]


def test_the_same_import_in_another_process_gives_the_same_bytes(capture: Path) -> None:
    """Whatever Python's hashes are today."""
    command = [sys.executable, "-m", "emulator.cli", "import", str(capture)]
    one, other = (subprocess.run(command, capture_output=True, check=True).stdout for _ in range(2))
    assert one == other == run("import", capture).stdout.encode()
