"""An anonymized import contains no personal value; equal values get equal replacements of the same form."""

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
from emulator.api.routes import GUIDE_ROUTES, REFERENCE_ROUTES
from emulator.api.serializers import SERIALIZERS
from emulator.api.serializers.fields import COLUMN_TYPES
from emulator.core.files import encode_scenario
from emulator.core.records import KINDS
from emulator.domain.scenario_files import DOCUMENTED, bundled_scenarios
from emulator.state.scenario import Scenario
from emulator.worlds.loading.anonymizer import (
    BODY,
    DEFAULT_LOCALE,
    FREE_JSON,
    MAKERS,
    MAY_BE_UNCHANGED,
    NOT_PERSONAL,
    PAYLOAD,
    SECRETS,
    UNKNOWN_TEXT,
    FakeValues,
    PersonalDataReplacer,
    category_table,
    column_categories,
)
from emulator.worlds.loading.recorded_responses import (
    Capture,
    documents_of,
    endpoint_of,
    locate_response,
    read_captures,
)
from emulator.worlds.loading.scenario_import import ScenarioImport, import_scenario
from emulator.worlds.loading.scenarios import load_base
from tests.support import samples
from tests.support.recording import record_responses
from tools.documented_scenarios import WHOSE, gets, sample, with_lost_contents

pytestmark = pytest.mark.slow

OTHER_CATEGORIES = {NOT_PERSONAL, FREE_JSON, SECRETS, PAYLOAD, BODY}
SAMPLES = [
    (folder, name)
    for folder in ("documented", "documented_reference")
    for name in gets(folder)
    if name != "reference-get-invoice-document"
]
every_sample = pytest.mark.parametrize(("folder", "name"), SAMPLES, ids=[name for _, name in SAMPLES])


def sample_with_owner(folder: str, name: str) -> Any:
    """Return a sample with a path that names its owner."""
    found = sample(folder, f"{name}.response-200")
    whose = WHOSE.get(name, "pk")
    found["path"] = found["path"].replace("/pk/", f"/{whose}/").replace("/packages/{id}/", f"/packages/{whose}/")
    return found


def imported(*contents: Any, anonymize: bool = True) -> ScenarioImport:
    captures = [each for content in contents for each in read_captures(content, "file")]
    return import_scenario([each for each in captures if isinstance(each, Capture)], "mine", anonymize=anonymize)


def test_table_has_a_category_for_every_text_column() -> None:
    """A new column fails here until it has a category."""
    for name, kind in KINDS.items():
        columns = {column for column, types in COLUMN_TYPES[kind].items() if {str, bytes} & set(types)}
        assert set(category_table()["columns"].get(name, {})) == columns, name
        assert set(column_categories(kind).values()) <= {*MAKERS, *OTHER_CATEGORIES}, name
    assert set(category_table()["keys"].values()) <= {*MAKERS, NOT_PERSONAL}


@every_sample
def test_every_text_of_a_sample_has_a_category(folder: str, name: str) -> None:
    """Each value belongs to a column in the table, and each key of free JSON is in the table."""
    document = sample_with_owner(folder, name)
    made = imported(document, anonymize=False)
    replacer = PersonalDataReplacer(lambda _, value: value)
    assert made.left_out == []
    for answer in made.document["answers"]:
        for record in records_of(answer):
            replacer.replace_record(record)
    assert replacer.unknown_keys == {}


def records_of(answer: Any) -> Iterator[Any]:
    """Yield the records that a response is imported as."""
    base = load_base(Scenario("mine", answers=((answer["path"], orjson.dumps(answer["body"])),))).base
    for kind in KINDS.values():
        yield from (base.get(kind, id_) for id_ in base.ids(kind))


class Marks:
    """Replaces each personal value by a unique mark, in a form that the serializers accept."""

    def __init__(self) -> None:
        self.numbers = itertools.count(10_001)
        self.made: list[str] = []

    def replace(self, kind: str, value: str) -> str:
        if kind == BODY or (kind == "link" and value.startswith("{")):  # not a personal value
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
def test_anonymized_sample_contains_no_personal_value(folder: str, name: str) -> None:
    """Each personal value of the sample, also a blank one, is a unique mark; the import contains no mark."""
    marks = Marks()
    document = with_marks(sample_with_owner(folder, name), marks)
    text = encode_scenario(imported(document).document).decode()
    shown = encode_scenario(imported(document, anonymize=False).document).decode()
    found = [HOSTS.sub(r"\1", mark).removesuffix("/q.jpg").removesuffix("/q") for mark in marks.made]
    assert [mark for mark in found if mark in text] == []
    assert not found or any(mark in shown for mark in found)


class BlankReplacer(PersonalDataReplacer):
    """Replaces blank texts too."""

    def replace_text(self, category: str, value: str) -> str:
        return value if category == NOT_PERSONAL else self.replace(category, value)


def with_marks(document: Any, marks: Marks) -> Any:
    """Return a sample with a mark in place of each personal value of its documents."""
    replacer = BlankReplacer(marks.replace)
    answer = locate_response(Capture("", document["path"], document["body"]))
    serializer = SERIALIZERS[endpoint_of(answer.path)[0].schema]
    found = [replacer.replace_document(serializer, each) for _, each in documents_of(answer.body)]
    body = document["body"]
    return document | {"body": body | {"results": found} if "results" in body else found[0]}


