"""The conversation that source and sink hold: RFB's greeting, and the WebSocket frames around it (RFC 6455).

Strictly by turns until the stream begins, so that nothing arrives that was not asked for and nothing need be buffered.
"""

from __future__ import annotations

import base64
import hashlib
import socket
import struct
from collections.abc import Callable

VERSION = b"RFB 003.008\n"
_PIXELS = struct.pack(">BBBBHHHBBBxxx", 32, 24, 0, 1, 255, 255, 255, 16, 8, 0)
SERVER_INIT = struct.pack(">HH", 1024, 768) + _PIXELS + struct.pack(">I", 5) + b"bench"
UPDATE_REQUEST = struct.pack(">BBHHHH", 3, 1, 0, 0, 1024, 768)
POINTER_EVENT = struct.pack(">BBHH", 5, 0, 512, 384)
ECHO = struct.pack(">BxHHHHHi", 0, 1, 512, 384, 4, 3, 0) + bytes(48)
"""What the source answers to a pointer event: an update of 4 x 3 pixels, 64 bytes."""
GREETING: tuple[tuple[bytes, bytes], ...] = (
    (VERSION, VERSION),
    (b"\x01\x01", b"\x01"),  # one security type: None
    (bytes(4), b"\x01"),  # security result OK; ClientInit: shared
)
"""What the server says and what the client answers, turn by turn; `SERVER_INIT` follows. (RFC 6143 §7.1-7.3.)"""

MARK = b"end of the stream"
"""The last bytes of the stream's last frame; nothing else in the stream looks like them."""

Say = Callable[[bytes], None]
Hear = Callable[[int], bytes]

_BINARY, _CLOSE, _PING, _PONG = 0x2, 0x8, 0x9, 0xA
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_ZERO_MASK = bytes(4)  # a mask of zeros is a mask: the far end unmasks all the same, and masking costs us nothing


def read_exactly(sock: socket.socket, size: int) -> bytes:
    """The next `size` bytes. Raises EOFError when the other end hangs up before."""
    found = b""
    while len(found) < size:
        more = sock.recv(size - len(found))
        if not more:
            raise EOFError(f"the connection ended after {len(found)} of {size} bytes")
        found += more
    return found


def read_head(sock: socket.socket) -> str:
    """An HTTP message's head, and not a byte of what follows it."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += read_exactly(sock, 1)
    return head.decode("latin-1")


def header_of(head: str, name: str) -> str:
    """A header's value; empty where it is missing."""
    for line in head.split("\r\n")[1:]:
        key, _, value = line.partition(":")
        if key.lower() == name.lower():
            return value.strip()
    return ""


def upgrade_request(port: int, path: str) -> bytes:
    """What the sink opens with: no Origin, as a program that is no browser."""
    lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Upgrade: websocket", "Connection: Upgrade"]
    key = base64.b64encode(b"sixteen bytes ok").decode()
    lines += [f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Protocol: binary"]
    return "\r\n".join((*lines, "", "")).encode()


def upgrade_answer(request: str) -> bytes:
    """The 101 to a request's head; takes `binary` where it was offered."""
    digest = hashlib.sha1(header_of(request, "Sec-WebSocket-Key").encode() + _GUID).digest()  # noqa: S324 -- the handshake's own hash
    lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"]
    lines.append(f"Sec-WebSocket-Accept: {base64.b64encode(digest).decode()}")
    if "binary" in header_of(request, "Sec-WebSocket-Protocol"):
        lines.append("Sec-WebSocket-Protocol: binary")
    return "\r\n".join((*lines, "", "")).encode()


def _length(size: int, mask_bit: int) -> bytes:
    if size < 126:
        return bytes([mask_bit | size])
    if size < 65536:
        return struct.pack(">BH", mask_bit | 126, size)
    return struct.pack(">BQ", mask_bit | 127, size)


def server_frame(payload: bytes, opcode: int = _BINARY) -> bytes:
    """One final, unmasked frame."""
    return bytes([0x80 | opcode]) + _length(len(payload), 0) + payload


def client_frame(payload: bytes, opcode: int = _BINARY) -> bytes:
    """One final, masked frame."""
    return bytes([0x80 | opcode]) + _length(len(payload), 0x80) + _ZERO_MASK + payload


SERVER_CLOSE = server_frame(struct.pack(">H", 1000), _CLOSE)
CLIENT_CLOSE = client_frame(struct.pack(">H", 1000), _CLOSE)


def read_frame(sock: socket.socket) -> tuple[int, bytes]:
    """The next frame's opcode and unmasked payload; fragments come one by one."""
    first, second = read_exactly(sock, 2)
    size = second & 0x7F
    if size == 126:
        size = int.from_bytes(read_exactly(sock, 2))
    elif size == 127:
        size = int.from_bytes(read_exactly(sock, 8))
    mask = read_exactly(sock, 4) if second & 0x80 else _ZERO_MASK
    payload = read_exactly(sock, size)
    if mask == _ZERO_MASK:
        return first & 0x0F, payload
    return first & 0x0F, bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


def hear_frames(sock: socket.socket, pong: Callable[[bytes], bytes]) -> Hear:
    """A `Hear` over frames: answers pings on the way (`pong` frames the answer), EOFError on a close frame."""

    def hear(size: int) -> bytes:
        heard = b""
        while len(heard) < size:
            opcode, payload = read_frame(sock)
            if opcode == _PING:
                sock.sendall(pong(payload))
            elif opcode == _CLOSE:
                raise EOFError(f"closed by the other end: {payload!r}")
            elif opcode != _PONG:
                heard += payload
        return heard

    return hear


def hear_server(sock: socket.socket) -> Hear:
    """What the sink hears: unmasked frames."""
    return hear_frames(sock, lambda payload: client_frame(payload, _PONG))


def hear_client(sock: socket.socket) -> Hear:
    """What the source hears: masked frames."""
    return hear_frames(sock, lambda payload: server_frame(payload, _PONG))
