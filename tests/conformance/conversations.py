"""What a client may say, rightly or wrongly: scripts for any WebSocket end that has a `RawScreen` behind it.

Each ends with the goodbye of a client, a close 1000, if it has not closed or left before. What comes back of what was
sent is heard before anything that might end the connection, so that nothing depends on who is faster.
"""

from __future__ import annotations

from dataclasses import dataclass

from launcher.relay.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, client_frame
from tests.fakes.console_proxy import BANNER

_MASK = b"\x37\xfa\x21\x3d"
FRAME_LIMIT = 1024**2


@dataclass(frozen=True, slots=True)
class Say:
    """These bytes, at once."""

    raw: bytes


@dataclass(frozen=True, slots=True)
class Dribble:
    """These bytes, one by one."""

    raw: bytes


@dataclass(frozen=True, slots=True)
class Hear:
    """Until so many bytes of payload and so many pongs have come in all, or the end."""

    size: int = len(BANNER)
    pongs: int = 0


@dataclass(frozen=True, slots=True)
class Dialled:
    """Until the screen is dialled."""


@dataclass(frozen=True, slots=True)
class Greet:
    """The screen, which has kept silent, greets."""


@dataclass(frozen=True, slots=True)
class HangUp:
    """The screen ends its connection."""


@dataclass(frozen=True, slots=True)
class Fin:
    """The client says FIN, without a close frame."""


@dataclass(frozen=True, slots=True)
class Reset:
    """The client's connection is reset."""


Step = Say | Dribble | Hear | Dialled | Greet | HangUp | Fin | Reset


@dataclass(frozen=True, slots=True)
class Conversation:
    """`greets` and `echoes` say what the screen does by itself."""

    steps: tuple[Step, ...]
    greets: bool = True
    echoes: bool = True


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0) -> bytes:
    """A masked frame, of whatever kind."""
    first = fin << 7 | rsv << 4 | opcode
    return bytes((first,)) + client_frame(0, payload, _MASK)[1:]


def close(code: int, reason: bytes = b"") -> bytes:
    return frame(CLOSE, code.to_bytes(2) + reason)


