"""Anyone can issue and decode tokens, because the secret is published."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import jwt
import pytest

from emulator import JWT_SECRET, Emulator
from emulator.core import credentials
from emulator.core.credentials import CREDENTIALS
from emulator.core.errors import InvalidDocument

NOW = datetime(2026, 3, 2, 9, 0, 0, 750_000, tzinfo=UTC)


@pytest.mark.parametrize("role", CREDENTIALS)
def test_a_token_has_the_claims_that_were_requested(role: str) -> None:
    """Any JWT library can decode it."""
    issued = credentials.issue_token(role, NOW, 60)
    claims = jwt.decode(issued.token, JWT_SECRET, ["HS256"], options={"verify_exp": False})
    assert claims == {"sub": CREDENTIALS[role].username, "role": role, "exp": issued.expires_at.timestamp()}
    assert issued.expires_at == (NOW + timedelta(seconds=60)).replace(microsecond=0)
    assert credentials.decode_token(issued.token) == (claims["sub"], role, claims["exp"])


def test_the_secret_is_long_enough_for_its_algorithm() -> None:
    assert len(JWT_SECRET.encode()) >= 32


def test_the_same_call_gives_the_same_token() -> None:
    assert credentials.issue_token("full-access", NOW, 60) == credentials.issue_token("full-access", NOW, 60)


@pytest.mark.parametrize("role", ["root", "", None, "FULL-ACCESS"])
def test_an_unknown_role_is_an_error_that_names_the_known_ones(role: str) -> None:
    with pytest.raises(ValueError, match="known: full-access, read-only") as caught:
        credentials.issue_token(role, NOW, 60)
    assert isinstance(caught.value, InvalidDocument)


@pytest.mark.parametrize("seconds", [1e30, -1e30, float("inf"), float("nan")])
def test_a_token_expires_within_the_calendar(seconds: float) -> None:
    with pytest.raises(ValueError, match="expires_in is "):
        credentials.issue_token("full-access", NOW, seconds)


def test_an_emulator_issues_tokens_by_the_clock_of_its_world() -> None:
    oms = Emulator("empty")
    client = oms.session()
    short = {"Authorization": f"Bearer {oms.jwt(expires_in=10)}"}
    assert client.get("/packages/", headers=short).status_code == 200
    oms.clock.advance(seconds=10)
    answer = client.get("/packages/", headers=short)
    assert (answer.status_code, answer.json()) == (401, {"detail": "Token has expired."})
    assert client.get("/packages/", headers={"Authorization": f"Bearer {oms.jwt('no-access')}"}).status_code == 403
    assert client.get("/packages/", headers={"Authorization": f"Bearer {oms.jwt(expires_in=-1)}"}).status_code == 401
