from __future__ import annotations

import ssl

from launcher.cloud.tls_faults import distrust


def failure(code: int, message: str) -> ssl.SSLCertVerificationError:
    """As OpenSSL makes it."""
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message, error.reason = code, message, "CERTIFICATE_VERIFY_FAILED"
    return error


def test_what_an_authority_would_mend_is_told_so() -> None:
    outer = OSError("a library's own")
    outer.__cause__ = failure(18, "self-signed certificate")
    assert distrust(outer) == "its TLS certificate cannot be trusted: self-signed certificate; name its CA in cacert"


def test_what_no_authority_mends_is_not() -> None:
    assert distrust(failure(10, "certificate has expired")).endswith("certificate has expired")


def test_a_handshake_has_its_reason() -> None:
    error = ssl.SSLError(1, "no")
    error.reason = "UNSUPPORTED_PROTOCOL"
    assert distrust(error) == "its TLS handshake cannot be trusted: unsupported protocol"


def test_without_a_reason_both_are_named() -> None:
    first, last = OSError("one"), OSError("two")
    first.__context__ = last
    last.__context__ = first
    assert "certificate or handshake cannot be trusted" in distrust(first)
    assert "certificate or handshake cannot be trusted" in distrust(OSError("x"))
