"""A VNC server that shows one colour and writes down every word of its viewers, read by code of its own.

    async with RfbRecorder(password="secret") as recorder:
        port = await recorder.listen()
        ...
        await recorder.until(lambda: recorder.recordings and recorder.recordings[0].names)

It takes part in the extensions that viewers list (pointer events with more buttons, QEMU keys, desktop sizes, fences,
continuous updates, power, extended clipboard), so that they use them; `extensions=False` is the server of the RFC.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.fakes.des import encrypted
from tests.fakes.rfb_messages import EXTENDED_MOUSE_BUTTONS, Sent

CHALLENGE = bytes(range(100, 116))
QEMU_KEYS, DESKTOP_SIZE, POWER, FENCES, CONTINUOUS, CLIPBOARD = -258, -308, -309, -312, -313, -1063131698
REQUEST = 1 << 31
"""In the flags of a fence."""


class TooShortError(Exception):
    """A message is not whole yet."""


@dataclass
class Words:
    """What a viewer says, cut into messages; bytes of an unknown type end it."""

    more_buttons: bool = False
    """Viewer and server have agreed on ExtendedMouseButtons."""
    rest: bytes = b""

    def feed(self, chunk: bytes) -> list[Sent]:
        """The messages that are whole now. Raises ValueError at one of unknown type."""
        self.rest += chunk
        found = []
        while self.rest:
            try:
                message = self._message()
            except TooShortError:
                break
            self.rest = self.rest[len(message.raw) :]
            if message.name == "SetEncodings" and EXTENDED_MOUSE_BUTTONS in encodings_in(message.raw):
                self.more_buttons = True
            found.append(message)
        return found

    def _message(self) -> Sent:
        name, size = self._measured(self._byte(0))
        return Sent(name, self._first(size))

    def _measured(self, kind: int) -> tuple[str, int]:
        match kind:
            case 0 | 3 | 4 | 150 | 250:
                return FIXED[kind]
            case 2:
                return "SetEncodings", 4 + 4 * (self._byte(2) << 8 | self._byte(3))
            case 5:
                return "PointerEvent", 7 if self.more_buttons and self._byte(1) >= 128 else 6
            case 255:
                return self._qemu()
            case _:
                return self._counted(kind)

    def _counted(self, kind: int) -> tuple[str, int]:
        """Those that say how much of something follows."""
        match kind:
            case 6:
                (length,) = struct.unpack(">i", self._first(8)[4:])
                return "ClientCutText", 8 + (length if length >= 0 else -length)
            case 248:
                return "ClientFence", 9 + self._byte(8)
            case 251:
                return "SetDesktopSize", 8 + 16 * self._byte(6)
            case 253:
                order = ">" if self._byte(1) >= 128 else "<"
                return "gii", 4 + int(struct.unpack(f"{order}H", self._first(4)[2:])[0])
            case _:
                raise ValueError(f"a message of the unknown type {kind}")

    def _qemu(self) -> tuple[str, int]:
        if self._byte(1) == 0:
            return "QEMU key", 12
        sizes = {(1, 0, 0): 4, (1, 0, 1): 4, (1, 0, 2): 10}
        size = sizes.get((self._byte(1), self._byte(2), self._byte(3)))
        if size is None:
            raise ValueError("an unknown message of QEMU's")
        return "QEMU audio", size

    def _byte(self, place: int) -> int:
        return self._first(place + 1)[place]

    def _first(self, size: int) -> bytes:
        if len(self.rest) < size:
            raise TooShortError
        return self.rest[:size]


FIXED = {
    0: ("SetPixelFormat", 20),
    3: ("FramebufferUpdateRequest", 10),
    4: ("KeyEvent", 8),
    150: ("EnableContinuousUpdates", 10),
    250: ("xvp", 4),
}


def encodings_in(message: bytes) -> tuple[int, ...]:
    """What a SetEncodings lists."""
    return tuple(place for (place,) in struct.iter_unpack(">i", message[4:]))


@dataclass
class Recording:
    """One viewer's visit."""

    raw: bytearray = field(default_factory=bytearray)
    """All that it sent, from its version on."""
    minor: int = 0
    """Of the version that was agreed on: 3, 7 or 8."""
    signed_in: bool = False
    shared: bool | None = None
    """What its ClientInit asks for."""
    messages: list[Sent] = field(default_factory=list)
    fault: str | None = None
    """What of its words made no sense."""
    gone: bool = False

    @property
    def names(self) -> list[str]:
        return [message.name for message in self.messages]

    @property
    def inputs(self) -> list[Sent]:
        return [message for message in self.messages if message.input]


