"""Whatever a target answers, a report comes of it; credentials stay with the target."""

from types import SimpleNamespace

import pytest
import requests
from requests.adapters import HTTPAdapter

from emulator import Emulator
from emulator.client.session import InProcessSession
from emulator.contract import CHECKS, Kind, NotVerified, Target, Unreachable, run
from emulator.contract.checks import MAX_SILENT_CHECKS, OPERATION_SILENT, TARGET_LOST, WRITES_NOT_ALLOWED, run_check
from emulator.contract.findings import Check, Drift, Finding, unique
from emulator.contract.rejections import UNKNOWN_METHOD
from emulator.contract.target import NoResponse

FOUND = Finding(Kind.VALUE, "get_package", "/a", "odd")
ROUTE = SimpleNamespace(operation="get_package", doc="a page", auth_scheme="Token", method="GET", path="/odd/")


def in_process(*, packages=5, **options):
    oms = Emulator("demo", packages=packages)
    return Target(oms.url, session=oms.session(), **{"jwt": oms.jwt(), **options})


def answering(app):
    """Return a target whose responses come from the application."""
    session = InProcessSession(app, "http://odd.test", {})
    return Target("http://odd.test", session=session, jwt="a.b.c", allow_writes=True)


def of(look, *, writes=False):
    return Check("get_package.odd", "odd", "is odd", "packages", ROUTE, look, writes)


def finds_then(error):
    def look(target, route):
        yield FOUND
        raise error

    return of(look)


