"""States and transitions in recorded responses become an installation's file; what was made up is reported."""

import copy
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.utils import text

from emulator import Emulator
from emulator.core.records import Package, State, TransferOrder, Transition
from emulator.core.schemas import find_problem
from emulator.domain import installation
from emulator.worlds.loading.installation_import import (
    InstallationImport,
    import_installation,
    installation_text,
    slugify,
)
from emulator.worlds.loading.recorded_responses import RecordedResponse, read_responses, schema_by_keys
from tests.support import samples
from tools.second_installation import SAMPLES, SECOND

DETAIL = "package-detail.response-200"
SUBJECTS: tuple[type[Any], ...] = (Package, TransferOrder)


def imported(*contents: Any) -> InstallationImport:
    return import_installation(("file", response) for content in contents for response in read_responses(content))


def body(name: str = DETAIL) -> Any:
    return copy.deepcopy(samples.body(name))


def second() -> InstallationImport:
    contents = [
        orjson.loads((SECOND.parent.parent / "documented" / f"{name}.response-200.json").read_bytes())
        for name in SAMPLES
    ]
    return imported(*contents)


def test_bundled_second_installation_is_reproducible() -> None:
    """Byte for byte: `make installations` would change nothing."""
    assert installation_text(second().document) == SECOND.read_text("utf-8")


def test_order_of_files_does_not_matter() -> None:
    contents = [{"path": "", "body": body(f"{name}.response-200")} for name in SAMPLES]
    assert imported(*contents).document["state"] == imported(*contents[::-1]).document["state"]


def test_made_up_names_and_slugs_are_reported() -> None:
    """The report has all states known by their id alone and all generated slugs, and no others."""
    made = second().assumptions
    assert [line for line in made if line.startswith("state")] == [
        f"state {id_}: known by its id alone; named State {id_}" for id_ in (37, 46, 85, 142)
    ]
    assert len([line for line in made if line.startswith("transition")]) == 9
    assert "transition 1512 Refuse Package: no slug; made package__refuse_package__waiting__state-85" in made


def test_unknown_commands_are_warnings() -> None:
    assert second().warnings == [
        "transition 1313 ipsum: no known command; it runs as a plain state transition",
        "transition 1346 Test Yeni: no known command; it runs as a plain state transition",
    ]


FORMS: dict[str, Any] = {
    "a body": body(),
    "a path and a body": {"path": "/api/v1/oms/packages/9/", "body": body()},
    "a sample": {"title": "x", "method": "GET", "path": "/api/v1/oms/packages/pk/", "body": body()},
    "a page": {"count": 1, "next": None, "previous": None, "results": [body()]},
    "a list": [{"path": "https://oms.example.com/api/v1/oms/packages/9/?format=json", "body": body()}],
    "a scenario": {"name": "x", "answers": [{"path": "/api/v1/oms/packages/9/", "body": body()}]},
    "another path": {"path": "/behind/a/gateway/9", "body": body()},
}


@pytest.mark.parametrize("content", FORMS.values(), ids=FORMS)
def test_every_form_of_capture_is_read(content: Any) -> None:
    """Each form gives the same installation."""
    assert imported(content) == imported(body())


def test_other_methods_are_skipped() -> None:
    assert list(read_responses({"method": "POST", "path": "/x/", "body": {}})) == []


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in samples.names()
        if ".response-200" in name and not name.startswith(("reference-", "package-command"))
    ],
)
def test_schema_is_found_by_the_keys_of_a_document(name: str) -> None:
    """The keys of each sample identify its schema without the path."""
    document = body(name)
    first = document["results"][0] if "results" in document else document
    assert schema_by_keys(first) == samples.SCHEMA_NAMES[name].removeprefix("page-of-")


def test_unknown_keys_are_ignored_with_a_warning() -> None:
    """A newer OMS may return more keys."""
    document = body() | {"colour": "red"}
    found = imported(document)
    assert found.warnings == ["Package.colour: unknown key, left out (1 times)"]
    assert found.document == imported(body()).document