class RfbRecorder:
    """Listens until it is closed; `recordings` grows by one a viewer."""

    def __init__(
        self,
        *,
        minor: int = 8,
        password: str | None = None,
        extensions: bool = True,
        size: tuple[int, int] = (64, 48),
        name: str = "a recorded screen",
    ) -> None:
        """`minor`: of the version that it announces: 3, 7 or 8. `password`: asked for by VNC authentication."""
        self.recordings: list[Recording] = []
        self.minor = minor
        self.password = password
        self.extensions = extensions
        self.size = size
        self.name = name
        self._servers: list[asyncio.Server] = []
        self._writers: set[asyncio.StreamWriter] = set()
        self._changed = asyncio.Condition()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def listen(self, host: str = "127.0.0.1") -> int:
        """The TCP port."""
        server = await asyncio.start_server(self._serve, host, 0)
        self._servers.append(server)
        port: int = server.sockets[0].getsockname()[1]
        return port

    async def listen_unix(self, path: Path) -> None:
        self._servers.append(await asyncio.start_unix_server(self._serve, path))

    async def close(self) -> None:
        """Ends all visits."""
        for server in self._servers:
            server.close()
        for writer in list(self._writers):
            writer.close()
        await self.until(lambda: all(recording.gone for recording in self.recordings))
        for server in self._servers:
            await server.wait_closed()

    async def until(self, seen: Callable[[], object], limit: float = 10) -> None:
        """Waits until something is seen in the recordings. Raises TimeoutError."""
        async with asyncio.timeout(limit), self._changed:
            await self._changed.wait_for(lambda: bool(seen()))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        recording = Recording()
        self.recordings.append(recording)
        self._writers.add(writer)
        try:
            await _Visit(self, recording, reader, writer).run()
        except (ValueError, asyncio.IncompleteReadError, ConnectionError) as error:
            recording.fault = None if isinstance(error, ConnectionError) else str(error)
        finally:
            recording.gone = True
            self._writers.discard(writer)
            writer.close()
            await self.tell()

    async def tell(self) -> None:
        """Something was written down."""
        async with self._changed:
            self._changed.notify_all()


