"""The pytest plugin with test files of users, each run by a separate pytest."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
import venv
import zipfile
from functools import partial
from importlib import import_module
from pathlib import Path

import pytest

from emulator import Emulator
from tests.plugin.conftest import ROOT, Run

LIST = "/api/v1/oms/packages/"


def test_the_distribution_names_the_plugin() -> None:
    """The entry point has the older name of the plugin, and does not import the package `emulator`."""
    entries = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["entry-points"]["pytest11"]
    assert entries == {"emulator.pytest_plugin": "pytest_oms_emulator:EntryPoint"}
    assert import_module("emulator.pytest_plugin").pytest_plugins == ["pytest_oms_emulator"]


def test_pytest_finds_the_plugin_by_its_entry_point(run: Run, pytester: pytest.Pytester) -> None:
    """The installed plugin needs no flag. Both names may be given, and both names turn it off."""
    installed = pytester.mkdir("another-0.dist-info")
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: another\nVersion: 0\n")
    entry = "emulator.pytest_plugin = pytest_oms_emulator:EntryPoint"
    (installed / "entry_points.txt").write_text(f"[pytest11]\n{entry}\n")
    pytester.makepyfile("def test_it(oms): assert oms.session().get('/api/v1/oms/packages/').ok")
    pytester.syspathinsert(pytester.path)
    for arguments in ((), ("-p", "emulator.pytest_plugin"), ("-p", "pytest_oms_emulator")):
        done = pytester.runpytest_subprocess("-p", "no:cacheprovider", *arguments)
        done.assert_outcomes(passed=1)
    for name in ("emulator.pytest_plugin", "pytest_oms_emulator"):
        pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", f"no:{name}").assert_outcomes(errors=1)


def test_all_fixtures_show_one_world(run: Run) -> None:
    run(
        """
        import requests
        LIST = "/api/v1/oms/packages/"

        def test_it(oms, oms_url, oms_session, oms_server):
            package = oms.package(state="Packed")
            url = f"{oms_url}{LIST}{package['id']}/"
            assert url.startswith(f"{oms_server.url}/w/test_it/")
            assert requests.get(url, headers=oms.auth, timeout=10).json()["state"]["name"] == "Packed all items"
            assert oms_session.get(LIST).json()["next"].startswith(oms_url)
            assert oms_session.get(url).json()["id"] == package["id"]
            oms.requests.assert_called("get_package", times=2)
            assert oms.clock.mode == "frozen"
            oms.reset()
            assert oms_session.get(url).status_code == 404
            assert requests.post(f"{oms_url}/__admin/reset", timeout=10).status_code == 204
            assert len(oms.requests) == 0
        """
    ).assert_outcomes(passed=1)


def test_each_test_has_a_fresh_world_and_the_server_stays(run: Run) -> None:
    run(
        """
        import pytest
        servers = set()

        @pytest.mark.parametrize("number", range(3))
        def test_it(oms, oms_session, oms_server, number):
            servers.add(oms_server.url)
            assert oms_session.get("/api/v1/oms/packages/").json()["count"] == 200
            oms.package()
            assert oms_session.get("/api/v1/oms/packages/").json()["count"] == 201
            assert len(servers) == 1
            assert len(oms_server.worlds) == 2, "worlds of earlier tests are not there any more"
        """
    ).assert_outcomes(passed=3)


def test_the_marker_chooses_the_world_and_the_nearest_wins(run: Run) -> None:
    run(
        """
        import pytest
        pytestmark = pytest.mark.oms(packages=7, seed=3, clock="ticking")

        @pytest.mark.oms(seed=5, strict=True)
        class TestIt:
            def test_of_the_class(self, oms, oms_session):
                assert (oms.world.settings.source.seed, oms.clock.mode, oms.world.strict) == (5, "ticking", True)
                assert oms_session.get("/api/v1/oms/packages/").json()["count"] == 7
                assert oms_session.get("/api/v1/oms/packages/?colour=red").status_code == 400

            @pytest.mark.oms(scenario="empty", packages=None, seed=9)
            def test_of_its_own(self, oms):
                assert (oms.world.settings.source.name, oms.world.settings.source.seed) == ("empty", 9)

        def test_of_the_module(oms):
            assert oms.world.settings.source.seed == 3
        """
    ).assert_outcomes(passed=3)


@pytest.mark.parametrize(
    ("marker", "said"),
    [
        (
            "scneario='demo'",
            "has no argument 'scneario' (did you mean scenario?); known: scenario, packages, seed, installation",
        ),
        ("'demo'", "takes no positional arguments, like 'demo'; known: scenario"),
        ("scenario='dmeo'", "unknown scenario 'dmeo'. Did you mean demo?"),
        ("clock='slow'", "unknown clock 'slow'; known: real, frozen, ticking"),
    ],
)
def test_a_wrong_marker_is_an_error_that_names_what_is_known(run: Run, marker: str, said: str) -> None:
    done = run(
        f"""
        import pytest

        @pytest.mark.oms({marker})
        def test_it(oms):
            pass
        """
    )
    done.assert_outcomes(errors=1)
    assert f"@pytest.mark.oms{':' if 'unknown' in said else ''} {said}" in done.stdout.str()
    assert "Traceback" not in done.stdout.str()


def test_the_marker_takes_the_arguments_of_the_emulator(run: Run) -> None:
    """They apply to the in-process session and to the address, also after a reset."""
    run(
        """
        import pytest
        LIST = "/api/v1/oms/packages/"

        @pytest.mark.oms(limits={"full-access": {"read": "1/min"}})
        def test_limits(oms_session):
            assert [oms_session.get(LIST).status_code for _ in range(2)] == [200, 429]

        @pytest.mark.oms(allow_fault_header=True)
        def test_allow_fault_header(oms, oms_session):
            for session in (oms.session(), oms_session):
                assert session.get(LIST, headers={"X-Emulator-Fault": "503"}).status_code == 503

        @pytest.mark.oms(live=3600, clock="ticking", delivery="background", strict=True, journal_size=2)
        def test_others(oms, oms_session):
            for _ in range(2):
                assert (oms.clock.mode, oms.world.strict, oms.world.journal.limit) == ("ticking", True, 2)
                assert oms_session.get("/__admin/live").json()["orders_per_hour"] == 3600
                oms_session.post("/__admin/reset")
        """
    ).assert_outcomes(passed=3)


def test_markers_of_tests_without_the_fixtures_are_not_checked(run: Run) -> None:
    """A project may have its own marker or fixture with these names."""
    run(
        """
        import pytest

        @pytest.fixture
        def oms(): return 1

        @pytest.mark.oms("its own argument")
        def test_marker(): pass

        @pytest.mark.oms(speed=2)
        def test_fixture(oms): assert oms == 1
        """
    ).assert_outcomes(passed=2)


def test_the_wheel_does_not_disturb_a_package_called_emulator(pytester: pytest.Pytester, tmp_path: Path) -> None:
    """The real wheel is installed in a separate environment. Only a fixture needs our package, and says so."""
    build = (sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path))
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    venv.create(tmp_path / "venv")
    packages = next((tmp_path / "venv" / "lib").glob("python*")) / "site-packages"
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        wheel.extractall(packages)
    (packages / "dependencies.pth").write_text("\n".join(path for path in sys.path if path.endswith("site-packages")))
    pytester.mkpydir("emulator").joinpath("engine.py").write_text("POWER = 3\n")
    pytester.makepyfile(
        test_own="from emulator.engine import POWER\ndef test_it(): assert POWER == 3",
        test_oms="def test_it(oms): pass",
    )
    python = (tmp_path / "venv" / "bin" / "python", "-m", "pytest", "-p", "no:cacheprovider")
    run = partial(subprocess.run, capture_output=True, text=True, check=False, env={"PATH": os.defpath})
    for arguments in ((), ("-p", "emulator.pytest_plugin"), ("-p", "pytest_oms_emulator")):
        done = run([*python, *arguments, "test_own.py"])
        assert "1 passed" in done.stdout, done.stdout + done.stderr
    for needing in (("test_oms.py",), ("--oms-coverage", "out", "test_own.py")):
        done = run([*python, *needing])
        assert f"package `emulator`, but {pytester.path / 'emulator'} has the same name" in done.stdout + done.stderr


def test_the_marker_is_known_to_strict_runs_and_listed(run: Run) -> None:
    done = run("import pytest\n@pytest.mark.oms(seed=2)\ndef test_it(): pass", "--strict-markers")
    done.assert_outcomes(passed=1)
    assert "@pytest.mark.oms(scenario, seed" in run("", "--markers").stdout.str()


# The report of a failure ----------------------------------------------------------------------------------

FAILING = """
    import pytest

    @pytest.mark.oms(scenario="demo", seed=42, packages=20)
    def test_it(oms, oms_session):
        package = oms.package(state="Packed")
        url = f"/api/v1/oms/packages/{package['id']}/"
        oms_session.get("/api/v1/oms/packages/", params={"colour": "red"})
        oms_session.post(f"{url}set_remote_id/", json={"remote_id": "R-1"})
        oms.clock.advance(days=2)
        answer = oms_session.post(f"{url}command/", json={"slug": "nonsense"})
        assert answer.status_code == 204
