"""Asks the resolver, connects, and shakes hands over TLS: one by one, so that the one that fails is named.

Nothing is sent but the handshake. A certificate that is not trusted is looked at once more, to name who signed it.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import os
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from aiohappyeyeballs import AddrInfoType, start_connection

from launcher.cloud.wire import clean
from launcher.doctor.hops import HopName, Limits
from launcher.doctor.network import Met, Trouble, dns_fault, tcp_fault, tls_fault
from launcher.doctor.places import Place
from launcher.doctor.trail import HopFailedError, Trail
from launcher.egress import Gate, Refusal

if TYPE_CHECKING:
    from cryptography import x509

_SHOWN = 4
"""Addresses of a name that are shown."""
_NO_SUCH_NAME: Final = frozenset({
    socket.EAI_NONAME, socket.EAI_NODATA, socket.EAI_ADDRFAMILY, socket.EAI_FAMILY,
})  # fmt: skip
_NO_ROUTE: Final = frozenset({errno.EHOSTUNREACH, errno.ENETUNREACH})
_TIME: Final = frozenset({9, 10})
_NAME: Final = frozenset({62, 63, 64})
"""OpenSSL's X509_V_ERR_CERT_NOT_YET_VALID, _HAS_EXPIRED; _HOSTNAME_MISMATCH, _EMAIL_MISMATCH, _IP_ADDRESS_MISMATCH."""
_NO_TLS: Final = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"})


async def reach(
    trail: Trail,
    names: tuple[HopName, HopName, HopName],
    place: Place,
    limits: Limits,
    *,
    tls: ssl.SSLContext,
    gate: Gate,
    named: bool = False,
    plain: str = "plain http",
) -> None:
    """The hops DNS, TCP and TLS to a place; `plain` says why there is no TLS. Raises StoppedError.

    `gate` judges the addresses; `named`: the operator named this one, and only the gateway itself is refused.
    """
    addresses = await _looked_up(
        trail, names[0], place, limits.dns, lambda address: gate.refusal(address, place.port, named=named)
    )
    async with trail.hop(names[1]) as step:
        step.seen = place.address
        sock = await _connect(place, addresses, limits.tcp)
        step.seen = ends_of(sock, place)
    if not place.tls:
        sock.close()
        trail.skip(names[2], plain)
        return
    async with trail.hop(names[2]) as step:
        step.seen = await _shake_hands(place, sock, addresses, tls, limits.tls)


async def _looked_up(
    trail: Trail, name: HopName, place: Place, limit: float, refusal: Callable[[str], Refusal | None]
) -> Sequence[AddrInfoType]:
    if _is_address(place.host) and refusal(place.host) is None:
        trail.skip(name, f"{place.host} is an address")
        return socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    async with trail.hop(name) as step:
        step.seen = place.host
        found = await _resolve(place, limit)
        refused = {str(address[4][0]): refusal(str(address[4][0])) for address in found}
        addresses = [address for address in found if refused[str(address[4][0])] is None]
        if not addresses:
            why = ", ".join(f"{address} is {reason}" for address, reason in refused.items())
            trouble = Trouble.LOOPBACK if Refusal.LOOPBACK in refused.values() else Trouble.FORBIDDEN_ADDRESS
            raise HopFailedError(dns_fault(place, Met(trouble, why)))
        step.seen = f"{place.host} is {_few(addresses)}"
    return addresses


async def _resolve(place: Place, limit: float) -> Sequence[AddrInfoType]:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(limit):
            return await loop.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
    except TimeoutError:
        met = Met(Trouble.TIMEOUT, limit=limit)
    except UnicodeError:
        met = Met(Trouble.NO_SUCH_NAME)
    except socket.gaierror as error:
        trouble = Trouble.NO_SUCH_NAME if error.errno in _NO_SUCH_NAME else Trouble.NO_RESOLVER
        met = Met(trouble, error.strerror or "")
    raise HopFailedError(dns_fault(place, met))


async def _connect(place: Place, addresses: Sequence[AddrInfoType], limit: float) -> socket.socket:
    try:
        async with asyncio.timeout(limit):
            return await start_connection(addresses, happy_eyeballs_delay=0.25)
    except TimeoutError:
        met = Met(Trouble.TIMEOUT, source=_source(addresses[0]), limit=limit)
    except OSError as error:
        met = Met(_trouble(error), _why(error), source=_source(addresses[0]), limit=limit)
    raise HopFailedError(tcp_fault(place, met))


