"""`console-launcher vnc` between a real gateway and viewers on raw sockets."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from launcher.access.peer import Peers
from launcher.cli.exits import Exit
from launcher.cli.failure import Failure
from launcher.cli.gateway import TcpGateway
from launcher.cli.vnc import Showing
from launcher.cli.vnc_door import port_door, private_folder, socket_door
from launcher.cli.vnc_gateway import open_web
from launcher.model import Actor
from tests.fakes.certificates import Authority
from tests.fakes.compute import FakeCompute
from tests.fakes.console_proxy import BANNER, FaultyProxy
from tests.integration.conftest import RunGateway, Running

Capture = pytest.CaptureFixture[str]


@pytest.fixture
async def proxy(compute: FakeCompute) -> AsyncIterator[FaultyProxy]:
    """A console proxy to which the cloud's consoles lead."""
    async with FaultyProxy() as proxy:
        compute.mint = lambda *_: proxy.url()
        yield proxy


def server_of(compute: FakeCompute, cloud: str = "prod") -> dict[str, str]:
    (server_id,) = compute.servers
    return {"cloud": cloud, "id": server_id, "name": "web-01"}


def options(**more: Any) -> argparse.Namespace:
    return argparse.Namespace(
        **{"json": True, "port": None, "socket": False, "view_only": False, "timeout": 10, **more}
    )


class Viewing:
    """The command, told to print, and a viewer that the test plays."""

    def __init__(self, command: asyncio.Task[int], capsys: Capture) -> None:
        self._command = command
        self._capsys = capsys
        self._writers: list[asyncio.StreamWriter] = []
        self.told: dict[str, Any] = {}
        self.said = ""

    async def until_told(self) -> None:
        out = ""
        async with asyncio.timeout(10):
            while not out:
                await asyncio.sleep(0.01)
                if self._command.done():
                    self._command.result()
                out, said = self._capsys.readouterr()
                self.said += said
        self.told = json.loads(out)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await dial(self.told["socket"] if "socket" in self.told else self.told["port"])
        self._writers.append(writer)
        return reader, writer

    async def hang_up(self) -> None:
        for writer in self._writers:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def ended(self) -> int:
        async with asyncio.timeout(10):
            return await self._command


@asynccontextmanager
async def viewing(
    running: Running, capsys: Capture, gateway: TcpGateway | None = None, **more: Any
) -> AsyncIterator[Viewing]:
    showing = Showing(options(**more), server_of(running.compute))
    asked = gateway or TcpGateway("127.0.0.1", running.port)
    async with asyncio.TaskGroup() as tasks:
        command = tasks.create_task(outcome(showing.run(asked, None)))
        one = Viewing(command, capsys)
        await one.until_told()
        try:
            yield one
        finally:
            command.cancel()
            await one.hang_up()


async def outcome(work: Any) -> Any:
    """A failure as a value: the group would end with it."""
    try:
        return await work
    except Failure as failure:
        return failure


async def test_bytes_pass_both_ways_until_the_viewer_leaves(
    running: Running, proxy: FaultyProxy, capsys: Capture
) -> None:
    async with viewing(running, capsys) as viewer:
        assert running.compute.console_requests == [], "nobody has come yet"
        reader, writer = await viewer.connect()
        assert await reader.readexactly(12) == BANNER
        assert not Path(viewer.told["socket"]).exists()
        big = os.urandom(500_000)
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(reader.readexactly(6 * len(big)))
            for _ in range(6):
                await proxy.send(big)
        assert reading.result() == 6 * big
        writer.write(BANNER)
        await received(proxy, BANNER)
        writer.close()
        assert await viewer.ended() == Exit.OK
    assert not Path(viewer.told["socket"]).parent.exists()
    await running.settled()


async def received(proxy: FaultyProxy, wanted: bytes) -> None:
    async with asyncio.timeout(10):
        while b"".join(proxy.received) != wanted:
            await asyncio.sleep(0.01)


async def test_an_operator_who_ends_it_is_named(running: Running, proxy: FaultyProxy, capsys: Capture) -> None:
    async with viewing(running, capsys) as viewer:
        reader, writer = await viewer.connect()
        await reader.readexactly(12)
        _, told = await running.ask("GET", "/api/v1/sessions")
        await running.ask("DELETE", f"/api/v1/sessions/{told['sessions'][0]['id']}")
        failure: Any = await viewer.ended()
        assert await reader.read() == b""
        writer.close()
    assert failure.code == Exit.REFUSED
    assert failure.sentence.startswith("the gateway ended the session: Ended by ")


