"""No personal value of an import is left in it; the same value becomes the same other one, in its form."""

from __future__ import annotations

import copy
import itertools
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from emulator import Emulator
from emulator.core.files import scenario_text
from emulator.core.records import KINDS
from emulator.loading import load
from emulator.routes import GUIDE_ROUTES, REFERENCE_ROUTES
from emulator.rules.scenarios import DOCUMENTED, Scenario, bundled
from emulator.shapes.answers import documents_of, source_of
from emulator.shapes.captures import Capture, captures_in, placed
from emulator.shapes.columns import COLUMN_TYPES
from emulator.shapes.documents import SHAPES
from emulator.shapes.fakes import DEFAULT_LOCALE, MAKERS, ONLY_FORM, Fakes
from emulator.shapes.personal import BODY, FREE, KEPT, PAYLOAD, SECRETS, UNKNOWN, Walk, columns_of, table
from emulator.shapes.scenario_import import Imported, import_scenario
from tests.support import samples
from tests.support.recording import recorded
from tools.documented_scenarios import WHOSE, gets, sample

pytestmark = pytest.mark.slow

KINDS_OF_COLUMNS = {KEPT, FREE, SECRETS, PAYLOAD, BODY}
SAMPLES = [
    (folder, name)
    for folder in ("documented", "documented_reference")
    for name in gets(folder)
    if name != "reference-get-invoice-document"
]
every_sample = pytest.mark.parametrize(("folder", "name"), SAMPLES, ids=[name for _, name in SAMPLES])


def told(folder: str, name: str) -> Any:
    """Give a sample with a path that says whose it is."""
    found = sample(folder, f"{name}.response-200")
    whose = WHOSE.get(name, "pk")
    found["path"] = found["path"].replace("/pk/", f"/{whose}/").replace("/packages/{id}/", f"/packages/{whose}/")
    return found


def imported(*contents: Any, anonymize: bool = True) -> Imported:
    captures = [each for content in contents for each in captures_in(content, "file")]
    return import_scenario([each for each in captures if isinstance(each, Capture)], "mine", anonymize=anonymize)


def test_the_table_says_of_every_column_that_may_hold_text_what_it_holds() -> None:
    """No more and no less: a new column is red here until somebody has thought of it."""
    for name, kind in KINDS.items():
        columns = {column for column, types in COLUMN_TYPES[kind].items() if {str, bytes} & set(types)}
        assert set(table()["columns"].get(name, {})) == columns, name
        assert set(columns_of(kind).values()) <= {*MAKERS, *KINDS_OF_COLUMNS}, name
    assert set(table()["keys"].values()) <= {*MAKERS, KEPT}


@every_sample
def test_every_text_of_a_sample_is_of_some_kind_or_kept(folder: str, name: str) -> None:
    """Each leaf is printed from a column that the table has, and each key of a free map is one that it has."""
    document = told(folder, name)
    made = imported(document, anonymize=False)
    walk = Walk(lambda _, value: value)
    assert made.left_out == []
    for answer in made.document["answers"]:
        for record in records_of(answer):
            walk.record(record)
    assert walk.unknown == {}


def records_of(answer: Any) -> Iterator[Any]:
    """Give the records that an answer makes."""
    base = load(Scenario("mine", answers=((answer["path"], orjson.dumps(answer["body"])),))).base
    for kind in KINDS.values():
        yield from (base.get(kind, id_) for id_ in base.ids(kind))


class Marks:
    """Puts a mark of its own in the place of each personal value, in a form that the shapes take."""

    def __init__(self) -> None:
        self.numbers = itertools.count(10_001)
        self.made: list[str] = []

    def replace(self, kind: str, value: str) -> str:
        if kind == BODY or (kind == "link" and value.startswith("{")):  # a text like this is nobody's
            return value
        number = next(self.numbers)
        mark = FORMS.get(kind, "Qx{0}zQ").format(number)
        self.made.append(mark)
        return mark


FORMS = {
    "email": "qx{0}@mark.example",
    "phone": "+90 53{0}777",
    "digits": "8{0}9",
    "coordinate": "41.0{0}",
    "link": "https://mark{0}.example/q",
    "picture": "https://mark{0}.example/q.jpg",
}
HOSTS = re.compile(r"https://(mark\d+)\.example")


@every_sample
def test_no_personal_value_of_a_sample_is_left(folder: str, name: str) -> None:
    """Every personal value, blank ones too, made one of a kind: none of them is in the text of the import."""
    marks = Marks()
    document = marked(told(folder, name), marks)
    text = scenario_text(imported(document).document).decode()
    shown = scenario_text(imported(document, anonymize=False).document).decode()
    found = [HOSTS.sub(r"\1", mark).removesuffix("/q.jpg").removesuffix("/q") for mark in marks.made]
    assert [mark for mark in found if mark in text] == []
    assert not found or any(mark in shown for mark in found)


