"""Whatever a target answers, a report comes of it; credentials stay with the target."""

from types import SimpleNamespace

import pytest
import requests

from emulator import Emulator
from emulator.contract import CHECKS, Kind, NotVerified, Target, Unreachable, as_document, as_text, run
from emulator.contract.findings import Check, Drift, Finding
from emulator.contract.running import WRITES_NOT_ALLOWED, once_each, run_one
from emulator.session import InProcessSession

FOUND = Finding(Kind.OTHER, "get_package", "/a", "odd")
ROUTE = SimpleNamespace(operation="get_package")


def in_process(**options):
    oms = Emulator("demo")
    return Target(oms.url, session=oms.session(), **options)


def answering(app):
    """Give a target that answers as the application does."""
    return Target("http://odd.test", session=InProcessSession(app, "http://odd.test", {}), allow_writes=True)


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


def odd_json(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/json")])
    return [b'{"count": 3, "next": null, "previous": null, "results": [{}, {"id": "x"}, {"id": 7}]}']


@pytest.mark.parametrize(
    ("error", "texts"),
    [
        (KeyError("state"), ["odd", "KeyError: 'state'"]),
        (TypeError("no"), ["odd", "TypeError: no"]),
        (requests.ConnectionError("timed out"), ["odd", "no answer: timed out"]),
        (Drift(FOUND), ["odd"]),
        (NotVerified("nothing there"), ["odd"]),
    ],
)
def test_what_was_found_before_a_check_ended_counts(error, texts):
    """And what ended it is a finding itself, unless there was only nothing to ask."""
    result = run_one(finds_then(error), in_process())
    assert result.outcome == "drift"
    assert [text in found.text for text, found in zip(texts, result.findings, strict=True)] == [True] * len(texts)


def test_bugs_in_a_check_are_not_hidden():
    """Only what an answer may cause is a finding."""
    with pytest.raises(ZeroDivisionError):
        run_one(finds_then(ZeroDivisionError()), in_process())


def test_writes_need_leave():
    """A check that writes is not run on a target that does not allow it."""
    result = run_one(of(lambda *_: pytest.fail("was run"), writes=True), in_process())
    assert result.not_verified == WRITES_NOT_ALLOWED


def test_reading_changes_nothing():
    """The default run leaves every package and transfer order as it was."""
    target = in_process()
    paths = ("/api/v1/oms/packages/?limit=100", "/api/v1/oms/transfer_orders/?limit=100")
    before = [target.get(path).content for path in paths]
    report = run(target)
    assert [target.get(path).content for path in paths] == before
    assert report.findings == []
    assert {result.check.writes for result in report.having("passed")} == {False}


@pytest.mark.parametrize("token", ["nobody", "inactive", "no-access", "throttled"])
def test_a_caller_who_is_not_let_in_verifies_nothing(token):
    """The reason stands at every check."""
    target = in_process(token=token)
    for _ in range(6 if token == "throttled" else 0):
        target.session.get(target.url("/api/v1/oms/packages/"), headers={"Authorization": f"Token {token}"})
    report = run(target)
    assert report.verified_nothing
    assert all("GET /api/v1/oms/packages/" in str(result.not_verified) for result in report.results)


def test_a_reader_can_write_nothing():
    """What the token may not do is not verified, and no drift."""
    report = run(in_process(token="read-only", allow_writes=True))
    assert report.findings == []
    assert {result.check.topic for result in report.having("not verified")} >= {"stores", "invoices", "moves-by-id"}


@pytest.mark.parametrize("app", [html, odd_json])
def test_another_server_drifts_everywhere(app):
    """Any answer is judged; none breaks the run."""
    report = run(answering(app))
    assert len(report.results) == len(CHECKS)
    assert len(report.findings) > 100


def test_an_empty_world_is_not_verified_where_it_shows_nothing():
    """Nothing there is neither kept nor broken."""
    oms = Emulator("empty")
    report = run(Target(oms.url, session=oms.session(), allow_writes=True))
    assert report.findings == []
    outcomes = {result.check.name: result.outcome for result in report.results}
    assert outcomes["get_package.shape"] == "not verified"
    assert outcomes["get_package.unknown-id"] == "passed"


def test_nobody_there():
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
    """The same in another row is no news."""
    rows = [Finding(Kind.MISSING, "list_packages", f"/results/{at}/id", "is missing") for at in range(10)]
    assert list(once_each(rows)) == rows[:1]


def test_a_report_tells_all():
    """Text and document have every finding and every reason."""
    target = in_process()
    report = run(target, [finds_then(NotVerified("")), of(lambda *_: iter(())), *CHECKS[:1]])
    assert "3 checks, 2 passed, 1 with drift, 0 not verified" in as_text(report)
    assert "/a odd" in as_text(report)
    found = [each["findings"] for each in as_document(report)["checks"] if each["findings"]]
    assert found == [[{"kind": "other", "operation": "get_package", "pointer": "/a", "text": "odd", "request": ""}]]
