"""asyncio's TLS for a viewer's connection, without the memory that it keeps.

As it comes it costs each connection, for as long as that lasts,

- 256 KiB to read into, and
- two buffers inside OpenSSL, which grow and never shrink: once a quarter of a megabyte has been written at one go, that
  much again, however long the viewer has been silent since.

Here all connections read into one buffer of the event loop's (what was read is copied out before anything else runs),
what is written is enciphered a record at a time, and what the viewer has not taken waits in the socket's transport
alone: one buffer, one high-water mark, as without TLS. What this leans on is the same in asyncio of Python 3.11 to
3.13; tests hold it to its word.
"""

from __future__ import annotations

import asyncio
import asyncio.sslproto
import ssl
from typing import Final
from weakref import WeakKeyDictionary

RECORD: Final = 16 * 1024
"""Bytes: the most that one TLS record carries (RFC 8446 §5.1)."""

_buffers: WeakKeyDictionary[asyncio.AbstractEventLoop, bytearray] = WeakKeyDictionary()


class RecordsProtocol(asyncio.sslproto.SSLProtocol):
    """TLS on the server's side, between a socket's transport and the protocol of what TLS carries."""

    max_size = RECORD
    # What the base has beyond typeshed's stubs.
    _outgoing: ssl.MemoryBIO
    _ssl_buffer: bytearray
    _transport: asyncio.Transport | None
    _held: list[bytes] | None = None
    """Records that leave together at the end of one write."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, protocol: asyncio.Protocol, context: ssl.SSLContext, timeout: float
    ) -> None:
        """`timeout`: seconds for the handshake. `protocol` hears of the connection only after it."""
        super().__init__(
            loop,
            protocol,
            context,
            None,  # type: ignore[arg-type]  # nobody waits for the handshake; asyncio takes this for that
            server_side=True,
            ssl_handshake_timeout=timeout,  # type: ignore[arg-type]  # whole seconds in the stubs alone
        )
        self._ssl_buffer = _buffers.setdefault(loop, self._ssl_buffer)
        self._ssl_buffer_view = memoryview(self._ssl_buffer)

    def pause_writing(self) -> None:
        self._app_writing_paused = True
        self._app_protocol.pause_writing()

    def resume_writing(self) -> None:
        self._app_writing_paused = False
        self._app_protocol.resume_writing()

    def _write_appdata(self, list_of_data: list[bytes]) -> None:
        """Never more than a record inside OpenSSL, and yet one write to the socket."""
        if sum(map(len, list_of_data)) <= RECORD:
            super()._write_appdata(list_of_data)
            return
        self._held = []
        try:
            for data in list_of_data:
                for start in range(0, len(data), RECORD):
                    super()._write_appdata([data[start : start + RECORD]])
        finally:
            held, self._held = self._held, None
        if held and self._transport is not None:
            self._transport.write(held[0] if len(held) == 1 else b"".join(held))

    def _process_outgoing(self) -> None:
        data = self._outgoing.read()
        if not data:
            return
        if self._held is not None:
            self._held.append(data)
        elif self._transport is not None:
            self._transport.write(data)

    def _control_app_writing(self) -> None:
        """The socket's transport says when to pause."""

    def _set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        super()._set_write_buffer_limits(high, low)  # type: ignore[misc]  # the stubs leave it out
        if self._transport is not None:
            self._transport.set_write_buffer_limits(high, low)

    def _get_write_buffer_size(self) -> int:
        return 0 if self._transport is None else self._transport.get_write_buffer_size()
