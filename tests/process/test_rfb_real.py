"""Our side of RFB against TigerVNC's server and TigerVNC's viewer."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest
import pytest_asyncio
from Xlib import XK, X
from Xlib import display as xdisplay
from Xlib.ext import xtest

from launcher.model import Secret
from launcher.relay.security import SignIn
from launcher.relay.vncauth import challenge_of
from tests.fakes.console_proxy import free_port, until_gone
from tests.fakes.des import encrypted
from tests.fakes.issued import note
from tests.fakes.rfb_recorder import RfbRecorder
from tests.fakes.rfb_relay import RfbRelay, played
from tests.fakes.screens import read_display

PASSWORD = note("knock-33")
TOO_MANY = "takes no sign-ins for the moment: too many have failed. Wait, and see that the password is right."


def password_file(folder: Path) -> Path:
    """The password as TigerVNC keeps it: encrypted with a key that all the world knows."""
    key = bytes(int(f"{byte:08b}"[::-1], 2) for byte in (23, 82, 107, 6, 35, 78, 88, 7))
    path = folder / "passwd"
    path.write_bytes(encrypted(PASSWORD.encode(), key))
    path.chmod(0o600)
    return path


class Desk:
    """An X server with a VNC server in it that asks for the password, and takes one wrong one."""

    def __init__(self, folder: Path) -> None:
        self.passwords = password_file(folder)
        self.port = free_port()
        self.display = ""
        self._log = (folder / "desk.log").open("ab")
        reader, writer = os.pipe()
        command = [
            "Xtigervnc",
            "-displayfd",
            str(writer),
            "-SecurityTypes",
            "VncAuth",
            "-localhost",
            "-nolisten",
            "tcp",
        ]
        command += ["-PasswordFile", str(self.passwords), "-rfbport", str(self.port), "-BlacklistThreshold", "1"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log, pass_fds=(writer,)
        )
        os.close(writer)
        self._told = reader

    async def until_ready(self) -> None:
        self.display = await read_display(self._told, self.process)
        os.close(self._told)
        self._log.close()


@pytest_asyncio.fixture
async def desk(suite_output: Path, tmp_path: Path) -> AsyncIterator[Desk]:
    if shutil.which("Xtigervnc") is None or shutil.which("xtigervncviewer") is None:
        pytest.fail("needs Debian's packages tigervnc-standalone-server and tigervnc-viewer")
    desk = Desk(tmp_path)
    await desk.until_ready()
    yield desk
    desk.process.terminate()
    await until_gone(desk.process, 10)


async def signed_in(port: int, password: str) -> str | None:
    """How a sign-in to the server ends: its failure."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    failure = await played(SignIn(Secret(password)), reader, writer)
    writer.close()
    return failure


async def test_tigervnc_lets_us_in_and_says_what_is_wrong(desk: Desk) -> None:
    assert await signed_in(desk.port, PASSWORD) is None
    assert await signed_in(desk.port, note("knock-34")) == "refuses the configured password."
    assert await signed_in(desk.port, PASSWORD) == TOO_MANY


@pytest.mark.parametrize("view_only", [True, False])
async def test_a_person_at_tigervncs_viewer_only_looks(desk: Desk, view_only: bool, tmp_path: Path) -> None:
    async with RfbRecorder(password=PASSWORD, size=(320, 240)) as recorder:
        challenge = challenge_of(Random(9).randbytes(16))
        relay = RfbRelay(await recorder.listen(), view_only, Secret(PASSWORD), challenge)
        server = await asyncio.start_server(relay.serve, "127.0.0.1", 0)
        viewer = start_viewer(desk, server.sockets[0].getsockname()[1], tmp_path)
        await recorder.until(lambda: recorder.recordings and "ClientFence" in recorder.recordings[0].names)
        recording = recorder.recordings[0]
        await until_typed(desk, relay)
        if not view_only:
            await recorder.until(lambda: {"QEMU key", "PointerEvent"} <= set(recording.names))
        viewer.terminate()
        await until_gone(viewer, 10)
        await recorder.until(lambda: recording.gone)
        server.close()
    assert relay.failures == [None]
    assert relay.conversations[0].following
    assert (recording.fault, bool(recording.inputs)) == (None, not view_only)
    assert {"SetEncodings", "FramebufferUpdateRequest", "ClientFence"} <= set(recording.names)


def start_viewer(desk: Desk, port: int, folder: Path) -> subprocess.Popen[bytes]:
    command = ["xtigervncviewer", "-SecurityTypes", "VncAuth", "-passwd", str(desk.passwords), f"127.0.0.1::{port}"]
    env = {"PATH": os.environ["PATH"], "DISPLAY": desk.display, "HOME": str(folder), "LANG": "C.UTF-8"}
    with (folder / "viewer.log").open("ab") as log:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env)


async def until_typed(desk: Desk, relay: RfbRelay) -> None:
    """A person moves the mouse, clicks and types in the viewer's window until that has been said, passed or not."""
    display = xdisplay.Display(desk.display)
    root = display.screen().root
    key = display.keysym_to_keycode(XK.XK_a)
    async with asyncio.timeout(15):
        while relay.conversations[0].inputs < 12:
            windows = [window for window in root.query_tree().children if window.get_attributes().map_state]
            for window in windows[-1:]:
                place = window.get_geometry()
                window.set_input_focus(X.RevertToParent, X.CurrentTime)
                for kind, detail, shift in ((X.MotionNotify, 0, 9), (X.MotionNotify, 0, 30), (X.ButtonPress, 1, 0)):
                    xtest.fake_input(display, kind, detail, x=place.x + shift, y=place.y + shift)
                for kind, detail in ((X.ButtonRelease, 1), (X.KeyPress, key), (X.KeyRelease, key)):
                    xtest.fake_input(display, kind, detail)
            display.sync()
            await asyncio.sleep(0.05)
    display.close()
