"""A display without a monitor (Xvfb), where native viewers open their windows, and what is to be seen there."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from Xlib import X, error
from Xlib import display as xdisplay
from Xlib.xobject.drawable import Window

from tests.fakes.console_proxy import until_gone
from tests.fakes.screens import CELL, Colour, Picture, read_display

_UNLIKE = 8
"""Of 255: lossy encodings may change a colour so much."""


class Display:
    """`async with Display(folder) as display:` has the X display `display.name`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._log = folder / "Xvfb.log"
        self._server: subprocess.Popen[bytes] | None = None
        self.name = ""

    async def __aenter__(self) -> Self:
        reader, writer = os.pipe()
        command = ["Xvfb", "-displayfd", str(writer), "-screen", "0", "800x600x24", "-nolisten", "tcp", "-noreset"]
        try:
            with self._log.open("ab") as log:
                self._server = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=(writer,)
                )
        finally:
            os.close(writer)
        try:
            self.name = await read_display(reader, self._server)
        finally:
            os.close(reader)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.terminate()
        await until_gone(self._server, 10)

    async def until_shows(self, picture: Picture, seconds: float = 15.0) -> None:
        """Wait until a window shows this picture. Raises AssertionError."""
        try:
            async with asyncio.timeout(seconds):
                while not self.shows(picture):
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise AssertionError(f"no window of {self.name} showed {picture} within {seconds:g} s") from None

    def shows(self, picture: Picture) -> bool:
        """Whether a window does now."""
        display = xdisplay.Display(self.name)
        try:
            root = display.screen().root
            with contextlib.suppress(error.XError):  # a window may go while it is looked at
                for window in root.query_tree().children:
                    place = window.get_geometry()
                    if window.get_attributes().map_state == X.IsViewable and all(
                        _alike(_pixel(root, place.x + x, place.y + y), colour) for x, y, colour in _probes(picture)
                    ):
                        return True
        finally:
            display.close()
        return False


def _probes(picture: Picture) -> list[tuple[int, int, Colour]]:
    """A place low in each cell: for a while TigerVNC has a word of its own over the upper half of the first row."""
    return [(x + CELL // 2, y + CELL - 20, colour) for x, y, colour in picture.cells()]


def _pixel(root: Window, x: int, y: int) -> Colour:
    blue, green, red = root.get_image(x, y, 1, 1, X.ZPixmap, 0xFFFFFFFF).data[:3]
    return red, green, blue


def _alike(seen: Colour, wanted: Colour) -> bool:
    return all(abs(one - other) <= _UNLIKE for one, other in zip(seen, wanted, strict=True))
