"""How keystoneauth1 reaches an Identity service: blocking, bounded, without redirects or surroundings.

Blocking: for a worker thread only. Neither proxies nor passwords are taken from the environment or `~/.netrc`, a reply
is at most `REPLY_LIMIT` bytes when unpacked, and each wait for the network at most `PATIENCE` seconds.
"""

from __future__ import annotations

import io
import logging
import ssl
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import keystoneauth1.session
import requests
import requests.adapters
import urllib3.exceptions

from launcher.cloud.wire import REPLY_LIMIT

PATIENCE: Final = 20.0

_TALKATIVE = ("keystoneauth", "keystoneauth1", "openstack", "stevedore", "requests", "urllib3")
_CHUNK = 16 * 1024

ClientCertificate = str | tuple[str, str] | None
"""One file with certificate and key, or both files, or none."""


class ReplyTooLargeError(requests.exceptions.RequestException):
    """The Identity service's reply is larger than `REPLY_LIMIT`."""


class _Bounded(requests.adapters.HTTPAdapter):
    """Reads a reply's body itself, up to the limit."""

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
def open_session(cacert: Path | None, certificate: ClientCertificate = None) -> Iterator[Any]:
    """A keystoneauth1 session; certificates are checked against `cacert`, or the system's authorities."""
    with requests.Session() as transport:
        transport.trust_env = False
        for scheme in ("https://", "http://"):
            transport.mount(scheme, _Bounded())
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
