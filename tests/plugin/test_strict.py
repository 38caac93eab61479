"""Tests that are strict: a marker or `--oms-strict` makes a test fail whose client would hurt a real service."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import Run

LISTS = """
    import pytest
    LIST = "/api/v1/oms/packages/"

    def ask(oms):
        pk = oms.session().get(LIST).json()["results"][0]["id"]
        for _ in range(2):
            oms.session().post(f"{LIST}{pk}/set_remote_id/", json={"remote_id": "R"})
        for _ in range(3):
            oms.session().get(f"{LIST}{pk}/")
"""


def test_a_strict_test_fails_for_what_its_client_does(run: Run) -> None:
    """A failure, not an error; one line for each finding, no traceback, and the exchanges below."""
    done = run(f"{LISTS}\n    @pytest.mark.oms(strict=True)\n    def test_it(oms): ask(oms)")
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(
        [
            "strict: the client does what hurts a real service",
            "  repetition: POST *set_remote_id/ was repeated after a 204 (requests 00000002, 00000003)",
            "  polling: GET * was sent 3 times within * seconds; poll at most once a second (requests *04, *05, *06)",
            "*- oms-emulator -*",
            "6 of 6 exchanges:",
        ]
    )
    assert "Traceback" not in done.stdout.str()
    assert "pytest_oms_emulator.py" not in done.stdout.str()


def test_others_are_let_be(run: Run) -> None:
    """Not strict, or strict and well-behaved, or with no emulator at all; one that fails shows its own failure."""
    done = run(
        f"""{LISTS}
    def test_lenient(oms): ask(oms)

    @pytest.mark.oms(strict=True)
    def test_well_behaved(oms, oms_session):
        assert oms_session.get(LIST).ok

    @pytest.mark.oms(strict=True)
    def test_without(request): pass

    @pytest.mark.oms(strict=True)
    @pytest.mark.xfail(reason="findings", strict=True)
    def test_expected(oms): ask(oms)

    @pytest.mark.oms(strict=True)
    def test_fails(oms):
        ask(oms)
        raise ZeroDivisionError
    """
    )
    done.assert_outcomes(passed=3, failed=1, xfailed=1)
    assert "ZeroDivisionError" in done.stdout.str()
    assert "strict: the client" not in done.stdout.str()


def test_option_makes_a_run_strict_and_the_marker_takes_precedence(run: Run) -> None:
    done = run(
        f"""{LISTS}
    def test_strict(oms): ask(oms)

    @pytest.mark.oms(strict=False)
    def test_lenient(oms): ask(oms)

    def test_refused(oms_session, oms_server):
        assert oms_session.get(LIST, params={{"limit": 500}}).status_code == 400
        assert oms_server.session().get(LIST, params={{"limit": 500}}).status_code == 400

    @pytest.mark.oms(packages=3)
    def test_refused_with_a_marker_for_something_else(oms_session):
        assert oms_session.get(LIST, params={{"limit": 500}}).status_code == 400
    """,
        "--oms-strict",
    )
    done.assert_outcomes(passed=3, failed=1)
    done.stdout.fnmatch_lines(["*strict: the client does what hurts a real service"])


def test_a_correct_backoff_passes_while_sleep_is_replaced(run: Run) -> None:
    done = run(
        f"""{LISTS}
    import time

    def poll(oms):
        for seconds in (1, 2, 4, 8):
            oms.session().get(LIST)
            time.sleep(seconds)

    def test_without_time(oms, monkeypatch):
        monkeypatch.setattr(time, "sleep", lambda seconds: None)
        poll(oms)

    def test_over_http(oms_session, monkeypatch):
        monkeypatch.setattr("time.sleep", lambda seconds: None)
        for seconds in (1, 2, 4, 8):
            oms_session.get(LIST)
            time.sleep(seconds)

    def test_with_the_clock(oms, monkeypatch):
        monkeypatch.setattr(time, "sleep", lambda seconds: oms.clock.advance(seconds=seconds))
        poll(oms)

    def test_too_fast(oms, monkeypatch):
        monkeypatch.setattr(time, "sleep", lambda seconds: oms.clock.advance(seconds=seconds / 16))
        poll(oms)
    """,
        "--oms-strict",
    )
    done.assert_outcomes(passed=3, failed=1)
    done.stdout.fnmatch_lines(["FAILED *test_too_fast*"])


UNUSED = """
    import pytest

    @pytest.mark.oms(strict={strict})
    def test_asked(oms):
        oms.faults.add("list_packages", status=503, nth=2)
        oms.session().get("/api/v1/oms/packages/")
        oms.faults.assert_used()

    @pytest.mark.oms(strict={strict})
    def test_not_asked(oms):
        oms.faults.add("list_packages", status=503)

    @pytest.mark.oms(scenario="flaky", strict={strict})
    def test_whose_scenario_has_faults(oms): pass
"""


@pytest.mark.parametrize("strict", [False, True])
def test_an_unused_fault_fails_the_test_that_asks(run: Run, strict: bool) -> None:
    """And no other, strict or not: a scenario's faults and those at a rate are there to be met or not."""
    done = run(UNUSED.format(strict=strict))
    done.assert_outcomes(passed=2, failed=1)
    done.stdout.fnmatch_lines(
        ["*: armed, but triggered by no call: fault 1 status on list_packages with status=503, nth=2 (1 calls)"]
    )


def test_the_emulator_of_a_test_is_closed(run: Run) -> None:
    """It is closed before the next test begins."""
    run(
        """
        from emulator import Emulator
        closed = []

        def test_one(oms, monkeypatch):
            usual = Emulator.close
            Emulator.close = lambda self: (closed.append(self), usual(self), setattr(Emulator, "close", usual))
            closed.append(oms)

        def test_two():
            assert len(closed) == 2 and closed[0] is closed[1]
        """
    ).assert_outcomes(passed=2)
