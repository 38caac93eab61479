"""`token` prints a credential for either surface, by real time."""

from __future__ import annotations

import time

import jwt
import pytest
from click.testing import CliRunner

from emulator import JWT_SECRET, Emulator
from emulator.cli import main
from emulator.core.credentials import CREDENTIALS


@pytest.mark.parametrize("role", CREDENTIALS)
@pytest.mark.parametrize(("arguments", "seconds"), [((), 3600), (("--kind", "jwt"), 3600)])
def test_a_jwt_expires_after_the_given_seconds(role: str, arguments: tuple[str, ...], seconds: int) -> None:
    before = int(time.time())
    result = CliRunner().invoke(main, ["token", role, *arguments])
    claims = jwt.decode(result.output.strip(), JWT_SECRET, ["HS256"])
    assert (result.exit_code, claims["role"]) == (0, role)
    assert before + seconds <= claims["exp"] <= time.time() + seconds


def test_a_token_is_the_roles_name() -> None:
    result = CliRunner().invoke(main, ["token", "read-only", "--kind", "token"])
    assert (result.exit_code, result.output) == (0, "read-only\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("root",), "full-access"),
        ((), "ROLE"),
        (("full-access", "--kind", "cookie"), "jwt"),
        (("full-access", "--expires-in", "soon"), "--expires-in"),
        (("full-access", "--kind", "token", "--expires-in", "5"), "does not expire"),
        (("full-access", "--kind", "token", "--url", "http://127.0.0.1:1"), "does not expire"),
        (("full-access", "--expires-in", "5", "--url", "http://127.0.0.1:1"), "cannot reach an oms-emulator at http"),
        (("full-access", "--expires-in", "5", "--url", "127.0.0.1"), "is not an address"),
        (("full-access", "--expires-in", "9" * 20), "is not in the range"),
        (("full-access", "--world", "other"), "--world requires --url or --expires-in"),
    ],
)
def test_wrong_usage_gives_a_one_line_error_and_exit_code_2(arguments: tuple[str, ...], said: str) -> None:
    result = CliRunner().invoke(main, ["token", *arguments])
    assert result.exit_code == 2
    assert len(result.output.splitlines()) == 1
    assert said in result.output


def test_the_clock_of_the_server_decides_when_a_jwt_expires() -> None:
    """The server's clock is years behind the machine's."""
    with Emulator("empty") as oms:
        other = oms.in_world("other", "empty")
        for world in (oms, other):
            asked = ["token", "full-access", "--expires-in", "1", "--url", oms.server_url, "--world", world.name]
            result = CliRunner().invoke(main, asked)
            assert result.exit_code == 0
            headers = {"Authorization": f"Bearer {result.output.strip()}"}
            assert world.session().get("/packages/", headers=headers).status_code == 200
            world.clock.advance(seconds=1)
            assert world.session().get("/packages/", headers=headers).status_code == 401
        too_long = ["token", "full-access", "--expires-in", "9" * 15, "--url", oms.server_url]
        result = CliRunner().invoke(main, too_long)
        assert (result.exit_code, len(result.output.splitlines())) == (2, 1)
        assert "returned no token: expires_in" in result.output


def test_without_a_server_a_lifetime_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emulator.cli.data.DEFAULT_URL", "http://127.0.0.1:1")
    result = CliRunner().invoke(main, ["token", "full-access", "--expires-in", "1"])
    assert (result.exit_code, result.output.count("\n")) == (2, 1)
    assert "cannot reach an oms-emulator at http://127.0.0.1:1" in result.output