class _Visit:
    """The server's side of one conversation."""

    def __init__(
        self, server: RfbRecorder, recording: Recording, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.server = server
        self.recording = recording
        self.reader = reader
        self.writer = writer
        self.words = Words()
        self.pixel_size = 4
        self.owed: list[bytes] = []
        """Rectangles for the next update."""

    async def run(self) -> None:
        if not await self._sign_in():
            return
        self.recording.signed_in = True
        self.recording.shared = (await self._read(1)) != b"\0"
        self.writer.write(self._server_init())
        while chunk := await self.reader.read(65536):
            self.recording.raw += chunk
            for message in self.words.feed(chunk):
                self.recording.messages.append(message)
                self._answer(message)
            await self.server.tell()
            await self.writer.drain()
        if self.words.rest:
            raise ValueError("it left in the middle of a message")

    async def _read(self, size: int) -> bytes:
        chunk = await self.reader.readexactly(size)
        self.recording.raw += chunk
        await self.server.tell()
        return chunk

    async def _sign_in(self) -> bool:
        self.writer.write(b"RFB 003.00%d\n" % self.server.minor)
        version = await self._read(12)
        if version not in (b"RFB 003.003\n", b"RFB 003.005\n", b"RFB 003.007\n", b"RFB 003.008\n"):
            raise ValueError(f"it answers {version!r}")
        said = {51: 3, 53: 3, 55: 7, 56: 8}[version[10]]
        minor = self.recording.minor = min(said, self.server.minor)
        kind = 1 if self.server.password is None else 2
        if minor == 3:
            self.writer.write(struct.pack(">I", kind))
        else:
            self.writer.write(bytes((1, kind)))
            if (await self._read(1))[0] != kind:
                raise ValueError("it chooses what was not offered")
        right = await self._ask(self.server.password) if self.server.password is not None else True
        if minor == 8 or kind == 2:
            self.writer.write(struct.pack(">I", 0 if right else 1))
        if minor == 8 and not right:
            self.writer.write(struct.pack(">I", 21) + b"Authentication failed")
        return right

    async def _ask(self, password: str) -> bool:
        self.writer.write(CHALLENGE)
        key = password.encode()[:8].ljust(8, b"\0")
        mirrored = bytes(sum((byte >> bit & 1) << 7 - bit for bit in range(8)) for byte in key)
        return await self._read(16) == encrypted(CHALLENGE[:8], mirrored) + encrypted(CHALLENGE[8:], mirrored)

    def _server_init(self) -> bytes:
        name = self.server.name.encode()
        pixels = struct.pack(">BBBBHHHBBB3x", 32, 24, 0, 1, 255, 255, 255, 16, 8, 0)
        return struct.pack(">HH", *self.server.size) + pixels + struct.pack(">I", len(name)) + name

    def _answer(self, message: Sent) -> None:
        raw = message.raw
        match message.name:
            case "SetPixelFormat":
                self.pixel_size = raw[4] // 8
            case "SetEncodings" if self.server.extensions:
                self._agree(set(encodings_in(raw)))
            case "FramebufferUpdateRequest":
                self._update(whole=raw[1] == 0)
            case "ClientFence" if struct.unpack(">I", raw[4:8])[0] & REQUEST:
                self.writer.write(raw[:4] + struct.pack(">I", struct.unpack(">I", raw[4:8])[0] & 7) + raw[8:])
            case "EnableContinuousUpdates" if raw[1] == 0:
                self.writer.write(b"\x96")
            case "SetDesktopSize":
                self.owed.append(self._desktop_size(1, 1))  # prohibited
                self._update(whole=False)
            case _:
                pass

    def _agree(self, listed: set[int]) -> None:
        """Take part in what is listed, once."""
        agreed = {EXTENDED_MOUSE_BUTTONS, QEMU_KEYS} & listed
        self.owed = [struct.pack(">HHHHi", 0, 0, 0, 0, encoding) for encoding in sorted(agreed)]
        if DESKTOP_SIZE in listed:
            self.owed.append(self._desktop_size(0, 0))
        if FENCES in listed:
            self.writer.write(struct.pack(">B3xIB", 248, REQUEST | 1, 4) + b"ping")
        if CONTINUOUS in listed:
            self.writer.write(b"\x96")
        if POWER in listed:
            self.writer.write(bytes((250, 0, 1, 1)))
        if CLIPBOARD in listed:
            self.writer.write(struct.pack(">B3xiII", 3, -8, 0x1F << 24 | 1, 1 << 20))

    def _desktop_size(self, reason: int, status: int) -> bytes:
        width, height = self.server.size
        screen = struct.pack(">IHHHHI", 1, 0, 0, width, height, 0)
        return struct.pack(">HHHHi", reason, status, width, height, DESKTOP_SIZE) + b"\1\0\0\0" + screen

    def _update(self, *, whole: bool) -> None:
        rectangles, self.owed = self.owed, []
        if whole:
            width, height = self.server.size
            pixels = b"\x60" * (width * height * self.pixel_size)
            rectangles.append(struct.pack(">HHHHi", 0, 0, width, height, 0) + pixels)
        if rectangles:
            self.writer.write(struct.pack(">BxH", 0, len(rectangles)) + b"".join(rectangles))
