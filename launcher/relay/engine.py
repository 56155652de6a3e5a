"""The viewer's end of a session: websockify's protocol engine, hardened, without any I/O of its own.

`ViewerEngine` is `websockify.websocket.WebSocket` on a socket that lives in memory. websockify answers the handshake,
cuts the stream into frames, dispatches them and makes ours; what it trusts too much is checked before it sees it.
What it would answer by itself (pongs, the echo of a close) becomes an event instead: in a session that passes server
frames verbatim the gateway may write only between two of them, so the relay decides.
"""

from __future__ import annotations

import base64
import binascii
import errno
import socket
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from websockify.websocket import WebSocket, WebSocketWantReadError

from launcher.errors import BadRequestError
from launcher.relay.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    CONTROL_LIMIT,
    EMPTY_FRAMES,
    EMPTY_ROW,
    NO_CODE,
    REASON_LIMIT,
    TEXT,
    Fault,
    Stop,
    may_close_with,
    parse_close,
    read_header,
    xor,
)

PROTOCOL_ERROR, NOT_BINARY, TOO_MUCH, TOO_LARGE = 1002, 1003, 1008, 1009
SUBPROTOCOL = "binary"

_HANDSHAKE = ("upgrade", "connection", "sec-websocket-version", "sec-websocket-key", "sec-websocket-protocol")


@dataclass(frozen=True, slots=True)
class Message:
    """A whole binary message."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class Ping:
    """The viewer asks for a pong."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class Pong:
    """The viewer answers a ping, or says that it is there."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class Closed:
    """The viewer closes; code 1005 when it gave none."""

    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Violation:
    """The viewer broke the protocol; code and reason are what to close with."""

    code: int
    reason: str


Event = Message | Ping | Pong | Closed | Violation


class _MemorySocket:
    """The socket that websockify reads from and writes to: two buffers in memory, non-blocking."""

    def __init__(self) -> None:
        self._inbox: deque[memoryview] = deque()
        self._outbox: list[bytes] = []

    def give(self, chunk: bytes) -> None:
        """Make `chunk` the next to be received."""
        if chunk:
            self._inbox.append(memoryview(chunk))

    def taken(self) -> bytes:
        """What was sent since the last call."""
        sent = self._outbox
        self._outbox = []
        return sent[0] if len(sent) == 1 else b"".join(sent)

    def pending(self) -> bool:
        """Whether something can be received at once: websockify asks this of TLS sockets."""
        return bool(self._inbox)

    def recv(self, most: int) -> memoryview:
        """At most `most` bytes. Raises BlockingIOError when there are none yet."""
        if not self._inbox:
            raise BlockingIOError(errno.EWOULDBLOCK, "nothing received yet")
        chunk = self._inbox[0]
        if len(chunk) <= most:
            return self._inbox.popleft()
        self._inbox[0] = chunk[most:]
        return chunk[:most]

    def send(self, frame: bytes) -> int:
        """All of `frame` is sent, always."""
        self._outbox.append(frame)
        return len(frame)

    def close(self) -> None:
        """Drop what was not received; what was sent stays to be taken."""
        self._inbox.clear()


class _RefusedError(Exception):
    """A frame is refused: what to close with."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.violation = Violation(code, reason)


class _Fragments(bytearray):
    """The fragments of a message so far: true even while they are empty, and they grow in place.

    websockify takes "nothing yet" for "no message begun", and copies all fragments for each one that it adds.
    """

    def __bool__(self) -> bool:
        return True


class _Headers(dict[str, str]):
    """Headers by their names in lower case: websockify asks for them in any case, by `get` alone."""

    def get(self, name: str, default: str = "") -> str:  # type: ignore[override]  # websockify's, and ours: text
        return super().get(name.lower(), default)


def _handshake_headers(headers: Mapping[str, str]) -> _Headers:
    """The handshake's headers as websockify reads them: repeated ones joined, list items without spaces."""
    values: dict[str, list[str]] = {}
    for key, value in headers.items():
        values.setdefault(key.lower(), []).append(value)
    found = _Headers()
    for name in _HANDSHAKE:
        if name in values:
            items = (item.strip() for item in ",".join(values[name]).split(","))
            found[name] = ",".join(item for item in items if item)
    return found


def _is_key(value: str) -> bool:
    """Whether it is the base64 form of 16 bytes (RFC 6455 §4.1)."""
    try:
        return len(base64.b64decode(value, validate=True)) == 16
    except (binascii.Error, ValueError):
        return False


