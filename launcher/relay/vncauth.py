"""VNC authentication (RFC 6143 §7.2.2): who knows the password encrypts a challenge with it, by DES. Pure.

It is weak: eight bytes of the password count, and who overhears a sign-in can try passwords at leisure. It is meant for
hops that are safe otherwise: a socket in the file system, the loopback address, TLS.
"""

from __future__ import annotations

import hmac
from typing import Final

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

from launcher.model import Secret

CHALLENGE_SIZE: Final = 16
PASSWORD_SIZE: Final = 8
"""Bytes of a password that count, in UTF-8, as QEMU and TigerVNC take it."""

_MIRRORED: Final = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def challenge_of(chance: bytes) -> bytes:
    """A challenge, from CHALLENGE_SIZE bytes of chance that nobody saw before. Raises ValueError.

    One whose halves are equal (chance that is none) would be answered with two equal halves: it is refused.
    """
    half = CHALLENGE_SIZE // 2
    if len(chance) != CHALLENGE_SIZE or chance[:half] == chance[half:]:
        raise ValueError(f"A challenge is made of {CHALLENGE_SIZE} bytes of chance.")
    return chance


def response_to(challenge: bytes, password: Secret) -> bytes:
    """What somebody answers to a challenge of CHALLENGE_SIZE bytes who knows the password. Raises ValueError."""
    if len(challenge) != CHALLENGE_SIZE:
        raise ValueError(f"A challenge has {CHALLENGE_SIZE} bytes.")
    key = password.reveal().encode()[:PASSWORD_SIZE].ljust(PASSWORD_SIZE, b"\0").translate(_MIRRORED)
    # DES is Triple DES with one key three times; the bits of each key byte come in the order that VNC gave them.
    encryptor = Cipher(TripleDES(key * 3), modes.ECB()).encryptor()  # noqa: S305 - the protocol's own choice
    return encryptor.update(challenge) + encryptor.finalize()


def is_right(response: bytes, challenge: bytes, password: Secret) -> bool:
    """Whether a response proves the password; in a time that tells nothing about it."""
    return hmac.compare_digest(response, response_to(challenge, password))
