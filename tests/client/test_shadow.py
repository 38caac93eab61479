"""The shadow finds each planted difference of a service, and invents none. The traffic is that of `verify`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests

from emulator import Emulator
from emulator.client.shadow import Shadow
from emulator.contract import Target, run
from emulator.contract.evidence import Evidence, row_behaviours
from emulator.contract.findings import Finding
from emulator.loading.recording import RecordedExchange
from emulator.web.admin.fidelity import fidelity_document
from emulator.web.recording_proxy import RecordingProxy, create_proxy_server
from tests.contract.differences import GROUPS, Difference, Differing, serving

pytestmark = pytest.mark.gate

NOT_VISIBLE = {
    "preview_shipping_label": "links in documents lead to the service, not to the proxy",
    "product_image": "as above",
    "reference_set_package_remote_id": "the shadow cannot know that the service has no such record",
    "get_package_log any token is good": "the shadow cannot know that the service must not accept the token",
}
"""Operation, or operation and difference, that the exchanges alone do not show -> the reason."""
OTHER_KINDS = {"reference_set_package_invoice_number": {"missing", "undocumented"}}
"""Operation whose difference `verify` reports as another kind."""


@contextmanager
def proxy_in_front_of(app: Any) -> Iterator[tuple[str, list[RecordedExchange]]]:
    """Serve an application and a recording proxy in front of it. Yield its address and its exchanges."""
    exchanges: list[RecordedExchange] = []
    with serving(app) as url:
        server = create_proxy_server(RecordingProxy(url, exchanges.append, allow_writes=True), "127.0.0.1", 0, None)
        server.start()
        try:
            yield server.url, exchanges
        finally:
            server.stop()


def verified_traffic(differences: tuple[Difference, ...] = ()) -> list[RecordedExchange]:
    """Return what `verify` sends through the proxy to a service with these differences, and what it gets."""
    oms = Emulator("demo", packages=60, seed=3)
    app: Any = Differing(oms.app, differences) if differences else oms.app
    with proxy_in_front_of(app) as (url, exchanges), Target(url, jwt=oms.jwt(), allow_writes=True) as target:
        run(target)
    return exchanges


def compared(exchanges: list[RecordedExchange]) -> tuple[list[Finding], Evidence]:
    shadow = Shadow()
    found = [finding for exchange in exchanges for finding in shadow.compare(exchange)]
    shadow.start()
    shadow.stop()
    return found, shadow.evidence


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


def test_no_difference_is_invented() -> None:
    """All checks of `verify`, with writes, against a second emulator."""
    exchanges = verified_traffic()
    found, evidence = compared(exchanges)
    assert found == []
    assert len(exchanges) > 500
    assert (
        sum(evidence.not_compared.values()) < len(exchanges) / 20
    )  # hooks and items of packages, which no earlier response shows
    operations = {each.route.operation for each in exchanges if each.route is not None}
    assert {name.removeprefix("operations ") for name in evidence.agreed if name.startswith("operations ")} >= (
        operations - {"preview_shipping_label", "product_image"}
    )


@pytest.mark.parametrize("group", GROUPS)
def test_every_planted_difference_is_found(group: str) -> None:
    """A difference is found in its operation, as a kind that `verify` finds too. No other operation differs."""
    planted = {each.operation: each for each in GROUPS[group]}
    found, evidence = compared(verified_traffic(GROUPS[group]))
    kinds: dict[str, set[str]] = {}
    for finding in found:
        kinds.setdefault(finding.operation, set()).add(str(finding.kind))
    hidden = {name for name, each in planted.items() if {name, f"{name} {each.name}"} & NOT_VISIBLE.keys()}
    assert kinds.keys() == evidence.differences.keys() == planted.keys() - hidden
    for operation, each in planted.items():
        expected = {kind for kind, _ in each.found} | OTHER_KINDS.get(operation, set())
        assert operation in hidden or kinds[operation] & expected, (operation, kinds[operation])


def read(url: str, authorization: str = "Token full-access") -> None:
    with requests.Session() as client:
        client.trust_env = False
        client.get(url, headers={"Authorization": authorization}, allow_redirects=False)


@pytest.mark.parametrize("is_ignored", [False, True])
def test_a_filter_is_observed_only_if_it_selects(is_ignored: bool) -> None:
    """A service that ignores a filter returns rows that the emulator does not select."""
    oms = Emulator("demo", packages=60, seed=3)
    state = oms.session().get("/api/v1/oms/packages/?limit=1").json()["results"][0]["state"]["id"]

    def ignoring(environ: Any, start_response: Any) -> Any:
        return oms.app(environ | ({"QUERY_STRING": ""} if is_ignored else {}), start_response)

    with proxy_in_front_of(ignoring) as (url, exchanges):
        read(f"{url}/api/v1/oms/packages/")
        read(f"{url}/api/v1/oms/packages/?state={state}")
    found, evidence = compared(exchanges)
    assert [(each.kind, each.pointer) for each in found] == [("value", "/results")] * is_ignored
    assert evidence.is_observed("filters list_packages state") == (not is_ignored)


def test_a_wrong_credential_is_a_wrong_credential_for_both() -> None:
    oms = Emulator("demo", packages=5)
    with proxy_in_front_of(oms.app) as (url, exchanges):
        for token in ("Token odd", "Token no-access", "Bearer odd", ""):
            read(f"{url}/api/v1/oms/packages/", token)
    found, evidence = compared(exchanges)
    assert [each.status for each in exchanges] == [401, 403, 401, 401]
    assert (found, evidence.agreed["statuses list_packages 401"]) == ([], 3)


def test_evidence_has_no_value() -> None:
    """Keys that may be values are `*`, as positions are."""
    evidence = Evidence()
    pointer = "/results/0/extra_information/ayse@example.com/s3cr3tk3y/gift_box"
    evidence.differ("get_package", [Finding("value", "get_package", pointer, "is 'secret'", "must be 'x'")], ())
    document = evidence.to_document()
    assert document["differences"]["get_package"][0]["pointer"] == "/results/*/extra_information/*/*/gift_box"
    assert "secret" not in json.dumps(document)
    assert Evidence.from_document(document) == evidence
