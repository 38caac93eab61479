"""Names are in the known language that the caller prefers."""

from __future__ import annotations

import pytest

from emulator import Emulator
from emulator.core.records import Package
from emulator.web.negotiation import LANGUAGES, select_language

PREFERENCES = {
    None: "en-us",
    "": "en-us",
    "tr": "tr-tr",
    "tr-TR": "tr-tr",
    "TR": "tr-tr",
    "en": "en-us",
    "de": "en-us",
    "de, tr;q=0.5": "tr-tr",
    "en;q=0.4, tr;q=0.5": "tr-tr",
    "en;q=0.5, tr;q=0.5": "en-us",
    "tr;q=0": "en-us",
    "tr;q=x, en": "en-us",
    "*": "en-us",
    "tr-cy": "en-us",
    ",,;;": "en-us",
    "tr;q=nan": "en-us",
    "tr;q=1e999": "tr-tr",
}


@pytest.mark.parametrize(("header", "language"), PREFERENCES.items(), ids=str)
def test_header_selects_the_language(header: str | None, language: str) -> None:
    assert select_language(header, "en-us") == language


@pytest.mark.parametrize("default", LANGUAGES)
def test_default_is_the_language_of_the_world(default: str) -> None:
    assert select_language(None, default) == select_language("xx", default) == default


def test_state_name_has_the_language_of_the_caller(oms: Emulator) -> None:
    client = oms.session()
    pk = next(one.id for one in oms.world.records.all(Package) if one.state == 35)
    names = [
        client.get(f"/api/v1/oms/packages/{pk}/", headers={"Accept-Language": language}).json()["state"]["name"]
        for language in ("tr", "en", "tr", "en")
    ]
    assert names == ["Bekliyor", "Waiting", "Bekliyor", "Waiting"]