FULL_NAME = "Ayşegül Öztürkoğlu"
PERSON = {
    "first_name": "Ayşegül",
    "last_name": "Öztürkoğlu",
    "email": "aysegul.ozturkoglu@posta.example",
    "phone_number": "+90 532 123 45 67",
}


def used_world() -> Emulator:
    oms = Emulator("demo", packages=4)
    package = oms.package(state="Shipped", items=2)
    oms.carrier(package["id"], "delivered")
    return oms


def test_a_person_has_the_same_replacement_in_all_documents(tmp_path: Path) -> None:
    """An anonymized recording of a whole world loads, and its lists, details and surfaces agree."""
    answers = list(record_responses(used_world(), (*GUIDE_ROUTES, *REFERENCE_ROUTES)))
    made = imported([{"path": path, "body": body} for path, body in answers])
    file = tmp_path / "mine.json"
    file.write_bytes(encode_scenario(made.document))
    oms = Emulator(str(file))
    again = dict(record_responses(oms, (*GUIDE_ROUTES, *REFERENCE_ROUTES)))
    assert set(again) == {path for path, _ in answers}
    before = dict(answers)
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


def test_replacements_depend_on_all_responses() -> None:
    """Equal imports give equal replacements; one other value changes them all, so guessing single values fails."""
    detail = samples.body("package-detail.response-200")
    other = copy.deepcopy(detail)
    other["shipping_address"]["line"] = "Another street 5"
    assert imported(detail).document == imported(detail).document
    names = [
        each.document["answers"][0]["body"]["shipping_address"]["phone_number"]
        for each in (imported(detail), imported(other))
    ]
    assert names[0] != names[1]


def test_free_json_and_payloads_get_the_replacements_of_the_record() -> None:
    """One person in an address, a webhook's payload, the receiver's response and free JSON."""
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
    text = encode_scenario(made.document).decode()
    for value in (*PERSON.values(), "12345678901", "s3cr3t", "abc-123", "pass-word-1", "shop.example", "9f8e"):
        assert value not in text
    event = made.document["answers"][0]["body"]
    stored_payload = event["request_payload"]["payload"]
    address, extra = stored_payload["shipping_address"], stored_payload["extra_information"]
    assert extra["Recipient"] == f"{address['first_name']} {address['last_name']}"
    assert extra["gsm"] == address["phone_number"] == address["customer"]["phone_number"]
    assert re.fullmatch(r"\+90 5\d\d \d{3} \d\d \d\d", extra["gsm"])
    assert json.loads(event["response_content"]) == {"email": address["email"], "status": "ok"}
    assert extra["nested"]["e_mail"] == [address["email"]]
    assert len(str(extra["tckn"])) == 11
    assert set(event["webhook"]["additional_headers"]) == {"X-Key"}
    assert "key 'hediye': unknown content; replaced once" in made.replaced


def test_personal_values_inside_plain_texts_are_replaced() -> None:
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
"""Values without a personal part."""


@pytest.mark.parametrize("kind", MAKERS)
def test_replacement_has_the_form_of_the_real_value(kind: str) -> None:
    """Each category: another value, the same each time, with digits and punctuation in place."""
    for value in VALUES[kind]:
        one, same = (FakeValues(DEFAULT_LOCALE, b"salt", {value.casefold()}) for _ in range(2))
        made = one.get(kind, value)
        assert made == one.get(kind, value) == same.get(kind, value)
        assert (made == value) == (value in KEPT_VALUES), (kind, value, made)
        assert "\n" not in made
        if kind in SAME_FORM:
            assert re.sub(r"[0-9A-Za-z]", "0", made) == re.sub(r"[0-9A-Za-z]", "0", value)
    assert MAKERS.keys() >= MAY_BE_UNCHANGED


def test_replacement_keeps_capitals_and_phone_prefixes() -> None:
    fakes = FakeValues(DEFAULT_LOCALE, b"salt", set())
    assert fakes.get("first_name", "AYŞE").isupper()
    assert fakes.get("phone", "05551234567").startswith("05")
    assert fakes.get("email", "ali@veli.example").endswith("@example.com")


def test_blank_values_and_null_are_kept() -> None:
    detail = samples.body("package-detail.response-200")
    detail["shipping_address"] |= {"email": "", "notes": None, "company_name": " "}
    address = imported(detail).document["answers"][0]["body"]["shipping_address"]
    assert (address["email"], address["notes"], address["company_name"]) == ("", None, " ")


def test_locale_is_that_of_the_most_frequent_country() -> None:
    """Imports that differ only in the country get Italian and Turkish streets."""
    lines = set()
    for code in ("it", "tr"):
        detail = samples.body("package-detail.response-200")
        for place in (detail["shipping_address"], detail["stock_location"]["address"]):
            place["country"]["code"] = code
        lines.add(imported(detail).document["answers"][0]["body"]["shipping_address"]["line"])
    assert len(lines) == 2


def test_faker_is_loaded_only_for_anonymization() -> None:
    """A server and an import with `--no-anonymize` do not load it."""
    program = "import sys, emulator.cli, emulator.worlds.loading.anonymizer; sys.exit('faker' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_documented_scenarios_are_not_anonymized() -> None:
    """The pages are public."""
    answers = bundled_scenarios()[f"{DOCUMENTED}package-detail"].answers
    assert orjson.loads(answers[0][1]) == with_lost_contents(samples.body("package-detail.response-200"))


def test_unknown_category_raises() -> None:
    with pytest.raises(KeyError):
        FakeValues(DEFAULT_LOCALE, b"salt", set()).get(UNKNOWN_TEXT, "x")
