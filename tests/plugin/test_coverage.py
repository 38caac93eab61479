"""`--oms-coverage DIR`: the coverage of a whole run, with any number of processes and in any order."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

from emulator.client.emulator import Emulator
from emulator.coverage.counts import Counts, read_counts
from emulator.coverage.report import write_counts
from tests.cli.test_serve import command, environment
from tests.plugin.conftest import Run

LIST = "/api/v1/oms/packages/"
Count = Callable[..., Counts]
SUITE = """
    import pytest
    LIST = "/api/v1/oms/packages/"

    @pytest.mark.parametrize("number", range(3))
    def test_socket(oms, oms_session, number):
        package = oms.package(state="Waiting")
        assert oms_session.get(LIST, params={"state": 35 + number}).ok
        assert oms_session.post(f"{LIST}{package['id']}/command/", json={"transition": 166 + number}).status_code
        oms.reset()
        assert oms_session.get("/nowhere/").status_code == 404

    @pytest.mark.parametrize("number", range(3))
    def test_in_process(oms, number):
        oms.faults.add("list_packages", status=503)
        assert oms.session().get(LIST).status_code == 503, "what a fault disturbed is not met"
        assert oms.session().get(f"{LIST}short/", headers={"Authorization": "Token x"}).status_code == 401

    def test_server(oms_server):
        oms_server.session().get("/packages/")

    def test_that_fails(oms_session):
        oms_session.get("/api/v1/oms/transfer_orders/")
        assert False

    def test_that_asks_for_nothing():
        pass
"""


@pytest.fixture
def counts(run: Run, pytester: pytest.Pytester) -> Count:
    """Run the suite. Return its counts."""

    def go(*arguments: str) -> Counts:
        done = run(SUITE, "--oms-coverage", "counts", *arguments)
        done.assert_outcomes(passed=8, failed=1)
        found = read_counts([pytester.path / "counts"])
        done.stdout.fnmatch_lines(["oms-emulator: * of * covered: * %; see `oms-emulator coverage *counts`"])
        return found

    return go


def test_processes_in_any_order_have_the_same_counts_as_one(counts: Count, pytester: pytest.Pytester) -> None:
    """Counts of an earlier run are deleted. Other files stay."""
    folder = pytester.path / "counts"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    alone = counts()
    assert len(list(folder.iterdir())) == 2
    assert alone.hits["operations"] == {
        "command_package": 3,
        "list_packages": 3,
        "list_packages_short": 3,
        "list_transfers": 1,
        "reference_list_packages": 1,
    }
    assert alone.hits["statuses"]["* 404"] == 3
    assert alone.hits["filters"] == {"package.state": 3}
    assert sum(alone.hits["transitions"].values()) + sum(alone.hits["refusals"].values()) >= 1
    assert counts("-n", "2", "--random-order-bucket=global", "--random-order-seed=3") == alone
    assert {file.name for file in folder.iterdir()} == {"notes.txt", "coverage-gw0.json", "coverage-gw1.json"}


def test_the_command_reports_what_the_run_counted(run: Run, pytester: pytest.Pytester) -> None:
    """`oms-emulator coverage DIR` prints the same totals as the end of the run."""
    done = run(SUITE, "--oms-coverage", "counts")
    shown = subprocess.run(
        command("coverage", "counts"),
        cwd=pytester.path,
        capture_output=True,
        text=True,
        env=environment({}),
        check=True,
    ).stdout
    line = next(line for line in done.outlines if line.startswith("oms-emulator: "))
    met, total = line.split()[1], line.split()[3]
    assert next(line for line in shown.splitlines() if line.startswith("all ")).split()[1:4] == [met, "of", total]


def test_a_collect_only_run_changes_no_counts(run: Run, pytester: pytest.Pytester) -> None:
    """Counts of an earlier run stay."""
    (folder := pytester.path / "counts").mkdir()
    oms = Emulator("demo")
    oms.session().get(LIST)
    file = write_counts(folder / "coverage.json", oms.world.coverage)
    before = file.read_bytes()
    run(SUITE, "--oms-coverage", "counts", "--collect-only")
    assert [file.read_bytes() for file in folder.iterdir()] == [before]


def test_report_of_a_run_without_requests_is_explained(run: Run, pytester: pytest.Pytester) -> None:
    done = run("def test_it(oms): pass", "--oms-coverage", "counts")
    done.assert_outcomes(passed=1)
    done.stdout.fnmatch_lines(["oms-emulator: no coverage was counted: there is no coverage[*].json in *counts"])
    assert list((pytester.path / "counts").iterdir()) == []


def test_without_the_option_each_emulator_counts_separately(run: Run) -> None:
    run(
        """
        import sys

        def test_it(oms, oms_server):
            assert oms.world.coverage is not oms_server.world.coverage
            assert "emulator.coverage.pytest_hooks" not in sys.modules
        """
    ).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("test_it.py",), "ERROR: --oms-coverage: cannot create the folder *: File exists"),
        (("counts", "--oms-target", "http://x"), "ERROR: --oms-coverage counts in emulators of this run; *"),
    ],
)
def test_coverage_options_are_checked_before_the_first_test(
    run: Run, pytester: pytest.Pytester, arguments: tuple[str, ...], said: str
) -> None:
    (pytester.path / "test_it.py").write_text("")
    done = run("def test_it(oms): pass", "--oms-coverage", *arguments)
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines([said])
    assert "Traceback" not in done.stderr.str()


def test_a_file_that_is_not_a_coverage_file_is_reported_before_any_test(run: Run, pytester: pytest.Pytester) -> None:
    """It is neither replaced nor read."""
    (folder := pytester.path / "counts").mkdir()
    (foreign := folder / "coverage-mine.json").write_text('{"mine": 1}')
    done = run("def test_it(oms): pass", "--oms-coverage", "counts")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines(["ERROR: --oms-coverage: *coverage-mine.json is not a coverage file; remove it, or *"])
    assert foreign.read_text() == '{"mine": 1}'