def _checked(headers: Mapping[str, str]) -> _Headers:
    """The handshake's headers, found good. Raises BadRequestError."""
    found = _handshake_headers(headers)
    if found.get("Upgrade", "").lower() != "websocket":
        raise BadRequestError("This address speaks WebSocket only: the request has no `Upgrade: websocket`.")
    if "upgrade" not in found.get("Connection", "").lower().split(","):
        raise BadRequestError("The WebSocket handshake has no `Connection: Upgrade`; a proxy on the way dropped it.")
    if found.get("Sec-WebSocket-Version") != "13":
        raise BadRequestError("The WebSocket handshake must ask for version 13 (`Sec-WebSocket-Version: 13`).")
    if not _is_key(found.get("Sec-WebSocket-Key", "")):
        raise BadRequestError("The WebSocket handshake must carry one `Sec-WebSocket-Key`: 16 bytes in base64.")
    offered = found.get("Sec-WebSocket-Protocol", "")
    if offered and SUBPROTOCOL not in offered.split(","):
        raise BadRequestError(f"The WebSocket handshake must offer the subprotocol `{SUBPROTOCOL}`, or none.")
    return found


def _parsed_close(payload: bytes) -> tuple[int, str]:
    """Code and reason of the viewer's close. Raises _RefusedError."""
    try:
        return parse_close(payload)
    except ValueError as error:
        raise _RefusedError(PROTOCOL_ERROR, str(error)) from error


def cut_reason(reason: str) -> str:
    """As much of `reason` as fits into a close frame: at most 123 bytes of UTF-8, no character cut in two."""
    return reason.encode(errors="replace")[:REASON_LIMIT].decode(errors="ignore")


