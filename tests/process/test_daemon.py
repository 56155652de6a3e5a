"""The daemon as a process: how it starts, how it ends, and what it writes meanwhile."""

from __future__ import annotations

import asyncio
import dataclasses
import signal
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from aiohttp import WSMsgType

from launcher.audit.events import LaunchEvent, SessionEvent
from launcher.model import EndReason
from tests.fakes.console_proxy import BANNER, free_port, until_gone
from tests.fakes.issued import ISSUED, issue
from tests.fakes.screens import Screen
from tests.process.daemon import ACCOUNT, Daemon, start
from tests.process.site import Site

pytestmark = pytest.mark.asyncio(loop_scope="module")


def _config(folder: Path, port: int, **settings: Any) -> Path:
    bare = {"lab": {"provider": "none", "endpoint": "http://127.0.0.1:1/v2.1"}}
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump({"listen": [f"127.0.0.1:{port}"], "clouds": bare, **settings}))
    return path


async def _run_to_its_end(config: Path, output: Path) -> tuple[int, str]:
    """Exit code and output of a daemon that cannot start."""
    log = output / f"{config.parent.name}.log"
    process = start(config, log)
    try:
        return await until_gone(process, 20), log.read_text()
    finally:
        if process.poll() is None:
            process.kill()
            await until_gone(process, 5)