"""


def scenario_file(done: pytest.RunResult) -> Path:
    found = re.search(r"the world as it was: (\S+) ", done.stdout.str())
    assert found, done.stdout.str()
    return Path(found[1])


def test_a_failing_test_shows_its_exchanges_hints_and_seed(run: Run) -> None:
    done = run(FAILING)
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(
        [
            "*- oms-emulator -*",
            "scenario demo, seed 42, 2023-04-07T*",
            "3 of 3 exchanges:",
            "  * GET /api/v1/oms/packages/[?]colour=red -> 200",
            "    hint: *colour*",
            "  * POST /api/v1/oms/packages/*/set_remote_id/ -> 204",
            "  * POST /api/v1/oms/packages/*/command/ -> 400",
            "    hint: *",
            "the world as it was: *.json (load it: Emulator(path), or oms-emulator serve --scenario path)",
        ]
    )


def test_the_scenario_file_of_a_failing_test_gives_the_same_world(run: Run, pytester: pytest.Pytester) -> None:
    """What the test wrote is there, at the time that it was; and saving it again gives the same bytes."""
    file = scenario_file(run(FAILING))
    assert file.parent == pytester.path / ".oms-emulator"
    assert (file.parent / ".gitignore").read_text("utf-8") == "*\n"
    oms = Emulator(file)
    newest = oms.session().get(f"{LIST}?limit=1").json()["results"][0]
    assert (newest["remote_id"], newest["state"]["name"]) == ("R-1", "Packed all items")
    assert oms.clock.now().isoformat().startswith("2023-04-07T")
    assert oms.world.settings.source.seed == 42
    document = json.loads(file.read_text("utf-8"))
    called = [step["operation"] for step in document["steps"] if "request" in step]
    assert called == ["control_make_package", "set_package_remote_id"]
    again = Emulator(file)
    assert again.export() == document


def test_the_folder_is_an_option_and_each_test_has_its_file(run: Run, pytester: pytest.Pytester) -> None:
    done = run(
        """
        import pytest

        @pytest.mark.parametrize("text", ["a/b", "ş", "a b"])
        def test_it(oms, text):
            oms.package()
            assert not text

        def test_other(oms):
            assert oms is None
        """,
        "--oms-artifacts",
        "out/worlds",
    )
    done.assert_outcomes(failed=4)
    files = sorted((pytester.path / "out" / "worlds").iterdir())
    assert len(files) == 4
    assert not (pytester.path / ".oms-emulator").exists()
    assert all(Emulator(file).world.settings.source.name == "demo" for file in files)


def test_failure_explains_why_a_world_has_no_scenario_file(run: Run) -> None:
    done = run(
        """
        def test_it(oms):
            with oms.world.transaction() as tx:
                pass
            assert False
        """
    )
    done.stdout.fnmatch_lines(["no scenario file: *changed by other means than calls*"])


def test_a_failing_test_names_the_deliveries_that_wait(run: Run) -> None:
    done = run(
        """
        def test_it(oms):
            received = []
            oms.hooks.add(received.append, "package.created")
            oms.package()
            assert received
        """
    )
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["0 of 0 exchanges:", "1 delivery waits: call oms.hooks.flush()"])


def test_a_failure_in_setup_or_teardown_also_reports_the_world(run: Run) -> None:
    done = run(
        """
        import pytest

        @pytest.fixture
        def broken(oms):
            oms.session().get("/api/v1/oms/packages/")
            raise RuntimeError

        @pytest.fixture
        def breaking(oms):
            yield
            raise RuntimeError

        def test_setup(broken): pass
        def test_teardown(breaking): pass
        def test_both(breaking): assert False
        """
    )
    done.assert_outcomes(errors=3, passed=1, failed=1)
    assert done.stdout.str().count("the world as it was:") == 3


def test_a_passing_test_writes_nothing(run: Run, pytester: pytest.Pytester) -> None:
    done = run("def test_it(oms): oms.package()")
    done.assert_outcomes(passed=1)
    done.stdout.no_fnmatch_line("*- oms-emulator -*")
    assert not (pytester.path / ".oms-emulator").exists()


# Elsewhere ------------------------------------------------------------------------------------------------


def test_a_target_is_what_the_url_and_the_session_speak_to(run: Run) -> None:
    """Tests that ask for an emulator of this process are skipped, and say why."""
    with Emulator("demo", packages=5) as server:
        done = run(
            """
            def test_url(oms_url, oms_session, request):
                assert oms_url == request.config.getoption("oms_target").rstrip("/")
                assert oms_session.get("/api/v1/oms/packages/").json()["count"] == 5

            def test_world(oms): pass
            def test_server(oms_server): pass
            def test_both(oms_url, oms): pass
            """,
            "--oms-target",
            server.url + "/",
            "-rs",
        )
        assert len(server.requests) == 1
    done.assert_outcomes(passed=1, skipped=3)
    assert f"`oms` is an emulator of this process, and --oms-target is {server_url(done)}" in done.stdout.str()


def test_target_that_is_not_an_address_is_refused(run: Run) -> None:
    done = run("def test_it(oms_session): pass", "--oms-target", "localhost:8080")
    assert "'localhost:8080' is not the address of a server; use one such as http://" in done.stderr.str()


def server_url(done: pytest.RunResult) -> str:
    found = re.search(r"--oms-target is (\S+)", done.stdout.str())
    assert found
    return found[1]


def test_a_target_on_this_machine_is_not_behind_the_proxy(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with Emulator("empty") as server:
        for name in ("HTTP_PROXY", "http_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:1")
        test = "def test_it(oms_session): assert oms_session.get('/api/v1/oms/packages/').ok"
        run(test, "--oms-target", server.url).assert_outcomes(passed=1)


def test_a_token_is_what_the_session_sends(run: Run) -> None:
    run(
        """
        def test_it(oms, oms_session):
            oms_session.post("/api/v1/oms/packages/1/command/", json={})
            oms.requests.assert_called("command_package", token="read-only", status=403)
        """,
        "--oms-token",
        "read-only",
    ).assert_outcomes(passed=1)


# Side by side ---------------------------------------------------------------------------------------------

MANY = """
    import pytest
    LIST = "/api/v1/oms/packages/"

    @pytest.mark.parametrize("number", range(40))
    def test_it(oms, oms_session, oms_url, number):
        assert oms_session.get(LIST).json()["count"] == 200
        first = oms.package(remote_id=f"R{number}")["id"]
        assert first == 6701, "ids do not depend on other tests"
        answer = oms_session.post(f"{LIST}{first}/set_invoice_number/", json={"invoice_number": f"I{number}"})
        assert (answer.status_code, answer.headers["X-Emulator-Request-Id"]) == (204, "00000003")
        assert oms_session.get(f"{LIST}{first}/").json()["remote_id"] == f"R{number}"
        assert [each.status for each in oms.requests] == [200, 204, 200]