async def test_a_console_proxy_that_hangs_up_is_worth_another_try(
    running: Running, proxy: FaultyProxy, capsys: Capture
) -> None:
    async with viewing(running, capsys) as viewer:
        reader, writer = await viewer.connect()
        await reader.readexactly(12)
        proxy.hang_up()
        failure: Any = await viewer.ended()
        writer.close()
    assert failure.code == Exit.TRY_AGAIN
    assert failure.sentence == "the gateway ended the session: The console proxy hung up."


async def test_a_launch_that_fails_is_told_here_and_in_the_viewer(
    running: Running, compute: FakeCompute, capsys: Capture
) -> None:
    (server,) = compute.servers.values()
    server["status"] = "SHUTOFF"
    async with viewing(running, capsys) as viewer:
        reader, writer = await viewer.connect()
        assert await reader.readexactly(12) == BANNER
        writer.write(BANNER)
        said = await reader.read()
        failure: Any = await viewer.ended()
        writer.close()
    assert failure.code == Exit.REFUSED
    assert "web-01 is off" in failure.sentence
    assert failure.advice == ("Start it, then ask again.",), "there is no page to leave open"
    assert (said[0], said[5:].decode()) == (0, failure.sentence)


async def test_a_viewer_that_leaves_a_launch_gives_it_up(
    running: Running, compute: FakeCompute, capsys: Capture
) -> None:
    (server,) = compute.servers.values()
    server |= {"status": "BUILD", "OS-EXT-STS:vm_state": "building", "OS-EXT-STS:task_state": "spawning"}
    async with viewing(running, capsys) as viewer:
        _, writer = await viewer.connect()
        async with asyncio.timeout(10):
            while not len(running.gateway.sessions):
                await asyncio.sleep(0.01)
        writer.close()
        assert await viewer.ended() == Exit.OK
    await running.settled()


async def test_a_server_that_wants_its_own_password_is_not_shown_through_a_port(
    running: Running, proxy: FaultyProxy, capsys: Capture
) -> None:
    async with viewing(running, capsys, port=0) as viewer:
        reader, writer = await viewer.connect()
        await known(reader, writer, viewer.told["password"])
        await received(proxy, BANNER)
        await proxy.send(b"\x01\x02")
        failure: Any = await viewer.ended()
        writer.close()
    assert failure.code == Exit.REFUSED
    assert failure.sentence == (
        "prod/web-01 cannot be shown through a port: its VNC server asks for a password, and none is configured."
    )
    assert "--viewer tigervnc" in failure.advice[0]


async def known(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, password: str) -> None:
    """What a viewer that knows the password says; a plain one, so that no other code of ours is its own witness."""
    from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
    from cryptography.hazmat.primitives.ciphers import Cipher, modes

    assert await reader.readexactly(12) == BANNER
    writer.write(BANNER)
    assert await reader.readexactly(2) == b"\x01\x02"
    writer.write(b"\x02")
    key = bytes(int(f"{byte:08b}"[::-1], 2) for byte in password.encode())
    des = Cipher(TripleDES(key * 3), modes.ECB()).encryptor()  # noqa: S305 -- the protocol's own choice
    writer.write(des.update(await reader.readexactly(16)))
    assert await reader.readexactly(4) == bytes(4)


async def test_after_three_wrong_passwords_the_port_is_closed_and_no_console_was_asked_for(
    running: Running, capsys: Capture
) -> None:
    async with viewing(running, capsys, port=0) as viewer:
        for _ in range(3):
            reader, writer = await viewer.connect()
            with pytest.raises(AssertionError):
                await known(reader, writer, "no-such!")
            assert b"the password is wrong" in await reader.read()
            writer.close()
        failure: Any = await viewer.ended()
        with pytest.raises(ConnectionRefusedError):
            await viewer.connect()
    assert failure.code == Exit.NOT_ALLOWED
    assert running.compute.console_requests == []


async def test_a_websocket_that_is_refused_is_told_in_the_gateway_s_words(running: Running) -> None:
    async with open_web(TcpGateway("127.0.0.1", running.port), 10) as web:
        with pytest.raises(Failure) as caught:
            await web.launch(server_of(running.compute, "nosuch"), view_only=False, shows=lambda _: None)
    assert caught.value.sentence == 'There is no cloud "nosuch" at this gateway.'


async def test_a_gateway_that_has_gone_is_told(running: Running) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    async with open_web(TcpGateway("127.0.0.1", port), 10) as web:
        with pytest.raises(Failure) as caught:
            await web.launch(server_of(running.compute), view_only=True, shows=lambda _: None)
    assert caught.value.code == Exit.NO_GATEWAY


