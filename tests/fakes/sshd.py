"""A real OpenSSH server on loopback, tunnels through it, and a second local account.

Only root can make accounts and let sshd sign other accounts in: where the tests run as somebody else they fail with a
sentence, because what they prove would stay unproven.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

_SSHD = "/usr/sbin/sshd"
_PATIENCE = 20.0
"""Seconds for a program to come up on a busy machine."""


def need_root() -> None:
    """Fail, with a sentence, where the tests do not run as root."""
    if os.geteuid() != 0:
        pytest.fail("this test uses a second local account: run the tests as root, as in a container")


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that other accounts can look into; pytest's own are closed to them."""
    folder = Path(tempfile.mkdtemp(prefix="console-launcher-"))
    try:
        folder.chmod(0o755)
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def second_account(name: str | None = None) -> Iterator[pwd.struct_passwd]:
    """A local account that exists as long as the context does; it can sign in by key only."""
    need_root()
    name = name or f"clt-{secrets.token_hex(4)}"
    # `*` is no password and, unlike `!`, no lock: sshd lets keys in without PAM
    _account_tool("useradd", "--no-create-home", "--home-dir", "/", "--shell", "/bin/sh", "--password", "*", name)
    try:
        yield pwd.getpwnam(name)
    finally:
        _account_tool("userdel", "--force", name)


def _account_tool(*command: str) -> None:
    """These wait some seconds by themselves where somebody else holds the lock of /etc/passwd."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_PATIENCE)
    assert done.returncode == 0, done.stderr


class SshEndedError(AssertionError):
    """A program of OpenSSH ended before it took connections; what it said."""


@dataclass(frozen=True)
class Sshd:
    """A server that lets every account in by `key`."""

    folder: Path
    port: int

    @property
    def key(self) -> Path:
        return self.folder / "client-key"

    @asynccontextmanager
    async def tunnel(self, account: str, path: str) -> AsyncIterator[int]:
        """`ssh -N -L 127.0.0.1:PORT:PATH`, signed in as `account`; yields the port once it takes connections."""
        port = free_port()
        log = self.folder / f"ssh-{port}.log"
        forward = ["-L", f"127.0.0.1:{port}:{path}", "-o", "ExitOnForwardFailure=yes"]
        async with _program([*self._command("none", *forward), f"{account}@127.0.0.1"], log, port):
            yield port

    @asynccontextmanager
    async def tunnel_by(self, lines: Sequence[str], port: int) -> AsyncIterator[None]:
        """`ssh -N jump` with these lines of a person's ~/.ssh/config, for a HostName of 127.0.0.1.

        Entered once it takes connections on `port`. Raises SshEndedError where it ends before.
        """
        config, log = self.folder / f"ssh-config-{port}", self.folder / f"ssh-{port}.log"
        config.write_text("\n".join(lines) + "\n")
        async with _program([*self._command(str(config)), "jump"], log, port):
            yield

    def _command(self, config: str, *more: str) -> list[str]:
        command = ["ssh", "-F", config, "-N", "-p", str(self.port), "-i", str(self.key), *more]
        options = [
            "BatchMode=yes",
            "IdentitiesOnly=yes",
            "StrictHostKeyChecking=no",
            "ServerAliveInterval=1",
            f"UserKnownHostsFile={self.folder / 'known-hosts'}",
        ]
        for option in options:
            command += ["-o", option]
        return command


@asynccontextmanager
async def running_sshd() -> AsyncIterator[Sshd]:
    """A server with keys of its own on a port of its own."""
    need_root()
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd's empty room for its unprivileged half; it insists
    with open_folder() as folder:
        server = Sshd(folder, free_port())
        for key in (folder / "host-key", server.key):
            subprocess.run(
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True, timeout=_PATIENCE
            )
        shutil.copy(f"{server.key}.pub", folder / "authorized-keys")
        settings = folder / "sshd_config"
        settings.write_text(
            f"Port {server.port}\n"
            "ListenAddress 127.0.0.1\n"
            f"HostKey {folder / 'host-key'}\n"
            f"PidFile {folder / 'pid'}\n"
            f"AuthorizedKeysFile {folder / 'authorized-keys'}\n"
            "StrictModes no\n"
            "UsePAM no\n"
            "PasswordAuthentication no\n"
            "KbdInteractiveAuthentication no\n"
        )
        async with _program([_SSHD, "-D", "-e", "-f", str(settings)], folder / "sshd.log", server.port):
            yield server


def free_port() -> int:
    """A port of loopback that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@asynccontextmanager
async def _program(command: list[str], log: Path, port: int) -> AsyncIterator[None]:
    """Runs as long as the context does; entered when something takes connections on `port`."""
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(*command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        async with asyncio.timeout(_PATIENCE):
            while not await _takes_connections(port):
                if process.returncode is not None:
                    raise SshEndedError(f"{command[0]} ended with {process.returncode}:\n{log.read_text()}")
                await asyncio.sleep(0.05)
        yield
    finally:
        await _ended(process)


async def _ended(process: asyncio.subprocess.Process) -> None:
    """Asked, and then made to: OpenSSH 9.2 can miss a SIGTERM that comes just before it waits for something to do."""
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(2):
            await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _takes_connections(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return False
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return True
