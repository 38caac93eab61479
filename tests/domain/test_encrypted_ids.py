"""The encrypted id has the form of Django's timestamp signer, and is the same for the same package."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime

import pytest

from emulator.domain.planning import base62, encrypted_id

AT = datetime(2023, 3, 15, 12, 19, 51, tzinfo=UTC)


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0"), (9, "9"), (10, "A"), (35, "Z"), (36, "a"), (61, "z"), (62, "10"), (3843, "zz")]
)
def test_base_62_matches_django(number: int, text: str) -> None:
    assert base62(number) == text


def test_encrypted_id_contains_id_time_and_signature() -> None:
    value, seconds, signature = encrypted_id(162407, AT).split(":")
    assert base64.urlsafe_b64decode(value + "==") == b"162407"
    assert seconds == base62(int(AT.timestamp()))
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", signature)


def test_encrypted_id_depends_on_id_and_time() -> None:
    assert encrypted_id(1, AT) == encrypted_id(1, AT)
    assert len({encrypted_id(id_, AT).rpartition(":")[2] for id_ in range(100)}) == 100
