"""`oms-emulator record`: the files of a run open with `serve`, and contain no secret."""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests
import trustme

from emulator import Emulator
from emulator.web.server import HttpServer
from tests.cli.test_serve import command, environment, refused

pytestmark = pytest.mark.slow

PACKAGES, TRANSFERS, HOOKS = "/api/v1/oms/packages/", "/api/v1/oms/transfer_orders/", "/whisperer/hooks/"
FULL_ACCESS = {"Authorization": "Token full-access"}


class Run(NamedTuple):
    """A running `record`: its address, its process, and the folder of its files."""

    url: str
    process: subprocess.Popen[str]
    folder: Path

    @property
    def scenario(self) -> dict[str, Any]:
        return json.loads((self.folder / "recorded.json").read_text("utf-8"))


@contextmanager
def recording(target: str, folder: Path, *arguments: str, ca: Path | None = None) -> Iterator[Run]:
    """Run the command in a folder until the end of the block. Its output is in `stdout` and `stderr` there."""
    words = command("record", "--target", target, "-o", "recorded.json", "--port", "0", *arguments)
    variables = {} if ca is None else {"REQUESTS_CA_BUNDLE": str(ca)}
    with (folder / "stderr").open("w") as errors:
        process = subprocess.Popen(
            words, cwd=folder, env=environment(variables), stdout=subprocess.PIPE, stderr=errors, text=True
        )
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("ready: http://127.0.0.1:"), (folder / "stderr").read_text()
            yield Run(line.split()[1], process, folder)
            process.terminate()
            rest, _ = process.communicate(timeout=120)
            (folder / "stdout").write_text(line + rest)
        finally:
            process.kill()
            process.communicate()
    assert process.returncode == 0, (folder / "stderr").read_text()


def session(**settings: Any) -> requests.Session:
    """Return a session that ignores the proxies of the machine."""
    made = requests.Session()
    made.trust_env = False
    made.headers.update(FULL_ACCESS)
    vars(made).update(settings)
    return made


@pytest.fixture(scope="module")
def real() -> Iterator[Emulator]:
    """Return a second emulator with a certificate, in place of a real OMS."""
    with Emulator("demo", tls=True, seed=7) as oms:
        yield oms


def test_a_run_makes_a_scenario_and_an_installation_that_open(real: Emulator, tmp_path: Path) -> None:
    """The records are those before the writes, and the writes are repeated."""
    with recording(real.url, tmp_path, "--allow-writes", ca=real.certificate) as run, session() as client:
        listed = client.get(f"{run.url}{PACKAGES}?limit=3").json()
        client.get(listed["next"]).raise_for_status()
        pk = listed["results"][0]["id"]
        client.get(f"{run.url}{PACKAGES}{pk}/").raise_for_status()
        client.get(f"{run.url}{PACKAGES}{pk}/transition_logs/").raise_for_status()
        assert client.post(f"{run.url}{PACKAGES}{pk}/set_remote_id/", json={"remote_id": "R-1"}).status_code == 204
        changed = client.get(f"{run.url}{PACKAGES}{pk}/").json()
    assert changed["remote_id"] == "R-1"
    assert [step["operation"] for step in run.scenario["steps"]] == ["set_package_remote_id"]
    assert all("R-1" not in json.dumps(answer) for answer in run.scenario["answers"])
    oms = Emulator(tmp_path / "recorded.json")
    served = oms.session().get(f"{PACKAGES}{pk}/").json()
    assert (served["remote_id"], served["number"], served["state"]) == ("R-1", changed["number"], changed["state"])
    assert oms.session().get(PACKAGES).json()["count"] == 6
    assert Path(oms.world.settings.source.installation) == tmp_path / "recorded.installation.json"
    errors = (tmp_path / "stderr").read_text()
    assert "not recorded: installation: state" in errors
    assert "to serve it: oms-emulator serve --scenario recorded.json" in errors


