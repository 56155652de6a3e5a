"""Whose socket is at the other end, from the kernel's own text."""

from __future__ import annotations

import ipaddress
import sys

import pytest

from launcher.access.proctcp import tcp_uid

HEAD = b"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
OURS, THEIRS = ("127.0.0.1", 6080), ("127.0.0.1", 45678)
OURS6, THEIRS6 = ("::1", 6080), ("::1", 45678)


def written(address: str, port: int) -> str:
    packed = ipaddress.ip_address(address).packed
    words = (packed[i : i + 4] for i in range(0, len(packed), 4))
    return "".join(f"{int.from_bytes(word, sys.byteorder):08X}" for word in words) + f":{port:04X}"


def row(
    local: tuple[str, int], remote: tuple[str, int], *, state: str = "01", uid: int = 1000, inode: int = 77
) -> bytes:
    return (
        f"   4: {written(*local)} {written(*remote)} {state} 00000000:00000000 00:00000000 00000000 "
        f"{uid:5d}        0 {inode} 1 0000000000000000 20 4 30 10 -1\n"
    ).encode()


@pytest.mark.skipif(sys.byteorder != "little", reason="this row was written by a little-endian kernel")
def test_a_row_as_a_kernel_wrote_it() -> None:
    table = HEAD + (
        b"   0: 0100007F:17C0 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1065 1 0\n"
        b"   1: 0100007F:17C0 0100007F:B26E 01 00000000:00000000 00:00000000 00000000     0        0 2001 1 0\n"
        b"   2: 0100007F:B26E 0100007F:17C0 01 00000000:00000000 02:0000A2B3 00000000  1003        0 2002 2 0\n"
    )
    assert tcp_uid(OURS, THEIRS, table) == 1003


def test_the_peers_row_is_the_one_whose_local_address_is_our_remote_one() -> None:
    table = HEAD + row(OURS, THEIRS, uid=0) + row(THEIRS, OURS, uid=1234)
    assert tcp_uid(OURS, THEIRS, table) == 1234


def test_ipv6_rows_are_found_in_their_own_table() -> None:
    table6 = HEAD + row(THEIRS6, OURS6, uid=1235)
    assert tcp_uid(OURS6, THEIRS6, HEAD, table6) == 1235
    assert tcp_uid(OURS, THEIRS, HEAD, table6) is None


def test_an_ipv4_connection_of_an_ipv6_socket_is_found_with_mapped_addresses() -> None:
    table6 = HEAD + row(("::ffff:127.0.0.1", 45678), ("::ffff:127.0.0.1", 6080), uid=1236)
    assert tcp_uid(OURS, THEIRS, HEAD, table6) == 1236


def test_our_own_mapped_addresses_are_the_same_connection() -> None:
    table = HEAD + row(THEIRS, OURS, uid=1237)
    assert tcp_uid(("::ffff:127.0.0.1", 6080), ("::ffff:127.0.0.1", 45678), table) == 1237


@pytest.mark.parametrize("state", ["02", "04", "05", "06", "08", "0A"])
def test_only_an_established_row_counts(state: str) -> None:
    assert tcp_uid(OURS, THEIRS, HEAD + row(THEIRS, OURS, state=state)) is None


def test_a_socket_that_its_owner_closed_is_not_roots() -> None:
    assert tcp_uid(OURS, THEIRS, HEAD + row(THEIRS, OURS, uid=0, inode=0)) is None


def test_no_row_no_table_no_uid() -> None:
    assert tcp_uid(OURS, THEIRS) is None
    assert tcp_uid(OURS, THEIRS, b"") is None
    assert tcp_uid(OURS, THEIRS, HEAD + row(("127.0.0.1", 45679), OURS) + row(("127.0.0.2", 45678), OURS)) is None


def test_a_row_cut_short_names_nobody() -> None:
    whole = row(THEIRS, OURS)
    assert tcp_uid(OURS, THEIRS, HEAD + whole[: whole.index(b"1000") + 4]) is None
