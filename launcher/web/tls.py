"""TLS at the viewers' side: how it is spoken, and a certificate that may be renewed while it is.

A renewed certificate comes as a context of its own, and each handshake is handed to the one of the moment (the callback
that OpenSSL has for this, called with a server name or without). Loading the new chain into the context in use would
not do: where that fails half-way the gateway stands with a certificate and another one's key, and a chain with another
kind of key (ECDSA after RSA) only joins the old one, which clients of another taste then still get.
"""

from __future__ import annotations

import asyncio.sslproto
import ssl
from pathlib import Path
from typing import Final

from launcher.web.records import RECORD

_CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Of TLS 1.2; those of 1.3 are all good. As Mozilla's "intermediate" list, without finite-field Diffie-Hellman."""


class ViewerTls:
    """The TLS of every listener."""

    def __init__(self, chain: ssl.SSLContext) -> None:
        """`chain` is of `chain_context`."""
        self._chain = chain
        self.context = _context()
        """What listeners are given, once."""
        self.context.sni_callback = self._hand_over

    def renew(self, chain: ssl.SSLContext) -> None:
        """Serve another certificate from now on; connections that are there go on with the one they know."""
        self._chain = chain

    def _hand_over(self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        connection.context = self._chain


def chain_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """One that serves this certificate, and those that lead from it to its authority. Raises OSError (SSLError)."""
    context = _context()
    context.load_cert_chain(certificate, key, password="")  # a key with a password fails; without, a terminal is asked
    return context


def _context() -> ssl.SSLContext:
    """No session is kept for later: memory of the gateway would pay for it, and a page makes few connections.

    But Python has no way to say so to OpenSSL where TLS 1.2 goes without tickets: of such clients, which browsers are
    no longer, those who say goodbye are remembered for five minutes, 20,480 at most (20 MiB).
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS)
    context.set_alpn_protocols(["http/1.1"])
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_TICKET
    context.num_tickets = 0
    return context


def read_in_records() -> None:
    """Make asyncio's own TLS, that of upstreams and clouds, read a record's worth at a time, in place of sixteen.

    It keeps a buffer of that size for each connection as long as that lasts. Nothing is slower for it: a record at a
    time is what TLS brings.
    """
    asyncio.sslproto.SSLProtocol.max_size = RECORD
