"""The shadow finds each planted difference of a service, and invents none. The traffic is that of `verify`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest
import requests

from emulator import Emulator
from emulator.client.shadow import Prober, Shadow
from emulator.contract import Target, run
from emulator.contract.checks import CHECKS
from emulator.contract.evidence import Evidence, row_behaviours
from emulator.contract.findings import Check, Finding
from emulator.domain.scenario_files import DOCUMENTED, scenario_names
from emulator.web.admin.fidelity import fidelity_document
from emulator.web.recording_proxy import RecordingProxy, create_proxy_server
from emulator.worlds.loading.recording import RecordedExchange
from tests.contract.differences import GROUPS, Difference, Differing, serving

LINKED = {"preview_shipping_label", "product_image"}
"""Operations of links in documents. The links lead to the service, and not to a reverse proxy."""
OTHER_KINDS = {"reference_set_package_invoice_number": {"missing", "undocumented"}}
"""Operation whose difference `verify` reports as another kind."""
FORWARD, PROBING = "forward proxy", "reverse proxy with probes"


class Recorded(NamedTuple):
    """The exchanges of a client and of the probes, and what the shadow found in them."""

    exchanges: list[RecordedExchange]
    found: list[Finding]
    evidence: Evidence


@contextmanager
def proxy_in_front_of(app: Any, shadow: Shadow | None = None) -> Iterator[tuple[str, str, list[RecordedExchange]]]:
    """Serve an application and a recording proxy. Yield the address of each, and the exchanges.

    A shadow sends its probes through the proxy.
    """
    exchanges: list[RecordedExchange] = []
    with serving(app) as service:
        proxy = RecordingProxy(service, exchanges.append, allow_writes=True)
        if shadow is not None:
            shadow.prober = Prober(proxy.fetch, service)
        server = create_proxy_server(proxy, "127.0.0.1", 0, None)
        server.start()
        try:
            yield service, server.url, exchanges
        finally:
            server.stop()


def compared(exchanges: list[RecordedExchange], shadow: Shadow) -> Recorded:
    """Compare exchanges as the thread of the shadow does, with its probes."""
    found = []
    probes = []
    for exchange in exchanges:
        found += shadow.compare(exchange)
        for kind, answered in shadow.prober.exchanges(exchange) if shadow.prober is not None else ():
            probes.append(answered)
            found += shadow.compare(answered, kind)
    return Recorded([*exchanges, *probes], found, shadow.evidence)


@contextmanager
def shadow_of() -> Iterator[Shadow]:
    shadow = Shadow()
    shadow.start()
    yield shadow
    shadow.stop()


def verified(
    oms: Emulator, differences: tuple[Difference, ...] = (), mode: str = PROBING, checks: Sequence[Check] = CHECKS
) -> Recorded:
    """Return what the shadow finds in the traffic of `verify` with a service that has these differences."""
    app: Any = Differing(oms.app, differences) if differences else oms.app
    with (
        shadow_of() as shadow,
        proxy_in_front_of(app, shadow if mode == PROBING else None) as (service, proxy, exchanges),
        requests.Session() as session,
    ):
        session.trust_env = False
        session.proxies = {"http": proxy} if mode == FORWARD else {}
        url = service if mode == FORWARD else proxy
        with Target(url, session=session, jwt=oms.jwt(), allow_writes=True) as target:
            run(target, checks)
        return compared(exchanges, shadow)


BEHAVIOURS = (
    "protocol requests redirect to the trailing slash",
    "protocol page sizes maximum",
    "protocol page sizes Transfer Order Services (guide)",
    "protocol default orders package",
    "protocol sort columns transfer.state",
    "operations list_packages",
    "statuses * 404",
    "shapes package",
    "filters list_packages state",
    "commands package SHIP_PACKAGE",
)


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_behaviours_are_rows_of_the_fidelity_table(behaviour: str) -> None:
    """The shadow counts by the names of the table."""
    rows = ((part, row) for part, rows in fidelity_document().items() for row in rows)
    assert any(behaviour in row_behaviours(part, row) for part, row in rows)


SERVICES = (
    ("demo", {"packages": 60, "seed": 3}, PROBING),
    ("demo", {"packages": 40, "seed": 11}, FORWARD),
    ("webhook-failures", {}, PROBING),
)


@pytest.mark.gate
@pytest.mark.parametrize(("scenario", "options", "mode"), SERVICES)
def test_no_difference_is_invented(scenario: str, options: dict[str, Any], mode: str) -> None:
    """All checks of `verify`, with writes, against a second emulator."""
    recorded = verified(Emulator(scenario, **options), mode=mode)
    assert recorded.found == []
    assert len(recorded.exchanges) > 200
    # Not compared are hooks, and items of packages, which no earlier response shows.
    assert sum(recorded.evidence.not_compared.values()) < len(recorded.exchanges) / 20
    operations = {each.route.operation for each in recorded.exchanges if each.route is not None}
    agreed = {name.removeprefix("operations ") for name in recorded.evidence.agreed if name.startswith("operations ")}
    assert agreed >= operations
    assert operations >= LINKED


@pytest.mark.gate
@pytest.mark.parametrize("scenario", [name for name in scenario_names() if name.startswith(DOCUMENTED)])
def test_no_difference_is_invented_for_the_documented_samples(scenario: str) -> None:
    """Each read of its records, with the probes."""
    reads = [each for each in CHECKS if each.topic in ("shape", "form", "belongs", "next-page", "unknown-id")]
    assert verified(Emulator(scenario), checks=reads).found == []


@pytest.mark.gate
@pytest.mark.parametrize("mode", [PROBING, FORWARD])
@pytest.mark.parametrize("group", GROUPS)
def test_every_planted_difference_is_found(group: str, mode: str) -> None:
    """A difference is found in its operation, as a kind that `verify` finds too. No other operation differs."""
    planted = {each.operation: each for each in GROUPS[group]}
    _, found, evidence = verified(Emulator("demo", packages=60, seed=3), GROUPS[group], mode)
    kinds: dict[str, set[str]] = {}
    for finding in found:
        kinds.setdefault(finding.operation, set()).add(str(finding.kind))
    assert kinds.keys() == evidence.differences.keys() == planted.keys()
    for operation, each in planted.items():
        expected = {kind for kind, _ in each.found} | OTHER_KINDS.get(operation, set())
        assert kinds[operation] & expected, (operation, kinds[operation])


# Single promises

PACKAGES, REFERENCE = "/api/v1/oms/packages/", "/packages/"
FULL, WRONG, UNKNOWN_ID = "Token full-access", "Token odd", 2_000_000_000
ABSENT = f"{PACKAGES}{UNKNOWN_ID}/"


@pytest.fixture
def oms() -> Emulator:
    return Emulator("demo", packages=60, seed=3)


def first_id(oms: Emulator) -> int:
    return oms.session().get(f"{PACKAGES}?limit=1").json()["results"][0]["id"]


def id_with_label(oms: Emulator) -> int:
    rows = oms.session().get(f"{PACKAGES}?limit=60").json()["results"]
    return next(row["id"] for row in rows if row["shipping_label"])


class Sent(NamedTuple):
    """A request of a client. It has no body."""

    path: str
    authorization: str | None = FULL
    method: str = "GET"
    headers: dict[str, str] = {}  # noqa: RUF012 - never changed


def shadowed(app: Any, *requested: Sent) -> Recorded:
    """Return what the shadow finds in the exchanges of a client with an application."""
    with shadow_of() as shadow, proxy_in_front_of(app) as (_, url, exchanges), requests.Session() as client:
        client.trust_env = False
        for path, authorization, method, headers in requested:
            named = headers | ({} if authorization is None else {"Authorization": authorization})
            client.request(method, url + path, headers=named, allow_redirects=False)
        return compared(exchanges, shadow)


def places(recorded: Recorded) -> list[tuple[str, str, str]]:
    return [(each.operation, str(each.kind), each.pointer) for each in recorded.found]


@pytest.mark.parametrize("is_ignored", [False, True])
def test_a_filter_is_observed_only_if_it_selects(oms: Emulator, *, is_ignored: bool) -> None:
    """A service that ignores a filter returns rows that the emulator does not select."""
    state = oms.session().get(f"{PACKAGES}?limit=1").json()["results"][0]["state"]["id"]

    def ignoring(environ: Any, start_response: Any) -> Any:
        return oms.app(environ | ({"QUERY_STRING": ""} if is_ignored else {}), start_response)

    recorded = shadowed(ignoring, Sent(PACKAGES), Sent(f"{PACKAGES}?state={state}"))
    assert places(recorded) == [("list_packages", "value", "/results")] * is_ignored
    assert recorded.evidence.is_observed("filters list_packages state") == (not is_ignored)


@pytest.mark.parametrize("path", ["webhook_events/", "webhook_events/short/"])
def test_the_retry_policy_of_a_hook_is_unknown(path: str) -> None:
    """A failed event may be sent again by the policy of another hook. No event shows the policy."""
    oms = Emulator("documented/package-webhook-event-list")
    pk = oms.session().get(PACKAGES).json()["results"][0]["id"]
    recorded = shadowed(oms.app, Sent(f"{REFERENCE}{pk}/{path}", f"Bearer {oms.jwt()}"))
    assert {row["status"] for row in recorded.exchanges[0].document()["results"]} == {"failed"}
    assert recorded.found == []


REFUSED = {
    "none": None, "unknown": WRONG, "malformed": "Token", "two words": "Token a b", "other scheme": "Basic eDp5",
    "no ASCII": "Token \xe9\xe9", "inactive": "Token inactive", "a word for a JWT": "Bearer odd", "no JWT": "Bearer",
}  # fmt: skip


@pytest.mark.parametrize("path", [PACKAGES, REFERENCE])
@pytest.mark.parametrize("credential", REFUSED)
def test_a_wrong_credential_is_wrong_for_both(oms: Emulator, credential: str, path: str) -> None:
    """The emulator refuses it for the same reason."""
    recorded = shadowed(oms.app, Sent(path, REFUSED[credential]))
    assert [each.status for each in recorded.exchanges] == [401]
    assert (recorded.found, recorded.evidence.not_compared) == ([], {})


def test_rights_and_expiry_are_those_of_the_client(oms: Emulator) -> None:
    """A JWT may be expired or of an inactive user. A session of the service is a credential too."""
    oms.clock.set("2030-01-01T00:00:00Z")
    tokens = [f"Bearer {oms.jwt(role, seconds)}" for role, seconds in (("full-access", -5), ("inactive", 5))]
    recorded = shadowed(oms.app, *(Sent(REFERENCE, each) for each in tokens), Sent(PACKAGES, "Token no-access"))
    assert [each.status for each in recorded.exchanges] == [401, 401, 403]
    assert recorded.found == []

    def with_session(environ: Any, start_response: Any) -> Any:
        return oms.app(environ | {"HTTP_AUTHORIZATION": FULL}, start_response)

    session = Sent(PACKAGES, None, headers={"Cookie": "sessionid=1"})
    assert places(shadowed(with_session, session)) == []
    assert places(shadowed(with_session, Sent(PACKAGES, None))) == [("list_packages", "status", "")]


def careless(oms: Emulator) -> Any:
    """Return a service that accepts any token for the short list."""

    def application(environ: Any, start_response: Any) -> Any:
        is_short = environ["PATH_INFO"] == f"{PACKAGES}short/"
        return oms.app(environ | ({"HTTP_AUTHORIZATION": FULL} if is_short else {}), start_response)

    return application


REFUSAL, ACCEPTED = Sent(PACKAGES, WRONG), Sent(f"{PACKAGES}short/", WRONG)


@pytest.mark.parametrize(
    ("requested", "count"),
    [
        ((REFUSAL, ACCEPTED, REFUSAL), 1),
        ((REFUSAL, ACCEPTED, ACCEPTED, REFUSAL), 2),
        ((REFUSAL, ACCEPTED), 0),
        ((ACCEPTED, REFUSAL), 0),
        ((REFUSAL, ACCEPTED, REFUSAL._replace(authorization="Token other")), 0),
    ],
)
def test_a_refused_token_is_wrong_until_it_is_refused_again(
    oms: Emulator, requested: tuple[Sent, ...], count: int
) -> None:
    """A token that is only refused before may have become valid, and one that is refused later invalid."""
    recorded = shadowed(careless(oms), *requested)
    assert places(recorded) == [("list_packages_short", "status", "")] * count
    assert recorded.evidence.is_observed("statuses list_packages_short 200") == (count == 0)
    assert recorded.evidence.is_observed("statuses list_packages 401")


def test_a_token_may_be_new_to_a_part_of_the_service(oms: Emulator) -> None:
    """A login returned it before."""
    issued = json.dumps({"key": "odd"}).encode()

    def application(environ: Any, start_response: Any) -> Any:
        if environ["PATH_INFO"] != "/api/v1/auth/login/":
            return careless(oms)(environ, start_response)
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(issued)))])
        return [issued]

    login = Sent("/api/v1/auth/login/", None, "POST")
    recorded = shadowed(application, login, REFUSAL, ACCEPTED, REFUSAL)
    assert "list_packages_short" not in recorded.evidence.differences


def hiding(oms: Emulator) -> Any:
    """Return a service that answers 400 to commands on unknown packages, and 404 to a query `gone`."""
    pk = first_id(oms)

    def application(environ: Any, start_response: Any) -> Any:
        path = environ["PATH_INFO"]
        if path == f"{ABSENT}command/":
            path = f"{PACKAGES}{pk}/command/"
        elif environ["QUERY_STRING"] == "gone":
            path = ABSENT
        return oms.app(environ | {"PATH_INFO": path}, start_response)

    return application


MISSING, REFUSED_COMMAND = Sent(ABSENT), Sent(f"{ABSENT}command/", method="POST")


@pytest.mark.parametrize(
    ("requested", "count"),
    [
        ((MISSING, REFUSED_COMMAND, MISSING), 1),
        ((MISSING, REFUSED_COMMAND), 0),
        ((REFUSED_COMMAND, MISSING), 0),
        ((MISSING, REFUSED_COMMAND, MISSING._replace(authorization="Token read-only")), 0),
        ((MISSING, REFUSED_COMMAND, Sent(f"{PACKAGES}{UNKNOWN_ID + 1}/")), 0),
    ],
)
def test_an_unknown_id_is_one_that_is_not_found_before_and_after(
    oms: Emulator, requested: tuple[Sent, ...], count: int
) -> None:
    """For the same user: another one may see the record."""
    recorded = shadowed(hiding(oms), *requested)
    assert places(recorded) == [("command_package", "status", "")] * count


def test_an_id_that_was_shown_is_not_unknown(oms: Emulator) -> None:
    """The record was created, or assigned to the user, between the two refusals."""
    path = f"{PACKAGES}{first_id(oms)}/"
    requested = Sent(f"{path}?gone"), Sent(f"{path}command/", method="POST"), Sent(path), Sent(f"{path}?gone")
    recorded = shadowed(hiding(oms), *requested)
    assert [each.status for each in recorded.exchanges] == [404, 400, 200, 404]
    assert "command_package" not in recorded.evidence.differences


@pytest.mark.parametrize(
    ("replaced", "is_found"), [("http://other.test/root", False), ("http://other.test/x?", True)]
)
def test_links_are_compared_without_their_host(oms: Emulator, replaced: str, *, is_found: bool) -> None:
    """And without a prefix of the path. The link to a label has a documented path."""
    base = f"{oms.url}/api/v1/oms/shipping-label/"
    changed = f"{replaced}/api/v1/oms/shipping-label/"
    pk = id_with_label(oms)

    def application(environ: Any, start_response: Any) -> Any:
        body = b"".join(oms.app(environ | {"HTTP_HOST": "oms.test"}, lambda *_: None))
        body = body.replace(base.replace(oms.url, "http://oms.test").encode(), changed.encode())
        start_response(
            "200 OK", [("Content-Type", "application/json"), ("Allow", "GET"), ("Content-Length", str(len(body)))]
        )
        return [body]

    recorded = shadowed(application, Sent(f"{PACKAGES}{pk}/"))
    assert changed.encode() in recorded.exchanges[0].content
    assert places(recorded) == [("get_package", "value", "/shipping_label/full_path_url")] * is_found


def test_probes_are_sent_once_and_read_only(oms: Emulator) -> None:
    """No token, a wrong one, an unknown id, a label and an image: of each operation that the client used."""
    pk = id_with_label(oms)
    with shadow_of() as shadow, proxy_in_front_of(oms.app, shadow) as (_, url, exchanges):
        with requests.Session() as client:
            client.trust_env = False
            client.headers["Authorization"] = FULL
            for _ in range(2):
                client.get(f"{url}{PACKAGES}{pk}/").raise_for_status()
            client.post(f"{url}{PACKAGES}{pk}/set_remote_id/", json={"remote_id": "1"}).raise_for_status()
        count = len(exchanges)
        recorded = compared(exchanges, shadow)
    probes = [(each.method, each.title, each.status) for each in recorded.exchanges[count:]]
    assert probes == [
        ("GET", "get_package", 401),
        ("GET", "get_package", 401),
        ("GET", "get_package", 404),
        ("GET", "preview_shipping_label", 200),
        ("GET", "product_image", 200),
        ("GET", "GET of an unknown path", 401),
        ("GET", "GET of an unknown path", 401),
    ]
    assert recorded.found == []
    assert recorded.evidence.agreed["statuses set_package_remote_id 401"] == 2


def test_evidence_has_no_value() -> None:
    """Keys that may be values are `*`, as positions are."""
    evidence = Evidence()
    pointer = "/results/0/extra_information/ayse@example.com/s3cr3tk3y/gift_box"
    evidence.differ("get_package", [Finding("value", "get_package", pointer, "is 'secret'", "must be 'x'")], ())
    document = evidence.to_document()
    assert document["differences"]["get_package"][0]["pointer"] == "/results/*/extra_information/*/*/gift_box"
    assert "secret" not in json.dumps(document)
    assert Evidence.from_document(document) == evidence
