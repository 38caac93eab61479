"""The built-in credentials: what each token meets, and who it speaks for."""

from __future__ import annotations

from typing import NamedTuple


class Credential(NamedTuple):
    """What a token may do. `calls_per_minute` limits it; None does not."""

    role: str
    username: str
    is_active: bool = True
    may_read: bool = True
    may_write: bool = True
    calls_per_minute: int | None = None
    is_superuser: bool = False
    """Whether others' webhooks are seen, too: the administrator's are (assumed)."""


CREDENTIALS: dict[str, Credential] = {
    "full-access": Credential("full-access", "admin", is_superuser=True),
    "read-only": Credential("read-only", "reader", may_write=False),
    "no-access": Credential("no-access", "nobody", may_read=False, may_write=False),
    "inactive": Credential("inactive", "former", is_active=False),
    "throttled": Credential("throttled", "admin", calls_per_minute=5, is_superuser=True),
}
"""Token -> what it meets."""


def find_writer(username: str | None) -> Credential | None:
    """Give what a user of this name may do who may write: a built-in one's, or a plain user's."""
    if username is None:
        return None
    known = (each for each in CREDENTIALS.values() if each.username == username and each.may_write)
    return next(known, Credential("", username))


PASSWORDS: dict[tuple[str, str], str] = {
    ("admin", "admin"): "full-access",
    ("reader", "reader"): "read-only",
}
"""(username, password) -> the token that a login gives."""