def test_writes_need_a_flag(real: Emulator, tmp_path: Path) -> None:
    """A login is forwarded, because no client can read without one. It is not recorded."""
    with recording(real.url, tmp_path, ca=real.certificate) as run, session() as client:
        pk = client.get(f"{run.url}{PACKAGES}?limit=1").json()["results"][0]["id"]
        before = real.session().get(f"{PACKAGES}{pk}/").json()
        for method, path in (("POST", "set_remote_id/"), ("POST", "command/"), ("DELETE", ""), ("PATCH", "odd/")):
            answer = client.request(method, f"{run.url}{PACKAGES}{pk}/{path}", json={"remote_id": "refused"})
            assert (answer.status_code, "--allow-writes" in answer.json()["error"]) == (403, True)
        login = {"username": "admin", "password": "admin"}
        assert client.post(f"{run.url}/api/v1/auth/login/", json=login).status_code == 200
        assert real.session().get(f"{PACKAGES}{pk}/").json() == before
    assert "steps" not in run.scenario


def test_a_wrong_certificate_is_refused(real: Emulator, tmp_path: Path) -> None:
    """The authority that signed the target's certificate is not the trusted one."""
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    words = ("record", "--target", real.url, "-o", "recorded.json", "--port", "0")
    variables = environment({"REQUESTS_CA_BUNDLE": str(tmp_path / "other.pem")})
    process = subprocess.Popen(
        command(*words), cwd=tmp_path, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        url = process.stdout.readline().split()[1]
        answer = session().get(f"{url}{PACKAGES}")
        assert (answer.status_code, "certificate verify failed" in answer.json()["error"]) == (502, True)
        process.terminate()
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()
    assert (process.returncode, "no scenario was written" in errors) == (1, True)
    assert not (tmp_path / "recorded.json").exists()


def test_clients_may_use_it_as_a_forward_proxy(real: Emulator, tmp_path: Path) -> None:
    """Absolute URLs in plain HTTP, and a tunnel with the authority of `--ca`, which the command creates."""
    plain = real.url.replace("https://", "http://")
    with recording(real.url, tmp_path, "--ca", "ca.pem", ca=real.certificate) as run, session() as client:
        tunnel = client.get(f"{real.url}{PACKAGES}?limit=2", proxies={"https": run.url}, verify=tmp_path / "ca.pem")
        absolute = client.get(f"{plain}{TRANSFERS}?limit=2", proxies={"http": run.url})
        assert tunnel.json()["next"].startswith(f"{real.url}/")
        assert absolute.json()["next"].startswith(f"{plain}/")
        assert client.get("http://other.test/", proxies={"http": run.url}).status_code == 403
        with pytest.raises(requests.exceptions.ProxyError):
            client.get("https://other.test/", proxies={"https": run.url})
    assert [answer["path"] for answer in run.scenario["answers"]] == [PACKAGES, TRANSFERS]
    assert (tmp_path / "ca.pem").stat().st_mode & 0o077 == 0


def test_a_tunnel_needs_an_authority(real: Emulator, tmp_path: Path) -> None:
    with recording(real.url, tmp_path, ca=real.certificate) as run, session() as client:
        with pytest.raises(requests.exceptions.ProxyError):
            client.get(f"{real.url}{PACKAGES}", proxies={"https": run.url})
        client.get(f"{run.url}{PACKAGES}").raise_for_status()


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--target", "oms.example.com", "-o", "a.json"], "is not the address of a server"),
        (["--target", "https://oms.example.com", "-o", "a.json", "--probe"], "--probe needs --shadow"),
        (["--target", "https://u:p@oms.example.com", "-o", "a.json"], "is not the address of a server"),
        (["--target", "https://oms.example.com", "-o", "no/a.json"], "there is no folder "),
        (["--target", "https://oms.example.com", "-o", "a.json", "--ca", "odd.pem"], "certificate and the key"),
    ],
)
def test_wrong_usage_gives_a_one_line_error(words: list[str], text: str, tmp_path: Path) -> None:
    (tmp_path / "odd.pem").write_text("odd")
    ended = subprocess.run(
        command("record", *words),
        cwd=tmp_path,
        env=environment({}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, text in ended.stderr, len(ended.stderr.splitlines())) == (2, True, 1), ended.stderr


# Shadow


def test_a_shadow_writes_evidence_that_serve_shows(real: Emulator, tmp_path: Path) -> None:
    """An agreement makes an assumption observed. A second run adds to the file. The client gets the real answer."""
    arguments = ("--shadow", "--evidence", "evidence.json")
    for count in (1, 2):
        with recording(real.url, tmp_path, *arguments, ca=real.certificate) as run, session() as client:
            listed = client.get(f"{run.url}{TRANSFERS}?limit=3&sort=state").json()
            assert listed["results"] == real.session().get(f"{TRANSFERS}?limit=3&sort=state").json()["results"]
            client.get(f"{run.url}{TRANSFERS}?limit=2").raise_for_status()
            assert client.get(f"{run.url}{TRANSFERS}999999", allow_redirects=False).status_code == 301
        evidence = json.loads((tmp_path / "evidence.json").read_text("utf-8"))
        assert evidence["agreed"]["statuses list_transfers 200"] == 2 * count
        assert evidence["differences"] == {}
    oms = Emulator("empty", evidence=tmp_path / "evidence.json")
    sections, without = (each.session().get("/__admin/fidelity").json() for each in (oms, Emulator("empty")))
    row, before = (marked(each, "protocol", rule="redirect to the trailing slash") for each in (sections, without))
    assert (before["provenance"], row["provenance"], "reason" in row) == ("assumed", "observed", False)
    assert before["reason"] in row["note"]
    assert sections["webhooks"] == without["webhooks"]


def test_probes_show_how_the_service_refuses(real: Emulator, tmp_path: Path) -> None:
    """They are compared, and are not part of the scenario. The real service gets them once, and no write."""
    before = {request.id for request in real.requests}
    with (
        recording(
            real.url, tmp_path, "--shadow", "--evidence", "evidence.json", "--probe", ca=real.certificate
        ) as run,
        session() as client,
    ):
        for _ in range(2):
            pk = client.get(f"{run.url}{PACKAGES}?limit=1").json()["results"][0]["id"]
            client.get(f"{run.url}{PACKAGES}{pk}/").raise_for_status()
    evidence = json.loads((tmp_path / "evidence.json").read_text("utf-8"))
    statuses = {name: count for name, count in evidence["agreed"].items() if name.startswith("statuses get_package ")}
    assert statuses == {f"statuses get_package {status}": count for status, count in ((200, 2), (401, 2), (404, 1))}
    assert evidence["differences"] == {}
    assert {answer["path"] for answer in run.scenario["answers"]} == {PACKAGES, f"{PACKAGES}{pk}/"}
    received = [request for request in real.requests if request.id not in before]
    assert {request.method for request in received} == {"GET"}
    assert len([request for request in received if request.status == 404]) == 1


def marked(sections: dict[str, Any], part: str, **values: Any) -> dict[str, Any]:
    return next(row for row in sections[part] if values.items() <= row.items())


@pytest.mark.parametrize(
    ("text", "message"),
    [(None, "cannot read evidence file"), ("odd", "is not JSON"), ('{"format": 1}', "/agreed: is missing")],
)
def test_serve_refuses_another_file(text: str | None, message: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "odd.json").write_text(text)
    assert message in refused("serve", "--evidence", str(tmp_path / "odd.json"))


# Redaction

DICE = random.Random(20)


def letters(count: int, alphabet: str = "abcdefghijkmnopqrstuvwxyz23456789") -> str:
    return "".join(DICE.choice(alphabet) for _ in range(count))


def digits(count: int) -> str:
    return DICE.choice("123456789") + letters(count - 1, "0123456789")


def name() -> str:
    return letters(7, "abcdefghijklmnoprstuvyz").capitalize()


def card() -> str:
    """Return a card number with its check digit."""
    head = "4" + letters(14, "0123456789")
    total = sum(sum(divmod(int(digit) * (2 - at % 2), 10)) for at, digit in enumerate(head))
    return head + str(-total % 10)


def identity() -> str:
    """Return a Turkish identity number with its check digits."""
    head = digits(9)
    odd, even = (sum(map(int, head[start::2])) for start in (0, 1))
    tenth = (odd * 7 - even) % 10
    return f"{head}{tenth}{(odd + even + tenth) % 10}"


class Kind(NamedTuple):
    """A kind of secret: how it is made, the key that has it in free maps, and whether its form shows it."""

    make: Callable[[], str]
    key: str
    has_form: bool = False


KINDS = {
    "first name": Kind(name, "first_name"),
    "last name": Kind(name, "surname"),
    "full name": Kind(lambda: f"{name()} {name()}", "recipient_name"),
    "user name": Kind(lambda: letters(9), "username"),
    "e-mail": Kind(lambda: f"{letters(8)}@{letters(6)}.com", "email", has_form=True),
    "telephone": Kind(lambda: f"+90 5{digits(2)} {digits(3)} {digits(2)} {digits(2)}", "gsm", has_form=True),
    "address": Kind(lambda: f"{name()} Sokak No {digits(3)}", "address_line1"),
    "company": Kind(lambda: f"{name()} Ticaret", "company_name"),
    "tax office": Kind(lambda: f"{name()} Dairesi", "vergi_dairesi"),
    "tax number": Kind(lambda: digits(10), "vkn"),
    "identity number": Kind(identity, "tckn", has_form=True),
    "bank account": Kind(lambda: f"TR{letters(24, '0123456789')}", "iban", has_form=True),
    "card": Kind(card, "card_number", has_form=True),
    "note": Kind(lambda: f"{name()} {name()} {name()}", "gift_note"),
    "password": Kind(lambda: letters(12), "password"),
    "API key": Kind(lambda: f"sk_live_{letters(24)}", "api_key", has_form=True),
    "token": Kind(lambda: letters(40, "0123456789abcdef"), "access_token"),
    "JWT": Kind(lambda: f"eyJ{letters(20)}.{letters(30)}.{letters(30)}", "jwt", has_form=True),
    "signing secret": Kind(lambda: letters(32), "secret_key"),
    "cloud key": Kind(lambda: f"AKIA{letters(16, 'ABCDEFGHIJKLMNOP234567')}", "private_key", has_form=True),
}
PLACES = 10
SECRETS = {kind: [each.make() for _ in range(PLACES)] for kind, each in KINDS.items()}
COLUMNS = {
    "first name": ("shipping_address", "first_name"), "last name": ("shipping_address", "last_name"),
    "e-mail": ("shipping_address", "email"), "telephone": ("shipping_address", "phone_number"),
    "address": ("shipping_address", "line"), "company": ("shipping_address", "company_name"),
    "tax office": ("shipping_address", "tax_office"), "tax number": ("shipping_address", "tax_no"),
    "note": ("shipping_address", "notes"),
}  # fmt: skip
"""Kind of secret -> the documented key of a package that has it."""


def planted(place: int) -> dict[str, str]:
    """Return the secrets of one place by kind."""
    return {kind: values[place] for kind, values in SECRETS.items()}


def by_key(place: int) -> dict[str, str]:
    return {KINDS[kind].key: value for kind, value in planted(place).items()}


def unknown_keys(place: int) -> dict[str, str]:
    return {f"odd_{kind.replace(' ', '_').replace('-', '')}": value for kind, value in planted(place).items()}


def plant(package: dict[str, Any]) -> dict[str, Any]:
    """Put secrets into the documented keys of a package, into its free maps, and into keys that no page has."""
    for kind, path in COLUMNS.items():
        package[path[0]][path[1]] = SECRETS[kind][0]
    formed = [value for kind, value in planted(4).items() if KINDS[kind].has_form]
    kept: dict[str, Any] = {
        "value": " ".join(formed),
        "title": formed[0],
        "list": [{"reason": each} for each in formed],
    }
    kept |= dict(zip(formed, range(99), strict=False))
    rest = {kind: value for kind, value in planted(0).items() if kind not in COLUMNS}
    package["extra_information"] = {
        "customer": by_key(1), "odd": unknown_keys(2), "nested": [{"deep": by_key(3)}], "kept": kept,
        "rest": {KINDS[kind].key: value for kind, value in rest.items()},
        "numbers": {KINDS[kind].key: int(SECRETS[kind][4]) for kind in ("tax number",)},
        "others": {KINDS[kind].key: value for kind, value in planted(4).items()},
    }  # fmt: skip
    return package | {"undocumented": by_key(5)}


def spoil(app: Any) -> Any:
    """Return the application, changed so that it returns secrets in packages and in headers."""

    @app.after_request
    def change(response: Any) -> Any:
        body = response.get_json() if response.status_code == 200 and response.is_json else {}
        if "packageitem_set" in body or "results" in body:
            rows = [plant(row) for row in body.get("results", [body])]
            response.set_data(json.dumps(body | {"results": rows} if "results" in body else rows[0]))
            for value in planted(6).values():
                response.headers.add("Set-Cookie", f"session={value}; Path=/")
        return response

    return app


def record_secrets(folder: Path, *arguments: str) -> Run:
    """Record requests and responses with secrets."""
    oms = Emulator("demo")
    server = HttpServer(spoil(oms.app), "127.0.0.1", 0)
    server.start()
    try:
        with recording(server.url, folder, "--allow-writes", *arguments) as run, session() as client:
            send_secrets(client, run.url)
    finally:
        server.stop()
        oms.close()
    return run


def written_secrets(folder: Path) -> list[tuple[str, str, str]]:
    """Return the secrets in all files of a folder, also with escaped characters."""
    return [
        (kind, value, file.name)
        for file in folder.iterdir()
        for text in [file.read_text("utf-8")]
        for kind, values in SECRETS.items()
        for value in values
        if value in text or value in text.encode().decode("unicode_escape", "ignore")
    ]


def test_no_planted_secret_is_written(tmp_path: Path) -> None:
    """200 secrets of 20 kinds are in bodies, headers, URLs and free maps of requests and responses."""
    assert sum(len(values) for values in SECRETS.values()) == 200
    run = record_secrets(tmp_path, "--shadow", "--evidence", "evidence.json")
    files = {"recorded.json", "recorded.installation.json", "evidence.json", "stdout", "stderr"}
    assert {file.name for file in tmp_path.iterdir()} == files
    assert written_secrets(tmp_path) == []
    operations = [step["operation"] for step in run.scenario["steps"]]
    assert operations == ["reference_patch_package_extra_information", "create_hook", "set_package_remote_id"]
    shown = run.scenario["answers"][0]["body"]["results"][0]["extra_information"]
    sent = run.scenario["steps"][0]["body"]["extra_information"]
    assert shown["customer"].keys() == sent["customer"].keys() == by_key(1).keys()
    assert shown["customer"] == sent["customer"]
    assert Emulator(tmp_path / "recorded.json").session().get(PACKAGES).json()["count"] >= 1


def test_the_secrets_are_written_without_redaction(tmp_path: Path) -> None:
    """The test above can fail."""
    record_secrets(tmp_path, "--no-anonymize")
    found = {kind for kind, _, file in written_secrets(tmp_path) if file == "recorded.json"}
    assert found == SECRETS.keys()


def send_secrets(client: requests.Session, url: str) -> None:
    """Read and write with secrets in headers, URLs and bodies. Every request of the client succeeds."""
    pk = client.get(f"{url}{PACKAGES}?limit=1").json()["results"][0]["id"]
    for value in planted(7).values():
        headers = {"X-Api-Key": value, "Cookie": f"sid={value}", "X-Auth": f"Bearer {value}"}
        client.get(f"{url}{PACKAGES}{pk}/", headers=headers).raise_for_status()
    client.get(f"{url}{PACKAGES}{pk}/", params=by_key(8) | {"token": SECRETS["token"][8]}).raise_for_status()
    jwt = {"Authorization": f"Bearer {Emulator('empty').jwt()}"}
    free = {"customer": by_key(1), "mine": unknown_keys(9)}
    body = {"extra_information": free}
    patched = client.patch(f"{url}/packages/{pk}/extra_information/", json=body, headers=jwt)
    assert patched.status_code == 204, patched.text
    secrets = planted(9)
    hook = {
        "target_url": f"http://{secrets['user name']}:{secrets['password']}@127.0.0.1:9/?token={secrets['token']}",
        "secret_key": secrets["signing secret"],
        "event_type": "package.created",
        "retry_countdown_config": {"choice": "linear", "kwargs": {"base": 2}},
        "additional_headers": {"X-Key": secrets["API key"], "Cookie": secrets["JWT"]},
        "config": {"auth_type": "basic", "username": secrets["user name"], "password": secrets["password"]},
    }
    made = client.post(f"{url}{HOOKS}", json=hook)
    assert made.status_code in (200, 201), made.text
    stored = client.post(f"{url}{PACKAGES}{pk}/set_remote_id/", data={"remote_id": "R-1"})
    assert stored.status_code == 204
    assert client.get(f"{url}/{secrets['e-mail']}/").status_code == 404
