"""The form of validation errors is an option: plain, documented (only those of commands are wrapped), or wrapped."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from emulator import Emulator
from emulator.core.records import Package

REQUIRED = ["This field is required."]
REQUESTS: dict[str, tuple[str, Any, dict[str, Any]]] = {
    "a command": ("/api/v1/oms/packages/{pk}/command/", {}, {"input_parameters": REQUIRED}),
    "an invoice number": ("/api/v1/oms/packages/{pk}/set_invoice_number/", {}, {"invoice_number": REQUIRED}),
    "a transfer's remote id": ("/api/v1/oms/transfer_orders/1301/set_remote_id/", {}, {"remote_id": REQUIRED}),
    "a login": ("/api/v1/auth/login/", {}, {"username": REQUIRED, "password": REQUIRED}),
    "a second invoice": (
        "/api/v1/oms/packages/{pk}/invoice/",
        None,
        {"non_field_errors": ["The package already has a purchase invoice."]},
    ),
}
WRAPPED_BY_STYLE = {"plain": set(), "documented": {"a command"}, "wrapped": set(REQUESTS)}


@pytest.fixture
def styled(oms: Emulator, style: str) -> Emulator:
    oms.world.settings = replace(oms.world.settings, source=replace(oms.world.settings.source, error_style=style))
    return oms


@pytest.mark.parametrize("style", WRAPPED_BY_STYLE)
@pytest.mark.parametrize("name", REQUESTS)
def test_validation_error_has_the_form_of_its_style(name: str, style: str, styled: Emulator) -> None:
    url, body, errors = REQUESTS[name]
    pk = styled.world.records.ids(Package)[0]
    if name == "a second invoice":
        assert styled.session().post(url.format(pk=pk)).status_code == 201
    answer = styled.session().post(url.format(pk=pk), json=body)
    expected = {"error": errors, "status_code": 400} if name in WRAPPED_BY_STYLE[style] else errors
    assert (answer.status_code, answer.json()) == (400, expected)


@pytest.mark.parametrize("style", WRAPPED_BY_STYLE)
def test_every_style_has_the_hint(style: str, styled: Emulator) -> None:
    pk = styled.world.records.ids(Package)[0]
    answer = styled.session().post(
        f"/api/v1/oms/packages/{pk}/command/", json={"transition": 7, "input_parameters": {}}
    )
    assert answer.status_code == 400
    assert "allowed now: " in answer.headers["X-Emulator-Hint"]


@pytest.mark.parametrize("style", WRAPPED_BY_STYLE)
def test_other_errors_keep_the_frameworks_form(style: str, styled: Emulator) -> None:
    """A 400 for a body that cannot be parsed also keeps it."""
    client = styled.session()
    assert list(client.get("/api/v1/oms/packages/1/").json()) == ["detail"]
    pk = styled.world.records.ids(Package)[0]
    answer = client.post(
        f"/api/v1/oms/packages/{pk}/command/", data="{", headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, list(answer.json())) == (400, ["detail"])
