"""The addresses of `listen`: Unix sockets and TCP ports of loopback."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

_SOCKET_PATH_LIMIT = 107
"""Bytes that fit the kernel's sun_path before its closing NUL (unix(7))."""
_TCP = re.compile(r"(?:\[(?P<six>[^\[\]]*)\]|(?P<host>[^\[\]:]*)):(?P<port>[0-9]{1,5})")


@dataclass(frozen=True, slots=True)
class UnixAddress:
    """A Unix socket."""

    path: str

    def __str__(self) -> str:
        return f"unix:{self.path}"


@dataclass(frozen=True, slots=True)
class TcpAddress:
    """A TCP port of loopback; port 0 lets the kernel choose."""

    host: str
    """`127.0.0.1` and its like, `::1` (without brackets) or `localhost`."""
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


Address = UnixAddress | TcpAddress


def parse_listen(text: str) -> Address:
    """`unix:/run/x.sock`, `127.0.0.1:6080`, `[::1]:6080` or `localhost:6080`. Raises ValueError."""
    if text == "systemd":
        raise ValueError("sockets passed by systemd are not offered yet: write unix:/path or 127.0.0.1:6080")
    if text.startswith("unix:"):
        return UnixAddress(_socket_path(text.removeprefix("unix:")))
    found = _TCP.fullmatch(text)
    if not found or not (found["six"] or found["host"]):
        raise ValueError(
            "an address like unix:/run/console-launcher/web.sock, 127.0.0.1:6080 or [::1]:6080 is expected"
        )
    port = int(found["port"])
    if port > 65535:
        raise ValueError("a port is a number from 0 to 65535")
    host = found["six"] or found["host"].lower()
    if not _is_loopback(host, six=found["six"] is not None):
        raise ValueError(
            "this gateway does not listen beyond loopback until TLS and sign-in are configured, and these do not exist "
            "yet: use unix:/path, 127.0.0.1 or [::1], and reach it through ssh -L"
        )
    return TcpAddress(host, port)


def _socket_path(path: str) -> str:
    if not path.startswith("/") or path.endswith("/"):
        raise ValueError("a Unix socket needs the absolute path of a file: unix:/run/console-launcher/web.sock")
    if "\0" in path:
        raise ValueError("the path of a Unix socket holds no NUL")
    if len(path.encode()) > _SOCKET_PATH_LIMIT:
        raise ValueError(f"the path of a Unix socket has at most {_SOCKET_PATH_LIMIT} bytes: choose a shorter one")
    return path


def _is_loopback(host: str, *, six: bool) -> bool:
    if not six and host == "localhost":
        return True
    try:
        address = ipaddress.IPv6Address(host) if six else ipaddress.IPv4Address(host)
    except ValueError:
        return False
    return address.is_loopback and "%" not in host
