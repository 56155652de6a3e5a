from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launcher.egress import (
    AddressRefusedError,
    Gate,
    NoListeners,
    Refusal,
    host_of,
    how_to_allow,
    is_loopback_form,
    leads_to,
    parse_address,
    refusal,
    says_loopback,
)

METADATA = [
    "169.254.169.254",
    "169.254.0.1",
    "169.254.170.2",
    "169.254.169.123",
    "168.63.129.16",
    "192.0.0.192",
    "100.100.100.200",
    "fe80::1",
    "fe80::1%eth0",
    "fe80::a9fe:a9fe",
    "fd00:ec2::254",
    "fd00:ec2::23",
    "fd20:ce::254",
    "fd00:c1::a9fe:a9fe",
    "fd00:42::42",
]
NO_HOST = ["224.0.0.1", "255.255.255.255", "240.0.0.1", "0.0.0.0", "0.1.2.3", "::", "ff02::1", "100::1", "4000::1"]
PRIVATE = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"]


def carriers(inside: str) -> list[str]:
    """Every IPv6 form that carries an IPv4 address."""
    number = int(ipaddress.IPv4Address(inside))
    high, low = number >> 16, number & 0xFFFF
    spread = number << 24 & 0xFFFFFFFFFFFFFF  # behind a /64, the bits after the eight that are left out
    return [
        f"::ffff:{inside}",
        f"::{inside}",
        f"::ffff:0:{inside}",
        f"64:ff9b::{inside}",
        f"64:ff9b:1::{inside}",
        f"64:ff9b:1:fffe::{inside}",
        str(ipaddress.IPv6Address((0x64_FF9B_0001 << 80) | high << 64 | low << 40)),
        str(ipaddress.IPv6Address((0x64_FF9B_0001 << 80) | (number >> 24) << 64 | (number & 0xFFFFFF) << 32)),
        str(ipaddress.IPv6Address((0x64_FF9B_0001 << 80) | spread)),
        f"2002:{high:x}:{low:x}::1",
        f"2001:0:{inside_out(inside)}",
        f"2001:db8::5efe:{inside}",
        f"2001:db8::200:5efe:{inside}",
    ]


def inside_out(inside: str) -> str:
    """A Teredo address behind its prefix: server, flags, port, and the client's address turned over."""
    turned = int(ipaddress.IPv4Address(inside)) ^ 0xFFFFFFFF
    return f"c000:201:0:0:{turned >> 16:x}:{turned & 0xFFFF:x}"


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "10.1.2.3", "192.168.0.9", "172.20.1.1", "100.64.0.1", "2001:db8::7", "fd12::1"]
)
def test_hosts_elsewhere_may_be_dialled(address: str) -> None:
    assert refusal(address, loopback=False) is None


@given(st.sampled_from(PRIVATE).flatmap(lambda network: st.ip_addresses(network=network)))
def test_private_ranges_may_be_dialled_by_every_cloud(address: ipaddress.IPv4Address) -> None:
    expected = Refusal.METADATA if str(address) == "100.100.100.200" else None
    assert refusal(str(address), loopback=False) is expected


@given(st.ip_addresses(network="fc00::/7"))
def test_so_may_unique_local_ones_but_for_those_of_metadata(address: ipaddress.IPv6Address) -> None:
    assert refusal(str(address), loopback=False) in {None, Refusal.METADATA, Refusal.LOOPBACK}


@pytest.mark.parametrize("address", METADATA)
@pytest.mark.parametrize("loopback", [True, False])
def test_link_local_and_metadata_addresses_are_never_dialled(address: str, loopback: bool) -> None:
    assert refusal(address, loopback=loopback) == "a link-local or metadata address"


@pytest.mark.parametrize("address", NO_HOST)
def test_what_is_no_host_is_never_dialled(address: str) -> None:
    assert refusal(address, loopback=True) == "not an address of a host"


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", *carriers("127.0.0.1")])
def test_loopback_is_dialled_only_for_a_cloud_on_loopback(address: str) -> None:
    assert refusal(address, loopback=True) is None
    assert "this host itself" in str(refusal(address, loopback=False))


@pytest.mark.parametrize("inside", ["169.254.169.254", "100.100.100.200", "168.63.129.16"])
def test_an_ipv6_address_is_judged_by_the_ipv4_address_inside(inside: str) -> None:
    assert [refusal(one, loopback=True) for one in carriers(inside)] == [Refusal.METADATA] * 13


