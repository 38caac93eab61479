"""Tests of the receiver. The emulator runs in this process, without a port or a network."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from flask import Flask
from receiver import create_app, is_signed

from emulator import Emulator

SECRET = "a secret"


@pytest.fixture
def app() -> Flask:
    return create_app(SECRET)


def test_an_event_of_the_oms_is_accepted(app: Flask, capsys: pytest.CaptureFixture[str]) -> None:
    oms = Emulator("empty")
    # The Flask test client calls the path /hook of the application.
    client = app.test_client()
    oms.hooks.add(
        lambda delivery: client.post("/hook", data=delivery.body, headers=dict(delivery.headers)).status_code,
        "package.created",
        secret_key=SECRET,
    )
    oms.package()
    oms.hooks.assert_delivered("package.created", status=200, times=1)
    assert capsys.readouterr().out.startswith("package.created ")


def test_a_wrong_signature_is_rejected(app: Flask) -> None:
    response = app.test_client().post("/hook", data=b"{}", headers={"X-Whisperer-Signature": "sha256=0"})
    assert response.status_code == 401
    assert app.test_client().post("/hook", data=b"{}").status_code == 401


def test_a_signature_depends_on_the_bytes_and_the_secret() -> None:
    signature = "sha256=" + hmac.new(SECRET.encode(), b"{}", hashlib.sha256).hexdigest()
    assert is_signed(b"{}", signature, SECRET)
    assert not is_signed(b"{ }", signature, SECRET)
    assert not is_signed(b"{}", signature, "another")
