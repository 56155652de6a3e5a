"""Why a place on the network is not reached, and what to change: name, route, firewall rule, authority. Pure."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from launcher.doctor.places import Place


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a hop failed."""

    reason: str
    advice: tuple[str, ...]

    @classmethod
    def of(cls, reason: str, *advice: str) -> Fault:
        """The reason in one sentence, and what to change in lines, the most likely first."""
        return cls(reason, advice)


class Trouble(enum.Enum):
    """What a probe of the network met."""

    TIMEOUT = "timeout"
    NO_SUCH_NAME = "no such name"
    NO_RESOLVER = "no resolver"
    FORBIDDEN_ADDRESS = "forbidden address"
    LOOPBACK = "an address of this host"
    REFUSED = "refused"
    NO_ROUTE = "no route"
    BROKEN_OFF = "broken off"
    UNKNOWN_AUTHORITY = "unknown authority"
    NOT_ITS_TIME = "expired, or not yet valid"
    OTHER_NAME = "another name"
    NO_TLS = "no TLS"
    MISSING = "missing"
    FORBIDDEN = "forbidden"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Met:
    """What a probe met, with what is known of it."""

    trouble: Trouble
    detail: str = ""
    """In the system's own words."""
    issuer: str = ""
    """Of the certificate that was shown."""
    source: str = ""
    """Our own address on the way there."""
    limit: float = 0.0


def dns_fault(place: Place, met: Met) -> Fault:
    """The name of a place gave no address that may be dialled."""
    host = place.host
    match met.trouble:
        case Trouble.NO_SUCH_NAME:
            return Fault.of(
                f'The name "{host}" of {place.what} does not resolve: no such name, or none with an address.',
                f"Check the spelling of {host}: it comes from {place.said_by}.",
                f"If it is right: add {host} to your DNS, or to /etc/hosts of this machine.",
            )
        case Trouble.FORBIDDEN_ADDRESS:
            return Fault.of(
                f'The host "{host}" of {place.what} leads to an address that is never dialled: {met.detail}.',
                f"Correct the address of {host}, or where it comes from: {place.said_by}.",
            )
        case Trouble.LOOPBACK:
            return Fault.of(
                f'The host "{host}" of {place.what} leads to an address that only the operator may name: {met.detail}.',
                f"Correct the address of {host}, or where it comes from: {place.said_by}.",
                f"If it does run on this host: {place.meant}.",
            )
        case _:
            waited = f" within {met.limit:g} s" if met.trouble is Trouble.TIMEOUT else ""
            return Fault.of(
                f'The resolver gave no answer for "{host}" of {place.what}{waited}'
                + (f": {met.detail}." if met.detail else "."),
                "Check this machine's resolver: the name servers in /etc/resolv.conf must answer it (port 53, UDP "
                "and TCP, through every firewall).",
                f"If only this name fails: check its spelling; it comes from {place.said_by}.",
            )


def tcp_fault(place: Place, met: Met) -> Fault:
    """A place takes no connection."""
    us = met.source or "this machine"
    match met.trouble:
        case Trouble.TIMEOUT:
            return Fault.of(
                f"{_capital(place.what)} at {place.address} did not answer within {met.limit:g} s: a firewall drops "
                "the packets, or the host is down.",
                f"Allow TCP from {us} to {place.address} in every firewall on the way: this machine's own (nft "
                "list ruleset), the network's, and the host's (for a host inside a cloud also its security group).",
                f"If the address itself is wrong: it comes from {place.said_by}.",
            )
        case Trouble.REFUSED:
            return Fault.of(
                f"{_capital(place.what)} at {place.address} refuses the connection: nothing listens there, or a "
                "firewall rejects it.",
                f"Start the service that should listen at {place.address}; on its host, ss -ltn shows who does.",
                f"If port or host is wrong: it comes from {place.said_by}.",
                f"If it does listen: a firewall rejects TCP from {us} to {place.address}.",
            )
        case Trouble.NO_ROUTE:
            return Fault.of(
                f"There is no route to {place.what} at {place.address}: {met.detail}.",
                f"Check routes and VPN of this machine: ip route get {place.host}",
                f"If the address itself is wrong: it comes from {place.said_by}.",
            )
        case _:
            return Fault.of(
                f"{_capital(place.what)} at {place.address} cannot be connected to: {met.detail or 'no reason told'}.",
                f"Check the address: it comes from {place.said_by}.",
            )


def tls_fault(place: Place, met: Met) -> Fault:
    """A place cannot be spoken to safely."""
    who = f"{_capital(place.what)} at {place.address}"
    match met.trouble:
        case Trouble.UNKNOWN_AUTHORITY:
            signed = f", signed by {met.issuer}," if met.issuer else ""
            return Fault.of(
                f"{who} shows a certificate{signed} that is not trusted: {met.detail}.",
                f"Put the certificate of the authority {met.issuer or 'that signed it'} (PEM) into the file that "
                f"{place.cacert} names.",
                "If it should be signed by an authority that every machine knows: somebody may be in between; ask "
                "its operator.",
            )
        case Trouble.NOT_ITS_TIME:
            return Fault.of(
                f"{who} shows a certificate that is not valid now: {met.detail}.",
                "Have its operator renew it.",
                "Check this machine's own clock: timedatectl",
            )
        case Trouble.OTHER_NAME:
            return Fault.of(
                f"{who} shows a certificate of another name: {met.detail}.",
                f"Use a name that the certificate has; {place.host} comes from {place.said_by}.",
                f"Or have its operator issue one for {place.host}.",
            )
        case Trouble.NO_TLS:
            return Fault.of(
                f"{who} does not speak TLS: {met.detail}.",
                f"If it is meant to be plain: write {place.plain} into {place.said_by}.",
            )
        case _:
            waited = f"no answer within {met.limit:g} s" if met.trouble is Trouble.TIMEOUT else met.detail
            return Fault.of(
                f"{who} breaks off the TLS handshake: {waited or 'no reason told'}.",
                f"Look at what listens there: openssl s_client -connect {place.address} -servername {place.host}",
            )


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]
