"""Every request that the pages print works as printed, in the scenario that is made for it."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
import requests

from emulator import Emulator
from emulator.core.files import encode_scenario
from emulator.domain.scenario_files import DOCUMENTED
from emulator.domain.scenario_files import FOLDER as SCENARIOS
from tests.support import samples
from tests.support.answers import check_document
from tools.documented_scenarios import POSTS, posted

pytestmark = pytest.mark.slow

PLACES: dict[str, tuple[str, int]] = {
    "package-command.request": ("package-command", 1),
    "package-invoice.response-201": ("package-invoice", 1),
    "package-set-invoice-number.request": ("package-detail", 162407),
    "package-set-remote-id.request": ("package-detail", 162407),
    "reference-command-package.request": ("reference-command-package", 1),
    "reference-invoice-package.response-201": ("package-invoice", 1),
    "reference-patch-package-extra-information.request": ("package-detail", 162407),
    "reference-set-package-invoice-number.request": ("package-detail", 162407),
    "reference-set-package-remote-id.request": ("package-detail", 162407),
    "transfer-order-command.request-1": ("transfer-order-command-1", 1358),
    "transfer-order-command.request-2": ("transfer-order-command-2", 1358),
    "transfer-order-set-invoice-number.request": ("transfer-order-detail", 1358),
    "transfer-order-set-remote-id.request": ("transfer-order-detail", 1358),
}
"""Printed request, or the response to a request without a body -> scenario, and the id for the path."""
OF_THE_PAGE = {
    "transfer-order-command.request-1": "transfer-order-list",
    "transfer-order-command.request-2": "transfer-order-list",
}
"""Printed request -> another scenario of the same page in which it works."""


class PrintedRequest(NamedTuple):
    method: str
    path: str
    body: Any

    def send(self, oms: Emulator) -> requests.Response:
        client = oms.session()
        if not self.path.startswith("/api/"):
            client.headers["Authorization"] = f"Bearer {oms.jwt()}"
        return client.request(self.method, self.path, json=self.body)


def printed(name: str, pk: int) -> PrintedRequest:
    found = samples.document(name)
    body = None if "response" in name else found["body"]
    return PrintedRequest(found["method"], found["path"].replace("/pk/", f"/{pk}/").replace("{id}", str(pk)), body)


def with_lost_items(oms: Emulator, request: PrintedRequest) -> PrintedRequest:
    """Return the request with the items of the package. The page has lost the contents of this list."""
    if request.body is None or "package_items" not in request.body.get("input_parameters", {}):
        return request
    items = oms.session().get(oms.request).json()["packageitem_set"]
    return request._replace(
        body=request.body | {"input_parameters": {"package_items": [each["id"] for each in items]}}
    )


def test_every_printed_request_has_a_scenario() -> None:
    posts = {name for name in samples.names() if samples.document(name)["method"] != "GET"}
    assert PLACES.keys() == posts - {"package-command.response-200"}


@pytest.mark.parametrize("name", PLACES)
def test_printed_request_works(name: str) -> None:
    """It succeeds, without a hint, also in strict mode."""
    scenario, pk = PLACES[name]
    for strict in (False, True):
        oms = Emulator(f"{DOCUMENTED}{scenario}", strict=strict)
        answer = with_lost_items(oms, printed(name, pk)).send(oms)
        assert answer.status_code in {200, 201, 204}, answer.text
        assert "X-Emulator-Hint" not in answer.headers


@pytest.mark.parametrize("name", OF_THE_PAGE)
def test_printed_request_works_in_the_other_scenario_of_its_page(name: str) -> None:
    oms = Emulator(f"{DOCUMENTED}{OF_THE_PAGE[name]}")
    assert printed(name, PLACES[name][1]).send(oms).status_code == 204


def test_response_of_the_package_command_is_the_printed_one() -> None:
    """Only the number differs: the page has one of another order, in an older form."""
    oms = Emulator(f"{DOCUMENTED}package-command")
    answer = with_lost_items(oms, printed("package-command.request", 1)).send(oms).json()
    expected = samples.body("package-command.response-200")
    assert list(answer) == list(expected)
    assert answer | {"package__number": None} == expected | {"package__number": None}


INVOICE_VALUES = {
    "": ("invoice_type", "status", "package_number"),
    "channel": ("id", "channel_type", "omnitron_id", "name", "configuration"),
    "address": ("pk", "phone_number", "first_name", "last_name", "line", "title", "postcode", "company_name"),
    "order": ("id", "payment_type", "omnitron_id", "number", "date_placed", "channel", "customer", "billing_address"),
}
"""Part of the invoice -> keys with the printed values. The others come from records that the page does not show."""


def test_response_of_the_invoice_has_the_printed_values() -> None:
    answer = printed("package-invoice.response-201", 1).send(Emulator(f"{DOCUMENTED}package-invoice")).json()
    check_document("invoice", answer)
    expected = samples.body("package-invoice.response-201")
    for part, keys in INVOICE_VALUES.items():
        found, page = (document[part] if part else document for document in (answer, expected))
        assert {key: found[key] for key in keys} == {key: page[key] for key in keys}
    amounts = ("tax_rate", "tax_amount", "total_amount", "net_amount", "order_item")
    rows = [[item[key] for key in amounts] for document in (answer, expected) for item in document["invoiceitem_set"]]
    assert rows[0] == rows[1]


@pytest.mark.parametrize("name", POSTS)
def test_scenario_of_a_printed_request_is_reproducible(name: str) -> None:
    """Byte for byte: `python -m tools.documented_scenarios` would change nothing."""
    assert (SCENARIOS / f"{DOCUMENTED}{name}.json").read_bytes() == encode_scenario(posted(name))