def ends_of(sock: socket.socket, place: Place) -> str:
    """Both ends of a connection; it is closed where the other one has reset it already. Raises HopFailedError."""
    try:
        return f"{_shown(sock.getpeername())} from {sock.getsockname()[0]}"
    except OSError:
        sock.close()
    raise HopFailedError(tcp_fault(place, Met(Trouble.BROKEN_OFF, "it was reset as soon as it was made")))


def _trouble(error: OSError) -> Trouble:
    if error.errno == errno.ECONNREFUSED:
        return Trouble.REFUSED
    if error.errno == errno.ETIMEDOUT:
        return Trouble.TIMEOUT
    return Trouble.NO_ROUTE if error.errno in _NO_ROUTE else Trouble.OTHER


def _source(address: AddrInfoType) -> str:
    """Our own address on the way to another; a datagram socket that connects sends nothing."""
    with suppress(OSError), socket.socket(address[0], socket.SOCK_DGRAM) as probe:
        probe.connect(address[4])
        return str(probe.getsockname()[0])
    return ""


async def _shake_hands(
    place: Place, sock: socket.socket, addresses: Sequence[AddrInfoType], tls: ssl.SSLContext, limit: float
) -> str:
    """What the certificate says, in words."""
    try:
        async with asyncio.timeout(limit):
            transport = await _secured(place, sock, tls)
    except TimeoutError:
        met = Met(Trouble.TIMEOUT, limit=limit)
    except ssl.SSLCertVerificationError as error:
        issuer = await _shown_issuer(place, addresses, limit)
        met = Met(_distrust(error.verify_code), error.verify_message, issuer)
    except ssl.SSLError as error:
        reason = str(error.reason or "").upper()
        met = Met(Trouble.NO_TLS if reason in _NO_TLS else Trouble.OTHER, reason.replace("_", " ").lower())
    except OSError as error:
        met = Met(Trouble.BROKEN_OFF, _why(error) or "it hung up")
    else:
        with _hung_up(transport):
            shown = _shown_certificate(transport)
        return f"signed by {_issuer(shown)}; good until {shown.not_valid_after_utc:%Y-%m-%d}"
    raise HopFailedError(tls_fault(place, met))


async def _secured(place: Place, sock: socket.socket, tls: ssl.SSLContext) -> asyncio.Transport:
    try:
        transport, _ = await asyncio.get_running_loop().create_connection(
            asyncio.Protocol, sock=sock, ssl=tls, server_hostname=place.host
        )
    except BaseException:
        sock.close()
        raise
    return transport


def _distrust(code: int) -> Trouble:
    if code in _TIME:
        return Trouble.NOT_ITS_TIME
    return Trouble.OTHER_NAME if code in _NAME else Trouble.UNKNOWN_AUTHORITY


async def _shown_issuer(place: Place, addresses: Sequence[AddrInfoType], limit: float) -> str:
    """Who signed the certificate that is not trusted; empty where that cannot be seen.

    It is looked at without a check, and hung up on: nothing is sent, nothing is believed.
    """
    blind = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    blind.check_hostname, blind.verify_mode = False, ssl.CERT_NONE
    with suppress(OSError, TimeoutError, ValueError):
        async with asyncio.timeout(limit):
            transport = await _secured(place, await start_connection(addresses), blind)
        with _hung_up(transport):
            return _issuer(_shown_certificate(transport))
    return ""


@contextmanager
def _hung_up(transport: asyncio.Transport) -> Iterator[None]:
    try:
        yield
    finally:
        transport.abort()


def _shown_certificate(transport: asyncio.Transport) -> x509.Certificate:
    """Raises ValueError for one that cannot be read."""
    from cryptography import x509  # 8 MiB, which a gateway without TLS before it never needs

    return x509.load_der_x509_certificate(transport.get_extra_info("ssl_object").getpeercert(binary_form=True))


def _issuer(certificate: x509.Certificate) -> str:
    return clean(certificate.issuer.rfc4514_string()) or "nobody whom it names"


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _few(addresses: Sequence[AddrInfoType]) -> str:
    found = list(dict.fromkeys(str(address[4][0]) for address in addresses))
    return ", ".join(found[:_SHOWN]) + (" …" if len(found) > _SHOWN else "")


def _shown(name: Sequence[Any]) -> str:
    return f"[{name[0]}]:{name[1]}" if ":" in str(name[0]) else f"{name[0]}:{name[1]}"


def _why(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else ""
