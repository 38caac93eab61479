"""Request bodies are validated with their JSON Schemas, and so are responses with `validate_responses`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest
import requests

from emulator import Emulator
from emulator.api.routes import ROUTES
from emulator.core import schemas
from emulator.core.call import Reply
from emulator.core.fields import Form
from emulator.core.records import Package, TransferOrder, Webhook, WebhookEvent
from emulator.web import dispatch, schema_validation, unused_input
from tools.body_validation import BODY, FORM, UNKNOWN_KEY, VALID, Mutant, form_pairs, mutants

MUTANTS = list(mutants())
BODIES = [route for route in ROUTES if route.request_schema is not None and not route.path.startswith("/api/i1/")]
SET = "/api/v1/oms/packages/{pk}/set_remote_id/"
COMMAND = "/api/v1/oms/packages/{pk}/command/"
JSON = {"Content-Type": "application/json"}
ACCEPTED = "; the framework accepts it"
Send = Callable[..., requests.Response]


@pytest.fixture(params=["jsonschema", "jsonschema-rs"], autouse=True)
def validator(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run each test with and without the extra `fast`."""
    if request.param == "jsonschema":
        monkeypatch.setattr(schemas, "_fast_validator", lambda _: None)
    schema_validation.cached_problems.cache_clear()


def emulator_with_event(*, strict: bool) -> Emulator:
    """Return an emulator with a hook and an event of it, and with a snapshot for each call."""
    oms = Emulator("demo", packages=20, strict=strict, validate_responses=True)
    hook = {"target_url": "http://127.0.0.1:1/", "event_type": "package.status.transitioned"}
    policy = {"retry_countdown_config": {"choice": "fixed", "kwargs": {"seconds": 60}}}
    assert oms.session().post("/whisperer/hooks/", json=hook | policy).status_code == 201
    body = {"transition": 199, "input_parameters": {}}
    pk = oms.package(state="Waiting")["id"]
    assert oms.session().post(COMMAND.format(pk=pk), json=body).status_code == 204
    oms.package(state="Waiting")
    oms.snapshot("before")
    return oms


def sender(oms: Emulator, operation: str) -> Send:
    """Return a function that sends a body to an operation, and then restores the world."""
    route = next(each for each in BODIES if each.operation == operation)
    records = oms.world.records
    waiting = max(each.id for each in records.all(Package) if each.state == 35)
    pks = {"/transfer_orders/": records.ids(TransferOrder)[0], "/hook_events/": records.ids(WebhookEvent)[0]}
    pks["/hooks/"] = records.ids(Webhook)[0]
    pk = next((pk for part, pk in pks.items() if part in route.path), waiting)
    session = oms.session()
    session.headers["Authorization"] = f"Bearer {oms.jwt()}" if route.auth_scheme == "Bearer" else "Token full-access"

    def send(body: Any) -> requests.Response:
        content = {"data": dict(form_pairs(body))} if isinstance(body, Form) else {"data": json.dumps(body)}
        headers = {} if isinstance(body, Form) else JSON
        answer = session.request(route.method, route.path.replace("<pk>", str(pk)), headers=headers, **content)
        oms.restore("before")
        return answer

    return send


def hint(answer: requests.Response) -> str:
    return unquote(answer.headers.get("X-Emulator-Hint", ""))


def pointer(mutant: Mutant) -> str:
    return {BODY: "the body: ", UNKNOWN_KEY: "/unknown: "}.get(mutant.field, f"/{mutant.field}: ")


@pytest.mark.medium
@pytest.mark.parametrize("operation", [route.operation for route in BODIES])
def test_each_verdict_of_schema_and_framework_has_its_response(operation: str) -> None:
    """Sent to the real operation: the tables of docs/reference/validation.md are true, in both modes."""
    schema = next(route.request_schema for route in BODIES if route.operation == operation)
    lenient, strict = (sender(emulator_with_event(strict=strict), operation) for strict in (False, True))
    for mutant in (each for each in MUTANTS if each.schema == schema):
        usual, refused = lenient(mutant.body), strict(mutant.body)
        label = (mutant.field, mutant.change, usual.status_code, usual.text, hint(usual), refused.text, hint(refused))
        if mutant.by_framework:
            assert usual.status_code == refused.status_code == 400, label
            assert usual.content == refused.content, label
            assert ACCEPTED not in hint(usual) + hint(refused), label
        elif mutant.by_schema:
            assert pointer(mutant) in hint(usual), label
            assert refused.status_code == 400, label
            assert hint(refused).startswith(f"strict: {pointer(mutant)}"), label
            assert refused.content != usual.content, label
        elif "was ignored" not in hint(usual):  # which is about the parameters of one command
            assert ACCEPTED not in hint(usual) + hint(refused), label
            assert (usual.status_code, usual.content) == (refused.status_code, refused.content), label


