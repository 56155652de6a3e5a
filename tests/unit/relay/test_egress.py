from __future__ import annotations

import pytest

from launcher.relay.egress import refusal


@pytest.mark.parametrize("address", ["93.184.216.34", "10.1.2.3", "192.168.0.9", "2001:db8::7", "fd12::1"])
def test_hosts_elsewhere_may_be_dialled(address: str) -> None:
    assert refusal(address, loopback=False) is None


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "169.254.0.1",
        "::ffff:169.254.169.254",
        "fe80::1",
        "fe80::1%eth0",
        "fd00:ec2::254",
        "100.100.100.200",
    ],
)
@pytest.mark.parametrize("loopback", [True, False])
def test_link_local_and_metadata_addresses_are_never_dialled(address: str, loopback: bool) -> None:
    assert refusal(address, loopback=loopback) == "a link-local or metadata address"


@pytest.mark.parametrize("address", ["224.0.0.1", "ff02::1", "0.0.0.0", "::"])
def test_what_is_no_host_is_never_dialled(address: str) -> None:
    assert refusal(address, loopback=True) == "not an address of a host"


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_loopback_is_dialled_only_for_a_cloud_on_loopback(address: str) -> None:
    assert refusal(address, loopback=True) is None
    assert "this host itself" in str(refusal(address, loopback=False))
