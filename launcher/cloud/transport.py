"""How keystoneauth1 reaches an Identity service: blocking, bounded, without redirects or surroundings.

Blocking: for a worker thread only. The address of each connection is judged before it is made, whatever the Identity
service names as its versions. Neither proxies nor passwords are taken from the environment or `~/.netrc`, a reply is at
most `REPLY_LIMIT` bytes when unpacked, and each wait for the network at most `PATIENCE` seconds.
"""

from __future__ import annotations

import io
import logging
import socket
import ssl
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import keystoneauth1.session
import requests
import requests.adapters
import urllib3.connection
import urllib3.exceptions
import urllib3.util.connection

from launcher.cloud.wire import REPLY_LIMIT
from launcher.egress import AddressRefusedError, Gate

PATIENCE: Final = 20.0

_TALKATIVE = ("keystoneauth", "keystoneauth1", "openstack", "stevedore", "requests", "urllib3")
_CHUNK = 16 * 1024

ClientCertificate = str | tuple[str, str] | None
"""One file with certificate and key, or both files, or none."""


class ReplyTooLargeError(requests.exceptions.RequestException):
    """The Identity service's reply is larger than `REPLY_LIMIT`."""


class _Judged(urllib3.connection.HTTPConnection):
    """Connects to those of its host's addresses that `gate` lets pass, and to nothing else."""

    gate: Gate

    def _new_conn(self) -> socket.socket:
        """Raises urllib3's own exceptions, as its own connections do."""
        failure: urllib3.exceptions.HTTPError | None = None
        for address in self._allowed():
            try:
                return urllib3.util.connection.create_connection(
                    (address, self.port), self.timeout, self.source_address, self.socket_options
                )
            except TimeoutError as error:
                failure = urllib3.exceptions.ConnectTimeoutError(self, "no connection in time")
                failure.__cause__ = error
            except OSError as error:
                failure = urllib3.exceptions.NewConnectionError(self, f"no connection: {error}")
                failure.__cause__ = error
        assert failure is not None, "there is an address, or an exception says that there is none"
        raise failure

    def _allowed(self) -> list[str]:
        try:
            found = socket.getaddrinfo(self._dns_host, self.port, type=socket.SOCK_STREAM)
        except socket.gaierror as error:
            raise urllib3.exceptions.NameResolutionError(self.host, self, error) from error
        except UnicodeError as error:
            raise urllib3.exceptions.LocationParseError(f"{self.host!r}, label empty or too long") from error
        try:
            return self.gate.allowed(dict.fromkeys(str(address[4][0]) for address in found), self.port)
        except AddressRefusedError as error:
            raise urllib3.exceptions.NewConnectionError(self, f"not dialled: {error}") from error


class _JudgedTls(_Judged, urllib3.connection.HTTPSConnection):
    """The same with TLS."""


class _Bounded(requests.adapters.HTTPAdapter):
    """Dials what `gate` lets pass; reads a reply's body itself, up to the limit."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        plain = type("Plain", (_Judged,), {"gate": self._gate})
        tls = type("Tls", (_JudgedTls,), {"gate": self._gate})
        self.poolmanager.pool_classes_by_scheme = {
            "http": type("Pool", (urllib3.HTTPConnectionPool,), {"ConnectionCls": plain}),
            "https": type("TlsPool", (urllib3.HTTPSConnectionPool,), {"ConnectionCls": tls}),
        }

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        response = super().send(request, *args, **kwargs)
        body = io.BytesIO()
        try:
            for chunk in response.raw.stream(_CHUNK, decode_content=True):
                body.write(chunk)
                if body.tell() > REPLY_LIMIT:
                    raise ReplyTooLargeError(f"the reply is larger than {REPLY_LIMIT} bytes")
        except urllib3.exceptions.HTTPError as error:
            raise requests.exceptions.ConnectionError("the reply broke off") from error
        finally:
            response.raw.release_conn()
            response.raw.close()
        body.seek(0)
        response.raw = body
        return response


def hush() -> None:
    """Keep the libraries from logging requests and replies at any level, and from warning of their own future."""
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.ERROR)
    for category in (DeprecationWarning, PendingDeprecationWarning):
        warnings.filterwarnings("ignore", category=category, module=r"(openstack|keystoneauth1)\b")


@contextmanager
def open_session(gate: Gate, cacert: Path | None, certificate: ClientCertificate = None) -> Iterator[Any]:
    """A keystoneauth1 session that dials what `gate` lets pass.

    Certificates are checked against `cacert`, or the system's authorities.
    """
    with requests.Session() as transport:
        transport.trust_env = False
        for scheme in ("https://", "http://"):
            transport.mount(scheme, _Bounded(gate))
        yield keystoneauth1.session.Session(
            session=transport,
            verify=_authorities(cacert),
            cert=certificate,
            timeout=PATIENCE,
            redirect=False,
            app_name="console-launcher",
        )


def tls_context(cacert: Path | None, certificate: ClientCertificate = None) -> ssl.SSLContext | None:
    """The same trust for the Compute API; None for the system's authorities alone. Raises OSError, ssl.SSLError."""
    if cacert is None and certificate is None:
        return None
    context = ssl.create_default_context(cafile=cacert)
    if certificate is not None:
        chain, key = certificate if isinstance(certificate, tuple) else (certificate, None)
        context.load_cert_chain(chain, key, password=lambda: "")  # never ask a terminal for a passphrase
    return context


def _authorities(cacert: Path | None) -> str | bool:
    """What requests is to check against: its own bundle only where the system has none."""
    if cacert is not None:
        return str(cacert)
    system = ssl.get_default_verify_paths()
    return system.cafile or system.capath or True
