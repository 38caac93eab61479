"""The control API issues credentials for both surfaces."""

from __future__ import annotations

from typing import Any

import pytest

from emulator import Emulator
from emulator.core.credentials import CREDENTIALS

TOKENS = "/__admin/tokens"
STATUSES = {"full-access": 200, "read-only": 200, "no-access": 403, "inactive": 401, "throttled": 200}
SURFACES = {"token": ("Token", "/api/v1/oms/packages/"), "jwt": ("Bearer", "/packages/")}


@pytest.mark.parametrize("kind", SURFACES)
@pytest.mark.parametrize("role", CREDENTIALS)
def test_credential_has_the_permissions_of_its_role(client: Any, kind: str, role: str) -> None:
    answer = client.post(TOKENS, json={"role": role, "kind": kind})
    given, (scheme, path) = answer.json(), SURFACES[kind]
    assert answer.status_code == 201
    assert list(given) == ["token", "kind", "role", "expires_at"]
    assert (given["kind"], given["role"]) == (kind, role)
    assert given["expires_at"] == (None if kind == "token" else "2023-04-05T10:00:00Z")
    reply = client.get(path, headers={"Authorization": f"{scheme} {given['token']}"})
    assert reply.status_code == STATUSES[role]


def test_jwt_expires_at_the_stated_time(oms: Emulator) -> None:
    client = oms.session()
    given = client.post(TOKENS, json={"role": "full-access", "kind": "jwt", "expires_in": 90}).json()
    headers = {"Authorization": f"Bearer {given['token']}"}
    assert given["expires_at"] == "2023-04-05T09:01:30Z"
    oms.clock.advance(seconds=89)
    assert client.get("/packages/", headers=headers).status_code == 200
    oms.clock.advance(seconds=1)
    assert client.get("/packages/", headers=headers).json() == {"detail": "Token has expired."}


WRONG = {
    "no object": (b"[]", "role"),
    "no role": (b'{"kind":"jwt"}', "full-access"),
    "unknown role": (b'{"role":"root","kind":"jwt"}', "full-access"),
    "a list for a role": (b'{"role":[],"kind":"jwt"}', "full-access"),
    "no kind": (b'{"role":"full-access"}', "jwt"),
    "unknown kind": (b'{"role":"full-access","kind":"cookie"}', "token"),
    "unknown key": (b'{"role":"full-access","kind":"jwt","expires":1}', "expires_in"),
    "a token that expires": (b'{"role":"full-access","kind":"token","expires_in":1}', "kind"),
    "a text for seconds": (b'{"role":"full-access","kind":"jwt","expires_in":"1"}', "expires_in"),
    "null for seconds": (b'{"role":"full-access","kind":"jwt","expires_in":null}', "expires_in"),
    "true for seconds": (b'{"role":"full-access","kind":"jwt","expires_in":true}', "expires_in"),
    "too many seconds": (b'{"role":"full-access","kind":"jwt","expires_in":1e20}', "expires_in"),
}


@pytest.mark.parametrize(("body", "known"), WRONG.values(), ids=WRONG)
def test_error_lists_the_known_values(client: Any, body: bytes, known: str) -> None:
    answer = client.post(TOKENS, data=body)
    assert answer.status_code == 400
    assert "\n" not in answer.json()["error"]
    assert known in answer.json()["known"]


@pytest.mark.parametrize("body", [b"{", b"", b"NaN"])
def test_invalid_json_is_refused(client: Any, body: bytes) -> None:
    answer = client.post(TOKENS, data=body)
    assert answer.status_code == 400
    assert "the body is not JSON" in answer.json()["error"]
