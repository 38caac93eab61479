"""What recorded answers tell of states and transitions becomes an installation's file; the rest is listed."""

import copy
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.utils import text

from emulator import Emulator
from emulator.core.records import Package, State, TransferOrder, Transition
from emulator.core.schemas import problem
from emulator.rules import installation
from emulator.shapes.answers import Answer, recorded_in, shape_like
from emulator.shapes.import_transitions import slugify
from emulator.shapes.importing import Imported, import_answers, text_of
from tests.support import samples
from tools.second_installation import SAMPLES, SECOND

DETAIL = "package-detail.response-200"


def imported(*contents: Any) -> Imported:
    return import_answers(("file", answer) for content in contents for answer in recorded_in(content))


def body(name: str = DETAIL) -> Any:
    return copy.deepcopy(samples.body(name))


def second() -> Imported:
    contents = [
        orjson.loads((SECOND.parent.parent / "documented" / f"{name}.response-200.json").read_bytes())
        for name in SAMPLES
    ]
    return imported(*contents)


def test_the_bundled_second_installation_is_what_the_import_makes() -> None:
    """Byte for byte: `make installations` would change nothing."""
    assert text_of(second().document) == SECOND.read_text("utf-8")


def test_the_order_of_the_files_does_not_matter() -> None:
    contents = [{"path": "", "body": body(f"{name}.response-200")} for name in SAMPLES]
    assert imported(*contents).document["state"] == imported(*contents[::-1]).document["state"]


def test_made_up_names_and_slugs_are_listed() -> None:
    """States known by their id, and slugs made by the pattern: all of them, and no other."""
    made = second().made
    assert [line for line in made if line.startswith("state")] == [
        f"state {id_}: known by its id alone; named State {id_}" for id_ in (37, 46, 85, 142)
    ]
    assert len([line for line in made if line.startswith("transition")]) == 9
    assert "transition 1512 Refuse Package: no slug; made package__refuse_package__waiting__state-85" in made


def test_commands_that_nothing_tells_are_warned_of() -> None:
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
    "another address": {"path": "/behind/a/gateway/9", "body": body()},
}


@pytest.mark.parametrize("content", FORMS.values(), ids=FORMS)
def test_every_form_of_a_capture_is_read(content: Any) -> None:
    """However the answer was kept, it says the same."""
    assert imported(content) == imported(body())


def test_other_methods_are_left_out() -> None:
    assert list(recorded_in({"method": "POST", "path": "/x/", "body": {}})) == []


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in samples.names()
        if ".response-200" in name and not name.startswith(("reference-", "package-command"))
    ],
)
def test_a_document_is_known_by_its_keys(name: str) -> None:
    """Every sample is told by its own keys, without its path."""
    document = body(name)
    first = document["results"][0] if "results" in document else document
    assert shape_like(first) == samples.SHAPES[name].removeprefix("page-of-")


def test_keys_that_nobody_knows_are_left_out_and_told() -> None:
    """A newer OMS prints more; that stops nobody."""
    document = body() | {"colour": "red"}
    found = imported(document)
    assert found.warnings == ["Package.colour: unknown key, left out (1 times)"]
    assert found.document == imported(body()).document


def test_contradicting_answers_are_told() -> None:
    """Answers of two installations do not make one."""
    other = body()
    other["state"]["enum_value"] = "500"
    assert any("contradicts" in line for line in imported(body(), other).warnings)


WRONG: dict[str, tuple[Any, str]] = {
    "a number": (3, "neither an answer's body"),
    "a stranger": ({"hello": 1}, "no operation of the guide answers such a document; its keys: hello"),
    "a wrong type": (
        {"path": "/api/v1/oms/packages/9/", "body": {"id": 1, "state": 35}},
        "/state: is 35, must be an object",
    ),
    "a transition that leads nowhere": (
        {"path": "/api/v1/oms/packages/9/", "body": {"id": 1, "commands": [{"id": 5, "source_state": 1}]}},
        "transition 5: no answer tells its destination_state",
    ),
}


@pytest.mark.parametrize(("content", "said"), WRONG.values(), ids=WRONG)
def test_what_is_no_answer_is_refused(content: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        imported(content)


def test_a_slug_told_by_any_answer_is_kept() -> None:
    """Old events lack slugs; an answer that has them says more, whichever comes first."""
    with_slug, without = body(), body()
    del without["commands"][0]["slug"]
    for contents in ((with_slug, without), (without, with_slug)):
        assert imported(*contents).document["transition"][0]["slug"] == with_slug["commands"][0]["slug"]


def test_slugs_that_are_made_are_unique() -> None:
    """Two transitions of one command between the same states: the second bears its id."""
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
def test_names_become_slugs_as_django_makes_them(name: str) -> None:
    """Django's own function is the judge."""
    assert slugify(name) == text.slugify(name, allow_unicode=True)


def recorded(oms: Emulator) -> list[Answer]:
    session = oms.session()
    paths = [f"/api/v1/oms/packages/?limit=100&page={page}" for page in (1, 2)] + [
        "/api/v1/oms/transfer_orders/?limit=100"
    ]
    return [Answer(path, session.get(path).json()) for path in paths]


@pytest.mark.slow
def test_importing_the_emulators_own_answers_gives_its_installation_back() -> None:
    """States and commands that the demonstration shows come back with ids, slugs, codes and values."""
    oms = Emulator("demo")
    found = import_answers((answer.path, answer) for answer in recorded(oms))
    assert found.warnings == []
    assert problem("installation", found.document) is None
    records = installation.load("default")
    kinds: tuple[type[Any], ...] = (Package, TransferOrder)
    shown = {record.state for kind in kinds for record in oms.world.root.all(kind)}
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


def test_what_was_imported_can_be_served(tmp_path: Path) -> None:
    """From a server to a file to another server."""
    file = tmp_path / "mine.json"
    file.write_text(text_of(second().document), "utf-8")
    assert Emulator("demo", installation=file).session().get("/api/v1/oms/packages/").status_code == 200
