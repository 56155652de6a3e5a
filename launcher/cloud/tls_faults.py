"""Says why a cloud's TLS certificate or handshake cannot be trusted, in OpenSSL's own words."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from typing import Final

_DEPTH = 8
_AUTHORITY: Final = frozenset({18, 19, 20, 21})
"""OpenSSL's X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT to _UNABLE_TO_VERIFY_LEAF_SIGNATURE: nobody known has signed it."""


def distrust(error: BaseException) -> str:
    """The end of a sentence about who shows the certificate, from any library's exception."""
    for cause in _chain(error):
        if not isinstance(cause, ssl.SSLError) or not hasattr(cause, "reason"):  # aiohttp's own subclass has nothing
            continue
        if isinstance(cause, ssl.SSLCertVerificationError):
            mend = "; name its CA in cacert" if cause.verify_code in _AUTHORITY else ""
            return f"its TLS certificate cannot be trusted: {cause.verify_message.rstrip('.')}{mend}"
        if cause.reason:
            return f"its TLS handshake cannot be trusted: {cause.reason.replace('_', ' ').lower()}"
    return "its TLS certificate or handshake cannot be trusted; name its CA in cacert"


def _chain(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    for _ in range(_DEPTH):
        if cause is None:
            return
        yield cause
        held = getattr(cause, "certificate_error", None) or getattr(cause, "os_error", None)  # aiohttp's own
        cause = held if isinstance(held, BaseException) else cause.__cause__ or cause.__context__