def test_contradicting_responses_are_reported() -> None:
    """The warning points out responses of several installations."""
    other = body()
    other["state"]["enum_value"] = "500"
    assert any("contradicts" in line for line in imported(body(), other).warnings)


WRONG: dict[str, tuple[Any, str]] = {
    "a number": (3, "neither the body of a response"),
    "an unknown document": ({"hello": 1}, "no operation of the guide returns such a document; its keys: hello"),
    "a wrong type": (
        {"path": "/api/v1/oms/packages/9/", "body": {"id": 1, "state": 35}},
        "/state: is 35, must be an object",
    ),
    "a transition without a destination": (
        {"path": "/api/v1/oms/packages/9/", "body": {"id": 1, "commands": [{"id": 5, "source_state": 1}]}},
        "transition 5: no response contains its destination_state",
    ),
}


@pytest.mark.parametrize(("content", "message"), WRONG.values(), ids=WRONG)
def test_invalid_content_is_rejected(content: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        imported(content)


def test_slug_of_any_response_is_used() -> None:
    """Old events have no slugs; a response with slugs completes them in any order."""
    with_slug, without = body(), body()
    del without["commands"][0]["slug"]
    for contents in ((with_slug, without), (without, with_slug)):
        assert imported(*contents).document["transition"][0]["slug"] == with_slug["commands"][0]["slug"]


def test_generated_slugs_are_unique() -> None:
    """The second transition of one command between the same states gets its id appended."""
    document = body()
    first = document["commands"][0]
    del first["slug"]
    document["commands"] = [first, first | {"id": 9000}]
    slugs = [row["slug"] for row in imported(document).document["transition"]]
    assert slugs[1] == f"{slugs[0]}__9000"


NAMES = (
    "Packed all items",
    "Hazırlanıyor",
    "İptal Edildi!",
    " A - B ",
    "__x__",
    "Ürün/Hatalı",
    "１２ ﬁ",
    "State 37",
    "",
)


@pytest.mark.parametrize("name", NAMES)
def test_slugify_equals_djangos(name: str) -> None:
    """The oracle is Django's own function."""
    assert slugify(name) == text.slugify(name, allow_unicode=True)


def recorded(oms: Emulator) -> list[RecordedResponse]:
    session = oms.session()
    paths = [f"/api/v1/oms/packages/?limit=100&page={page}" for page in (1, 2)] + [
        "/api/v1/oms/transfer_orders/?limit=100"
    ]
    return [RecordedResponse(path, session.get(path).json()) for path in paths]


@pytest.mark.medium
def test_import_of_the_emulators_responses_restores_its_installation() -> None:
    """States and commands in the demo world keep their ids, slugs, codes and values."""
    oms = Emulator("demo")
    found = import_installation((response.path, response) for response in recorded(oms))
    assert found.warnings == []
    assert find_problem("installation", found.document) is None
    records, shown = (
        installation.load_installation("default"),
        {record.state for kind in SUBJECTS for record in oms.world.records.all(kind)},
    )
    transitions = {row["id"]: row for row in found.document["transition"]}
    offered = {
        each.id for each in records[Transition].values() if each.actor == "command" and each.source_state in shown
    }
    assert transitions.keys() == offered
    for id_, row in transitions.items():
        assert (row["slug"], row["command_code"]) == (
            records[Transition][id_].slug,
            records[Transition][id_].command_code,
        )
    for row in found.document["state"]:
        if row["provenance"] == "observed":
            state = records[State][row["id"]]
            assert (row["name"], row["enum_value"], row["content_type"]) == (
                state.name,
                state.enum_value,
                state.content_type,
            )


@pytest.mark.medium
def test_imported_installation_can_be_served(tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text(installation_text(second().document), "utf-8")
    assert Emulator("demo", installation=file).session().get("/api/v1/oms/packages/").status_code == 200