@pytest.mark.parametrize("inside", ["93.184.216.34", "10.1.2.3"])
def test_and_so_it_is_where_that_one_is_good(inside: str) -> None:
    assert [refusal(one, loopback=False) for one in carriers(inside)] == [None] * 13


def test_an_empty_translated_address_leads_nowhere() -> None:
    assert refusal("64:ff9b:1::", loopback=True) is Refusal.NO_HOST


@given(st.ip_addresses())
def test_every_address_is_judged_and_what_is_refused_on_loopback_is_refused_elsewhere(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    elsewhere, at_home = refusal(str(address), loopback=False), refusal(str(address), loopback=True)
    assert at_home in {None, elsewhere}
    assert at_home is not Refusal.LOOPBACK


@pytest.mark.parametrize("host", ["127.0.0.1", "127.3.2.1", "::1", "::ffff:127.0.0.1", "localhost", "API.localhost."])
def test_what_is_written_as_loopback(host: str) -> None:
    assert is_loopback_form(host)


@pytest.mark.parametrize("host", ["", "10.0.0.1", "localhost.example.net", "127.0.0.1.nip.io"])
def test_what_is_not(host: str) -> None:
    assert not is_loopback_form(host)


def test_the_advice_asks_for_a_line_in_etc_hosts_only_where_a_name_needs_one() -> None:
    assert how_to_allow("127.0.0.1", "ws://127.0.0.1:6080", "x") == 'name it in x, as in to: "ws://127.0.0.1:6080"'
    assert how_to_allow("vnc.lab", "ws://vnc.lab:80", "x").endswith(
        '"ws://vnc.lab:80", and put vnc.lab into /etc/hosts'
    )


def test_etc_hosts_is_the_operators_word_too() -> None:
    hosts = "127.0.0.1 localhost\n127.0.1.1 Controller api # not: other\n\n10.0.0.1 far\nnonsense\n"
    assert says_loopback(["https://far/", "http://controller:5000/v3"], hosts)
    assert not says_loopback(["http://other:5000", "http://far:5000", "http://[half", "no-url"], hosts)
    assert says_loopback(["http://127.0.0.1:5000"])
    assert host_of("http://[half") == ""


class Ours(NoListeners):
    """Listens at one address and port."""

    def at(self, address: str, port: int) -> bool:
        return (address, port) == ("10.0.0.1", 6080)


def test_the_gateway_itself_is_refused_even_where_the_operator_names_it() -> None:
    gate = Gate(loopback=True, own=Ours())
    assert gate.refusal("10.0.0.1", 6080, named=True) is Refusal.OWN
    assert gate.refusal("10.0.0.1", 6081) is None
    assert gate.refusal("169.254.1.1", 5900, named=True) is None


def test_of_a_hosts_addresses_those_that_are_good_are_left() -> None:
    gate = Gate(loopback=False)
    assert gate.allowed(["127.0.0.1", "10.0.0.1", "fe80::1"], 80) == ["10.0.0.1"]
    with pytest.raises(
        AddressRefusedError, match=r"^127\.0\.0\.1 is an address of this host itself.*fe80::1 is a link"
    ):
        gate.allowed(["127.0.0.1", "fe80::1"], 80)
    assert not gate.own.at("127.0.0.1", 80)
    assert not gate.own.at_path("/run/x.sock")


@pytest.mark.parametrize(
    ("dialled", "listener", "local", "reaches"),
    [
        ("127.0.0.1", "127.0.0.1", False, True),
        ("::1", "127.0.0.1", False, True),
        ("127.0.0.1", "::1", False, True),
        ("0.0.0.0", "127.0.0.1", False, True),
        ("::", "::1", False, True),
        ("::ffff:127.0.0.1", "127.0.0.1", False, True),
        ("127.0.0.2", "127.0.0.1", False, False),
        ("10.0.0.1", "127.0.0.1", True, False),
        ("10.0.0.1", "10.0.0.1", True, True),
        ("10.0.0.1", "0.0.0.0", True, True),
        ("10.0.0.2", "0.0.0.0", False, False),
        ("127.0.0.2", "::", False, True),
        ("0.0.0.0", "::", False, True),
        ("::1", "10.0.0.1", True, False),
    ],
)
def test_which_listener_a_connection_reaches(dialled: str, listener: str, local: bool, reaches: bool) -> None:
    assert leads_to(parse_address(dialled), parse_address(listener), local=local) is reaches
