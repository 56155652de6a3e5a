"""A systemd as far as one service goes: it passes sockets, and keeps what it is told."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml

from tests.fakes.console_proxy import until_gone
from tests.process.daemon import ROOT, Daemon

_EXEC = """
import os, sys
descriptors = [int(text) for text in sys.argv[1].split(",") if text]
high = [os.dup2(one, 200 + index) for index, one in enumerate(descriptors)]
for index, one in enumerate(high):
    os.dup2(one, 3 + index, inheritable=True)
os.closerange(3 + len(high), 400)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(high)), LISTEN_FDNAMES=sys.argv[2])
if "WATCHDOG_USEC" in os.environ:
    os.environ["WATCHDOG_PID"] = str(os.getpid())
os.execv(sys.executable, [sys.executable, *sys.argv[3:]])
"""


class NotifySocket:
    """$NOTIFY_SOCKET, in the abstract namespace; what came in stands in `said`, one datagram an entry."""

    def __init__(self) -> None:
        self.address = f"@launcher-{secrets.token_hex(8)}"
        self.said: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.bind("\0" + self.address[1:])

    def close(self) -> None:
        self._socket.close()

    def read(self) -> list[str]:
        """All that has been said until now."""
        while True:
            try:
                self.said.append(self._socket.recv(4096).decode())
            except BlockingIOError:
                return self.said

    async def until(self, what: str, seconds: float = 20) -> str:
        """The first thing said that begins so, counted from the last call on; it and all before it are forgotten."""
        async with asyncio.timeout(seconds):
            while True:
                for index, text in enumerate(self.read()):
                    if text.startswith(what):
                        del self.said[: index + 1]
                        return text
                await asyncio.sleep(0.02)


class Supervised(Daemon):
    """The daemon, started as systemd does it, on passed sockets: `tcp` on both addresses of loopback, and `web`."""

    def __init__(self, output: Path, clouds: Mapping[str, Any], *, watchdog: float | None = None, **settings: Any):
        super().__init__(output, clouds, **settings)
        self.notify = NotifySocket()
        self._watchdog = watchdog
        self._tcp = both_of_loopback()
        self._unix = socket.socket(socket.AF_UNIX)

    async def __aenter__(self) -> Self:
        self.port = self._tcp[0].getsockname()[1]
        self._unix.bind(str(self.socket_path))
        self._unix.listen()
        self.write_config()
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await super().__aexit__(kind, error, trace)
        finally:
            for sock in (*self._tcp, self._unix, self.notify):
                sock.close()

    def write_config(self, **keys: Any) -> None:
        config = {
            "listen": ["systemd:web", "systemd:tcp"],
            "public_urls": [f"http://jump.localhost:{self.port}"],
            "clouds": dict(self._clouds),
            **self._settings,
            **keys,
        }
        (self.folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))

    async def start(self) -> None:
        """Returns when it says that it is ready."""
        command = ["-m", "launcher", "serve", "--config", str(self.folder / "config.yaml")]
        sockets = [("web", self._unix), *(("tcp", sock) for sock in self._tcp)]
        self.process = activate(sockets, command, self.log_path, self._environment())
        try:
            await self.notify.until("READY=1")
        except BaseException:
            self.process.kill()
            await until_gone(self.process, 5)
            raise

    def _environment(self) -> dict[str, str]:
        watchdog = {"WATCHDOG_USEC": str(int(self._watchdog * 1_000_000))} if self._watchdog else {}
        return {"NOTIFY_SOCKET": self.notify.address, **watchdog}


def both_of_loopback() -> tuple[socket.socket, socket.socket]:
    """Listening sockets of 127.0.0.1 and ::1 on one port, as two ListenStream= lines make them."""
    for _ in range(50):
        four = socket.create_server(("127.0.0.1", 0))
        try:
            return four, socket.create_server(("::1", four.getsockname()[1]), family=socket.AF_INET6)
        except OSError:
            four.close()
    raise AssertionError("no port is free at both addresses")


def activate(
    sockets: Iterable[tuple[str, socket.socket]], command: Sequence[str], log: Path, environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    """Start Python with `command`, the sockets, each with its name, as its descriptors from 3 on."""
    named = [(name, sock.fileno()) for name, sock in sockets]
    descriptors = [descriptor for _, descriptor in named]
    arguments = [",".join(map(str, descriptors)), ":".join(name for name, _ in named), *command]
    with log.open("ab") as stream:
        return subprocess.Popen(
            [sys.executable, "-c", _EXEC, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            cwd=ROOT,
            pass_fds=descriptors,
            env={**os.environ, **environment},
        )
