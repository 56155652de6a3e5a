"""Servers' own sockets, kept as the clouds' listings are."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import stat
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from launcher.config.models import Config
from launcher.model import EndReason
from launcher.parts import gather
from tests.fakes.compute import FakeCompute
from tests.fakes.console_proxy import BANNER, FaultyProxy
from tests.fakes.issued import issue
from tests.fakes.rfb_client import set_encodings
from tests.integration.conftest import RunGateway, Running

RELAY = {"sockets": ["prod/*"]}


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where the sockets lie; short, for their paths are limited."""
    path = Path(tempfile.mkdtemp(prefix="s-"))
    yield path
    shutil.rmtree(path)


def relay(folder: Path, **more: Any) -> dict[str, Any]:
    return {"sockets": ("prod/*",), "sockets_directory": str(folder), **more}


async def until(what: Any, seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not what():
            await asyncio.sleep(0.01)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


def renewed(running: Running, folder: Path, **clouds: Any) -> None:
    """What a reload does."""
    config = Config.model_validate(
        {"listen": ("127.0.0.1:0",), "clouds": clouds or {"prod": entry(running.compute)}, "relay": relay(folder)}
    )
    running.gateway.replace(gather(config))


def entry(compute: FakeCompute) -> dict[str, Any]:
    return {"provider": "none", "endpoint": compute.endpoint}


@asynccontextmanager
async def dialled(path: Path) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        async with asyncio.timeout(10):
            yield reader, writer
    finally:
        writer.close()


async def test_a_viewer_at_the_socket_has_a_session_like_a_page(
    run_gateway: RunGateway, compute: FakeCompute, folder: Path
) -> None:
    async with FaultyProxy() as proxy, run_gateway(relay=relay(folder)) as running:
        compute.mint = lambda *_: proxy.url()
        await until((folder / "prod" / "web-01.sock").exists)
        async with dialled(folder / "prod" / "web-01.sock") as (reader, writer):
            assert await reader.readexactly(12) == BANNER
            writer.write(BANNER)
            await until(lambda: proxy.received == [BANNER])
            _, told = await running.ask("GET", "/api/v1/sessions")
            (session,) = told["sessions"]
            assert (session["via"], session["name"]) == ("unix", "web-01")
            assert session["server"] == next(iter(compute.servers))
        await running.settled()
    assert names(folder) == set(), "nothing is left"


async def test_what_is_wrong_is_told_in_the_viewer(run_gateway: RunGateway, compute: FakeCompute, folder: Path) -> None:
    (server,) = compute.servers.values()
    server["status"] = "SHUTOFF"
    async with run_gateway(relay={**relay(folder), "sessions": 1}) as running:
        await until((folder / "prod" / "web-01.sock").exists)
        async with dialled(folder / "prod" / "web-01.sock") as (reader, writer):
            writer.write(await reader.readexactly(12))
            assert b"web-01 is off" in await reader.read()
        await running.settled()
        compute.fault = None
        server["status"] = "BUILD"
        async with dialled(folder / "prod" / "web-01.sock"):
            await until(lambda: len(running.gateway.sessions) == 1)
            async with dialled(folder / "prod" / "web-01.sock") as (reader, writer):
                writer.write(await reader.readexactly(12))
                assert b"its limit (relay.sessions)" in await reader.read()
        await running.settled()


async def test_a_reload_makes_sockets_for_new_servers_and_removes_those_of_old_ones(
    run_gateway: RunGateway, compute: FakeCompute, folder: Path
) -> None:
    first = next(iter(compute.servers))
    async with run_gateway(relay=relay(folder)) as running:
        await until((folder / "prod" / "web-01.sock").exists)
        assert names(folder / "prod") == {f"{first}.sock", "web-01.sock"}
        del compute.servers[first]
        second = compute.add_server("web-02")
        compute.add_server("../../x")
        renewed(running, folder, prod={**entry(compute), "console_ttl": "5m"})
        await until((folder / "prod" / "web-02.sock").exists)
        assert {f"{second}.sock", "web-02.sock"} < names(folder / "prod")
        assert len(names(folder / "prod")) == 3, "a name that leads away has no link"
        compute.servers[second]["name"] = "db-01"
        renewed(running, folder, prod={**entry(compute), "console_ttl": "6m"})
        await until((folder / "prod" / "db-01.sock").exists)
        assert not (folder / "prod" / "web-02.sock").is_symlink()
        renewed(running, folder, other=entry(compute))
        await until(lambda: names(folder) == set())


async def test_a_cloud_that_is_silent_takes_no_socket_away_and_holds_up_no_other(
    run_gateway: RunGateway, compute: FakeCompute, folder: Path
) -> None:
    async with FakeCompute() as other, AsyncExitStack() as stack:
        other.add_server("db-01")
        both = {"sockets": ("prod/*", "other/*"), "sockets_directory": str(folder)}
        running = await stack.enter_async_context(run_gateway(relay=both, more_clouds={"other": entry(other)}))
        await until(lambda: (folder / "other" / "db-01.sock").exists() and (folder / "prod" / "web-01.sock").exists())
        await other.stop()
        compute.add_server("web-02")
        renewed(
            running, folder, prod={**entry(compute), "console_ttl": "5m"}, other={**entry(other), "console_ttl": "5m"}
        )
        await until((folder / "prod" / "web-02.sock").exists)
        assert (folder / "other" / "db-01.sock").exists()


async def test_what_a_crash_left_is_taken_over_and_what_another_serves_is_not(
    run_gateway: RunGateway, compute: FakeCompute, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    here, there = next(iter(compute.servers)), compute.add_server("web-02")
    old, gone = folder / "prod", folder / "gone"
    for path in (old / f"{here}.sock", gone / f"{here}.sock"):
        path.parent.mkdir(exist_ok=True)
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(str(path))
    (gone / "web-01.sock").symlink_to(f"{here}.sock")
    (old / "renamed.sock").symlink_to(f"{there}.sock")
    (folder / "notes").mkdir()
    (folder / "notes" / "keep.txt").write_text("mine")
    with socket.socket(socket.AF_UNIX) as another:
        another.bind(str(old / f"{there}.sock"))
        another.listen()
        async with run_gateway(relay=relay(folder)):
            await until((old / "web-01.sock").exists)
            assert not gone.exists()
            async with dialled(old / "web-01.sock") as (reader, writer):
                writer.write(await reader.readexactly(12))
            assert not (old / "web-02.sock").exists()
            assert "Somebody already answers" in caplog.text
        assert (old / f"{there}.sock").is_socket()
        assert names(folder) == {"prod", "notes"}
    assert names(folder / "notes") == {"keep.txt"}


async def test_a_directory_that_is_not_there_or_a_strange_thing_in_the_way_is_told_once(
    run_gateway: RunGateway, compute: FakeCompute, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with run_gateway(relay=relay(folder / "none")):
        await until(lambda: "is not there, or not the gateway's to write in" in caplog.text)
    folder.chmod(0o777)
    async with run_gateway(relay=relay(folder)):
        await until(lambda: "is every account's to write in" in caplog.text)
        assert names(folder) == set()
    folder.chmod(0o755)
    (folder / "prod").write_text("no directory")
    async with run_gateway(relay=relay(folder)) as running:
        await until(lambda: "is there and is not the gateway's own directory" in caplog.text)
        status, _ = await running.ask("GET", "/api/v1/clouds")
        assert status == 200
    assert (folder / "prod").read_text() == "no directory"


async def test_the_directory_s_group_is_the_sockets_and_folders_are_closed_to_looks(
    run_gateway: RunGateway, compute: FakeCompute, folder: Path
) -> None:
    assert os.geteuid() == 0, "this test gives a directory to another group: run it as root"
    os.chown(folder, -1, 4)  # adm
    folder.chmod(0o2755)
    async with run_gateway(relay=relay(folder)):
        await until((folder / "prod" / "web-01.sock").exists)
        found = (folder / "prod" / "web-01.sock").stat()
        assert (stat.S_IMODE(found.st_mode), found.st_gid) == (0o660, 4)
        assert stat.S_IMODE((folder / "prod").stat().st_mode) == 0o2711
    folder.chmod(0o755)
    async with run_gateway(relay=relay(folder, sockets_group="adm")):
        await until((folder / "prod" / "web-01.sock").exists)
        assert (folder / "prod" / "web-01.sock").stat().st_gid == 4


async def test_a_group_that_there_is_not_is_told(
    run_gateway: RunGateway, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with run_gateway(relay=relay(folder, sockets_group="no-such-group")):
        assert 'there is no group "no-such-group"' in caplog.text


async def test_who_only_looks_whether_somebody_answers_begins_no_launch(
    run_gateway: RunGateway, compute: FakeCompute, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with FaultyProxy() as proxy, run_gateway(relay=relay(folder)) as running:
        compute.mint = lambda *_: proxy.url()
        await until((folder / "prod" / "web-01.sock").exists)
        for _ in range(3):
            with socket.socket(socket.AF_UNIX) as probe:
                probe.connect(str(folder / "prod" / "web-01.sock"))
        async with dialled(folder / "prod" / "web-01.sock") as (reader, _):  # who comes behind them is served
            assert await reader.readexactly(12) == BANNER
        await running.settled()
    assert [record.getMessage() for record in caplog.records].count("launch") == 1


async def test_a_viewer_that_has_gone_is_not_taken_for_one_that_only_sends_no_more(
    run_gateway: RunGateway, compute: FakeCompute, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    direct = {"rack": {"provider": "static", "servers": {"kvm": {"vnc": f"unix:{folder}/kvm.vnc"}}}}

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(BANNER)
        with suppress(ConnectionError):
            await reader.read()
            await left.wait()
        writer.close()

    left = asyncio.Event()
    async with (
        await asyncio.start_unix_server(silent, folder / "kvm.vnc"),
        run_gateway(relay=relay(folder, sockets=("rack/*",)), more_clouds=direct) as running,
    ):
        await until((folder / "rack" / "kvm.sock").exists)
        async with dialled(folder / "rack" / "kvm.sock") as (reader, _):
            assert await reader.readexactly(12) == BANNER
        await running.settled()
        left.set()
    ends = [record.__dict__ for record in caplog.records if record.getMessage() == "session-end"]
    assert [EndReason.VIEWER_CLOSED.value in str(end) for end in ends] == [True]


async def _deaf_to_goodbyes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A front end of an xvpvnc proxy that keeps its half while the viewer's has ended."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + BANNER)
    await reader.readexactly(len(BANNER))
    writer.write(b"\1\1")
    await reader.readexactly(1)
    writer.write(bytes(4))
    with suppress(ConnectionError):
        await reader.read()
        await asyncio.sleep(0.3)
    writer.close()


async def test_a_viewer_that_half_closes_before_an_xvpvnc_proxy_harms_nobody(
    run_gateway: RunGateway, compute: FakeCompute, folder: Path
) -> None:
    async with await asyncio.start_server(_deaf_to_goodbyes, "127.0.0.1", 0) as front_end:
        port = front_end.sockets[0].getsockname()[1]
        async with run_gateway(relay=relay(folder, ping="100ms")) as running:
            compute.kinds = {"xvpvnc"}
            compute.mint = lambda *_: f"http://127.0.0.1:{port}/console?token={issue()}"
            await until((folder / "prod" / "web-01.sock").exists)
            async with dialled(folder / "prod" / "web-01.sock") as (reader, writer):
                writer.write(BANNER + b"\1\1" + set_encodings(0))
                assert await reader.readexactly(12 + 6) == BANNER + b"\1\1" + bytes(4)
                writer.write_eof()
                assert await reader.read() == b""
            await running.settled()
            assert (await running.ask("GET", "/api/v1/sessions"))[0] == 200