async def test_a_taken_port_is_said_in_a_sentence(tmp_path: Path, suite_output: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, said = await _run_to_its_end(_config(tmp_path, port), suite_output)
    assert code == 69, said
    assert f"127.0.0.1:{port}" in said
    assert "Traceback" not in said


async def test_a_bad_configuration_is_said_with_its_line(tmp_path: Path, suite_output: Path) -> None:
    config = _config(tmp_path, free_port(), relays={"ping": "30s"})
    code, said = await _run_to_its_end(config, suite_output)
    line = config.read_text().splitlines().index("relays:") + 1
    assert code == 78, said
    assert f"config.yaml:{line}" in said
    assert '"relay"' in said
    assert "Traceback" not in said


async def test_sigterm_ends_live_sessions_with_1012_and_the_daemon_with_0(site: Site, screen: Screen) -> None:
    site.add_server("web-01", screen)
    async with site.daemon() as daemon, aiohttp.ClientSession() as client:
        viewer = await _view(client, daemon)
        assert daemon.process is not None
        daemon.process.send_signal(signal.SIGTERM)
        last = await viewer.receive()
        assert (last.type, last.data) == (WSMsgType.CLOSE, 1012)
        assert await until_gone(daemon.process, 5) == 0
        daemon.process = None
        ends = daemon.log_events("session-end")
    assert [end["end_reason"] for end in ends] == [EndReason.STOPPING]


async def test_a_viewer_that_never_answers_does_not_keep_the_daemon_from_ending(site: Site, screen: Screen) -> None:
    site.add_server("web-01", screen)
    async with site.daemon() as daemon, aiohttp.ClientSession() as client:
        viewer = await _view(client, daemon)
        await daemon.stop()  # the viewer reads nothing meanwhile, so it answers no close
        await viewer.close()


async def test_the_log_has_one_line_for_a_launch_and_one_for_its_end(site: Site, screen: Screen) -> None:
    server_id = site.add_server("web-01", screen)
    async with site.daemon() as daemon, aiohttp.ClientSession() as client:
        for _ in range(2):
            viewer = await _view(client, daemon)
            await viewer.send_bytes(BANNER)
            assert (await viewer.receive()).data  # the security types: so our version has arrived
            await viewer.close()
        await _until_ended(daemon, 2)
    launches, ends = daemon.log_events("launch"), daemon.log_events("session-end")
    assert [set(line) for line in launches] == [_fields(LaunchEvent)] * 2
    assert [set(line) for line in ends] == [_fields(SessionEvent)] * 2
    for line in launches + ends:
        assert (line["actor"], line["via"]) == (ACCOUNT, "tcp")
        assert (line["cloud"], line["server"], line["name"], line["kind"]) == ("lab", server_id, "web-01", "novnc")
        assert line["milliseconds"] >= 0
        assert line["request_id"] in site.compute.request_ids
    for launch, end in zip(launches, ends, strict=True):
        assert (launch["launch"], launch["session"]) == (end["launch"], end["session"])
        assert launch["outcome"] == "open"
        assert end["end_reason"] == EndReason.VIEWER_CLOSED
        assert end["bytes_up"] == len(BANNER)
        assert end["bytes_down"] > len(BANNER)
    assert [launch["cached"] for launch in launches] == [False, True]
    assert [end["cached"] for end in ends] == [False, True]
    assert launches[0]["launch"] != launches[1]["launch"]


async def test_the_log_has_one_line_for_a_launch_that_failed(site: Site) -> None:
    async with site.daemon() as daemon, aiohttp.ClientSession() as client:
        async with client.ws_connect(f"{daemon.url}/ws/lab/no-such-server", protocols=("binary",)) as viewer:
            assert (await viewer.receive()).type is WSMsgType.CLOSE
        assert viewer.close_code == 4404
    (launch,) = daemon.log_events("launch")
    assert launch["outcome"] == "ServerNotFoundError"
    assert launch["name"] == "no-such-server"
    assert "no-such-server" in launch["reason"]
    assert (launch["session"], launch["server"], launch["cached"]) == (None, None, None)
    assert daemon.log_events("session-end") == []


async def test_the_session_list_shows_what_is_open(site: Site, screen: Screen) -> None:
    server_id = site.add_server("web-01", screen)
    async with site.daemon() as daemon, aiohttp.ClientSession() as client:
        viewer = await _view(client, daemon)
        (listed,) = await _sessions(client, daemon)
        assert (listed["actor"], listed["cloud"], listed["server"]) == (ACCOUNT, "lab", server_id)
        async with client.delete(f"{daemon.url}/api/v1/sessions/{listed['id']}") as reply:
            assert reply.status == 204
        last = await viewer.receive()
        assert (last.type, last.data) == (WSMsgType.CLOSE, 1008)
        await _until_ended(daemon, 1)
        assert await _sessions(client, daemon) == []


async def test_no_secret_stands_in_the_log_or_the_process_list(site: Site, screen: Screen) -> None:
    site.add_server("web-01", screen)
    async with site.daemon() as daemon, aiohttp.ClientSession() as client:
        viewer = await _view(client, daemon)
        site.proxy.expire_all()
        await viewer.close()
        await (await _view(client, daemon)).close()
        await site.proxy.kill()
        async with client.ws_connect(f"{daemon.url}/ws/lab/web-01") as refused:
            await refused.receive()
        assert daemon.process is not None
        shown = Path(f"/proc/{daemon.process.pid}/cmdline").read_text()
        shown += Path(f"/proc/{daemon.process.pid}/environ").read_text()
    shown += daemon.log()
    assert len(site.compute.console_requests) >= 2
    assert not [secret for secret in ISSUED if secret in shown]


async def _view(client: aiohttp.ClientSession, daemon: Daemon) -> aiohttp.ClientWebSocketResponse:
    """A viewer of web-01 that has the first bytes of its screen."""
    viewer = await client.ws_connect(f"{daemon.url}/ws/lab/web-01", protocols=("binary",))
    first = await viewer.receive(timeout=20)
    assert first.data == BANNER, first
    return viewer


async def _sessions(client: aiohttp.ClientSession, daemon: Daemon) -> list[dict[str, Any]]:
    async with client.get(f"{daemon.url}/api/v1/sessions") as reply:
        assert reply.status == 200
        listed: list[dict[str, Any]] = (await reply.json())["sessions"]
        return listed


async def _until_ended(daemon: Daemon, count: int) -> None:
    async with asyncio.timeout(10):
        while len(daemon.log_events("session-end")) < count:
            await asyncio.sleep(0.02)


def _fields(event: type[LaunchEvent | SessionEvent]) -> set[str]:
    return {"time", "level", "event"} | {field.name for field in dataclasses.fields(event)}


async def test_a_sign_in_that_hangs_does_not_keep_the_daemon_from_ending(suite_output: Path, tmp_path: Path) -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    key = tmp_path / "api-key"
    key.touch(0o600)
    key.write_text(issue())
    silent = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    identity = f"http://127.0.0.1:{silent.sockets[0].getsockname()[1]}/v2.0"
    entry = {"provider": "rackspace", "username": "ops", "api_key": {"file": str(key)}, "regions": ["DFW"]}
    async with silent, Daemon(suite_output / "daemons", {"rax": {**entry, "auth_url": identity}}) as daemon:
        async with aiohttp.ClientSession() as client:
            with suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await client.get(f"{daemon.url}/api/v1/servers")
        assert await daemon.stop() == 0
