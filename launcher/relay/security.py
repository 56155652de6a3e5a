"""RFB sign-ins that the gateway speaks itself (RFC 6143 §7.1): towards a server, and towards a viewer. Pure.

A server that asks for a password gets the configured one (`SignIn`); its viewer is then greeted by the gateway
(`Welcome`), with a sign-in of its own or none. A viewer that cannot be shown a screen is told why (`Refusal`). What
they give back from one `feed` is one message: it goes out as a piece of its own, for console proxies lose bytes that
come joined, and `feed(b"")` gives the next, if there is one.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable
from typing import Final

from launcher.model import Secret
from launcher.relay.dialogue import Dialogue, FailedError, HungUpError, Part, Piece
from launcher.relay.rfbhandshake import BANNER_SIZE, INVALID, NONE, OK, VNC, minor_version
from launcher.relay.vncauth import CHALLENGE_SIZE, is_right, response_to

BANNER: Final = b"RFB 003.008\n"
NOT_RFB: Final = "does not begin with `RFB `: it shows no screen."

ASKING: Final = "asks for a password, and none is configured."
FOREIGN: Final = "offers only sign-ins that the gateway does not know"

_FAILED: Final = b"\0\0\0\1"
_TOO_MANY: Final = b"\0\0\0\2"
_REASON_LIMIT: Final = 1024
_SHOWN: Final = 120
_NAMES: Final = {
    5: "RA2", 6: "RA2ne", 13: "RA2 in two steps", 16: "Tight", 17: "Ultra", 18: "TLS", 19: "VeNCrypt", 20: "SASL",
    21: "MD5", 22: "xvp", 30: "Apple DH", 113: "MSLogonII", 129: "RA2-256", 130: "RA2ne-256",
    133: "RA2-256 in two steps",
}  # fmt: skip
"""Of the security types that are not spoken here."""
_ON_PASSWORD: Final = re.compile(r"auth|passw", re.IGNORECASE)
_NAMED: Final = 8
"""So many of them are listed in a sentence."""


class SignIn(Dialogue):
    """Our side towards a server. When `done`, it waits for ClientInit.

    `failure` is the end of a sentence that begins with the server's name.
    """

    __slots__ = ()

    def __init__(self, password: Secret | None) -> None:
        super().__init__(_sign_in(password))


class Welcome(Dialogue):
    """Our side towards a viewer whose server is signed in to. When `done`, `leftover` begins with its ClientInit.

    With a `password`, it is asked for by VNC authentication; `challenge` is of `vncauth.challenge_of`. After a failure
    the viewer is to be left, when the last thing to say is said. `failure` is the end of a sentence on the viewer.
    """

    __slots__ = ()
    begin: Final = BANNER
    """What is said first."""

    def __init__(self, *, password: Secret | None = None, challenge: bytes = b"") -> None:
        if password is not None and len(challenge) != CHALLENGE_SIZE:
            raise ValueError("A password cannot be asked for without a challenge.")
        super().__init__(_welcome(password, challenge))


class Refusal(Dialogue):
    """Our side towards a viewer that is to be told why there is no screen. When `done`, all is said."""

    __slots__ = ()
    begin: Final = BANNER

    def __init__(self, reason: str) -> None:
        super().__init__(_refusal(reason))


def turned_away(first: bytes) -> str | None:
    """Why a server takes nobody, where it says so behind its very greeting: the end of a sentence, as `failure` is.

    A server of RFB 3.3 decides alone (RFC 6143 §7.1.2): TigerVNC's says so to a viewer that failed too often.
    """
    if first[BANNER_SIZE : BANNER_SIZE + 4] != INVALID.to_bytes(4) or minor_version(first[:BANNER_SIZE]) != 3:
        return None
    told = SignIn(None)
    told.answer(first)
    told.hang_up()
    return told.failure


def _sign_in(password: Secret | None) -> Part:
    begin = yield len(b"RFB ")
    if begin != b"RFB ":
        raise FailedError(NOT_RFB)
    version = minor_version(begin + (yield BANNER_SIZE - len(begin)))
    if version is None:
        raise FailedError("speaks a version of RFB that the gateway does not know.")
    yield b"RFB 003.00%d\n" % version
    security = yield from _security_type(version, password)
    if security == VNC and password is not None:
        yield response_to((yield CHALLENGE_SIZE), password)
    elif version < 8:
        return  # only 3.8 says how it went when nothing was asked
    result = yield len(OK)
    if result != OK:
        reason = (yield from _reason()) if version == 8 else ""
        raise FailedError(_refused(reason, asked=security == VNC, too_many=result == _TOO_MANY))


def _security_type(version: int, password: Secret | None) -> Piece[int]:
    """The security type that is gone by: in 3.3 the server's word, later our choice of a list."""
    if version == 3:
        decided = int.from_bytes((yield 4), "big")
        if decided == INVALID:
            raise _turned_away((yield from _reason()))
        return _chosen((decided,), password)
    count = (yield 1)[0]
    if count == 0:
        raise _turned_away((yield from _reason()))
    chosen = _chosen((yield count), password)
    yield bytes((chosen,))
    return chosen


