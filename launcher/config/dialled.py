"""Says which addresses that stand in the configuration itself would never be dialled.

Only literal addresses, and names of loopback: other names are resolved when they are dialled. The gateway serves all
the same, and refuses the address when its turn comes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import urlsplit

from launcher.config.document import Document, KeyPath, shown
from launcher.config.listen import Address, TcpAddress, UnixAddress, parse_listen
from launcher.config.targets import parse_target
from launcher.egress import is_loopback_form, leads_to, parse_address, refusal

_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}


def check_dialled(top: Mapping[str, object], entries: Mapping[str, object], document: Document) -> None:
    """Adds a doubt for each address of the document that is never dialled."""
    own = tuple(_listened(top.get("listen")))
    for name, entry in entries.items():
        for path, url in _urls(("clouds", name), entry):
            message = why_never(url, own)
            if message:
                document.doubt(path, message)
        for path, address in _direct(("clouds", name), entry):
            if _is_own_target(address, own):
                document.doubt(path, _itself(address))


def why_never(url: str, own: Iterable[Address] = ()) -> str | None:
    """Why a URL of the operator's would never be dialled, or None; what cannot be read is told elsewhere."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        return None
    if any(isinstance(one, TcpAddress) and _reaches(host, port, one) for one in own):
        return _itself(url)
    try:
        why = refusal(host, loopback=True)
    except ValueError:
        return None
    return f"{host} is {why}, which the gateway never dials: write the service's own address" if why else None


def _itself(address: str) -> str:
    where = f'"{shown(address)}" is where this gateway itself listens'
    return f"{where}, and is never dialled: write the service's own address"


def _listened(listen: object) -> Iterator[Address]:
    for text in listen if isinstance(listen, tuple) else ():
        try:
            yield parse_listen(text)
        except (ValueError, AttributeError, TypeError):  # of another shape: the models tell
            continue


def _urls(path: KeyPath, entry: object) -> Iterator[tuple[KeyPath, str]]:
    if not isinstance(entry, Mapping):
        return
    rewrites = entry.get("console_url")
    found = [((*path, key), entry.get(key)) for key in ("endpoint", "auth_url")]
    for index, rewrite in enumerate(rewrites if isinstance(rewrites, tuple) else ()):
        found.append(((*path, "console_url", index, "to"), rewrite.get("to") if isinstance(rewrite, Mapping) else None))
    yield from ((place, url) for place, url in found if isinstance(url, str))


def _direct(path: KeyPath, entry: object) -> Iterator[tuple[KeyPath, str]]:
    servers = entry.get("servers") if isinstance(entry, Mapping) else None
    for name, server in (servers if isinstance(servers, Mapping) else {}).items():
        address = server.get("vnc") if isinstance(server, Mapping) else None
        if isinstance(address, str):
            yield (*path, "servers", name, "vnc"), address


def _is_own_target(address: str, own: Iterable[Address]) -> bool:
    try:
        target = parse_target(address)
    except ValueError:
        return False
    if target.unix is not None:
        return UnixAddress(target.unix) in own
    return any(isinstance(one, TcpAddress) and _reaches(target.host, target.port, one) for one in own)


def _reaches(host: str, port: int, listener: TcpAddress) -> bool:
    """localhost, as a listener and as an address, is 127.0.0.1 and ::1."""
    if port != listener.port or port == 0:
        return False
    dialled = "127.0.0.1" if is_loopback_form(host) and not _is_literal(host) else host
    listening = "127.0.0.1" if listener.host == "localhost" else listener.host
    return _is_literal(dialled) and leads_to(parse_address(dialled), parse_address(listening), local=False)


def _is_literal(host: str) -> bool:
    try:
        parse_address(host)
    except ValueError:
        return False
    return True
