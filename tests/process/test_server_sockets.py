"""A server's own Unix socket: TigerVNC's viewer at it, on the jump host and through `ssh -L`; nobody else."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from tests.fakes.display import Display
from tests.fakes.screens import Screen
from tests.fakes.sshd import running_sshd, second_account
from tests.fakes.stranger import STRANGER
from tests.process.site import Site, start_screens
from tests.process.test_vnc import knock_as, need_viewer

pytestmark = pytest.mark.asyncio(loop_scope="module")
_SOCKETS = {"relay": {"sockets": ["lab/*"]}}


@pytest.fixture(scope="module", autouse=True)
def _viewer_is_there() -> None:
    need_viewer()


async def until_there(path: Path) -> Path:
    async with asyncio.timeout(15):
        while not path.exists():
            await asyncio.sleep(0.05)
    return path


@asynccontextmanager
async def viewer(display: Display, *where: str) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(
        "xtigervncviewer", "-display", display.name, "-Shared", *where, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.terminate()
        await process.wait()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def screens(_tigervnc_is_there: None, suite_output: Path) -> AsyncIterator[list[Screen]]:
    """One is enough here."""
    async with AsyncExitStack() as stack:
        yield await start_screens(stack, suite_output, "picture-1")


async def test_the_viewer_shows_the_picture_through_the_server_s_own_socket_and_nobody_else_gets_it(
    site: Site, screen: Screen, suite_output: Path
) -> None:
    server_id = site.add_server("web-01", screen)
    async with site.daemon(settings=_SOCKETS) as daemon, Display(suite_output / "display") as display:
        link = await until_there(daemon.folder / "lab" / "web-01.sock")
        socket = link.resolve()
        assert socket.name == f"{server_id}.sock"
        assert [stat.S_IMODE(path.stat().st_mode) for path in (socket, socket.parent)] == [0o660, 0o711]
        assert await knock_as(STRANGER, str(link)) == "PermissionError"
        socket.chmod(0o666)  # as if the stranger were in the group, and not let in by the configuration
        assert await knock_as(STRANGER, str(link)) == f"heard {b'RFB 003.008' + bytes([10])!r}"
        assert site.console_requests() == 0
        async with viewer(display, str(link)):
            await display.until_shows(screen.picture)
    (launch,) = daemon.log_events("launch")
    (end,) = daemon.log_events("session-end")
    assert (launch["actor"], launch["via"], launch["server"]) == ("root", "unix", server_id)
    assert (end["actor"], end["session"]) == ("root", launch["session"])
    assert not (daemon.folder / "lab").exists()
    (refusal,) = daemon.log_events("refusal")
    assert (refusal["kind"], refusal["uid"], refusal["via"]) == ("account", STRANGER, "unix")
    assert (refusal["method"], refusal["path"]) == ("connect", f"lab/{server_id}.sock")


async def test_any_viewer_is_served_through_a_tunnel_and_the_account_that_signed_in_is_the_actor(
    site: Site, screen: Screen, suite_output: Path
) -> None:
    site.add_server("web-01", screen)
    with second_account() as alice, second_account() as mallory:
        settings = {**_SOCKETS, "access": {"local_users": [alice.pw_name]}}
        async with (
            site.daemon(settings=settings) as daemon,
            Display(suite_output / "display") as display,
            running_sshd() as sshd,
        ):
            link = await until_there(daemon.folder / "lab" / "web-01.sock")
            link.chmod(0o666)  # both are in the group, so to say
            async with sshd.tunnel(mallory.pw_name, str(link)) as port:
                said = await told(port)
            assert said[:1] == b"\0", "no way to sign in"
            assert f'Account "{mallory.pw_name}" may not use this gateway' in said.decode()
            assert site.console_requests() == 0
            async with sshd.tunnel(alice.pw_name, str(link)) as port, viewer(display, f"127.0.0.1::{port}"):
                await display.until_shows(screen.picture)
        assert {one["actor"] for one in daemon.log_events("session-end")} <= {alice.pw_name}
        assert {one["actor"] for one in daemon.log_events("launch")} == {alice.pw_name}


async def told(port: int) -> bytes:
    """What a viewer is told behind the greeting."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(10):
            writer.write(await reader.readexactly(12))
            return await reader.read()
    finally:
        writer.close()