"""


def test_tests_run_side_by_side(run: Run) -> None:
    """In four processes, shuffled."""
    shuffled = ("--random-order-bucket=global", "--random-order-seed=3")
    run(MANY, "-n", "4", *shuffled).assert_outcomes(passed=40)


@pytest.mark.parametrize("seed", [1, 2])
def test_tests_run_in_any_order(run: Run, seed: int) -> None:
    """The same tests, shuffled."""
    run(MANY, "--random-order-bucket=global", f"--random-order-seed={seed}").assert_outcomes(passed=40)


# Unused ---------------------------------------------------------------------------------------------------


def test_an_unused_plugin_imports_nothing_and_starts_nothing(run: Run) -> None:
    """A test run and the standard library are all that it needs before a test asks for a fixture."""
    run(
        """
        import sys, threading

        def test_it():
            assert not {name for name in sys.modules if name.partition(".")[0] == "emulator"}
            others = {"flask", "werkzeug", "waitress", "requests", "orjson", "marshmallow", "jsonschema"}
            assert not others & set(sys.modules)
            assert threading.active_count() == 1
        """,
        *("-p", "no:playwright", "-p", "no:hypothesispytest"),
    ).assert_outcomes(passed=1)


def test_the_url_alone_needs_no_flask(run: Run) -> None:
    """Flask is imported at the first control call."""
    run(
        """
        import sys

        def test_it(oms, oms_session):
            assert oms_session.get("/api/v1/oms/packages/").ok
            assert "flask" not in sys.modules
        """
    ).assert_outcomes(passed=1)


def test_the_package_names_what_it_has() -> None:
    module = sys.modules["emulator"]
    with pytest.raises(AttributeError, match="has no attribute 'Emulatr'; it has JWT_SECRET, Emulator, __version__"):
        module.Emulatr  # noqa: B018 - looked up for its error


@pytest.mark.parametrize("flags", [(), ("--oms-with-secrets",)], ids=["masked", "with secrets"])
def test_scenario_file_contains_credentials_only_on_request(run: Run, flags: tuple[str, ...]) -> None:
    test = """
        def test_it(oms):
            oms.hooks.add("http://127.0.0.1:9/", "package.created", secret_key="signing-secret")
            assert False
        """
    text = scenario_file(run(test, *flags)).read_text("utf-8")
    assert ("signing-secret" in text, "***1" in text) == (bool(flags), not flags)
