"""`token` prints a credential for either surface, by real time."""

from __future__ import annotations

import time

import jwt
import pytest
from click.testing import CliRunner

from emulator import JWT_SECRET
from emulator.cli import main
from emulator.core.credentials import CREDENTIALS


@pytest.mark.parametrize("role", CREDENTIALS)
@pytest.mark.parametrize(
    ("arguments", "seconds"), [((), 3600), (("--expires-in", "60"), 60), (("--kind", "jwt"), 3600)]
)
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
        (("full-access", "--expires-in", "9" * 20), "expires_in"),
        (("full-access", "--kind", "token", "--expires-in", "5"), "does not expire"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(arguments: tuple[str, ...], said: str) -> None:
    result = CliRunner().invoke(main, ["token", *arguments])
    assert result.exit_code == 2
    assert len(result.output.splitlines()) == 1
    assert said in result.output
