"""Reruns in one process of pytest: suite mutation, and fault sweeps with the marker `oms_faults`."""

from __future__ import annotations

import pytest

from emulator.client.suite_mutation import ResultsFile, Settings
from tests.plugin.conftest import Run

LIST = "/api/v1/oms/packages/"
SUITE = """
    import json
    from pathlib import Path
    import pytest
    LIST = "/api/v1/oms/packages/"

    def log(text):
        with Path("log").open("a") as file:
            file.write(text + "\\n")

    @pytest.fixture(scope="module")
    def module():
        log("module")
        yield
        log("end")

    def test_detail(oms, module):
        log("detail")
        package = oms.package(number="A")
        row = oms.session().get(f"{LIST}{package['id']}/").json()
        assert row["number"] == "A"
        row.get("tracking_number"), row.get("city")

    def test_list(oms, oms_session, module):
        log("list")
        page = oms_session.get(LIST, params={"limit": 5}).json()
        assert len(page["results"]) == 5
        row = page["results"][0]
        assert isinstance(row["id"], int) and row["id"] < 100_000
        row == {}, "order_id" in row

    def test_of_nothing():
        log("nothing")
"""


@pytest.fixture
def results(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> ResultsFile:
    """Return the file that a run of pytest in this test fills."""
    file = ResultsFile(pytester.path / "results.jsonl")
    file.start(Settings(["pytest"]), resume=False)
    return file


@pytest.fixture
def mutate(run: Run, results: ResultsFile, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs pytest as `oms-emulator mutate` does."""

    def go(text: str, *arguments: str) -> pytest.RunResult:
        monkeypatch.setenv("OMS_MUTATE", str(results.path))
        return run(text, *arguments)

    return go


def outcomes(results: ResultsFile) -> dict[str, str]:
    return {result.mutation.name: result.outcome for result in results.results()}


def log_of(pytester: pytest.Pytester) -> list[str]:
    return (pytester.path / "log").read_text().splitlines()


def test_a_suite_runs_once_and_then_with_each_mutation(mutate: Run, results: ResultsFile) -> None:
    done = mutate(SUITE, "-k", "detail or nothing")
    done.assert_outcomes(passed=2)
    assert outcomes(results) == {
        "key-missing:get_package:city": "survived",
        "key-missing:get_package:number": "killed",
    }
    assert all(str(result.test).endswith("::test_detail") for result in results.results())


def test_only_the_tests_that_meet_a_behaviour_run_again(
    mutate: Run, results: ResultsFile, pytester: pytest.Pytester
) -> None:
    mutate(SUITE).assert_outcomes(passed=3)
    log = log_of(pytester)
    assert log.count("nothing") == 1
    of_detail = [name for name in outcomes(results) if ":get_package:" in name]
    assert log.count("detail") == 2 + len(of_detail), "the usual run, a run without a change, and the changes"


def test_no_fixture_stays_between_mutations(mutate: Run, pytester: pytest.Pytester) -> None:
    mutate(SUITE).assert_outcomes(passed=3)
    log = log_of(pytester)
    assert log.count("module") == log.count("end") == 1 + log.count("detail") - 1 + log.count("list") - 1


def test_keys_are_read_in_a_comparison(mutate: Run, results: ResultsFile) -> None:
    mutate(SUITE, "-k", "list").assert_outcomes(passed=1)
    found = outcomes(results)
    assert found["key-missing:list_packages:results.number"] == "survived", "row == {} reads all keys"
    assert found["id-swapped:list_packages:results.id"] == "survived"
    assert found["key-missing:list_packages:results.id"] == "killed"
    assert found["page-halved:list_packages"] == "killed"
    assert "next-missing:list_packages" not in found, "the test does not read it"


@pytest.mark.parametrize(
    "read",
    [
        "requests.get(url, headers=oms.auth, timeout=9).json()['number']",
        "httpx.get(url, headers=oms.auth).json().get('number')",
        "json.loads(urlopen(Request(url, headers=oms.auth)).read())['number']",
        "json.load(urlopen(Request(url, headers=oms.auth)))['number']",
    ],
)
def test_keys_are_known_for_any_client_that_parses_with_json(mutate: Run, results: ResultsFile, read: str) -> None:
    mutate(f"""
        import json
        from urllib.request import Request, urlopen
        import httpx
        import requests

        def test_a(oms, oms_url):
            url = oms_url + "/api/v1/oms/packages/6501/"
            assert {read} != ""
    """).assert_outcomes(passed=1)
    assert [name for name in outcomes(results) if name.startswith(("key", "id"))] == [
        "key-missing:get_package:number"
    ]


def test_a_run_continues_where_it_was_stopped(mutate: Run, results: ResultsFile, pytester: pytest.Pytester) -> None:
    mutate(SUITE, "-k", "detail")
    first, count = results.results(), log_of(pytester).count("detail")
    results.start(results.settings(), resume=True)
    mutate(SUITE, "-k", "detail")
    assert results.results() == first
    assert log_of(pytester).count("detail") == count + 1


def test_a_test_that_cannot_run_twice_is_left_out(mutate: Run, results: ResultsFile) -> None:
    done = mutate("""
        runs = []

        def test_once(oms):
            runs.append(oms)
            assert oms.session().get("/api/v1/oms/packages/").json()["count"]
            assert len(runs) == 1
    """)
    done.assert_outcomes(passed=1)
    assert results.results() == []
    assert [test.rpartition("::")[2] for test in results.run_info().left_out] == ["test_once"]


def test_a_suite_that_fails_does_not_run_again(mutate: Run, results: ResultsFile) -> None:
    mutate("""
        def test_fails(oms):
            assert oms.session().get("/api/v1/oms/packages/").status_code == 500
    """).assert_outcomes(failed=1)
    assert results.run_info() is None


def test_failures_of_reruns_leave_no_files_and_no_output(mutate: Run, pytester: pytest.Pytester) -> None:
    done = mutate(SUITE)
    assert not (pytester.path / ".oms-emulator").exists()
    assert "Error" not in done.stdout.str()
    assert done.ret == 0


def test_parallel_processes_are_refused(mutate: Run) -> None:
    done = mutate(SUITE, "-n", "2")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines(["*oms-emulator mutate runs pytest in one process; use -n 0*"])


def test_without_the_variable_nothing_is_imported(run: Run) -> None:
    run("""
        import sys

        def test_modules(oms, oms_session):
            assert oms_session.get("/api/v1/oms/packages/").ok
            unused = ("client.reruns", "client.fault_sweep", "web.mutations", "web.mutation_interceptors")
            assert not [name for name in unused if f"emulator.{name}" in sys.modules]
    """).assert_outcomes(passed=1)


# Fault sweep

SWEPT = """
    import pytest
    NUMBER = "/api/v1/oms/packages/{}/set_remote_id/"

    @pytest.fixture
    def package(oms, oms_session):
        oms_session.get("/api/v1/oms/packages/")
        return oms.package()["id"]

    @pytest.mark.oms_faults("each")
    def test_that_fails_cleanly(oms_session, package):
        assert oms_session.post(NUMBER.format(package), json={"remote_id": "A"}, timeout=1).status_code == 204

    @pytest.mark.oms_faults("lost_response", "reset")
    def test_that_writes_twice(oms_session, package):
        for _ in range(2):
            try:
                assert oms_session.post(NUMBER.format(package), json={"remote_id": "A"}, timeout=1).ok
                return
            except OSError:
                pass

    def test_without_a_marker(oms_session, package):
        pass
"""


def test_a_marked_test_has_a_grid(run: Run) -> None:
    done = run(SWEPT)
    done.assert_outcomes(passed=2, failed=1)
    done.stdout.fnmatch_lines(
        [
            "POST /api/v1/oms/packages/6701/set_remote_id/, lost_response: wrote twice",
            "*::test_that_writes_twice",
            "*reset  lost_response",
            "  POST /api/v1/oms/packages/6701/set_remote_id/  ok     TWICE",
            "*::test_that_fails_cleanly",
            "*status-500  status-503  status-429  delay  reset  *",
            "  POST /api/v1/oms/packages/6701/set_remote_id/  fails       fails       fails *",
        ],
        consecutive=False,
    )


def test_a_sweep_has_the_same_result_twice(run: Run) -> None:
    grids = [[line for line in run(SWEPT).outlines if "  POST" in line] for _ in range(2)]
    assert grids[0] == grids[1] != []


def test_a_test_that_fails_is_not_swept(run: Run) -> None:
    done = run("""
        import pytest
        runs = []

        @pytest.mark.oms_faults("each")
        def test_fails(oms):
            runs.append(oms.session().get("/api/v1/oms/packages/"))
            assert len(runs) == 2
    """)
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["*assert 1 == 2*", "*1 of 1 exchanges*"])


@pytest.mark.parametrize(
    ("marker", "message"),
    [
        ("'rest'", "*unknown kind of fault 'rest'*Did you mean reset?*"),
        ("times=3", "*unexpected keyword argument 'times'*"),
    ],
)
def test_a_wrong_marker_is_an_error(run: Run, marker: str, message: str) -> None:
    done = run(f"""
        import pytest

        @pytest.mark.oms_faults({marker})
        def test_a(oms):
            pass
    """)
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines([message])