def marked(document: Any, marks: Marks) -> Any:
    """Give a sample with a mark in the place of each personal value of its documents."""
    walk = Walk(marks.replace)
    walk.text = lambda what, value: value if what == KEPT else marks.replace(what, value)  # type: ignore[method-assign]
    answer = placed(Capture("", document["path"], document["body"]))
    shape = SHAPES[source_of(answer.path)[0].shape]
    found = [walk.document(shape, each) for _, each in documents_of(answer.body)]
    body = document["body"]
    return document | {"body": body | {"results": found} if "results" in body else found[0]}


FULL_NAME = "Ayşegül Öztürkoğlu"
PERSON = {
    "first_name": "Ayşegül",
    "last_name": "Öztürkoğlu",
    "email": "aysegul.ozturkoglu@posta.example",
    "phone_number": "+90 532 123 45 67",
}


def worked_in() -> Emulator:
    oms = Emulator("demo", packages=4)
    package = oms.package(state="Shipped", items=2)
    oms.carrier(package["id"], "delivered")
    return oms


def test_a_person_is_the_same_in_lists_details_and_on_both_surfaces(tmp_path: Path) -> None:
    """Everything recorded of a shop and anonymized: it loads, and its answers agree with each other."""
    said = list(recorded(worked_in(), (*GUIDE_ROUTES, *REFERENCE_ROUTES)))
    made = imported([{"path": path, "body": body} for path, body in said])
    file = tmp_path / "mine.json"
    file.write_bytes(scenario_text(made.document))
    oms = Emulator(str(file))
    again = dict(recorded(oms, (*GUIDE_ROUTES, *REFERENCE_ROUTES)))
    assert set(again) == {path for path, _ in said}
    before = dict(said)
    for entry, was in zip(
        again["/api/v1/oms/packages/"]["results"], before["/api/v1/oms/packages/"]["results"], strict=True
    ):
        detail = again[f"/api/v1/oms/packages/{entry['id']}/"]
        other = again[f"/packages/{entry['id']}/"]
        assert entry == detail
        assert entry["id"] == was["id"]
        for key in PERSON:
            value = detail["shipping_address"][key]
            assert value == other["shipping_address"][key] != was["shipping_address"][key]


def test_the_same_answers_give_the_same_replacements_and_others_give_others() -> None:
    """What a value becomes cannot be found out by trying values alone."""
    detail = samples.body("package-detail.response-200")
    other = copy.deepcopy(detail)
    other["shipping_address"]["line"] = "Another street 5"
    assert imported(detail).document == imported(detail).document
    names = [
        each.document["answers"][0]["body"]["shipping_address"]["phone_number"]
        for each in (imported(detail), imported(other))
    ]
    assert names[0] != names[1]


def test_personal_values_in_free_maps_texts_and_payloads_are_the_ones_of_the_record() -> None:
    """The same person in an address, a hook's payload, the hook's answer and a free map."""
    document = samples.document("package-webhook-event-details.response-200")
    payload = document["body"]["request_payload"]["payload"]
    for part in (payload["shipping_address"], payload["shipping_address"]["customer"]):
        part |= {key: value for key, value in PERSON.items() if key in part}
    payload["extra_information"] |= {"Recipient": FULL_NAME, "gsm": PERSON["phone_number"], "tckn": 12345678901}
    payload["extra_information"] |= {"hediye": f"Sevgili {FULL_NAME}", "nested": {"e_mail": [PERSON["email"]]}}
    document["body"]["response_content"] = json.dumps({"email": PERSON["email"], "status": "ok"})
    document["body"]["webhook"] |= {
        "secret_key": "s3cr3t-of-the-hook",
        "additional_headers": {"X-Key": "abc-123-def"},
        "config": {"auth": ["me", "pass-word-1"]},
        "target_url": "https://hooks.shop.example/t/9f8e?key=1",
    }
    made = imported(document)
    text = scenario_text(made.document).decode()
    for value in (*PERSON.values(), "12345678901", "s3cr3t", "abc-123", "pass-word-1", "shop.example", "9f8e"):
        assert value not in text
    event = made.document["answers"][0]["body"]
    told_payload = event["request_payload"]["payload"]
    address, extra = told_payload["shipping_address"], told_payload["extra_information"]
    assert extra["Recipient"] == f"{address['first_name']} {address['last_name']}"
    assert extra["gsm"] == address["phone_number"] == address["customer"]["phone_number"]
    assert re.fullmatch(r"\+90 5\d\d \d{3} \d\d \d\d", extra["gsm"])
    assert json.loads(event["response_content"]) == {"email": address["email"], "status": "ok"}
    assert extra["nested"]["e_mail"] == [address["email"]]
    assert len(str(extra["tckn"])) == 11
    assert set(event["webhook"]["additional_headers"]) == {"X-Key"}
    assert "key 'hediye': nobody knows what it holds; replaced once" in made.replaced


