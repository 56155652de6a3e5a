"""Hosts outside any cloud: TigerVNC and QEMU as direct targets, in Chromium."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import WebSocket

from tests.fakes.issued import note
from tests.fakes.qemu import Qemu
from tests.fakes.screens import Picture, Screen
from tests.process.browser import Profile, Tab
from tests.process.command import Ended, run
from tests.process.daemon import Daemon

pytestmark = pytest.mark.asyncio(loop_scope="module")

NONE = b"\x01\x01"
"""Security types, as a server offers them: one, and that is to ask for nothing (RFC 6143 §7.1.2)."""


@dataclass
class Rack:
    """Two TigerVNC servers and a QEMU, and a daemon that knows each of their sockets by a name of its own."""

    open: Screen
    guarded: Screen
    qemu: Qemu
    password: str
    tokens: Path
    daemon: Daemon

    def picture(self, name: str) -> Picture:
        if name.startswith("qemu"):
            return self.qemu.picture
        return (self.guarded if "guarded" in name else self.open).picture


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rack(
    _tigervnc_is_there: None, _qemu_is_there: None, suite_output: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Rack]:
    secrets = tmp_path_factory.mktemp("rack")
    password = note(f"q{uuid.uuid4().hex[:7]}")
    file = secrets / "vnc-password"
    file.touch(0o600)
    file.write_text(f"{password}\n")
    tokens = secrets / "tokens"
    output = suite_output / "rack"
    plain = Screen(output / "open", "open")
    guarded = Screen(secrets / "guarded", "guarded", password)
    qemu = Qemu(secrets / "qemu", "qemu", password)

    def with_password(address: str) -> dict[str, Any]:
        return {"vnc": address, "password": {"file": str(file)}}

    async with AsyncExitStack() as stack:
        for machine in (plain, guarded, qemu):
            await stack.enter_async_context(machine)
        servers = {
            "open-tcp": {"vnc": f"tcp://127.0.0.1:{plain.port}"},
            "open-unix": {"vnc": f"unix:{plain.unix}"},
            "guarded-tcp": with_password(f"tcp://127.0.0.1:{guarded.port}"),
            "guarded-unix": with_password(f"unix:{guarded.unix}"),
            "qemu-open-tcp": {"vnc": f"tcp://127.0.0.1:{qemu.port}"},
            "qemu-open-unix": {"vnc": f"unix:{qemu.unix}"},
            "qemu-guarded-tcp": with_password(f"tcp://127.0.0.1:{qemu.guarded_port}"),
            "qemu-guarded-unix": with_password(f"unix:{qemu.guarded_unix}"),
        }
        tokens.write_text(f"token-tcp: 127.0.0.1:{plain.port}\ntoken-unix: unix_socket:{qemu.unix}\n")
        clouds = {"rack7": {"provider": "static", "servers": servers, "websockify_tokens": str(tokens)}}
        daemon = await stack.enter_async_context(Daemon(suite_output / "daemons", clouds))
        yield Rack(plain, guarded, qemu, password, tokens, daemon)


class Frames:
    """What a page's WebSockets received and sent."""

    def __init__(self, tab: Tab) -> None:
        self.received: list[bytes] = []
        self.sent: list[bytes] = []
        tab.page.on("websocket", self._listen)

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framereceived", lambda frame: self.received.append(_bytes(frame)))
        socket.on("framesent", lambda frame: self.sent.append(_bytes(frame)))


def _bytes(frame: bytes | str) -> bytes:
    return frame if isinstance(frame, bytes) else frame.encode()


@pytest.mark.parametrize("machine", ["", "qemu-"])
@pytest.mark.parametrize("guard", ["open", "guarded"])
@pytest.mark.parametrize("way", ["tcp", "unix"])
async def test_a_screen_is_seen_and_no_password_reaches_the_page(
    rack: Rack, profile: Profile, machine: str, guard: str, way: str
) -> None:
    name = f"{machine}{guard}-{way}"
    tab = await profile.tab()
    frames = Frames(tab)
    await tab.open(f"{rack.daemon.url}/c/rack7/{name}")
    await tab.until_shows(rack.picture(name))
    begin = b"".join(frames.received)[:14]
    assert begin[12:] == NONE, "the page is asked for nothing, whoever the server lets in"
    everything = b"".join([*frames.received, *frames.sent, (await tab.page.content()).encode()])
    assert rack.password.encode() not in everything


async def test_keys_arrive_where_the_gateway_has_signed_in(rack: Rack, profile: Profile) -> None:
    tab = await profile.open(f"{rack.daemon.url}/c/rack7/guarded-tcp")
    await tab.until_shows(rack.guarded.picture)
    await tab.page.mouse.click(640, 500)
    await tab.page.keyboard.type("hi")
    await rack.guarded.until_keys("h", "i")


async def test_a_bookmark_of_novnc_before_websockify_leads_to_the_screen(rack: Rack, profile: Profile) -> None:
    for token, picture in {"token-tcp": rack.open.picture, "token-unix": rack.qemu.picture}.items():
        tab = await profile.open(f"{rack.daemon.url}/vnc.html?path=websockify?token={token}&autoconnect=true")
        await tab.until_shows(picture)
        assert tab.page.url == f"{rack.daemon.url}/c/rack7/{token}"


async def test_a_wrong_password_is_said_so_and_not_shown(
    rack: Rack, profile: Profile, suite_output: Path, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong"
    wrong.touch(0o600)
    wrong.write_text(note(f"q{uuid.uuid4().hex[:7]}"))
    entry = {"vnc": f"tcp://127.0.0.1:{rack.qemu.guarded_port}", "password": {"file": str(wrong)}}
    clouds = {"rack7": {"provider": "static", "servers": {"kvm": entry}}}
    async with Daemon(suite_output / "daemons", clouds) as daemon:
        tab = await profile.open(f"{daemon.url}/c/rack7/kvm")
        await tab.until_state("failed")
        shown = await tab.text()
        assert "The VNC server cannot be used" in shown
        assert "password" in shown
        assert "console proxy" not in shown


async def test_the_commands_know_a_static_cloud(rack: Rack) -> None:
    async def command(*words: str) -> Ended:
        return await run(*words, "--gateway", f"unix:{rack.daemon.socket_path}")

    clouds = await command("clouds")
    assert clouds.out.splitlines()[-1].split()[:2] == ["rack7", "static"]
    listed = json.loads((await command("servers", "--json")).out)
    assert {one["name"] for one in listed["servers"]} >= {"open-tcp", "token-unix"}
    url = await command("url", "rack7/token-tcp")
    assert url.out == f"http://jump.localhost:{rack.daemon.port}/c/rack7/token-tcp\n"
    for name in ("guarded-tcp", "qemu-guarded-unix", "token-unix"):
        doctor = await command("doctor", f"rack7/{name}")
        assert (doctor.code, "All is well." in doctor.out) == (0, True), doctor.out
    assert "takes the gateway's VNC password" in (await command("doctor", "rack7/guarded-unix")).out
    revealed = await command("console-url", "rack7/open-tcp", "--reveal")
    assert (revealed.code, revealed.out) == (1, "")
    assert "rack7 has no console URLs" in revealed.err
