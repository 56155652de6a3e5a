"""The gateway's own certificate and its key: whether TLS can be served with them, and if not, why.

Both are files of PEM. The certificate's begins with the server's own; those that lead from it to its authority follow.
cryptography is imported only where there is something to look at: half of the gateways have no certificate.
"""

from __future__ import annotations

import ssl
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import BeforeValidator, ValidationInfo, WithJsonSchema

from launcher.config.secrets import PATH_SCHEMA, SECRET_SCHEMA, folder_of, is_passed, named_file

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_BEGIN_KEY = b"PRIVATE KEY-----"


def certificate_file(value: object, folder: Path | None = None) -> Path:
    """The path of a file with at least one certificate: a reference, or the path itself. Raises ValueError.

    `folder` is where credentials lie outside systemd.
    """
    if isinstance(value, Path):
        return value
    path, content = named_file(value, folder, secret=False)
    _certificates(path, content)
    return path


def key_file(value: object, folder: Path | None = None) -> Path:
    """The path of a file with a private key that needs no password, and that others may not read. Raises ValueError."""
    if isinstance(value, Path):
        return value
    path, content = named_file(value, folder, secret=True)
    _public_key(path, content)
    return path


def misfit(certificate: Path, key: Path) -> str | None:
    """Why TLS cannot be served with the two, each of which is good; None where it can. Raises OSError."""
    chain = _certificates(certificate, certificate.read_bytes())
    ours = _public_key(key, key.read_bytes())
    if ours == _public_bytes(chain[0]):
        return _refusal(certificate, key)
    if ours in map(_public_bytes, chain[1:]):
        return f"this is the key of a later certificate in {certificate}: the server's own must be the first there"
    again = (
        "; credentials are as they were when the service was started: after both were renewed it takes a restart"
        if is_passed(key) or is_passed(certificate)
        else ""
    )
    return f"this is not the key of the certificate in {certificate}: name the two that were made together{again}"


def out_of_date(certificate: Path, now: datetime) -> str | None:
    """Why browsers do not trust the certificate today, whoever signed it; None where they may. Raises OSError."""
    first = _certificates(certificate, certificate.read_bytes())[0]
    if first.not_valid_after_utc < now:
        return f"this certificate has expired ({first.not_valid_after_utc:%Y-%m-%d}): renew it, then reload"
    if first.not_valid_before_utc > now:
        return (
            f"this certificate is not valid before {first.not_valid_before_utc:%Y-%m-%d %H:%M} UTC: is the clock right?"
        )
    return None


def _certificates(path: Path, content: bytes) -> list[Certificate]:
    """Raises ValueError."""
    from cryptography.x509 import load_pem_x509_certificates

    if b"-----BEGIN CERTIFICATE-----" not in content:
        raise ValueError(f"{path} holds no certificate: it begins with -----BEGIN CERTIFICATE----- (PEM)")
    try:
        return load_pem_x509_certificates(content)
    except ValueError as error:
        raise ValueError(f"{path} holds a certificate that cannot be read: is the file whole?") from error


def _public_bytes(certificate: Certificate) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _public_key(path: Path, content: bytes) -> bytes:
    """The public half of a private key. Raises ValueError, whose cause says nothing of the key."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    if _BEGIN_KEY not in content:
        raise ValueError(f"{path} holds no private key: it begins with -----BEGIN PRIVATE KEY----- (PEM)")
    try:
        key = load_pem_private_key(content, None)
    except TypeError:
        raise ValueError(
            f"the key in {path} is encrypted, and nobody is there to type its password: write it out in plain "
            "(openssl pkey -in OLD -out NEW, in a file of mode 0600), or as a credential that systemd decrypts"
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError(f"{path} holds a private key that cannot be read: is the file whole?") from None
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _refusal(certificate: Path, key: Path) -> str | None:
    """What OpenSSL, as this machine has set it up, has against them: a key that is too short, for one."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="")
    except ssl.SSLError as error:
        return (
            f"TLS cannot be served with it and {certificate}: {(error.reason or str(error)).lower().replace('_', ' ')}"
        )
    return None


def _validated_certificate(value: object, validation: ValidationInfo) -> Path:
    return certificate_file(value, folder_of(validation))


def _validated_key(value: object, validation: ValidationInfo) -> Path:
    return key_file(value, folder_of(validation))


CertificateFile = Annotated[Path, BeforeValidator(_validated_certificate), WithJsonSchema(PATH_SCHEMA)]
KeyFile = Annotated[Path, BeforeValidator(_validated_key), WithJsonSchema(SECRET_SCHEMA)]