def test_texts_that_are_no_json_lose_the_persons_in_them() -> None:
    document = samples.document("package-webhook-event-details.response-200")
    document["body"]["request_payload"]["payload"]["shipping_address"] |= {"first_name": "Ayşegül"}
    document["body"]["response_content"] = "b'OK for a.b@posta.example, call +905321234567'"
    event = imported(document).document["answers"][0]["body"]
    assert re.fullmatch(r"b'OK for [\w.]+@example\.com, call \+9053?\d+'", event["response_content"])
    assert "a.b@posta" not in event["response_content"]


VALUES = {
    "first_name": ["Ali", "AYŞE", "x"],
    "last_name": ["Veli", "DOE"],
    "full_name": ["Ali Veli", "Ali"],
    "username": ["ali.veli"],
    "email": ["ali@veli.example", "none"],
    "phone": ["+90 555 123 45 67", "05551234567", "765432", "+90 555XXX0000", "12"],
    "line": ["Test Caddesi 6/9"],
    "digits": ["34000", "12345678901", "7"],
    "coordinate": ["41.01462960", "28.9", "41"],
    "company": ["Veli A.Ş."],
    "tax_office": ["Kadıköy"],
    "text": ["Please ring twice", "Ev"],
    "code": ["C-00123-aB"],
    "secret": ["s", "a" * 200],
    "link": ["https://a.example/b/c.pdf?d=e", "{domain_url}/media/x.pdf", "{domain_url}", "{}", "abc"],
    "picture": ["https://cdn.a.example/b.jpg", "{cdn_url}/b.jpg", "b.jpg"],
}
SAME_FORM = {"digits", "coordinate", "code", "phone"}
KEPT_VALUES = {"{domain_url}", "{}", "{cdn_url}/b.jpg", "b.jpg", "28.9", "41"}
"""Nothing in them is anybody's."""


@pytest.mark.parametrize("kind", MAKERS)
def test_a_made_up_value_has_the_form_of_the_real_one(kind: str) -> None:
    """Every kind: another value, the same each time, with its digits and signs in their places."""
    for value in VALUES[kind]:
        one, same = (Fakes(DEFAULT_LOCALE, b"salt", {value.casefold()}) for _ in range(2))
        made = one.of(kind, value)
        assert made == one.of(kind, value) == same.of(kind, value)
        assert (made == value) == (value in KEPT_VALUES), (kind, value, made)
        assert "\n" not in made
        if kind in SAME_FORM:
            assert re.sub(r"[0-9A-Za-z]", "0", made) == re.sub(r"[0-9A-Za-z]", "0", value)
    assert MAKERS.keys() >= ONLY_FORM


def test_capitals_stay_capitals_and_a_mobile_number_one_of_a_mobile() -> None:
    fakes = Fakes(DEFAULT_LOCALE, b"salt", set())
    assert fakes.of("first_name", "AYŞE").isupper()
    assert fakes.of("phone", "05551234567").startswith("05")
    assert fakes.of("email", "ali@veli.example").endswith("@example.com")


def test_what_is_blank_or_null_stays_so() -> None:
    detail = samples.body("package-detail.response-200")
    detail["shipping_address"] |= {"email": "", "notes": None, "company_name": " "}
    address = imported(detail).document["answers"][0]["body"]["shipping_address"]
    assert (address["email"], address["notes"], address["company_name"]) == ("", None, " ")


def test_names_are_of_the_country_that_the_addresses_name() -> None:
    """Two imports that differ in the country alone: Italian streets, Turkish ones."""
    lines = set()
    for code in ("it", "tr"):
        detail = samples.body("package-detail.response-200")
        for place in (detail["shipping_address"], detail["stock_location"]["address"]):
            place["country"]["code"] = code
        lines.add(imported(detail).document["answers"][0]["body"]["shipping_address"]["line"])
    assert len(lines) == 2


def test_faker_is_loaded_only_to_anonymize() -> None:
    """Neither a server nor an import that keeps everything waits for it."""
    program = "import sys, emulator.cli, emulator.shapes.anonymizing; sys.exit('faker' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_documented_scenarios_keep_what_the_pages_print() -> None:
    """They are not anonymized: the pages are public."""
    answers = bundled()[f"{DOCUMENTED}package-detail"].answers
    assert orjson.loads(answers[0][1]) == samples.body("package-detail.response-200")


def test_unknown_kinds_are_no_kinds() -> None:
    with pytest.raises(KeyError):
        Fakes(DEFAULT_LOCALE, b"salt", set()).of(UNKNOWN, "x")
