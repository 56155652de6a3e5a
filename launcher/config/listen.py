"""The addresses of `listen`: Unix sockets, TCP ports of loopback, and sockets that systemd passes."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass

_SOCKET_PATH_LIMIT = 107
"""Bytes that fit the kernel's sun_path before its closing NUL (unix(7))."""
_PASSED_NAME = re.compile(r"[^\x00-\x1f\x7f:]{1,255}")
"""What systemd allows in FileDescriptorName= (systemd.socket(5))."""
_TCP = re.compile(r"(?:\[(?P<six>[^\[\]]*)\]|(?P<host>[^\[\]:]*)):(?P<port>[0-9]{1,5})")


@dataclass(frozen=True, slots=True)
class UnixAddress:
    """A Unix socket."""

    path: str

    def __str__(self) -> str:
        return f"unix:{self.path}"


@dataclass(frozen=True, slots=True)
class TcpAddress:
    """A TCP port of loopback; port 0 lets the kernel choose. 127.0.0.1 and ::1 are taken together, if one is named."""

    host: str
    """`127.0.0.1` and its like, `::1` (without brackets) or `localhost`."""
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class PassedAddress:
    """Sockets that systemd opened for us: those of one FileDescriptorName=, or all."""

    name: str | None = None

    def __str__(self) -> str:
        return "systemd" if self.name is None else f"systemd:{self.name}"


Address = UnixAddress | TcpAddress | PassedAddress


def parse_listen(text: str) -> Address:
    """`unix:/run/x.sock`, `127.0.0.1:6080`, `[::1]:6080`, `localhost:6080`, `systemd` or `systemd:NAME`.

    Raises ValueError.
    """
    if text == "systemd":
        return PassedAddress()
    if text.startswith("systemd:"):
        return PassedAddress(_passed_name(text.removeprefix("systemd:")))
    if text.startswith("unix:"):
        return UnixAddress(check_socket_path(text.removeprefix("unix:"), "unix:/run/console-launcher/web.sock"))
    found = _TCP.fullmatch(text)
    if not found or not (found["six"] or found["host"]):
        raise ValueError("an address like unix:/run/console-launcher/web.sock, localhost:6080 or systemd is expected")
    port = int(found["port"])
    if port > 65535:
        raise ValueError("a port is a number from 0 to 65535")
    host = found["six"] or found["host"].lower()
    if not _is_loopback(host, six=found["six"] is not None):
        raise ValueError(
            "this gateway does not listen beyond loopback until TLS and sign-in are configured, and these do not exist "
            "yet: use unix:/path or localhost, and reach it through ssh -L"
        )
    return TcpAddress(host, port)


def check_listen(addresses: Sequence[str]) -> None:
    """Raises ValueError where one socket would be taken twice."""
    named = next((text for text in addresses if text.startswith("systemd:")), None)
    if named and "systemd" in addresses:
        raise ValueError(f'"systemd" takes every socket that is passed: leave "{named}" out, or "systemd"')


def _passed_name(name: str) -> str:
    if not _PASSED_NAME.fullmatch(name):
        raise ValueError("systemd:NAME is expected, with the FileDescriptorName= of a socket unit")
    return name


def check_socket_path(path: str, sample: str) -> str:
    """The path of a Unix socket; `sample` is what one looks like. Raises ValueError."""
    if not path.startswith("/") or path.endswith("/"):
        raise ValueError(f"a Unix socket needs the absolute path of a file: {sample}")
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
