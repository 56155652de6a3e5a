"""The command line as a process, in a pipe and on a terminal."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pty
import signal
import struct
import sys
import termios
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.fakes.issued import put_out
from tests.process.daemon import ROOT

BIN = Path(sys.executable).parent
"""Where the installed command is."""
_LEFT_OUT = {
    "CONSOLE_LAUNCHER_GATEWAY", "CONSOLE_LAUNCHER_CACERT", "XDG_RUNTIME_DIR", "NO_COLOR", "BROWSER", "DISPLAY",
    "WAYLAND_DISPLAY", "SSH_CONNECTION", "COLUMNS", "LINES", "TERM",
}  # fmt: skip


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


def _ended(command: Sequence[str], code: int | None, out: bytes, err: bytes = b"") -> Ended:
    """What it said is searched for secrets, but for the one place of a console URL: what --reveal prints."""
    assert code is not None
    ended = Ended(code, out.decode(), err.decode())
    put_out(ended.err if "--reveal" in command else ended.out + ended.err)
    return ended


def environment(**more: str) -> dict[str, str]:
    """Of a person without a display, who has set nothing but `more`."""
    kept = {name: value for name, value in os.environ.items() if name not in _LEFT_OUT}
    return {**kept, "PYTHONPATH": str(ROOT), "PATH": f"{BIN}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8", **more}


async def run_program(*command: str, stdin: str = "", **env: str) -> Ended:
    """Any program, with its output in pipes."""
    process = await asyncio.create_subprocess_exec(
        *command, env=environment(**env), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(30):
            out, err = await process.communicate(stdin.encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return _ended(command, process.returncode, out, err)


async def run(*argv: str, **env: str) -> Ended:
    """`console-launcher …` with its output in pipes."""
    return await run_program(sys.executable, "-m", "launcher", *argv, **env)


async def run_on_terminal(*argv: str, columns: int, env: Mapping[str, str]) -> Ended:
    """The same on a terminal, where both its streams go; `out` is what arrives there."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    command = (sys.executable, "-m", "launcher", *argv)
    process = await asyncio.create_subprocess_exec(
        *command, env=environment(**{"TERM": "xterm", **env}), stdin=its, stdout=its, stderr=its
    )
    os.close(its)
    try:
        async with asyncio.timeout(30):
            said = await asyncio.get_running_loop().run_in_executor(None, _read_to_end, ours)
            code = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        os.close(ours)
    return _ended(command, code, said.replace(b"\r\n", b"\n"))


def _read_to_end(terminal: int) -> bytes:
    said = b""
    with contextlib.suppress(OSError):  # EIO: nobody has its other end open any more
        while chunk := os.read(terminal, 65536):
            said += chunk
    return said


async def interrupted(*argv: str, asked: asyncio.Event, **env: str) -> Ended:
    """The command, with Ctrl-C as soon as `asked` is set."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "launcher", *argv, env=environment(**env), stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(30):
            await asked.wait()
            process.send_signal(signal.SIGINT)
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return _ended(argv, process.returncode, out, err)
