"""The names this gateway answers to, and the origins whose pages may use it.

Two checks, and both are needed. A page of another site can open a WebSocket to a loopback port, so `Origin` must be one
of ours, with its port, and belong to the `Host` that was asked. A page whose DNS name was rebound to 127.0.0.1 sends an
`Origin` that equals its `Host`, so the `Host` must be one of ours too. Everything is compared whole: no pattern is ever
open at its end.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import InitVar, dataclass, field

_LABEL = "[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?"
_PORT = "(?::(?P<port>[1-9][0-9]{0,4}))?"
_LOOPBACK = re.compile(rf"(?:(?:{_LABEL}\.)*localhost|127\.0\.0\.1|\[::1\]){_PORT}")
_PUBLIC_URL = re.compile(rf"(?P<scheme>https?)://(?P<host>(?:{_LABEL}\.)*{_LABEL}|\[[0-9a-f:.]+\]){_PORT}/?")
_LONGEST = 253 + len(":65535")
"""A host name's longest form (RFC 1035 §2.3.4), and a port."""
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Names:
    """What `public_urls` allows beside the loopback names; immutable, so that no request can poison the next.

    Raises ValueError for a public URL that is more or less than scheme, host and perhaps port.
    """

    public_urls: InitVar[Iterable[str]]
    _hosts: frozenset[str] = field(init=False)
    _pages: frozenset[tuple[str, str]] = field(init=False)
    """Each public URL's origin and the `Host` that belongs to it."""

    def __post_init__(self, public_urls: Iterable[str]) -> None:
        pairs = [_parse(url) for url in public_urls]
        object.__setattr__(self, "_hosts", frozenset(host for _, host in pairs))
        object.__setattr__(self, "_pages", frozenset((f"{scheme}://{host}", host) for scheme, host in pairs))

    def allows_host(self, raw_host: str) -> bool:
        """Whether a `Host` header, as it was sent, names this gateway.

        That is a public URL's own `host[:port]`, or a loopback name with any port: every listener is a loopback or a
        Unix one, and the port of a tunnel is the person's choice.
        """
        host = _lower(raw_host)
        return host in self._hosts or _is_loopback(host)

    def allows_origin(self, origin: str, raw_host: str, *, tls: bool = False) -> bool:
        """Whether the page that an `Origin` header names may use this gateway under the name in `raw_host`.

        An origin is good under its own name only: a public URL's with that URL's host, a loopback name's with that
        name. Somebody else may serve a page at one of our names; under the others it is another site's. A page of a
        loopback name came over a connection like its own requests do: over TLS, or not.

        Browsers send origins in lower case and without a default port; any other spelling is not a browser's.
        """
        host = _lower(raw_host)
        if (origin, host) in self._pages:
            return True
        return _is_loopback(host) and origin == f"{'https' if tls else 'http'}://{host}"


def _lower(raw_host: str) -> str:
    """In lower case, or empty where it can be no host: long, or not ASCII (`ſ` and the Kelvin sign fold to s and k)."""
    return raw_host.lower() if raw_host.isascii() and len(raw_host) <= _LONGEST else ""


def _is_loopback(host: str) -> bool:
    found = _LOOPBACK.fullmatch(host)
    return found is not None and _is_port(found["port"])


def _is_port(port: str | None) -> bool:
    return port is None or int(port) <= 65535


def _parse(url: str) -> tuple[str, str]:
    """Scheme and `host[:port]` of a public URL in the form that browsers send them. Raises ValueError."""
    found = _PUBLIC_URL.fullmatch(url.lower()) if url.isascii() else None
    if found is None or not _is_port(found["port"]):
        raise ValueError(
            f'"{url}" is no public URL: write http:// or https://, a host and perhaps a port, nothing else'
        )
    scheme, host = found["scheme"], found["host"]
    if host.startswith("["):
        host = f"[{ipaddress.IPv6Address(host[1:-1])}]"
    if found["port"] is None or int(found["port"]) == _DEFAULT_PORTS[scheme]:
        return scheme, host
    return scheme, f"{host}:{found['port']}"
