"""Real screens: TigerVNC's `Xtigervnc` with one X client in it, which paints a known picture and keeps every key.

    async with Screen(folder, "web-01") as screen:
        ... a viewer of 127.0.0.1:{screen.port} sees Picture("web-01") ...
        assert screen.keys() == ["h", "i", "Return"]
        await screen.show("another picture")

A picture is a grid of 4 × 3 plain colours that follow from its name, so ten screens have ten pictures, and one pixel of
each cell tells them apart. The client is this very module, run as a program of its own (`python -m tests.fakes.screens
DISPLAY PICTURE`): it draws when told to on its standard input, and when that ends it goes, and the X server with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import select
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from Xlib import XK, X
from Xlib import display as xdisplay
from Xlib.protocol import rq

from tests.fakes.console_proxy import free_port, until_gone, until_listening
from tests.fakes.des import encrypted

WIDTH, HEIGHT = 640, 480
COLUMNS, ROWS = 4, 3
CELL = 160
_FILE_KEY = bytes.fromhex("e84ad660c4721ae0")
"""What every VNC server hides its password file with; the same everywhere, so it hides nothing."""
_ROOT = Path(__file__).parents[2]

Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Picture:
    """What a screen shows: twelve colours that follow from a name."""

    name: str

    def cells(self) -> Iterator[tuple[int, int, Colour]]:
        """The left upper corner of each cell, and its colour."""
        digest = hashlib.sha512(self.name.encode()).digest()
        for place in range(COLUMNS * ROWS):
            row, column = divmod(place, COLUMNS)
            red, green, blue = digest[3 * place : 3 * place + 3]
            yield column * CELL, row * CELL, (red, green, blue)

    def probes(self) -> list[tuple[int, int, Colour]]:
        """The middle of each cell, and its colour: what a test looks at."""
        return [(x + CELL // 2, y + CELL // 2, colour) for x, y, colour in self.cells()]


class Screen:
    """One TigerVNC server on a loopback port and a Unix socket, for as long as the context lasts.

    It asks for a VNC password only if it has one.
    """

    def __init__(self, folder: Path, picture: str, password: str | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._password = password
        self.unix = Path(tempfile.gettempdir()) / f"{uuid.uuid4().hex[:12]}.vnc"
        """Its path is short: such paths are at most 107 bytes."""
        self._folder = folder
        self._picture = picture
        self._server: subprocess.Popen[bytes] | None = None
        self._client: subprocess.Popen[bytes] | None = None
        self._clipboard: subprocess.Popen[bytes] | None = None
        self._starts = 0
        self.port = 0
        self.display = ""
        """Its X display, for other X clients."""

    async def __aenter__(self) -> Self:
        for attempt in range(5):
            self.port = free_port()
            try:
                await self.restart()
            except RuntimeError:
                if attempt == 4:
                    raise
            else:
                return self
        raise AssertionError("not reached")

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def picture(self) -> Picture:
        """What it shows now."""
        return Picture(self._picture)

    def keys(self) -> list[str]:
        """Names of the keys pressed since it started, in X's words: `a`, `Return`, `Shift_L` …"""
        return [line.removeprefix("key ") for line in self._said() if line.startswith("key ")]

    def held(self) -> list[str]:
        """The modifiers that were down when the last key was pressed: `Shift`, `Control`, `Mod1` …"""
        return next((line.split()[1:] for line in reversed(self._said()) if line.startswith("held")), [])

    async def until_keys(self, *wanted: str, since: int = 0, seconds: float = 10.0) -> None:
        """Wait until these keys, and no others, have been pressed after the first `since`. Raises AssertionError."""
        try:
            async with asyncio.timeout(seconds):
                while self.keys()[since:] != list(wanted):
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"the keys {wanted} were expected, and came as {self.keys()[since:]}") from None

    async def show(self, picture: str) -> None:
        """Change the picture; returns when the X server has drawn it."""
        assert self._client is not None
        assert self._client.stdin is not None
        self._picture = picture
        self._client.stdin.write(f"{picture}\n".encode())
        self._client.stdin.flush()
        await self._until_said(f"painted {picture}")

    async def copy(self, text: str) -> None:
        """Copy a text on the server, as a person at it would; `xclip` holds it until somebody else copies."""
        await self._forget_clipboard()
        command = ["xclip", "-display", self.display, "-selection", "clipboard", "-in", "-quiet"]
        with self._path("xclip.err").open("ab") as err:
            self._clipboard = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=err, stderr=err)
        assert self._clipboard.stdin is not None
        self._clipboard.stdin.write(text.encode())
        self._clipboard.stdin.close()

    async def until_pasted(self, text: str, seconds: float = 10.0) -> None:
        """Wait until pasting on the server gives this text. Raises AssertionError."""
        command = ["xclip", "-display", self.display, "-selection", "clipboard", "-out"]
        pasted = b""
        try:
            async with asyncio.timeout(seconds):
                while pasted != text.encode():
                    await asyncio.sleep(0.05)
                    process = await asyncio.create_subprocess_exec(
                        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
                    )
                    pasted, _ = await process.communicate()
        except TimeoutError:
            raise AssertionError(f"{text!r} was expected on the server's clipboard, and {pasted!r} is there") from None

    async def stop(self) -> None:
        """End the X server and its clients; the port is free afterwards."""
        client, server, self._client, self._server = self._client, self._server, None, None
        await self._forget_clipboard()
        if client is not None and client.stdin is not None:
            client.stdin.close()
        for process in (client, server):
            if process is not None:
                process.terminate()
                await until_gone(process, 10)
        self.unix.unlink(missing_ok=True)

    async def _forget_clipboard(self) -> None:
        clipboard, self._clipboard = self._clipboard, None
        if clipboard is not None:
            clipboard.terminate()
            await until_gone(clipboard, 10)

    async def restart(self) -> None:
        """Start it (again) on its port, with the picture it has."""
        await self.stop()
        self._starts += 1
        reader, writer = os.pipe()
        try:
            self._server = self._start_server(writer)
        finally:
            os.close(writer)
        try:
            self.display = await read_display(reader, self._server)
            await until_listening(self.port, self._server)
        finally:
            os.close(reader)
        self._client = self._start_client()
        await self._until_said("focused")
        await self._until_said(f"painted {self._picture}")

    def _start_server(self, display_to: int) -> subprocess.Popen[bytes]:
        command = ["Xtigervnc", "-displayfd", str(display_to), *self._security(), "-localhost"]
        command += ["-rfbunixpath", str(self.unix), "-rfbunixmode", "0600"]
        command += ["-rfbport", str(self.port), "-geometry", f"{WIDTH}x{HEIGHT}", "-depth", "24"]
        # Viewers of ours that leave before their handshake is over count as failed sign-ins otherwise.
        command += ["-BlacklistThreshold", "1000000"]
        # Ends itself with its last client, so that nothing is left when the suite is killed.
        command += ["-terminate", "-nolisten", "tcp", "-AlwaysShared"]
        with self._path("Xtigervnc.log").open("ab") as log:
            return subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=(display_to,), close_fds=True
            )

    def _security(self) -> list[str]:
        if self._password is None:
            return ["-SecurityTypes", "None"]
        file = self._path("password")
        file.touch(0o600)
        file.write_bytes(encrypted(self._password.encode()[:8].ljust(8, b"\0"), _FILE_KEY))
        return ["-SecurityTypes", "VncAuth", "-PasswordFile", str(file)]

    def _start_client(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", __name__, self.display, self._picture]
        with self._path("client.out").open("wb") as out, self._path("client.err").open("ab") as err:
            return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=out, stderr=err, cwd=_ROOT)

    def _path(self, name: str) -> Path:
        return self._folder / f"{self._starts}-{name}"

    def _said(self) -> list[str]:
        return self._path("client.out").read_text().splitlines()

    async def _until_said(self, line: str, seconds: float = 15.0) -> None:
        assert self._client is not None
        async with asyncio.timeout(seconds):
            while line not in self._said():
                if self._client.poll() is not None:
                    raise RuntimeError(f"the X client ended: {self._path('client.err').read_text()}")
                await asyncio.sleep(0.02)


