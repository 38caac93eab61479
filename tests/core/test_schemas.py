"""Each schema file follows the rules of the project, and each problem of a document is one line."""

from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from emulator.core import schemas
from emulator.core.schemas import Problem
from tests.support import samples
from tests.support.answers import check_body, validator

FREE_MAPS = {
    "agreed": "behaviours are the keys",
    "differed": "behaviours are the keys",
    "differences": "operations are the keys",
    "not_compared": "operations are the keys",
    "counts": "what was met names the keys",
    "options": "the table of faults checks them, and names what is known",
    "seen": "requests are the keys",
    "limits": "roles are the keys",
    "calls": "callers are the keys",
    "due": "one key per event",
    "document": "a scenario, judged by its own schema",
    "additional_data": "the reference's attributes of a log",
    "additional_headers": "the hook's owner names the headers",
    "attributes": "the catalogue, or the log, names the keys",
    "attributes_kwargs": "the catalogue names the keys",
    "body": "recorded documents and those of calls are judged when they are used",
    "conf": "settings of one customer",
    "config": "settings of one customer",
    "configuration": "settings of one customer",
    "denial_reason": "assumed: no sample shows one",
    "discrepancy_reason": "assumed: no sample shows one",
    "error": "one key per refused parameter",
    "extra_attributes": "the catalogue names the keys",
    "extra_information": "planning writes what it likes",
    "field-errors": "one key per refused field",
    "fields": "the changed columns of a record name the keys",
    "headers": "whatever a client sends",
    "instance_dict": "the document of any record",
    "parameters": "the command of a story names its parameters",
    "input_parameters": "every command has its own",
    "kinds": "one key per kind of drift",
    "kwargs": "every retry rule has its own",
    "mapping": "assumed: no sample shows one",
    "price_extra_field": "the customer names the keys",
    "stock_extra_field": "the customer names the keys",
    "translations": "one key per language",
}
"""Objects that are not closed, by their key (or the schema's own name), with the reason."""

OWN = files("emulator") / "schemas" / "own"
WITHOUT_SAMPLE = {
    **{file.name.removesuffix(".json"): "our own" for file in OWN.iterdir()},
    "command-error": "described in words on a command's page",
    "denial-reason": "captured rows on a page that is not a sample",
    **dict.fromkeys(
        ("item-package", "new-denial-reason", "package-item-listed", "package-item-detail", "stock-location-simple"),
        "described in words or captured on a page that is not a sample",
    ),
    "page-of-package-item-listed": "the framework's envelope",
    "page-of-stock-location-simple": "the framework's envelope",
    "error": "the framework's",
    "field-errors": "the framework's",
    "formats": "no shape: what other schemas refer to",
    "event-types": "the sender's published code",
    "hook": "the sender's published code",
    "hook-change": "the sender's published code",
    "event-queue": "the sender's published code",
    "hook-retried": "the sender's published code",
    "hook-retry": "the sender's published code",
    "hook-retry-refused": "the sender's published code",
    "hook-root": "the sender's published code",
    "page-of-event-queue": "the sender's published code",
    "page-of-webhook": "the sender's published code",
    "webhook-refusal": "the sender's published code",
    "login": "described in words on the integration page",
    "login-token": "described in words on the integration page",
    "page-of-denial-reason": "assumed: its page shows parameters only",
    "reference-hook-answer": "the page shows an empty object",
    "reference-placeholder": "what the page prints instead of a document",
    "verify-report": "our own",
}
"""Schemas that no documented sample reaches, with the reason."""

