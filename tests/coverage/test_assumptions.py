"""The summary of a run: how many tests or requests rest on assumptions, and on which."""

from __future__ import annotations

import pytest

from emulator import Emulator
from emulator.coverage.assumptions import log_document, summarize, summarize_log
from emulator.state.journal import Basis, ProvenanceLog

FILTER = Basis("filter", "package.state", "assumed", "a guess")
STATE = Basis("state", '42 "Shipped"', "assumed", "another guess")
LIST = Basis("operation", "list_packages", "documented")


def collected() -> ProvenanceLog:
    log = ProvenanceLog()
    log.add([LIST, FILTER], "first")
    log.add([LIST, STATE, FILTER], "first")
    log.add([LIST, FILTER], "second")
    log.add([LIST], "third")
    log.add([LIST, STATE])
    log.add([LIST])
    return log


def test_a_test_counts_once_with_all_its_requests() -> None:
    tests, requests = summarize_log(collected())
    assert list(tests.lines()) == [
        "oms-emulator: 2 of 3 tests rest on 2 assumptions:",
        "  2 tests: filter package.state: assumed, a guess",
        '  1 test: state 42 "Shipped": assumed, another guess',
    ]
    assert list(requests.lines()) == [
        "oms-emulator: 1 of 2 requests rest on 1 assumptions:",
        '  1 request: state 42 "Shipped": assumed, another guess',
    ]


def test_the_document_names_the_tests_of_each_assumption() -> None:
    document = log_document(collected())
    assert document["tests"] == {
        "total": 3,
        "resting": 2,
        "assumptions": [
            {**FILTER._asdict(), "count": 2, "tests": ["first", "second"]},
            {**STATE._asdict(), "count": 1, "tests": ["first"]},
        ],
    }
    assert document["requests"] == {"total": 2, "resting": 1, "assumptions": [{**STATE._asdict(), "count": 1}]}


def test_a_run_without_assumptions_says_so() -> None:
    assert list(summarize("tests", [([], 3)]).lines()) == ["oms-emulator: 0 of 3 tests rest on 0 assumptions"]
    assert (summarize_log(ProvenanceLog()), log_document(ProvenanceLog())) == ([], {})


@pytest.mark.medium
def test_a_client_sends_the_name_of_its_test_in_a_header() -> None:
    """All worlds of an emulator are counted. The journal has the name."""
    oms = Emulator("demo", provenance=True)
    session, path = oms.session(), "/api/v1/oms/packages/short/?limit=1&state=35"
    for world in ("", "/w/other"):
        session.put("/__admin/worlds/other", json={"scenario": "demo"})
        assert session.get(world + path, headers={"X-Emulator-Test": "%C5%9Fehir"}).status_code == 200
    assert oms.provenance is not None
    assert [each.name for each in oms.provenance.tests["şehir"]] == ["package.state"]
    assert not oms.provenance.other_requests
    for query in ("", "?brief=true"):
        assert session.get(f"/__admin/requests{query}").json()["results"][0]["test"] == "şehir"
