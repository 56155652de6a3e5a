"""Whether a freshly opened upstream is a live screen: only its first bytes tell.

A console proxy answers `101` before it looks at the console token, and hangs up when the token is bad. What proves a
console is a payload that begins with `RFB ` (RFC 6143 §7.1.1); it may be split over frames, and empty frames and pings
may come before it. Behind an xvpvnc proxy, and from a VNC server itself, these are the first bytes of the stream.
"""

from __future__ import annotations

import enum

from launcher.relay.frames import CLOSE, PING, TEXT, Fault, parse_close, read_header

GREETING = b"RFB "
FRAMES = 256
"""Whole frames that may come before the greeting is: empty ones and pings, of 127 bytes at most. Each takes time."""
_NOT_RFB = "it does not begin with `RFB `"


class FirstVerdict(enum.Enum):
    """What the bytes received so far say about the upstream."""

    WAITING = "waiting"
    PROVEN = "proven"
    ENDED = "ended"
    NOT_RFB = "not RFB"
    FAULT = "fault"


class FirstBytes:
    """Judges the frames of an upstream until they prove a screen, or disprove it; that verdict is final.

    When it is PROVEN, `raw` holds all bytes received (more are added if more are fed), but for the control frames that
    came whole before the proof. `pings` holds the payloads to answer that the latest `feed` found. `why` says what
    NOT_RFB and FAULT mean, `close` holds code and reason of the close frame of ENDED.
    """

    __slots__ = ("_begin", "_frames", "_limit", "_rest", "_verdict", "close", "pings", "raw", "why")

    def __init__(self, limit: int) -> None:
        self.raw = b""
        self.pings: list[bytes] = []
        self.why = ""
        self.close: tuple[int, str] | None = None
        self._limit = limit
        self._frames = 0
        self._begin = b""
        self._rest = b""
        self._verdict = FirstVerdict.WAITING

    def feed(self, chunk: bytes) -> FirstVerdict:
        """What `chunk` and all before it say. `limit` bounds a frame, FRAMES what comes before the proof."""
        self.pings = []
        if self._verdict is FirstVerdict.PROVEN:
            self.raw += chunk
        if self._verdict is FirstVerdict.WAITING:
            self._verdict = self._judged(self._rest + chunk)
        return self._verdict

    def _judged(self, stream: bytes) -> FirstVerdict:
        """Read whole frames off `stream`; what is left of it is kept for the next time."""
        at, kept = 0, [self.raw]
        verdict = FirstVerdict.WAITING
        while verdict is FirstVerdict.WAITING:
            header = read_header(stream, at, self._limit)
            if isinstance(header, Fault):
                return self._fault(header.why)
            if header is None:
                break
            end = header.start + header.length
            verdict = self._frame(header.opcode, stream[header.start : end], whole=end <= len(stream))
            if verdict is FirstVerdict.PROVEN or end > len(stream):
                break
            if header.opcode < CLOSE:
                kept.append(stream[at:end])
            at = end
            self._frames += 1
            if self._frames > FRAMES:
                return self._fault(f"{FRAMES} frames came without a greeting")
        return self._sorted_out(verdict, kept, stream[at:])

    def _sorted_out(self, verdict: FirstVerdict, kept: list[bytes], rest: bytes) -> FirstVerdict:
        """Keep what the verdict asks for."""
        if verdict is FirstVerdict.PROVEN:
            self.raw, self._rest = b"".join((*kept, rest)), b""
            return verdict
        self.raw, self._rest = b"".join(kept), rest
        return verdict

    def _frame(self, opcode: int, payload: bytes, *, whole: bool) -> FirstVerdict:
        """The verdict on one frame, of whose payload the rest may still be to come."""
        if opcode == TEXT:
            return self._fault("it begins with a text message")
        if opcode < CLOSE:
            return self._data(payload, whole=whole)
        if whole and opcode == PING:
            self.pings.append(payload)
        if whole and opcode == CLOSE:
            self.close = _close(payload)
            return FirstVerdict.ENDED
        return FirstVerdict.WAITING

    def _data(self, payload: bytes, *, whole: bool) -> FirstVerdict:
        begin = (self._begin + payload[: len(GREETING)])[: len(GREETING)]
        if begin == GREETING:
            return FirstVerdict.PROVEN
        if not GREETING.startswith(begin):
            self.why = _NOT_RFB
            return FirstVerdict.NOT_RFB
        if whole:
            self._begin = begin
        return FirstVerdict.WAITING

    def _fault(self, why: str) -> FirstVerdict:
        self.why = why
        return FirstVerdict.FAULT


class RawFirstBytes:
    """The same for an upstream that speaks RFB as it is, without frames: there `pings` and `close` stay empty.

    It never says ENDED nor FAULT: the end of such a stream is the connection's own, which nobody feeds to it.
    """

    __slots__ = ("_verdict", "close", "pings", "raw", "why")

    def __init__(self) -> None:
        self.raw = b""
        self.pings: list[bytes] = []
        self.why = ""
        self.close: tuple[int, str] | None = None
        self._verdict = FirstVerdict.WAITING

    def feed(self, chunk: bytes) -> FirstVerdict:
        """What `chunk` and all before it say."""
        if self._verdict is FirstVerdict.NOT_RFB:
            return self._verdict
        self.raw += chunk
        if self._verdict is FirstVerdict.WAITING:
            self._verdict = self._judged()
        return self._verdict

    def _judged(self) -> FirstVerdict:
        begin = self.raw[: len(GREETING)]
        if begin == GREETING:
            return FirstVerdict.PROVEN
        if not GREETING.startswith(begin):
            self.why = _NOT_RFB
            return FirstVerdict.NOT_RFB
        return FirstVerdict.WAITING


def _close(payload: bytes) -> tuple[int, str] | None:
    """Code and reason of a close frame; None when they make no sense: it closes all the same."""
    try:
        return parse_close(payload)
    except ValueError:
        return None
