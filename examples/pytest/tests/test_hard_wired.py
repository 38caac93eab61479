"""Calls to a fixed address are redirected to the emulator."""

import pytest
import requests
from shop import PRODUCTION, pack_everything


@pytest.fixture(autouse=True)
def production(oms):
    with oms.intercept(PRODUCTION):
        yield


@pytest.mark.oms(packages=20)
def test_the_nightly_job_packs_the_waiting_packages(oms):
    packed = pack_everything()
    assert packed
    oms.requests.assert_called("command_package", status=204, times=packed)
    assert pack_everything() == 0


def test_links_use_the_same_address():
    page = requests.get(
        f"{PRODUCTION}/api/v1/oms/packages/", headers={"Authorization": "Token full-access"}, timeout=10
    )
    assert page.json()["next"].startswith(PRODUCTION)
