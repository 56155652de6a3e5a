"""Makes the connection to an upstream: names resolved, addresses checked, TLS verified."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import socket
import ssl
from collections.abc import Sequence

from aiohappyeyeballs import AddrInfoType, start_connection

from launcher.egress import AddressRefusedError, Gate, Refusal, how_to_allow
from launcher.errors import UpstreamUnreachableError
from launcher.model import Carrier, Target
from launcher.relay.sockets import guard_against_dead_peers


def called(target: Target) -> str:
    """What kind of upstream it is: where no console proxy is in between, none is blamed."""
    return "The VNC server" if target.carrier is Carrier.RAW else "The console proxy"


def who(target: Target) -> str:
    """The upstream, as sentences about it begin."""
    return f"{called(target)} {target.origin}"


async def connect(target: Target, *, gate: Gate, limit: float) -> socket.socket:
    """A connected socket, within `limit` seconds, to an address that `gate` lets pass.

    Raises UpstreamUnreachableError; then nothing is left open.
    """
    name = who(target)
    try:
        async with asyncio.timeout(limit):
            sock = await (_over_ip(target, gate) if target.unix is None else _over_unix(target.unix, gate))
    except TimeoutError as error:
        raise UpstreamUnreachableError(f"{name} did not take a connection within {limit:g} s.") from error
    except AddressRefusedError as error:
        raise UpstreamUnreachableError(f"{name} is not dialled: {error}.{_advice(target, error)}") from error
    except (socket.gaierror, UnicodeError) as error:
        raise UpstreamUnreachableError(f"{name} has a name that does not resolve.") from error
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else "no connection"
        raise UpstreamUnreachableError(f"{name} takes no connection: {why}.") from error
    guard_against_dead_peers(sock)
    return sock


async def speak(protocol: asyncio.BaseProtocol, sock: socket.socket, target: Target, tls: ssl.SSLContext) -> None:
    """Give a connected socket to its protocol, behind TLS where the target says so. Raises UpstreamUnreachableError."""
    loop = asyncio.get_running_loop()
    try:
        if target.tls:
            await loop.create_connection(lambda: protocol, sock=sock, ssl=tls, server_hostname=target.host)
        else:
            await loop.create_connection(lambda: protocol, sock=sock)
    except ssl.SSLCertVerificationError as error:
        raise UpstreamUnreachableError(
            f"The certificate of {_small(who(target))} is not trusted: {error.verify_message}. "
            "If it is signed by an authority of your own, name that in the cloud's cacert."
        ) from error
    except ssl.SSLError as error:
        if error.reason == "WRONG_VERSION_NUMBER":
            raise UpstreamUnreachableError(f"{who(target)} does not speak TLS.") from error
        why = (error.reason or type(error).__name__).replace("_", " ").lower()
        raise UpstreamUnreachableError(f"{who(target)} broke off the TLS handshake: {why}.") from error
    except OSError as error:
        raise UpstreamUnreachableError(
            f"{who(target)} broke off the TLS handshake: {error.strerror or type(error).__name__}."
        ) from error


def _small(name: str) -> str:
    return name[0].lower() + name[1:]


def _advice(target: Target, error: AddressRefusedError) -> str:
    """What to write where, behind the sentence that says why no address may be dialled."""
    if target.carrier is Carrier.RAW:
        return " Correct the server's address in the configuration or the token file."
    key = "the cloud's console_url"
    if Refusal.LOOPBACK in error.refused.values():
        return f" If it is meant: {how_to_allow(target.host, target.origin, key)}."
    return f" Correct the console URLs at the cloud, or mend them with {key}."


async def _over_ip(target: Target, gate: Gate) -> socket.socket:
    addresses = _allowed(target, await _resolve(target.host, target.port), gate)
    return await start_connection(addresses, happy_eyeballs_delay=0.25)


async def _over_unix(path: str, gate: Gate) -> socket.socket:
    if gate.own.at_path(path):
        raise AddressRefusedError({path: Refusal.OWN})
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, path)
    except BaseException:
        sock.close()
        raise
    return sock


async def _resolve(host: str, port: int) -> Sequence[AddrInfoType]:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)


def _allowed(target: Target, addresses: Sequence[AddrInfoType], gate: Gate) -> Sequence[AddrInfoType]:
    """Those of a host's addresses that may be dialled; a direct target's are the operator's own word.

    Raises AddressRefusedError.
    """
    found = [str(address[4][0]) for address in addresses]
    allowed = gate.allowed(found, target.port, named=target.carrier is Carrier.RAW)
    return [address for address in addresses if str(address[4][0]) in allowed]