async def test_while_a_launch_waits_it_is_told_for_what(running: Running, compute: FakeCompute) -> None:
    (server,) = compute.servers.values()
    server |= {"status": "BUILD", "OS-EXT-STS:vm_state": "building", "OS-EXT-STS:task_state": "spawning"}
    told: asyncio.Queue[str] = asyncio.Queue()
    async with open_web(TcpGateway("127.0.0.1", running.port), 10) as web, asyncio.TaskGroup() as tasks:
        launch = tasks.create_task(web.launch(server_of(compute), view_only=False, shows=told.put_nowait))
        async with asyncio.timeout(10):
            assert "is being built" in await told.get()
        launch.cancel()
    await running.settled()


class OthersPeers(Peers):
    """A kernel that calls the first to knock another account."""

    def __init__(self) -> None:
        super().__init__()
        self._uids = [os.geteuid() + 1, 0]

    async def actor(self, sock: Any, known: int | None = None) -> Actor | None:
        return Actor(uid=self._uids.pop(0), name="mallory", via="unix") if self._uids else None


@pytest.mark.parametrize("way", ["socket", "port"])
async def test_another_account_is_hung_up_on_and_told_of_and_root_comes_in(way: str) -> None:
    peers, said = OthersPeers(), list[str]()
    with private_folder(None) as folder:
        opened = socket_door(folder, peers, said.append) if way == "socket" else port_door(0, peers, said.append)
        with opened as door:
            address = door.address
            async with asyncio.TaskGroup() as tasks:
                taking = tasks.create_task(door.take())
                stranger = await dial(address)
                assert await stranger[0].read() == b""
                root = await dial(address)
                streams = await taking
            await streams.send(b"come in")
            assert await root[0].readexactly(7) == b"come in"
            door.shut()
            with pytest.raises(OSError, match=r"failed|No such file"):
                await dial(address)
            await streams.close()
            for _, writer in (stranger, root):
                writer.close()
    peers.close()
    assert said == ['account "mallory" tried to connect, and was not let in.']


async def dial(address: str | int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if isinstance(address, str):
        return await asyncio.open_unix_connection(address)
    return await asyncio.open_connection("127.0.0.1", address)


def test_a_runtime_folder_of_another_account_is_not_used() -> None:
    assert os.geteuid() == 0, "this test gives a folder to another account: run it as root"
    with tempfile.TemporaryDirectory(prefix="r-") as theirs:
        os.chown(theirs, 12345, -1)
        with private_folder(theirs) as folder:
            assert folder.parent == Path(tempfile.gettempdir())


def test_a_socket_lies_in_the_runtime_folder_where_its_path_is_short_enough(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="run-") as short, private_folder(short) as folder:
        assert folder.parent == Path(short)
    with private_folder(f"{tmp_path}/{'x' * 80}") as folder:
        assert folder.parent == Path(tempfile.gettempdir())
    with private_folder("/nonexistent") as folder:
        assert folder.parent == Path(tempfile.gettempdir())
        assert folder.stat().st_mode & 0o777 == 0o700
    assert not folder.exists()


def test_what_cannot_be_listened_on_is_said_with_a_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    peers: Any = None
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    with pytest.raises(Failure, match="at most 107 bytes"), socket_door(deep, peers, print):
        pass
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = f"port {port} of 127.0.0.1 cannot be listened on"
        with pytest.raises(Failure, match=told), port_door(port, peers, print):
            pass
    monkeypatch.setattr(tempfile, "tempdir", "/nonexistent")
    with pytest.raises(Failure, match="no private folder can be made"), private_folder(None):
        pass


@pytest.mark.parametrize("host", ["localhost", "jump.localhost"])
async def test_a_gateway_with_tls_is_spoken_to_in_tls(
    run_gateway: RunGateway, proxy: FaultyProxy, capsys: Capture, tmp_path: Path, host: str
) -> None:
    authority = Authority(tmp_path, "authority of the test")
    file = authority.file(host)
    async with run_gateway(tls={"certificate": file, "key": file}, listen=("localhost:0",)) as running:
        secured = TcpGateway(host, running.port, tls=True, authorities=str(authority.pem))
        async with viewing(running, capsys, secured) as viewer:
            reader, _ = await viewer.connect()
            async with asyncio.timeout(10):
                assert await reader.readexactly(12) == BANNER
            await viewer.hang_up()
            assert await viewer.ended() == Exit.OK


async def test_a_certificate_for_another_name_is_not_taken(
    run_gateway: RunGateway, proxy: FaultyProxy, capsys: Capture, tmp_path: Path
) -> None:
    authority = Authority(tmp_path, "authority of the test")
    file = authority.file("localhost")
    async with run_gateway(tls={"certificate": file, "key": file}, listen=("localhost:0",)) as running:
        secured = TcpGateway("jump.localhost", running.port, tls=True, authorities=str(authority.pem))
        async with viewing(running, capsys, secured) as viewer:
            await viewer.connect()
            failure: Any = await viewer.ended()
            assert failure.code == Exit.NO_GATEWAY
            assert running.compute.console_requests == []