async def read_display(reader: int, server: subprocess.Popen[bytes]) -> str:
    """The display that the X server chose, as it writes it on its `-displayfd`. Raises RuntimeError when it ends."""
    os.set_blocking(reader, False)
    text = b""
    async with asyncio.timeout(15):
        while not text.endswith(b"\n"):
            if server.poll() is not None:
                raise RuntimeError("Xtigervnc ended before it had a display")
            with contextlib.suppress(BlockingIOError):
                text += os.read(reader, 16)
            await asyncio.sleep(0.02)
    return f":{text.decode().strip()}"


class _Client:
    """The X client: one window over the whole screen, with the keyboard's focus."""

    def __init__(self, name: str, picture: str) -> None:
        self._display = xdisplay.Display(name)
        self._picture = Picture(picture)
        self._names = {value: key.removeprefix("XK_") for key, value in vars(XK).items() if key.startswith("XK_")}
        screen = self._display.screen()
        events = X.ExposureMask | X.KeyPressMask | X.FocusChangeMask | X.StructureNotifyMask
        self._window = screen.root.create_window(
            0, 0, WIDTH, HEIGHT, 0, screen.root_depth, override_redirect=True, event_mask=events
        )
        self._pen = self._window.create_gc()
        self._window.map()
        self._display.flush()

    def run(self) -> None:
        """Until standard input ends."""
        while True:
            while self._display.pending_events():
                self._take(self._display.next_event())
            ready, _, _ = select.select([self._display.fileno(), sys.stdin.fileno()], [], [])
            if sys.stdin.fileno() in ready:
                line = os.read(sys.stdin.fileno(), 4096).decode()
                if not line:
                    return
                self._picture = Picture(line.splitlines()[-1])
                self._paint()

    def _take(self, event: rq.Event) -> None:
        if event.type == X.MapNotify:
            self._window.set_input_focus(X.RevertToParent, X.CurrentTime)
        elif event.type == X.FocusIn:
            _say("focused")
        elif event.type == X.Expose and event.count == 0:
            self._paint()
        elif event.type == X.KeyPress:
            level = 1 if event.state & X.ShiftMask else 0
            symbol = self._display.keycode_to_keysym(event.detail, level)
            symbol = symbol or self._display.keycode_to_keysym(event.detail, 0)
            down = [name for name in ("Shift", "Control", "Mod1", "Mod4") if event.state & getattr(X, f"{name}Mask")]
            _say(" ".join(["held", *down]))
            _say(f"key {self._names.get(symbol, hex(symbol))}")

    def _paint(self) -> None:
        for x, y, (red, green, blue) in self._picture.cells():
            self._pen.change(foreground=red << 16 | green << 8 | blue)
            self._window.fill_rectangle(self._pen, x, y, CELL, CELL)
        self._display.sync()
        _say(f"painted {self._picture.name}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _Client(sys.argv[1], sys.argv[2]).run()