def _pattern(size: int) -> bytes:
    return (bytes(range(251)) * (size // 251 + 1))[:size]


def _after_greeting(*steps: Step, echoes: bool = True) -> Conversation:
    return Conversation((Hear(), *steps), echoes=echoes)


def _echoed(raw: bytes, size: int) -> Conversation:
    """This comes to `size` bytes, and back they come."""
    return _after_greeting(Say(raw), Hear(len(BANNER) + size))


def _untold(raw: bytes) -> Conversation:
    """This, from a client that is shown nothing of what the screen got."""
    return _after_greeting(Say(raw), echoes=False)


def _header(first: int, length: int) -> bytes:
    """A masked header with a length of eight bytes; no payload follows."""
    return bytes((first, 0x80 | 127)) + length.to_bytes(8) + _MASK


_THREE = frame(BINARY, b"one ", fin=False) + frame(CONTINUATION, b"two ", fin=False) + frame(CONTINUATION, b"three")
_WITH_PINGS = (frame(BINARY, b"one ", fin=False) + frame(PING, b"?") + frame(CONTINUATION, b"two ", fin=False)) + (
    frame(PONG, b"!") + frame(CONTINUATION, b"three")
)
_HALF = frame(BINARY, b"half of it")[:9]
_WORD = frame(BINARY, b"word")

SIZES = (0, 1, 125, 126, 65_535, 65_536, FRAME_LIMIT)

RIGHT: dict[str, Conversation] = {
    "nothing but a goodbye": _after_greeting(),
    **{f"a message of {size} bytes": _echoed(frame(BINARY, _pattern(size)), size) for size in SIZES},
    "an empty message among others": _echoed(_WORD + frame(BINARY) + _WORD, 8),
    "a hundred messages in one segment": _echoed(_WORD * 100, 400),
    "a message in three fragments": _echoed(_THREE, 13),
    "a ping and a pong between fragments": _after_greeting(Say(_WITH_PINGS), Hear(len(BANNER) + 13, pongs=1)),
    "a message that begins with an empty fragment": _after_greeting(
        Say(frame(BINARY, fin=False) + frame(CONTINUATION, b"word")), echoes=False
    ),
    "a fragmented message byte by byte": _after_greeting(Dribble(_THREE), Hear(len(BANNER) + 13)),
    "a half-written frame that is finished later": _after_greeting(
        Say(_WORD + _HALF), Hear(len(BANNER) + 4), Say(frame(BINARY, b"half of it")[9:]), Hear(len(BANNER) + 14)
    ),
    "a ping": _after_greeting(Say(frame(PING)), Hear(pongs=1)),
    "a ping of 125 bytes": _after_greeting(Say(frame(PING, _pattern(125))), Hear(pongs=1)),
    "three pings in one segment": _after_greeting(
        Say(frame(PING, b"1") + frame(PING, b"2") + frame(PING, b"3")), Hear(pongs=3)
    ),
    "an unsolicited pong": _after_greeting(Say(frame(PONG, b"here") + _WORD), Hear(len(BANNER) + 4)),
    "a ping before the first byte": Conversation(
        (Say(frame(PING, b"early")), Hear(0, pongs=1), Greet(), Hear(), Say(_WORD), Hear(len(BANNER) + 4)), greets=False
    ),
    "messages before the first byte": Conversation((Say(_WORD + _WORD), Greet(), Hear(len(BANNER) + 8)), greets=False),
    "a close before the first byte": Conversation((Dialled(), Say(close(4001, b"no time")), Greet()), greets=False),
    "a close without a code": _untold(frame(CLOSE)),
    **{
        f"a close with {code}": _untold(close(code, b"a reason"))
        for code in (1000, 1001, 1002, 1003, 1007, 1009, 1011, 3000, 4001, 4999)
    },
    "a close with the longest reason": _untold(close(1000, b"r" * 123)),
    "a message and a close in one segment": _untold(_WORD + close(1000)),
    "a half-written frame, and FIN": _after_greeting(Say(_WORD + _HALF), Hear(len(BANNER) + 4), Fin()),
    "a half-written frame, and a reset": _after_greeting(Say(_WORD + _HALF), Hear(len(BANNER) + 4), Reset()),
    "FIN without a close": _after_greeting(Say(_WORD), Hear(len(BANNER) + 4), Fin()),
    "a reset": _after_greeting(Say(_WORD), Hear(len(BANNER) + 4), Reset()),
    "a screen that hangs up": _after_greeting(Say(_WORD), Hear(len(BANNER) + 4), HangUp()),
    "a screen that hangs up before its first byte": Conversation((Dialled(), HangUp()), greets=False),
}

WRONG: dict[str, Conversation] = {
    "an unmasked message": _untold(_WORD + b"\x82\x04word" + _WORD),
    "an unmasked ping": _untold(b"\x89\x00" + _WORD),
    "a text message": _untold(_WORD + frame(TEXT, b"text") + _WORD),
    "the first fragment of a text": _untold(frame(TEXT, b"text", fin=False) + _WORD),
    **{f"RSV{4 - n} on a message": _untold(frame(BINARY, b"x", rsv=1 << n - 1) + _WORD) for n in (3, 2, 1)},
    "RSV1 on a ping": _untold(frame(PING, rsv=4) + _WORD),
    **{f"the reserved opcode 0x{code:X}": _untold(frame(code, b"x") + _WORD) for code in (3, 7, 0xB, 0xF)},
    "a ping of 126 bytes": _untold(frame(PING, bytes(126)) + _WORD),
    "a close of 126 bytes": _untold(close(1000, b"r" * 124) + _WORD),
    "a fragmented ping": _untold(frame(PING, fin=False) + _WORD),
    "a fragmented close": _untold(frame(CLOSE, fin=False)),
    "a continuation of nothing": _untold(frame(CONTINUATION, b"x") + _WORD),
    "a message within a message": _untold(frame(BINARY, b"x", fin=False) + _WORD),
    "a length with its highest bit": _after_greeting(Say(_header(0x82, 1 << 63)), Fin()),
    "a message one byte over 1 MiB": _untold(frame(BINARY, bytes(FRAME_LIMIT + 1))),
    "fragments that come to more than 1 MiB": _untold(
        frame(BINARY, bytes(FRAME_LIMIT), fin=False) + frame(CONTINUATION, b"x")
    ),
    "more than 4 KiB before the first byte": Conversation(
        (Dialled(), Say(frame(BINARY, bytes(4097))), Greet(), Hear()), greets=False, echoes=False
    ),
    "a close of one byte": _untold(frame(CLOSE, b"\x03")),
    "a close whose reason is not UTF-8": _untold(close(1000, b"\xc3\x28")),
    **{f"a close with {code}, which none may send": _untold(close(code)) for code in (0, 999, 1005, 1006, 1015, 5000)},
    "a message after a close": _untold(close(1000) + _WORD),
    "a ping after a close": _untold(close(1000) + frame(PING, b"?")),
}

CONVERSATIONS = RIGHT | WRONG