def html(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/html")])
    return [b"<p>Hello"]


def elsewhere(environ, start_response):
    start_response("302 Found", [("Location", "https://login.test/")])
    return [b""]


class Refusing(HTTPAdapter):
    def send(self, *_, **__):
        raise requests.ConnectionError("Connection refused")


def odd_json(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/json")])
    return [b'{"count": 3, "next": null, "previous": null, "results": [{}, {"id": "x"}, {"id": 7}]}']


@pytest.mark.parametrize(
    ("error", "texts"),
    [
        (KeyError("state"), ["odd"]),
        (TypeError("no"), ["odd"]),
        (NoResponse("timed out"), ["odd", "no response: timed out"]),
        (Drift(FOUND), ["odd"]),
        (NotVerified("nothing there"), ["odd"]),
    ],
)
def test_what_was_found_before_a_check_ended_counts(error, texts):
    """And no answer is a finding itself; where there is nothing to compare, other checks say why."""
    result = run_check(finds_then(error), in_process())
    assert result.outcome == "drifted"
    assert [text in found.text for text, found in zip(texts, result.findings, strict=True)] == [True] * len(texts)


def test_bugs_in_a_check_are_not_hidden():
    """Only what an answer may cause is a finding."""
    with pytest.raises(ZeroDivisionError):
        run_check(finds_then(ZeroDivisionError()), in_process())


def test_writes_need_leave():
    """A check that writes is not run on a target that does not allow it."""
    result = run_check(of(lambda *_: pytest.fail("was run"), writes=True), in_process())
    assert result.not_verified == WRITES_NOT_ALLOWED


def test_reading_changes_nothing():
    """The default run leaves every package and transfer order as it was."""
    target = in_process(packages=30)
    paths = ("/api/v1/oms/packages/?limit=100", "/api/v1/oms/transfer_orders/?limit=100")
    before = [target.get(path).content for path in paths]
    methods = set()
    target.session.hooks["response"].append(lambda response, **_: methods.add(response.request.method))
    report = run(target)
    assert methods == {"GET", UNKNOWN_METHOD}
    assert [target.get(path).content for path in paths] == before
    assert report.findings == []
    assert {result.check.writes for result in report.having("verified")} == {False}


@pytest.mark.parametrize("token", ["nobody", "inactive", "no-access", "throttled"])
def test_checks_of_a_refused_caller_are_not_verified(token):
    """The reason stands at every check."""
    target = in_process(token=token, jwt=None)
    for _ in range(6 if token == "throttled" else 0):
        target.session.get(target.url("/api/v1/oms/packages/"), headers={"Authorization": f"Token {token}"})
    report = run(target)
    assert report.verified_nothing
    guide = [result for result in report.results if result.check.route.auth_scheme == "Token"]
    assert all("GET /api/v1/oms/packages/" in str(result.not_verified) for result in guide)


@pytest.mark.parametrize(
    ("options", "closed", "reason"),
    [
        ({"jwt": None}, "Bearer", "no JWT was given"),
        ({"jwt": "a.b.c"}, "Bearer", "401, the JWT is refused"),
        ({"token": None}, "Token", "no token was given"),
        ({"token": "nobody"}, "Token", "401, the token is refused"),
    ],
)
def test_a_surface_that_cannot_be_asked_leaves_the_other(options, closed, reason):
    """Its operations are not verified, with the reason; the other's are."""
    report = run(in_process(**options))
    assert report.findings == []
    for row in report.operations:
        if row.route.auth_scheme is not None:
            assert (row.outcome == "not verified") == (row.route.auth_scheme == closed)
            assert all(reason in each for each in row.reasons) or row.route.auth_scheme != closed


def test_a_reader_can_write_nothing():
    """What the token may not do is not verified, and no drift."""
    report = run(in_process(token="read-only", allow_writes=True))
    assert report.findings == []
    assert {result.check.topic for result in report.having("not verified")} >= {"stores", "invoices", "moves-by-id"}


def test_another_server_drifts_everywhere():
    """Any answer is judged; none breaks the run."""
    report = run(answering(odd_json))
    assert len(report.results) == len(CHECKS)
    assert len(report.findings) > 100


@pytest.mark.parametrize(
    ("app", "said"), [(html, "answers 200 with text/html, not JSON"), (elsewhere, "redirects to https://login.test/")]
)
def test_a_server_without_json_is_not_an_oms(app, said):
    """Nothing is verified, and nothing is called drift."""
    report = run(answering(app))
    assert report.verified_nothing
    assert all(said in str(result.not_verified) for result in report.results)


def test_one_surface_without_json_is_drift():
    """The other one shows that this is an OMS."""
    oms = Emulator("demo", packages=5)

    def half(environ, start_response):
        reference = environ["PATH_INFO"].startswith("/packages")
        return html(environ, start_response) if reference else oms.app(environ, start_response)

    report = run(Target(oms.url, session=InProcessSession(half, oms.url, {}), jwt=oms.jwt()))
    drifted = {row.route.operation for row in report.operations if row.outcome == "drifted"}
    assert len(drifted) > 15
    assert {operation for operation in drifted if not operation.startswith("reference_")} == set()


def silent(target, route):
    target.unanswered += 1
    raise NoResponse("timed out")


def test_an_operation_that_does_not_answer_is_not_waited_for_again_and_again():
    """Two checks wait, the others say why they do not."""
    report = run(in_process(), [of(silent) for _ in range(MAX_SILENT_CHECKS + 2)])
    assert [result.outcome for result in report.results] == ["drifted"] * MAX_SILENT_CHECKS + ["not verified"] * 2
    assert report.results[-1].not_verified == OPERATION_SILENT
    assert [found.kind for found in report.findings] == [Kind.STATUS]


def test_a_target_that_is_gone_is_not_asked_further():
    """The rest of the checks says so."""
    target = in_process()

    def gone(target, route):
        target.session.mount(target.base_url, Refusing())
        target.get("/")

    report = run(target, [of(gone), *CHECKS[:5]])
    assert [result.not_verified for result in report.results[1:]] == [TARGET_LOST] * 5


def test_checks_without_data_in_an_empty_world_are_not_verified():
    """Nothing there is neither kept nor broken."""
    oms = Emulator("empty")
    report = run(Target(oms.url, session=oms.session(), jwt=oms.jwt(), allow_writes=True))
    assert report.findings == []
    outcomes = {result.check.name: result.outcome for result in report.results}
    assert outcomes["get_package.shape"] == "not verified"
    assert outcomes["get_package.unknown-id"] == "verified"


def test_an_address_without_a_server():
    """One exception, before any check."""
    with pytest.raises(Unreachable, match="No connection adapters"):
        run(Target("gopher://127.0.0.1"))


@pytest.mark.parametrize("link", ["http://elsewhere.test/x", "//elsewhere.test/x", "http://oms.test.elsewhere.test/"])
def test_credentials_stay_with_the_target(link):
    """Links elsewhere are never followed: they are taken for paths."""
    target = in_process()
    assert not target.owns(link)
    assert target.url(link).startswith(target.base_url)


def test_one_finding_for_many_rows():
    """The same difference in several rows is one finding."""
    rows = [Finding(Kind.MISSING, "list_packages", f"/results/{at}/id", "is missing") for at in range(10)]
    assert list(unique(rows)) == rows[:1]


def test_a_finding_of_many_checks_is_one_finding_of_the_operation():
    """A report counts places, not looks."""
    report = run(in_process(), [finds_then(NotVerified("")), finds_then(NotVerified(""))])
    assert [len(result.findings) for result in report.results] == [1, 1]
    assert report.findings == [FOUND]
