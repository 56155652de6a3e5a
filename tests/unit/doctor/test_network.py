"""Why a place is not reached, and what to change."""

from __future__ import annotations

import pytest

from launcher.doctor.network import Met, Trouble, dns_fault, tcp_fault, tls_fault
from launcher.doctor.places import Place

PLACE = Place("the Compute API", "nova.example.net", 8774, True, "clouds.prod.endpoint", "clouds.prod.cacert")


@pytest.mark.parametrize(
    ("met", "reason", "advice"),
    [
        (Met(Trouble.NO_SUCH_NAME), "does not resolve", "add nova.example.net to your DNS"),
        (
            Met(Trouble.TIMEOUT, limit=5),
            'no answer for "nova.example.net" of the Compute API within 5 s.',
            "resolv.conf",
        ),
        (Met(Trouble.NO_RESOLVER, "Temporary failure"), ": Temporary failure.", "resolv.conf"),
        (
            Met(Trouble.FORBIDDEN_ADDRESS, "169.254.169.254 is a link-local address"),
            "never dialled",
            "clouds.prod.endpoint",
        ),
        (
            Met(Trouble.LOOPBACK, "127.0.0.1 is an address of this host itself"),
            "only the operator may name",
            "If it does run on this host: write its address into the configuration.",
        ),
    ],
)
def test_a_name_without_an_address(met: Met, reason: str, advice: str) -> None:
    fault = dns_fault(PLACE, met)
    assert reason in fault.reason
    assert advice in " ".join(fault.advice)


@pytest.mark.parametrize(
    ("met", "reason", "advice"),
    [
        (
            Met(Trouble.TIMEOUT, source="10.0.0.5", limit=5),
            "within 5 s",
            "Allow TCP from 10.0.0.5 to nova.example.net:8774",
        ),
        (Met(Trouble.TIMEOUT, limit=5), "within 5 s", "Allow TCP from this machine to"),
        (Met(Trouble.REFUSED, source="10.0.0.5"), "refuses the connection", "Start the service"),
        (Met(Trouble.NO_ROUTE, "No route to host"), "No route to host", "ip route get nova.example.net"),
        (Met(Trouble.OTHER, "Too many open files"), "Too many open files", "clouds.prod.endpoint"),
        (Met(Trouble.OTHER), "no reason told", "clouds.prod.endpoint"),
    ],
)
def test_a_place_that_takes_no_connection(met: Met, reason: str, advice: str) -> None:
    fault = tcp_fault(PLACE, met)
    assert reason in fault.reason
    assert advice in " ".join(fault.advice)


@pytest.mark.parametrize(
    ("met", "reason", "advice"),
    [
        (
            Met(Trouble.UNKNOWN_AUTHORITY, "self-signed", "CN=Ours"),
            "signed by CN=Ours, that is",
            "authority CN=Ours (PEM)",
        ),
        (Met(Trouble.UNKNOWN_AUTHORITY, "self-signed"), "a certificate that is not trusted", "that signed it (PEM)"),
        (Met(Trouble.NOT_ITS_TIME, "certificate has expired"), "has expired", "timedatectl"),
        (Met(Trouble.OTHER_NAME, "Hostname mismatch"), "of another name", "has; nova.example.net comes from"),
        (Met(Trouble.NO_TLS, "wrong version number"), "does not speak TLS", "clouds.prod.endpoint"),
        (Met(Trouble.TIMEOUT, limit=10), "no answer within 10 s", "openssl s_client -connect nova.example.net:8774"),
        (Met(Trouble.OTHER, "sslv3 alert"), "sslv3 alert", "openssl s_client"),
        (Met(Trouble.BROKEN_OFF), "no reason told", "openssl s_client"),
    ],
)
def test_a_place_that_cannot_be_spoken_to_safely(met: Met, reason: str, advice: str) -> None:
    fault = tls_fault(PLACE, met)
    assert reason in fault.reason
    assert advice in " ".join(fault.advice)
