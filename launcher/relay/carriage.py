"""How the bytes of an upstream become the bytes of a viewer, for each pair of carriers. Pure.

    console proxy (frames) → page (frames)          `frames.FrameWalker`: verbatim
    VNC server, xvp (raw)  → page (frames)          `Wrapping`: each chunk becomes one frame
    console proxy (frames) → native viewer (raw)    `Unwrapping`: the payloads of data frames
    VNC server, xvp (raw)  → native viewer (raw)    `Plain`

All of them have `walk`, which gives what is to be forwarded of a chunk, and after it `boundary`, `at_boundary`, `stop`,
`why`, `close`, `controls` and `more` as `FrameWalker` has them: where an end may be said, whether the upstream's stream
is over, how many pings and pongs came, and whether something is left for a later turn.
"""

from __future__ import annotations

from typing import Protocol

from launcher.relay.frames import (
    CLOSE,
    COSTLY,
    EMPTY_FRAMES,
    EMPTY_ROW,
    HEADERS,
    PING,
    TEXT,
    Fault,
    FrameWalker,
    Header,
    Stop,
    joined,
    kept,
    parse_close,
    read_header,
    server_head,
)


class Carriage(Protocol):
    """One direction: upstream → viewer."""

    boundary: int | None
    stop: Stop | None
    why: str
    close: tuple[int, str] | None
    controls: int
    more: bool

    @property
    def at_boundary(self) -> bool: ...
    def walk(self, chunk: bytes | memoryview) -> bytes | memoryview: ...


class Plain:
    """Bytes are bytes; an end may be said anywhere."""

    __slots__ = ()

    boundary: int | None = 0
    stop: Stop | None = None
    why = ""
    close: tuple[int, str] | None = None
    controls = 0
    more = False
    at_boundary = True

    def walk(self, chunk: bytes | memoryview) -> bytes | memoryview:
        return chunk


class Wrapping(Plain):
    """Each chunk becomes one binary frame."""

    __slots__ = ()

    def walk(self, chunk: bytes | memoryview) -> bytes | memoryview:
        return server_head(len(chunk)) + chunk


class Unwrapping:
    """The payloads of data frames, in whatever pieces they come; `pings` of the last chunk are to be answered."""

    __slots__ = ("_empty", "_held", "_left", "_limit", "close", "controls", "more", "pings", "stop", "why")

    boundary: int | None = 0
    at_boundary = True

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held: bytes | memoryview = b""
        self._left = 0
        self._empty = 0
        self.controls = 0
        self.more = False
        self.pings: list[bytes] = []
        self.stop: Stop | None = None
        self.why = ""
        self.close: tuple[int, str] | None = None

    def walk(self, chunk: bytes | memoryview) -> bytes | memoryview:
        """The payload in `chunk` and in what was held back before it."""
        self.pings = []
        self.controls, self.more = 0, False
        if self.stop is not None:
            return b""
        stream = joined(self._held, chunk) if self._held else chunk
        self._held = b""
        found = self._payloads(stream)
        return found[0] if len(found) == 1 else b"".join(found)

    def _payloads(self, stream: bytes | memoryview) -> list[bytes | memoryview]:
        found: list[bytes | memoryview] = []
        at, end, share = 0, len(stream), HEADERS
        while at < end and self.stop is None:
            if self._left:
                found.append(stream[at : at + self._left])
                self._left -= len(found[-1])
                at += len(found[-1])
                continue
            self.more = share <= 0
            header = None if self.more else read_header(stream, at, self._limit)
            if header is None or (isinstance(header, Header) and self._is_partial(header, end)):
                self._held = kept(stream, at)
                break
            at, share = self._step(stream, at, header), share - COSTLY
        return found

    def _is_partial(self, header: Header, end: int) -> bool:
        """Whether it is a control frame of which some is missing: those are taken whole."""
        return header.opcode >= CLOSE and header.start + header.length > end

    def _step(self, stream: bytes | memoryview, at: int, header: Header | Fault) -> int:
        """Where the payload of the frame at `at` begins, or, of a control frame, ends."""
        if isinstance(header, Fault):
            self.stop, self.why = header
            return at
        if header.opcode < CLOSE:
            self._begin(header)
            return header.start
        self.controls += header.opcode > CLOSE
        end = header.start + header.length
        payload = bytes(stream[header.start : end])
        if header.opcode == PING:
            self.pings.append(payload)
        if header.opcode == CLOSE:
            self._closed(payload)
        return end

    def _begin(self, header: Header) -> None:
        """A data frame."""
        self._left = header.length
        self._empty = 0 if header.length else self._empty + 1
        if header.opcode == TEXT:
            self.stop, self.why = Stop.PROTOCOL, "a text message came where RFB was expected"
        elif self._empty > EMPTY_ROW:
            self.stop, self.why = Stop.PROTOCOL, EMPTY_FRAMES

    def _closed(self, payload: bytes) -> None:
        try:
            self.close = parse_close(payload)
            self.stop = Stop.CLOSED
        except ValueError as error:
            self.stop, self.why = Stop.PROTOCOL, str(error)


def carriage_of(*, upstream_framed: bool, viewer_framed: bool, limit: int) -> Carriage:
    """Between an upstream and a viewer that speak in WebSocket frames, or in raw RFB."""
    if upstream_framed:
        return FrameWalker(limit) if viewer_framed else Unwrapping(limit)
    return Wrapping() if viewer_framed else Plain()
