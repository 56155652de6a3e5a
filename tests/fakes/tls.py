"""A certificate authority of the test's own, and TLS in front of a plain server on loopback."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

_NEW = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]


class Authority:
    """What it signs is good for two days; a name is good for one certificate, `NAME.pem` with `NAME.key`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.certificate, self._key = folder / "authority.pem", folder / "authority.key"
        subprocess.run(
            [*_NEW, "-subj", "/CN=authority of a test", "-keyout", self._key, "-out", self.certificate],
            check=True,
            capture_output=True,
        )

    def sign(self, name: str) -> tuple[Path, Path]:
        """A new certificate for 127.0.0.1, and its key."""
        certificate, key = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        signed: list[str | Path] = [
            "-CA",
            self.certificate,
            "-CAkey",
            self._key,
            "-addext",
            "subjectAltName=IP:127.0.0.1",
        ]
        new = [*_NEW, "-subj", f"/CN={name}", *signed, "-addext", "basicConstraints=critical,CA:FALSE"]
        subprocess.run([*new, "-keyout", key, "-out", certificate], check=True, capture_output=True)
        return certificate, key

    def server(self, *, demands_certificate: bool = False) -> ssl.SSLContext:
        """How a server on 127.0.0.1 serves that this authority vouches for."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=self.certificate)
        context.load_cert_chain(*self.sign("server"))
        if demands_certificate:
            context.verify_mode = ssl.CERT_REQUIRED
        return context


@contextmanager
def doorkeeper(context: ssl.SSLContext) -> Iterator[int]:
    """A port of 127.0.0.1 that makes one TLS handshake, as it should be made, and says no more."""

    def serve(listener: socket.socket) -> None:
        with suppress(OSError):
            connection, _ = listener.accept()
            with context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False) as guest:
                with suppress(OSError):  # asyncio's server would hang up without the alert that says why
                    guest.do_handshake()
                guest.shutdown(socket.SHUT_WR)
                while guest.recv(65536):
                    pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


@asynccontextmanager
async def in_front_of(port: int, context: ssl.SSLContext) -> AsyncIterator[int]:
    """A port of 127.0.0.1 that speaks TLS, before one that does not."""
    writers: set[asyncio.StreamWriter] = set()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await reader.read(65536):
                writer.write(chunk)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind_reader, behind_writer = await asyncio.open_connection("127.0.0.1", port)
        both = {writer, behind_writer}
        writers.update(both)
        async with asyncio.TaskGroup() as group:
            group.create_task(pump(reader, behind_writer))
            group.create_task(pump(behind_reader, writer))
        writers.difference_update(both)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in writers:
            writer.close()
        await server.wait_closed()
