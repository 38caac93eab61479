"""Exported scenarios hold no credentials, unless they are asked for, and still load."""

from __future__ import annotations

import json
import stat
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from emulator import Emulator
from emulator.cli import main
from emulator.core.records import Webhook
from emulator.domain.webhook_retries import basic_credentials
from emulator.worlds.loading.masking import SecretMasker, mask_secrets
from tests.support.receivers import respond_with, run_receiver

EVENT = "package.created"
SECRETS = ("signing-secret", "basic-password", "Bearer header-secret", "url-password", "query-secret", "7654321")
CONFIG = {"auth": {"auth_type": "basic", "username": "shop", "password": "basic-password"}, "pin": 7654321}
HEADERS = {"X-Anything": "Bearer header-secret", "X-None": None}
URL = "http://shop:url-password@127.0.0.1:9/hook?api_key=query-secret&page=2"


def body(**changes: Any) -> dict[str, Any]:
    retries = {"choice": "fixed", "kwargs": {"seconds": 60}}
    columns = {"secret_key": "signing-secret", "config": CONFIG, "additional_headers": HEADERS}
    return {"target_url": URL, "event_type": EVENT, "retry_countdown_config": retries, **columns, **changes}


def world_with_secrets() -> Emulator:
    """Return a world with a hook from JSON, one from a form, a changed one, and a response that repeats a header."""
    oms = Emulator("empty")
    client = oms.session()
    hook = client.post("/whisperer/hooks/", json=body()).json()
    form = {key: json.dumps(value) if isinstance(value, dict) else value for key, value in body().items()}
    form |= {"event_type": "package.refused"}
    retries = form.pop("retry_countdown_config")
    assert retries
    form |= {"retry_countdown_config.choice": "fixed", "retry_countdown_config.kwargs": '{"seconds": 60}'}
    made = client.post("/whisperer/hooks/", data=form)
    assert made.status_code == 201, made.text
    assert client.patch(f"/whisperer/hooks/{hook['id']}/", json={"secret_key": "signing-secret"}).ok
    echoed = basic_credentials("shop", "basic-password")
    oms.hooks.add(lambda _: (200, f"got {echoed} and signing-secret"), EVENT, secret_key="signing-secret")
    oms.package()
    oms.hooks.flush()
    return oms


def assert_masked(text: str) -> None:
    assert [secret for secret in SECRETS if secret in text] == []
    assert basic_credentials("shop", "basic-password").partition(" ")[2] not in text
    assert "***1" in text


@pytest.mark.medium
def test_exports_are_masked_and_keep_secrets_on_request(tmp_path: Path) -> None:
    """Python, the control API, the command line and the server's export on exit write the same."""
    oms, file = world_with_secrets(), tmp_path / "mine.json"
    masked, whole = json.dumps(oms.export()), json.dumps(oms.export(with_secrets=True))
    assert_masked(masked)
    assert [secret for secret in SECRETS if secret not in whole] == []
    for with_secrets, expected in ((False, masked), (True, whole)):
        oms.save(file, with_secrets=with_secrets)
        assert json.loads(file.read_text()) == json.loads(expected)
        query = f"?with_secrets={str(with_secrets).lower()}"
        assert oms.session().get(f"/__admin/export{query}").json() == json.loads(expected)
        with oms:
            flags = ["--with-secrets"] if with_secrets else []
            done = CliRunner().invoke(main, ["export", "--url", oms.url, *flags])
            assert json.loads(done.output) == json.loads(expected)
    assert oms.session().get("/__admin/export").json() == json.loads(masked)
    assert oms.session().get("/__admin/export?with_secrets=yes").status_code == 400


@pytest.mark.medium
def test_masked_export_loads_and_sends_the_masks(tmp_path: Path) -> None:
    oms = world_with_secrets()
    oms.save(tmp_path / "mine.json")
    again = Emulator(tmp_path / "mine.json")
    assert again.export() == oms.export()
    hooks = list(again.world.records.all(Webhook))
    assert len(hooks) == len(list(oms.world.records.all(Webhook)))
    keys = {hook.secret_key for hook in hooks} - {None}
    assert keys == {oms.export()["steps"][0]["body"]["secret_key"]}
    assert [hook.is_active for hook in hooks] == [hook.is_active for hook in oms.world.records.all(Webhook)]


@pytest.mark.medium
def test_export_of_a_state_file_is_masked(tmp_path: Path) -> None:
    """The state file keeps the credentials, and only its owner may read it."""
    file = tmp_path / "worlds.db"
    with closing(Emulator("empty", state=file)) as oms:
        assert oms.session().post("/whisperer/hooks/", json=body()).status_code == 201
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
        assert set(modes.values()) == {0o600}, modes
    assert_masked(CliRunner().invoke(main, ["export", "--state", str(file)]).output)
    assert "signing-secret" in CliRunner().invoke(main, ["export", "--state", str(file), "--with-secrets"]).output


@pytest.mark.medium
def test_hooks_that_differ_by_a_credential_still_differ() -> None:
    """Otherwise the second one is refused as a duplicate when the file is loaded."""
    oms = Emulator("empty")
    for password in ("one", "two", "***1"):
        made = oms.session().post("/whisperer/hooks/", json=body(target_url=f"http://u:{password}@127.0.0.1:9/"))
        assert made.status_code == 201
    again = Emulator("empty")
    assert again.session().put("/__admin/scenario", json={"document": oms.export()}).status_code == 200
    assert again.export() == oms.export()


def test_credentials_in_recorded_answers_are_masked() -> None:
    """An event can stand before its hook."""
    event = {"id": 1, "response_content": "b'got signing-secret'", "webhook": body(id=2)}
    document = {"answers": [{"path": "/whisperer/hook_events/1/", "body": event}], "steps": []}
    assert_masked(json.dumps(mask_secrets(document)))


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("http://127.0.0.1:9/a?page=1", "http://127.0.0.1:9/a?page=1"),
        ("http://user:pass@h/", "http://user:***1@h/"),
        ("http://:p@ss@h/", "http://:***1@h/"),
        ("http://token@h/", "http://***1@h/"),
        ("http://h/a@b?x=1", "http://h/a@b?x=1"),
        ("http://h/?code=1&sig=2&access_token=3&X-Api-Key=4#5", "http://h/?code=***1&sig=***2&access_token=***3&X-Api-Key=***4#5"),
        ("http://[::1", "http://[::1"),
        ("", ""),
    ],
)  # fmt: skip
def test_credentials_in_urls(url: str, masked: str) -> None:
    assert SecretMasker().mask_url(url) == masked


def test_other_values_stay() -> None:
    value = {"secret_key": None, "password": "", "config": {}, "note": "x", "token": True, "nested": [{"id": 1}]}
    assert SecretMasker().mask_value(value) == value


@pytest.mark.medium
def test_remote_export_sends_the_admin_token() -> None:
    with run_receiver(respond_with(200, b"{}")) as server:
        done = CliRunner().invoke(main, ["export", "--url", server.url, "--admin-token", "t", "--with-secrets"])
        assert done.exit_code == 0
    (got,) = server.requests
    assert got.path.endswith("/__admin/export?with_secrets=true")
    assert got.headers["Authorization"] == "Bearer t"