STATE = {"id": 35, "name": "Waiting", "enum_class": "PackageStatus", "enum_value": "100", "content_type": 4}
WRONG = [
    ("command", [], "the document: must be an object (got [])"),
    ("command", {"slug": "x"}, "/input_parameters: is missing; must be an object"),
    ("command", {"transition": "25", "input_parameters": {}}, '/transition: must be an integer (got "25")'),
    ("login", {"username": "", "password": "x"}, '/username: must be at least 1 character long (got "")'),
    (
        "login",
        {"username": "x", "password": "x", "a/b~": 1},
        "/a~1b~0: is unknown; known keys: username, password",
    ),
    (
        "command-error",
        {"error": {}, "status_code": 400},
        "/error: must be an object with at least 1 key (got {})",
    ),
    ("command-error", {"error": {"slug": ["No."]}, "status_code": 409}, "/status_code: must be 400 (got 409)"),
    ("scenario", {"name": "x", "language": "de"}, '/language: must be one of "en-us", "tr-tr" (got "de")'),
    ("scenario", {"name": "x", "packages": -1}, "/packages: must be at least 0 (got -1)"),
    (
        "scenario",
        {"name": "x", "clock": "now"},
        '/clock: must be a datetime in UTC, such as 2023-03-15T12:20:30.385608Z (got "now")',
    ),
    (
        "installation",
        {"state": [STATE | {"provenance": "assumed"}]},
        "/state/0/reason: is missing",
    ),
    (
        "command",
        {"input_parameters": {}},
        'the document: must be an object with transition or an object with slug (got {"input_parameters": {}})',
    ),
]

RIGHT = [
    ("command", {"transition": 25, "input_parameters": {}}),
    ("command", {"slug": "renew_transfer", "input_parameters": {"package_items": [1]}}),
    ("login", {"username": "demo", "password": "secret"}),
    ("login-token", {"key": "6f1c"}),
    ("error", {"detail": "Not found."}),
    ("field-errors", {"slug": ["This field is required."]}),
    ("field-errors", {"retry_countdown_config": {"kwargs": {"base": ["A valid integer is required."]}}}),
    ("command-error", {"error": {"transition": ["No."]}, "status_code": 400}),
    (
        "scenario",
        {"$schema": "scenario.json", "name": "demo", "packages": 200, "clock": "2023-04-05T09:00:00Z"},
    ),
    ("scenario", {"name": "x", "answers": [{"path": "/api/v1/oms/packages/1/", "body": {}}]}),
    ("installation", {"state": [STATE | {"provenance": "documented"}]}),
]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
NEAR_COMMANDS = st.dictionaries(st.sampled_from(["transition", "slug", "input_parameters", "other"]), JSON)


def subschemas(key: str, rules: Any) -> Iterator[tuple[str, Any]]:
    """Yield each schema inside a schema with its key."""
    yield key, rules
    for name, inner in (rules.get("properties", {}) | rules.get("$defs", {})).items():
        yield from subschemas(name, inner)
    for keyword in ("items", "additionalProperties"):
        if isinstance(rules.get(keyword), dict):
            yield from subschemas(f"{key} {keyword}", rules[keyword])
    for inner in rules.get("anyOf", []):
        yield from subschemas(key, inner)


def is_object(rules: Any) -> bool:
    return "object" in (rules.get("type") or ())


ALL = [
    (name, key, rules)
    for name in schemas.schema_names()
    for key, rules in subschemas(name, schemas.load_schema(name))
]
OBJECTS = [each for each in ALL if is_object(each[2])]


@pytest.fixture(params=schemas.schema_names())
def name(request):
    return request.param


