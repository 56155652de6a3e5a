"""Something on a Unix socket that says one thing to whoever asks, whatever it is asked."""

from __future__ import annotations

import asyncio
import re
import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

_LENGTH = re.compile(r"^Content-Length: (\d+)", re.IGNORECASE | re.MULTILINE)

HANG = None
"""Instead of an answer: say nothing and keep the connection."""


def http(
    body: str | bytes, *, status: str = "200 OK", content_type: str = "application/json", length: int = -1
) -> bytes:
    """An HTTP answer; `length` claims another length than the body has."""
    raw = body.encode() if isinstance(body, str) else body
    size = len(raw) if length < 0 else length
    return f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {size}\r\n\r\n".encode() + raw


class ScriptedGateway:
    """`async with ScriptedGateway(http("{}")) as gateway:`; each item of `answers` is said to one who asks, the last
    to all that follow. `then_drip` comes after it byte by byte, with a moment between them."""

    def __init__(self, *answers: bytes | None, then_drip: bytes = b"") -> None:
        self._answers = answers
        self._drip = then_drip
        self._folder = Path(tempfile.mkdtemp(prefix="scripted-"))
        self.socket_path = self._folder / "web.sock"
        self.requests: list[str] = []
        """Each request's head."""
        self.asked = asyncio.Event()

    @property
    def where(self) -> str:
        """For `--gateway`."""
        return f"unix:{self.socket_path}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_unix_server(self._serve, self.socket_path)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        shutil.rmtree(self._folder)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.requests.append((await reader.readuntil(b"\r\n\r\n")).decode())
            # A body that is left unread would have the kernel reset the connection, answer and all.
            await reader.readexactly(int((_LENGTH.search(self.requests[-1]) or ("", 0))[1]))
            self.asked.set()
            answer = self._answers[min(len(self.requests), len(self._answers)) - 1]
            if answer is HANG:
                await reader.read()
            else:
                writer.write(answer)
                await self._drip_out(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # whoever asked has left
        finally:
            writer.close()

    async def _drip_out(self, writer: asyncio.StreamWriter) -> None:
        await writer.drain()
        for byte in self._drip:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.02)
