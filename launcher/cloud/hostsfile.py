"""Reads /etc/hosts, where the operator of this host may have put a name on loopback (hosts(5)): a tunnel's, mostly."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from launcher.egress import says_loopback

_HOSTS: Final = Path("/etc/hosts")


def on_loopback(urls: Iterable[str]) -> bool:
    """Whether one of the operator's own URLs is on loopback, as it is written or by the name's line in /etc/hosts."""
    try:
        hosts = _HOSTS.read_text(errors="replace")
    except OSError:
        hosts = ""
    return says_loopback(urls, hosts)