def test_file_is_a_schema_under_its_own_name(name):
    """Each file is a valid 2020-12 schema with its name, a title and a description."""
    schema = schemas.load_schema(name)
    Draft202012Validator.check_schema(schema)
    jsonschema_rs.meta.validate(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == f"{name}.json"
    assert schema["title"]
    assert schema["description"]


def test_file_names_are_unique():
    """A name is unique among all folders."""
    root = files("emulator") / "schemas"
    found = [file.name for folder in root.iterdir() for file in folder.iterdir()]
    assert sorted(found) == [
        f"{name}.json" for name in sorted(schemas.schema_names(), key=lambda name: f"{name}.json")
    ]


def test_schemas_of_the_vendor_name_their_source(name):
    """A schema of the vendor names the page that it was taken from."""
    is_ours = (files("emulator") / "schemas" / "own" / f"{name}.json").is_file()
    assert is_ours or schemas.load_schema(name)["x-source"]


def test_references_can_be_resolved(name):
    """Both validators can compile the schema with its references."""
    validator(name).is_valid({})
    list(schemas.find_problems(name, {}))


@pytest.mark.parametrize(("file", "key", "rules"), OBJECTS, ids=[f"{file}:{key}" for file, key, _ in OBJECTS])
def test_objects_are_closed(file, key, rules):
    """An object names its keys and allows no other, or it is a known free map."""
    assert rules.get("additionalProperties") is False or key in FREE_MAPS


def test_formats_are_strings():
    """A format limits only strings, so a schema that refers to one names the type."""
    references = [(file, key, rules) for file, key, rules in ALL if "formats.json" in str(rules.get("$ref"))]
    assert references
    assert [(file, key) for file, key, rules in references if "type" not in rules] == []


def test_free_maps_are_in_use():
    """There is no unused exception."""
    open_ones = {key for _, key, rules in OBJECTS if rules.get("additionalProperties") is not False}
    assert open_ones == FREE_MAPS.keys()


def test_samples_reach_every_schema():
    """A schema has a sample, or is listed with the reason why it has none."""
    reached = {
        spot.shape.split("/")[0]
        for sample in samples.names()
        for spot in samples.sample_nodes(sample, samples.body(sample))
    }
    assert set(schemas.schema_names()) - reached == WITHOUT_SAMPLE.keys()


@pytest.mark.parametrize("name", ["scenario", "installation"])
def test_editors_can_explain_every_key(name):
    """Users write these files by hand, so each key has a description."""
    properties = [rules.get("properties", {}) for _, rules in subschemas(name, schemas.load_schema(name))]
    assert [key for each in properties for key, rules in each.items() if not rules.get("description")] == []


@pytest.mark.parametrize(("name", "document", "line"), WRONG)
def test_a_problem_names_the_location_the_value_and_the_expectation(name, document, line):
    """All of them are in one line."""
    assert schemas.find_problem(name, document) == line


@pytest.mark.parametrize(("name", "document"), RIGHT)
def test_valid_documents_have_no_problem(name, document):
    """Each valid form of a document passes."""
    assert schemas.find_problem(name, document) is None
    assert list(schemas.find_problems(name, document)) == []


def test_problems_are_distinct():
    """A missing or unknown key is the end of its path, so that callers can map problems to fields."""
    found = list(schemas.find_problems("command", {"input_parameters": [], "slug": 1, "a": 1, "b": 2}))
    assert [(each.path, each.keyword) for each in found] == [
        (("slug",), "type"),
        (("input_parameters",), "type"),
        (("a",), "additionalProperties"),
        (("b",), "additionalProperties"),
    ]
    assert found[0] == Problem(("slug",), "type", "is 1", "must be a string")


def test_problems_are_those_of_the_best_alternative():
    """The problem of a payload that is almost a package is that of the package schema."""
    event = samples.body("package-webhook-event-details.response-200")
    event["request_payload"]["payload"]["state"]["id"] = "35"
    line = '/request_payload/payload/state/id: must be an integer (got "35")'
    assert schemas.find_problem("webhook-event", event) == line


def test_missing_parts_of_a_nullable_document_are_named():
    """A shipment may be null, but an incomplete one lacks keys."""
    package = samples.body("package-detail.response-200") | {"shipment": {"id": 1}}
    found = [each.path for each in schemas.find_problems("package", package)]
    assert ("shipment", "awb_number") in found
    assert all(path[0] == "shipment" for path in found)


def test_long_values_are_cut():
    """The message is one short line, however large the wrong value is."""
    assert len(schemas.find_problem("error", {"detail": ["x" * 1000]})) < 120


def test_the_error_for_an_unknown_name_lists_the_known_names():
    """All names are listed."""
    with pytest.raises(
        ValueError,
        match=r"'packge'; known are address, .*, webhook-short, world, world-state, worlds\.$",
    ):
        schemas.find_problem("packge", {})


@pytest.mark.slow
@given(NEAR_COMMANDS | JSON)
def test_both_validators_agree(document):
    """The fast validator of responses and the explaining one have the same result."""
    assert validator("command").is_valid(document) is (schemas.find_problem("command", document) is None)


@pytest.mark.parametrize("body", [b"", b"{", b"NaN", b'{"detail": 1}', b'{"detail": "No.", "code": 1}'])
def test_check_answer_refuses(body):
    """A response that is not JSON or is invalid by its schema fails with the name of the schema."""
    with pytest.raises(AssertionError, match=r"^error: "):
        check_body("error", body)


def test_check_answer_accepts():
    """A response that is valid by its schema passes."""
    check_body("error", b'{"detail": "Not found."}')
