"""Names and addresses of this machine."""

from __future__ import annotations

import pytest

from emulator.core.hosts import check_hosts, is_loopback, is_this_machine

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


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "0.0.0.0", "::", "::1", "fe80::1%eth0", "localhost", "oms.example", "bücher.example"]
)
def test_names_and_addresses_are_hosts(host: str) -> None:
    check_hosts(host, [host])


@pytest.mark.parametrize("host", ["", " ", "x" * 99, "\udcff"])
def test_other_text_is_not_a_host_to_listen_on(host: str) -> None:
    """The system would listen on all addresses for an empty host."""
    with pytest.raises(ValueError, match="host must be a name or an address, such as 127"):
        check_hosts(host, [])


@pytest.mark.parametrize("host", ["", "http://localhost", "localhost/hook", "*", "*.example", "a b", "me@x"])
def test_allowed_host_is_not_a_url_or_a_pattern(host: str) -> None:
    """Such a text would allow nothing."""
    with pytest.raises(ValueError, match="is not a host; use a name or an address"):
        check_hosts("127.0.0.1", [host])
