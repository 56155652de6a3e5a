"""The clipboard of RFB: plain Latin-1, and the extended pseudo-encoding that carries any text. Pure.

Extended messages are plain ones with a negative length: four bytes of flags, then what they are about. Who has a new
text notifies; the other side asks; the text follows, deflated. Nothing is sent unasked.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import Final

EXTENDED: Final = -1063131698
"""The pseudo-encoding, 0xC0A1E5CE."""
TEXT_LIMIT: Final = 64 * 1024

_TEXT: Final = 1
_CAPS, _REQUEST, _PEEK, _NOTIFY, _PROVIDE = (1 << bit for bit in (24, 25, 26, 27, 28))
_ACTIONS: Final = _CAPS | _REQUEST | _PEEK | _NOTIFY | _PROVIDE
_ACTION_BITS: Final = 0xFF000000


@dataclass(frozen=True, slots=True)
class Heard:
    """What a viewer's extended message means: a text, or an answer to send, or nothing."""

    text: str | None = None
    answer: bytes = b""


def cut_text(text: str) -> bytes:
    """ServerCutText with a text in Latin-1, `?` for what that does not have."""
    raw = text.replace("\r\n", "\n").encode("latin-1", "replace")
    return struct.pack(">B3xI", 3, len(raw)) + raw


def capabilities() -> bytes:
    """Ours: any action, and texts of TEXT_LIMIT bytes that need not be asked for."""
    return _message(_ACTIONS | _TEXT, struct.pack(">I", TEXT_LIMIT))


def notice() -> bytes:
    """There is a new text here."""
    return _message(_NOTIFY | _TEXT)


def hear(payload: bytes, own: str) -> Heard:
    """A viewer's extended message; `own` is the text that it may ask for. Raises ValueError."""
    if len(payload) < 4:
        raise ValueError("an extended clipboard message has no flags")
    (flags,) = struct.unpack(">I", payload[:4])
    action, has_text = flags & _ACTION_BITS, bool(flags & _TEXT)
    if action & _CAPS:
        return Heard()
    if action == _NOTIFY:
        return Heard(answer=_message(_REQUEST | _TEXT) if has_text else b"")
    if action == _REQUEST:
        return Heard(answer=_provided(own) if has_text and own else b"")
    if action == _PEEK:
        return Heard(answer=_message(_NOTIFY | (_TEXT if own else 0)))
    if action == _PROVIDE:
        return Heard(text=_read(payload[4:]) if has_text else None)
    raise ValueError("an extended clipboard message has an action that does not exist")


def _read(packed: bytes) -> str:
    """The text of a Provide: deflated, length before it, NUL behind it. No more than TEXT_LIMIT is unpacked."""
    stream = zlib.decompressobj()
    try:
        head = stream.decompress(packed, 4)
        size = int.from_bytes(head, "big")
        raw = stream.decompress(stream.unconsumed_tail, min(size, TEXT_LIMIT) or 1)
    except zlib.error as error:
        raise ValueError("an extended clipboard message cannot be unpacked") from error
    text = raw[:size].decode("utf-8", "replace").split("\0")[0]
    return text.replace("\r\n", "\n")


def _provided(text: str) -> bytes:
    raw = text.replace("\n", "\r\n").encode("utf-8", "replace") + b"\0"
    return _message(_PROVIDE | _TEXT, zlib.compress(struct.pack(">I", len(raw)) + raw))


def _message(flags: int, body: bytes = b"") -> bytes:
    return struct.pack(">B3xiI", 3, -(4 + len(body)), flags) + body