def test_every_body_has_a_valid_example_and_every_verdict_occurs() -> None:
    assert {route.request_schema for route in BODIES} == VALID.keys()
    for schema, body in VALID.items():
        assert schemas.find_problem(schema, body) is None
    assert {(each.by_schema, each.by_framework) for each in MUTANTS} == {
        (by_schema, by_framework) for by_schema in (False, True) for by_framework in (False, True)
    }
    assert {each.change for each in MUTANTS if each.field == BODY} >= {FORM, "`{}`"}


@pytest.mark.parametrize("schema", VALID)
def test_both_validators_have_the_same_verdict_for_every_mutant(schema: str) -> None:
    fast, plain = schemas._fast_validator(schema), schemas._validator(schema)
    bodies = [each for each in MUTANTS if each.schema == schema and not isinstance(each.body, Form)]
    for mutant in bodies:
        assert plain.is_valid(mutant.body) is not mutant.by_schema, mutant
        assert fast is None or fast(mutant.body) is not mutant.by_schema, mutant


CASES: dict[str, tuple[str, Any, str]] = {
    "text for an integer": (COMMAND, {"transition": "138", "input_parameters": {}},
                            '/transition: must be an integer (got "138")'),
    "a number for text": (SET, {"remote_id": 5}, "/remote_id: must be a string (got 5)"),
    "unknown key": (SET, {"remote_id": "5", "a/b~": 1}, "/a~1b~0: key 'a/b~' is unknown and was ignored"),
    "lone surrogate": (SET, {"remote_id": "5", "\ud800": 1}, "/\\ud800: key '\\ud800' is unknown and was ignored"),
    "parameter": (COMMAND, {"transition": 199, "input_parameters": {"x": 1}},
                  "/input_parameters/x: key 'input_parameters.x'"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_journal_has_the_json_pointer(case: str, oms: Emulator) -> None:
    path, body, expected = CASES[case]
    pk = next(each.id for each in oms.world.records.all(Package) if each.state == 35)
    answer = oms.session().post(
        path.format(pk=pk), data=json.dumps(body), headers={"Content-Type": "application/json"}
    )
    assert expected in hint(answer)
    assert hint(answer).count(expected) == 1
    assert hint(answer).count("is unknown") <= 1
    exchange = next(oms.world.journal.newest_first())
    assert expected in unquote(exchange.response_headers["X-Emulator-Hint"])


def test_a_strict_refusal_of_a_lone_surrogate_is_a_400() -> None:
    oms = Emulator("demo", packages=5, strict=True, validate_responses=True)
    pk = oms.world.records.ids(Package)[0]
    body = '{"remote_id": "5", "\\ud800": 1}'
    answer = oms.session().post(SET.format(pk=pk), data=body, headers=JSON)
    assert answer.status_code == 400
    assert "key '\\ud800' is unknown" in hint(answer)


def test_a_nested_unknown_key_is_reported(oms: Emulator) -> None:
    body = VALID["hook"]
    policy = body["retry_countdown_config"] | {"second": 1}
    answer = oms.session().post("/whisperer/hooks/", json=body | {"retry_countdown_config": policy})
    assert answer.status_code == 201
    assert hint(answer) == (
        "/retry_countdown_config/second: key 'retry_countdown_config.second' is unknown and was ignored"
    )


def test_a_deeply_nested_value_has_a_problem() -> None:
    """The messages of `jsonschema` contain the value, which Python 3.11 cannot print."""
    value: list[Any] = []
    for _ in range(5_000):
        value = [value]
    [problem] = schema_validation.json_problems("hook-retry", {"force": value})
    assert str(problem).startswith(
        ("the document: must be nested less deeply (got", "/force: must be true or false (got")
    )
    assert schema_validation.json_problems("extra-information", {"extra_information": {"a": value}}) == ()


def test_an_unknown_record_is_reported_before_the_body(oms: Emulator) -> None:
    """Django REST framework looks the record up before it reads the body."""
    answer = oms.session().post(SET.format(pk=1), json={"x": 1})
    assert (answer.status_code, hint(answer)) == (404, "no package has the id 1")


def test_equal_bodies_are_validated_once(oms: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large body is not cached."""
    validated: list[str] = []
    usual = schema_validation.json_problems
    for module in (schema_validation, unused_input):
        monkeypatch.setattr(
            module, "json_problems", lambda name, body: [validated.append(name), usual(name, body)][1]
        )
    pk = oms.world.records.ids(Package)[0]
    for body, count in (({"remote_id": "R"}, 1), ({"remote_id": "x" * 3_000}, 4)):
        for _ in range(3):
            oms.session().post(SET.format(pk=pk), json=body)
        assert len(validated) == count


# Responses


@pytest.fixture
def validating() -> Emulator:
    return Emulator("demo", packages=5, validate_responses=True)


def replace_reply(monkeypatch: pytest.MonkeyPatch, status: int, body: bytes) -> None:
    """Replace the reply of each handler, as a bug would."""
    monkeypatch.setattr(dispatch, "run_handler", lambda *_: Reply(status, body))


WRONG: dict[str, tuple[int, bytes, str]] = {
    "wrong type": (200, b'{"id": "5"}', "package.json: /id: must be an integer (got \"5\")"),
    "not JSON": (200, b'{"id": ', "package.json: not JSON: "),
    "unknown status": (202, b"{}", "the status must be one of 200, 404"),
    "wrong error": (404, b'{"error": "none"}', "error.json: /detail: is missing; must be a string"),
    "wrong error of the framework": (400, b'{"detail": 1}', "error.json: /detail: must be a string (got 1)"),
}  # fmt: skip


@pytest.mark.usefixtures("bugs_expected")
@pytest.mark.parametrize("case", WRONG)
def test_a_response_that_violates_its_schema_is_a_500(
    case: str, validating: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is in the vendor's wrapper, and names schema and pointer."""
    status, body, problem = WRONG[case]
    replace_reply(monkeypatch, status, body)
    answer = validating.session().get(f"/api/v1/oms/packages/{validating.world.records.ids(Package)[0]}/")
    message = f"invalid response with status {status}: {problem}"
    assert answer.status_code == 500
    assert hint(answer).startswith(message)
    assert answer.json()["status_code"] == 500
    assert answer.json()["error"]["non_field_errors"][0].startswith(message)
    assert next(validating.world.journal.newest_first()).status == 500


def test_responses_are_not_validated_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    oms = Emulator("demo", packages=5)
    replace_reply(monkeypatch, 404, b'{"detail":"Gone."}')
    assert oms.session().get("/api/v1/oms/packages/1/").content == b'{"detail":"Gone."}'
    assert not oms.world.validates_responses


@pytest.mark.parametrize("name", ["default", "other", "branch"])
def test_every_world_validates_responses(name: str, validating: Emulator) -> None:
    validating.in_world("other", "empty")
    validating.branch("branch")
    assert validating.in_world(name).world.validates_responses


HEADERS = (
    {}, {"Authorization": "Token x"}, {"Accept": "text/html"}, {"Accept": "application/json; indent=2"}
)  # fmt: skip


@pytest.mark.medium
def test_valid_responses_stay_as_they_are(validating: Emulator) -> None:
    """Reads, errors of every kind and headers are those of an emulator that does not validate."""
    plain = Emulator("demo", packages=5)
    pk = plain.world.records.ids(Package)[0]
    paths = ("packages/", f"packages/{pk}/", "packages/1/", "packages/?state=x", "packages/?page=0", "nowhere/")
    for method in ("GET", "HEAD", "OPTIONS", "DELETE", "POST"):
        for path in paths:
            for headers in HEADERS:
                answers = [
                    oms.session().request(method, f"/api/v1/oms/{path}", headers=headers, allow_redirects=False)
                    for oms in (plain, validating)
                ]
                one, other = [(each.status_code, each.content, dict(each.headers)) for each in answers]
                assert one == other


@pytest.mark.medium
def test_validators_are_imported_with_the_first_body() -> None:
    code = """
import sys
from emulator import Emulator
LATE = {"jsonschema", "jsonschema_rs", "referencing"}
oms = Emulator("demo")
package = oms.session().get("/api/v1/oms/packages/").json()["results"][0]["id"]
print(sorted(LATE & sys.modules.keys()))
oms.session().post(f"/api/v1/oms/packages/{package}/set_remote_id/", json={"remote_id": "R"})
print(bool(LATE & sys.modules.keys()))
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["[]", "True"]
