"""A person at a terminal: a program on a pseudo-terminal of its own, as its controlling one."""

from __future__ import annotations

import asyncio
import os
import subprocess
import termios
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.fakes.issued import put_out

_PATIENCE = 60.0


class Terminal:
    """`async with Terminal([...]) as terminal`; what the program shows is gathered in `screen`."""

    def __init__(self, command: Sequence[str], *, env: Mapping[str, str], cwd: Path) -> None:
        self.screen = ""
        self._command = list(command)
        self._env, self._cwd = dict(env), cwd
        self._ours = -1
        self._process: subprocess.Popen[bytes] | None = None
        self._changed = asyncio.Event()
        self._over = False

    async def __aenter__(self) -> Self:
        self._ours, theirs = os.openpty()
        self._process = subprocess.Popen(
            self._command,
            env=self._env,
            cwd=self._cwd,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=_take_terminal,
        )
        os.close(theirs)
        asyncio.get_running_loop().add_reader(self._ours, self._read)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        put_out(self.screen)
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._stop_reading()
        os.close(self._ours)

    async def shows(self, text: str) -> None:
        """Wait until this stands on the screen."""
        await self._until(lambda: text in self.screen, text)

    async def asks_in_secret(self) -> None:
        """Wait until nothing that is typed is echoed."""
        await self._until(lambda: not termios.tcgetattr(self._ours)[3] & termios.ECHO, "a question without echo")

    def type(self, line: str) -> None:
        """A line and Enter."""
        os.write(self._ours, f"{line}\n".encode())

    async def ends(self) -> int:
        """Wait for the program's end; its exit code."""
        await self._until(lambda: self._over, "the end")
        assert self._process is not None
        return await asyncio.to_thread(self._process.wait, 10)

    async def _until(self, condition: object, what: str) -> None:
        assert callable(condition)
        try:
            async with asyncio.timeout(_PATIENCE):
                while not condition():
                    self._changed.clear()
                    try:
                        async with asyncio.timeout(0.05):
                            await self._changed.wait()
                    except TimeoutError:
                        pass
        except TimeoutError:
            raise AssertionError(f"never shown: {what}\n{self.screen}") from None

    def _read(self) -> None:
        try:
            data = os.read(self._ours, 65536)
        except OSError:  # Linux says EIO when the program has gone
            data = b""
        if not data:
            self._over = True
            self._stop_reading()
        self.screen += data.decode(errors="replace")
        self._changed.set()

    def _stop_reading(self) -> None:
        asyncio.get_running_loop().remove_reader(self._ours)


def _take_terminal() -> None:
    """In the child, in its new session: standard input becomes its controlling terminal."""
    import fcntl

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
