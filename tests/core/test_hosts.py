"""Names and addresses of this machine."""

from __future__ import annotations

import pytest

from emulator.core.hosts import is_loopback, is_this_machine

LOOPBACK = (
    "localhost", "LOCALHOST", "localhost.", "shop.localhost", "a.b.LocalHost.", "127.0.0.1", "127.8.9.1", "::1",
    "::ffff:127.0.0.1",
)  # fmt: skip
OTHERS = (
    "", ".", "oms.test", "localhost.example", "notlocalhost", "127.0.0.1.example", "10.0.0.1", "::2",
    "::ffff:10.0.0.1", "0.0.0.0", "localhost..",
)  # fmt: skip


@pytest.mark.parametrize("host", LOOPBACK)
def test_loopback_addresses_and_all_names_below_localhost_are_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", OTHERS)
def test_other_names_and_addresses_are_not_loopback(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("0.0.0.0", True),
        ("192.0.2.1", False),
        ("no.invalid", False),
        ("x" * 99, False),
    ],
)
def test_address_of_this_machine_can_be_bound(host: str, expected: bool) -> None:
    """192.0.2.0/24 is reserved for documentation."""
    assert is_this_machine(host) == expected