def _turned_away(reason: str) -> FailedError:
    """The server offers no sign-in at all."""
    return FailedError(_refused(reason, asked=False, too_many=False))


def _reason() -> Piece[str]:
    """A server's own words, as far as they come, safe to be shown."""
    try:
        size = int.from_bytes((yield 4), "big")
        text = (yield min(size, _REASON_LIMIT)).decode("utf-8", "replace").strip()
    except HungUpError:
        return ""
    cut = text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in cut)


def _chosen(offered: Iterable[int], password: Secret | None) -> int:
    """The best security type of those offered. Raises FailedError."""
    known = set(offered)
    if VNC in known and password is not None:
        return VNC
    if NONE in known:
        return NONE
    if VNC in known:
        raise FailedError(ASKING)
    names = [f"{_NAMES.get(number, 'unnamed')} ({number})" for number in sorted(known)]
    more = [f"{len(names) - _NAMED} more"] if len(names) > _NAMED else []
    raise FailedError(f"{FOREIGN}: {', '.join(names[:_NAMED] + more)}.")


def _refused(reason: str, *, asked: bool, too_many: bool) -> str:
    """What a refusal means, by the server's own words. `asked`: it had asked for the password."""
    if too_many or "too many" in reason.lower():
        return "takes no sign-ins for the moment: too many have failed. Wait, and see that the password is right."
    if asked and (not reason or _ON_PASSWORD.search(reason)):
        return "refuses the configured password."
    return f'refuses the gateway and says "{reason}".' if reason else "refuses the gateway and does not say why."


def _welcome(password: Secret | None, challenge: bytes) -> Part:
    version = yield from _viewer_version()
    security = NONE if password is None else VNC
    if version == 3:
        yield security.to_bytes(4, "big") + challenge
    else:
        yield bytes((1, security))
        chosen = (yield 1)[0]
        if chosen != security:
            yield _dismissal(version, "This sign-in was not offered.")
            raise FailedError(f"chose a sign-in that was not offered ({chosen}).")
        if challenge:
            yield challenge
    if password is None:
        if version == 8:
            yield OK
        return
    if not is_right((yield CHALLENGE_SIZE), challenge, password):
        yield _dismissal(version, "Authentication failed: the password is wrong.")
        raise FailedError("gave a wrong password.")
    yield OK


def _refusal(reason: str) -> Part:
    version = yield from _viewer_version()
    yield bytes(4 if version == 3 else 1) + _string(reason)


def _viewer_version() -> Piece[int]:
    version = minor_version((yield BANNER_SIZE))
    if version is None:
        raise FailedError("does not answer in RFB.")
    return version


def _dismissal(version: int, reason: str) -> bytes:
    """SecurityResult of a sign-in that failed; only 3.8 says why."""
    return _FAILED + _string(reason) if version == 8 else _FAILED


def _string(text: str) -> bytes:
    raw = text.encode("utf-8", "replace")
    return struct.pack(">I", len(raw)) + raw
