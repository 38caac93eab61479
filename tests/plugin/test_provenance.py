"""`min_provenance` fails a test that rests on a guess, and `--oms-provenance` counts such tests."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import Run

TESTS = """
    import pytest

    LIST = "/api/v1/oms/packages/"

    @pytest.mark.oms(min_provenance="observed")
    def test_observed(oms, oms_session):
        oms.package(state="Waiting")
        assert oms_session.get(LIST, params={"limit": 1}).ok

    @pytest.mark.oms(min_provenance="observed", scenario="empty")
    def test_guess(oms_session):
        assert oms_session.get(LIST, params={"state": 35}).ok

    @pytest.mark.oms(min_provenance="assumed")
    def test_accepted_guess(oms_session):
        assert oms_session.get(LIST, params={"state": 35}).ok
"""


def test_a_test_that_rests_on_a_guess_fails_and_names_it(run: Run) -> None:
    done = run(TESTS)
    done.assert_outcomes(passed=2, failed=1)
    done.stdout.fnmatch_lines(
        [
            "min_provenance='observed', but the test rests on",
            "  filter package.state: assumed, the documented name of the same filter of transfer orders or of states",
            "oms-emulator: 2 of 3 tests rest on 1 assumptions:",
            "  2 tests: filter package.state: assumed, *",
        ]
    )
    assert "Traceback" not in done.stdout.str()


def test_the_failure_of_a_test_is_not_replaced(run: Run) -> None:
    done = run(TESTS.replace('params={"state": 35}).ok', 'params={"state": 35}).status_code == 7'))
    done.assert_outcomes(passed=1, failed=2)
    assert "min_provenance='observed', but" not in done.stdout.str()


@pytest.mark.parametrize("options", [(), ("-n", "2")])
def test_a_run_counts_the_tests_that_rest_on_assumptions(run: Run, options: tuple[str, ...]) -> None:
    """Also with xdist. Tests without an emulator do not count."""
    done = run(
        """
    import pytest

    LIST = "/api/v1/oms/packages/"

    @pytest.mark.oms(scenario="empty")
    @pytest.mark.parametrize("state", [35, 40])
    def test_filter(oms, state):
        assert oms.session().get(LIST, params={"state": state, "limit": 1}).ok

    @pytest.mark.oms(scenario="empty")
    def test_documented(oms):
        response = oms.session().get(LIST)
        assert response.headers["X-Emulator-Provenance"] == "observed"

    def test_nothing(oms): pass

    def test_other(): pass
    """,
        "--oms-provenance",
        *options,
    )
    done.assert_outcomes(passed=5)
    done.stdout.fnmatch_lines(
        [
            "oms-emulator: 2 of 4 tests rest on 2 assumptions:",
            "  2 tests: filter package.state: assumed, *",
            '  1 test: state 40 "Packed all items": assumed, *',
        ]
    )


def test_a_test_that_reads_a_list_rests_on_the_states_of_its_rows(run: Run) -> None:
    done = run(
        """
    import pytest

    @pytest.mark.oms(min_provenance="observed")
    def test_list(oms):
        oms.package(state="Shipped")
        assert oms.session().get("/api/v1/oms/packages/short/", params={"limit": 1}).ok
    """
    )
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(
        ["min_provenance='observed', but the test rests on", '  state 42 "Shipped": assumed, *']
    )


def test_reports_of_other_tools_have_the_provenance(run: Run, pytester: pytest.Pytester) -> None:
    run(TESTS, "--junit-xml=report.xml")
    report = (pytester.path / "report.xml").read_text("utf-8")
    assert report.count('<property name="oms_provenance" value="assumed"') == 2
    assert report.count('<property name="oms_assumption" value="filter package.state: assumed') == 2


def test_without_marker_and_option_nothing_is_printed(run: Run) -> None:
    done = run("def test_it(oms): assert 'X-Emulator-Provenance' not in oms.session().get('/packages/').headers")
    done.assert_outcomes(passed=1)
    assert "assumption" not in done.stdout.str()


def test_an_unknown_provenance_is_an_error_of_the_test(run: Run) -> None:
    done = run('import pytest\n@pytest.mark.oms(min_provenance="sure")\ndef test_it(oms): pass')
    done.assert_outcomes(errors=1)
    done.stdout.fnmatch_lines(["*has no provenance 'sure'; known: documented, observed, framework, assumed"])
