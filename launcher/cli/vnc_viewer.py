"""`console-launcher vnc`: which viewer is on this machine, and one that runs."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from launcher.cli.exits import Exit
from launcher.cli.failure import Failure
from launcher.cli.viewers import PROGRAMS, TITLES, Brand, Start, Viewer, own_command, recognized
from launcher.config.environment import has_display

_PATIENCE: Final = 5.0
"""Seconds for a program to say what it is."""
_HANDED_OVER: Final = 10.0
"""Seconds in which another process may still connect: Remmina asks the one that runs already, and ends."""
_LEAVING: Final = 2.0
_LOG: Final = "viewer.log"
_KNOWN: Final = "TigerVNC (Debian, Ubuntu: tigervnc-viewer; Fedora: tigervnc), Remmina, RealVNC's VNC Viewer"


def chosen(wanted: str | None) -> Viewer:
    """The viewer that `--viewer` names, or the first that is here. Raises Failure."""
    if wanted is None or wanted in tuple(Brand):
        viewer = _found(tuple(Brand) if wanted is None else (Brand(wanted),))
    else:
        viewer = _own(wanted)
    if viewer is None:
        missing = f"{TITLES[Brand(wanted)]} is not on this machine" if wanted else "no viewer is on this machine"
        raise Failure(
            Exit.NO_VIEWER,
            f"{missing}.",
            f"Known are: {_KNOWN}.",
            "Another one:        --viewer COMMAND",
            "One that you start: --print",
        )
    if not has_display():
        raise Failure(
            Exit.NO_VIEWER,
            "there is no display here for a viewer's window: neither DISPLAY nor WAYLAND_DISPLAY is set.",
            "With ssh -X one comes along; or start a viewer yourself, here or on your own machine: --print",
        )
    return viewer


def _own(command: str) -> Viewer:
    try:
        viewer = own_command(command)
    except ValueError as error:
        raise Failure(Exit.USAGE, f'--viewer "{command}": {error}.') from None
    if shutil.which(viewer.program[0]) is None:
        known = ", ".join(Brand)
        raise Failure(
            Exit.NO_VIEWER, f'there is no program "{viewer.program[0]}" here.', f"Known by their names: {known}"
        )
    return viewer


def _found(brands: tuple[Brand, ...]) -> Viewer | None:
    for brand in brands:
        for program in PROGRAMS[brand]:
            path = shutil.which(program)
            if path is None:
                continue
            viewer = Viewer((path,), brand) if brand is Brand.REMMINA else recognized(path, _said(path))
            if viewer is not None and viewer.brand is brand:
                return viewer
    return None


def _said(program: str) -> str:
    """What it answers to `-h`, on either stream and whatever its exit code; nothing if it does not answer."""
    try:
        answer = subprocess.run(  # noqa: S603 -- a viewer found on the person's own path
            [program, "-h"], capture_output=True, stdin=subprocess.DEVNULL, timeout=_PATIENCE, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return (answer.stdout + answer.stderr).decode(errors="replace")


class Running:
    """A viewer that was started."""

    def __init__(self, process: asyncio.subprocess.Process, title: str, log: Path) -> None:
        self._process = process
        self._title = title
        self._log = log

    async def failed(self) -> Failure:
        """Waits for it to end before it connected, and tells how."""
        code = await self._process.wait()
        if code == 0:
            await asyncio.sleep(_HANDED_OVER)
            return Failure(Exit.NO_VIEWER, f"{self._title} ended without a connection.")
        how = f"with exit code {code}" if code > 0 else f"by signal {-code}"
        return Failure(Exit.NO_VIEWER, f"{self._title} ended {how} before it connected.", *self._last_words())

    async def leave(self) -> None:
        """Let it end by itself, if it does soon: it may have a word to the person."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_LEAVING):
                await self._process.wait()

    async def stop(self) -> None:
        """End it, whether it wants to or not."""
        if self._process.returncode is not None:
            return
        self._process.terminate()
        try:
            async with asyncio.timeout(_LEAVING):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    def _last_words(self) -> list[str]:
        with suppress(OSError):
            lines = self._log.read_text(errors="replace").splitlines()
            return [line.strip() for line in lines if line.strip()][-2:]
        return []


@asynccontextmanager
async def running(start: Start, title: str, folder: Path) -> AsyncIterator[Running]:
    """A viewer, its files in the private folder; it is stopped where the command is. Raises Failure."""
    for name, content in start.files.items():
        _write(folder / name, content)
    log = folder / _LOG
    with log.open("wb") as output:
        try:
            process = await asyncio.create_subprocess_exec(
                *start.command, stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output
            )
        except OSError as error:
            raise Failure(Exit.NO_VIEWER, f"{title} cannot be started: {error.strerror}.") from error
    viewer = Running(process, title, log)
    try:
        yield viewer
    except BaseException:
        await viewer.stop()
        raise


def forget(start: Start, folder: Path) -> None:
    """Remove its files: it has read them."""
    for name in start.files:
        (folder / name).unlink(missing_ok=True)


def _write(path: Path, content: bytes) -> None:
    with open(path, "xb", opener=_private) as file:
        file.write(content)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
