"""A relay of our own pure parts and nothing else: greets a viewer, signs in to a server, and follows what is said."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field

from launcher.model import Secret
from launcher.relay.dialogue import Dialogue
from launcher.relay.rfb import Conversation
from launcher.relay.security import SignIn, Welcome


async def played(dialogue: Dialogue, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str | None:
    """A dialogue over a connection, until it is over; its failure."""
    while not dialogue.done and dialogue.failure is None:
        async with asyncio.timeout(10):
            chunk = await reader.read(4096)
        if not chunk:
            dialogue.hang_up()
        said = dialogue.feed(chunk)
        while said:
            writer.write(said)
            said = dialogue.feed(b"")
    return dialogue.failure


@dataclass
class RfbRelay:
    """`serve` takes viewers, one after the other; `conversations` grows by one a viewer, `failures` too."""

    port: int
    """Of the server on the loopback address."""
    view_only: bool
    password: Secret | None = None
    """Of the server."""
    challenge: bytes = b""
    """With it, viewers are asked for a password: the server's."""
    conversations: list[Conversation] = field(default_factory=list)
    failures: list[str | None] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host = Welcome(password=self.password if self.challenge else None, challenge=self.challenge)
        writer.write(host.begin)
        self.failures.append(await played(host, reader, writer))
        if host.done:
            with contextlib.suppress(ConnectionError):
                await self._join(host.leftover, reader, writer)
        writer.close()

    async def _join(self, begun: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream, to_server = await asyncio.open_connection("127.0.0.1", self.port)
        sign_in = SignIn(self.password)
        assert await played(sign_in, upstream, to_server) is None
        conversation = Conversation(view_only=self.view_only, signed_in=True)
        self.conversations.append(conversation)
        to_server.write(conversation.from_viewer(begun))
        writer.write(sign_in.leftover)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_pass_on(upstream, writer))
            while chunk := await reader.read(65536):
                to_server.write(conversation.from_viewer(chunk))
            to_server.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while chunk := await reader.read(65536):
            writer.write(chunk)
    writer.close()
