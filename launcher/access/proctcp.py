"""The kernel's TCP tables, and whose socket is at the other end of a connection on this host.

The tables are the text of `/proc/net/tcp` and `/proc/net/tcp6` (proc(5)). A connection over loopback has two rows, one
for each end; the peer's is the one whose local address is our remote one. A row reads

    sl  local_address rem_address   st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode …

with addresses as hexadecimal 32-bit words in the machine's byte order, and ports in plain hexadecimal.
"""

from __future__ import annotations

import ipaddress
import sys
from collections.abc import Iterator

from launcher.egress import parse_address

Address = tuple[str, int]
"""An IP address as text, and a port: the beginning of what `getsockname` returns."""

_ESTABLISHED = "01"
_UID, _INODE = 3, 5
"""Places among the columns behind the state."""


def tcp_uid(local: Address, remote: Address, *tables: bytes) -> int | None:
    """The user id that owns the socket at the other end of our connection `local` ← `remote`.

    None where no table has an established row of it, and where its row has inode 0: such a socket was closed by its
    owner, and the kernel shows user id 0, root's, in its place.
    """
    for needle in _needles(local, remote):
        for table in tables:
            at = table.find(needle)
            if at >= 0:
                return _owner(table[at + len(needle) :].split(b"\n", 1)[0].split())
    return None


def _owner(columns: list[bytes]) -> int | None:
    if len(columns) <= _INODE or int(columns[_INODE]) == 0:
        return None
    return int(columns[_UID])


def _needles(local: Address, remote: Address) -> Iterator[bytes]:
    """The beginning of the peer's row, in each way that the tables may write it.

    Searching for the row's text instead of parsing every row costs microseconds where a busy gateway has ten thousands.
    An IPv4 connection made by an IPv6 socket stands in tcp6 with mapped addresses (`::ffff:127.0.0.1`).
    """
    ours, theirs = parse_address(local[0]), parse_address(remote[0])
    forms = [(ours, theirs)]
    if isinstance(ours, ipaddress.IPv4Address) and isinstance(theirs, ipaddress.IPv4Address):
        forms.append((_mapped(ours), _mapped(theirs)))
    for our_form, their_form in forms:
        yield f": {_hex(their_form, remote[1])} {_hex(our_form, local[1])} {_ESTABLISHED} ".encode()


def _mapped(address: ipaddress.IPv4Address) -> ipaddress.IPv6Address:
    return ipaddress.IPv6Address(f"::ffff:{address}")


def _hex(address: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int) -> str:
    packed = address.packed
    words = [int.from_bytes(packed[i : i + 4], sys.byteorder) for i in range(0, len(packed), 4)]
    return f"{''.join(f'{word:08X}' for word in words)}:{port:04X}"