class ViewerEngine(WebSocket):  # type: ignore[misc]  # websockify carries no types
    """Everything between the viewer's transport and its messages.

    Bytes go in by `feed`, and come out as at most `most` events of each `take`, which also decodes at most so many
    frames: `pending` says that another `take` is worth while. After the first `Closed` or `Violation` nothing more is
    decoded, kept or given. `open`, `message`, `ping`, `pong` and `close` give the bytes to write to the viewer;
    after `close` they give none, and the only events left are the viewer's own `Closed`, or a `Violation`.

    websockify's own `recv` and `recvmsg` are not for use here: `take` stands in their place.
    """

    def __init__(self, frame_limit: int) -> None:
        super().__init__()
        self.frame_limit = frame_limit
        self.pending = False
        self._over = False
        self._empty = 0
        self._events: list[Event] = []
        self._their_close = (NO_CODE, "")
        self._memory = _MemorySocket()
        self._recv_buffer = bytearray()

    @staticmethod
    def check(headers: Mapping[str, str]) -> None:
        """Whether `open` would accept these request headers. Raises BadRequestError."""
        _checked(headers)

    def open(self, headers: Mapping[str, str]) -> bytes:
        """The `101` response. Raises BadRequestError."""
        self.accept(self._memory, _checked(headers))
        return self._memory.taken()

    def select_subprotocol(self, protocols: list[str]) -> str:
        """`binary` if the viewer offers it: part of websockify's `accept`."""
        return SUBPROTOCOL if SUBPROTOCOL in protocols else ""

    def feed(self, chunk: bytes) -> None:
        """Take what the viewer's transport received."""
        if not self._over:
            self._memory.give(chunk)
            self.pending = self.pending or bool(chunk)

    def take(self, most: int = 64) -> list[Event]:
        """What at most `most` frames of those received so far come to."""
        events: list[Event] = []
        self._events = events
        while most > 0 and self._recv_frames():
            self._dispatch()
            most -= 1
        self.pending = most == 0 and (self._memory.pending() or bool(self._recv_buffer))
        return events

    def message(self, payload: bytes) -> bytes:
        """One binary frame for the viewer."""
        self.sendmsg(payload)
        return self._memory.taken()

    def ping(self, payload: bytes = b"") -> bytes:
        """One ping frame for the viewer; `payload` has at most 125 bytes."""
        if not self._sent_close:
            super().ping(payload[:CONTROL_LIMIT])
        return self._memory.taken()

    def pong(self, payload: bytes = b"") -> bytes:
        """One pong frame for the viewer; `payload` has at most 125 bytes."""
        if not self._sent_close:
            super().pong(payload[:CONTROL_LIMIT])
        return self._memory.taken()

    def close(self, code: int, reason: str = "") -> bytes:
        """The one close frame for the viewer; a code that must not be sent becomes 1002, the reason is cut to fit."""
        if not self._sent_close:
            super().shutdown(socket.SHUT_RDWR, code if may_close_with(code) else PROTOCOL_ERROR, cut_reason(reason))
        return self._memory.taken()

    def shutdown(self, how: int | None, code: int | None = 1000, reason: str | None = None) -> None:
        """websockify found a breach, or (`how` is None) wants to echo the viewer's close: nothing is sent here."""
        if how is not None:
            self._end(Violation(code or PROTOCOL_ERROR, reason or ""))

    def handle_ping(self, data: bytes) -> None:
        """websockify would answer a ping here."""
        self._note(Ping(data))

    def handle_pong(self, data: bytes) -> None:
        """websockify hands a pong here."""
        self._note(Pong(data))

    def refuse(self, violation: Violation) -> Violation:
        """The viewer broke a rule that only its owner knows: nothing more of it is decoded, kept or given."""
        self._stop()
        return violation

    def _note(self, event: Event) -> None:
        if not self._sent_close:
            self._events.append(event)

    def _end(self, event: Closed | Violation) -> None:
        """The last event."""
        self._events.append(event)
        self._stop()

    def _stop(self) -> None:
        """Everything that was received is dropped, and so is what comes after it."""
        self._over = True
        self.pending = False
        self._recv_buffer = bytearray()
        self._partial_msg = b""
        self._memory.close()

    def _dispatch(self) -> None:
        """Let websockify tell what the frame that was decoded last means."""
        try:
            payload = self._recvmsg()
        except WebSocketWantReadError:  # a fragment, or something that one of the hooks above has noted
            return
        if payload is None:
            self._end(Closed(*self._their_close))
        else:
            self._note(Message(bytes(payload)))

    def _recv_frames(self) -> bool:
        """Decode one frame, and say whether there was one: websockify decodes all there are, copying the rest."""
        while not self._over:
            frame = self._decode_hybi(self._recv_buffer) if self._recv_buffer else None
            if frame is not None:
                del self._recv_buffer[: frame["length"]]
                self._recv_queue.append(frame)
                return True
            if not self._memory.pending():
                break
            self._recv()
        return False

    def _decode_hybi(self, buf: bytearray) -> dict[str, Any] | None:
        """The frame at the head of `buf` in websockify's form; None while it is incomplete, and when it is refused."""
        try:
            return self._decoded(buf)
        except _RefusedError as refused:
            self._end(refused.violation)
            return None

    def _decoded(self, buf: bytearray) -> dict[str, Any] | None:
        """The same. Raises _RefusedError as soon as the header gives cause to."""
        header = read_header(buf, 0, self.frame_limit - len(self._partial_msg), masked=True)
        if header is None:
            return None
        if isinstance(header, Fault):
            raise _RefusedError(*self._why(header))
        opcode, fin, start, length = header
        if opcode <= BINARY:
            self._check_order(opcode)
        end = start + length
        if len(buf) < end:
            return None
        if opcode <= BINARY:
            self._count_empty(length)
        payload = xor(buf[start:end], buf[start - 4 : start])
        if opcode == CLOSE:
            self._their_close = _parsed_close(payload)
        content = payload if fin else _Fragments(payload)
        return {"opcode": opcode, "fin": fin, "masked": True, "length": end, "payload": content}

    def _count_empty(self, length: int) -> None:
        """Whether a data frame of this length may follow those before it. Raises _RefusedError."""
        self._empty = 0 if length else self._empty + 1
        if self._empty > EMPTY_ROW:
            raise _RefusedError(TOO_MUCH, EMPTY_FRAMES)

    def _why(self, fault: Fault) -> tuple[int, str]:
        if fault.stop is Stop.TOO_LARGE:
            return TOO_LARGE, f"a message is larger than frame_limit ({self.frame_limit} bytes)"
        return PROTOCOL_ERROR, fault.why

    def _check_order(self, opcode: int) -> None:
        """Whether a data frame with this opcode may come now (RFC 6455 §5.4). Raises _RefusedError."""
        under_way = bool(self._partial_msg)
        if opcode == TEXT:
            raise _RefusedError(NOT_BINARY, "text messages are not understood here")
        if opcode == BINARY and under_way:
            raise _RefusedError(PROTOCOL_ERROR, "a message begins before the one before it has ended")
        if opcode == CONTINUATION and not under_way:
            raise _RefusedError(PROTOCOL_ERROR, "a message goes on that has not begun")
