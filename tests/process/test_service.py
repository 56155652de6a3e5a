"""The daemon as a service: sockets that are passed to it, what it says of itself, reloading and stopping."""

from __future__ import annotations

import asyncio
import os
import pty
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from aiohttp import WSMsgType

from tests.fakes.console_proxy import BANNER, free_port, until_gone
from tests.fakes.issued import ISSUED, issue
from tests.fakes.screens import Screen
from tests.fakes.stranger import STRANGER
from tests.process.daemon import ROOT, Daemon
from tests.process.site import Site
from tests.process.supervised import Supervised, activate
from tests.process.test_second_account import _PAGE, ask_as

pytestmark = pytest.mark.asyncio(loop_scope="module")


def service(site: Site, output: Path, **options: Any) -> Supervised:
    return Supervised(output / "daemons", {"lab": site.entry()}, **options)


async def view(daemon: Daemon, client: aiohttp.ClientSession, cloud: str = "lab") -> aiohttp.ClientWebSocketResponse:
    """A viewer of web-01 that has the first bytes of its screen."""
    viewer = await client.ws_connect(f"{daemon.url}/ws/{cloud}/web-01", protocols=("binary",))
    first = await viewer.receive(timeout=20)
    assert first.data == BANNER, first
    return viewer


async def healthy(client: aiohttp.ClientSession, daemon: Daemon) -> bool:
    async with client.get(f"{daemon.url}/healthz") as reply:
        return reply.status == 200


async def hang_up(daemon: Supervised) -> str:
    """SIGHUP; what the daemon says when the reload is over."""
    assert daemon.process is not None
    daemon.process.send_signal(signal.SIGHUP)
    await daemon.notify.until("RELOADING=1\nMONOTONIC_USEC=")
    return await daemon.notify.until("READY=1")


async def test_both_passed_sockets_are_served_and_know_who_asks(site: Site, suite_output: Path) -> None:
    async with service(site, suite_output) as daemon:
        for connector in (None, aiohttp.UnixConnector(str(daemon.socket_path))):
            url = f"{daemon.url}/api/v1/clouds"
            async with aiohttp.ClientSession(connector=connector) as client, client.get(url) as reply:
                assert reply.status == 200
        assert os.geteuid() == 0, "this test asks as another account: run it as root"
        daemon.socket_path.chmod(0o666)
        answer = await ask_as(STRANGER, str(daemon.socket_path), _PAGE)
        assert " 403 " in answer.splitlines()[0]
        await daemon.stop()
        assert daemon.socket_path.is_socket(), "the path is systemd's"


async def test_a_restart_keeps_the_sockets_and_whoever_waits_there(site: Site, suite_output: Path) -> None:
    async with service(site, suite_output) as daemon, aiohttp.ClientSession() as client:
        await daemon.stop()
        async with asyncio.TaskGroup() as tasks:
            waiting = tasks.create_task(healthy(client, daemon))
            await daemon.start()
        assert waiting.result()


async def test_without_a_passed_socket_it_says_how_to_start_it(tmp_path: Path, suite_output: Path) -> None:
    bare = {"lab": {"provider": "none", "endpoint": "http://127.0.0.1:1/v2.1"}}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"listen": ["systemd"], "clouds": bare}))
    log = suite_output / f"{tmp_path.name}.log"
    command = ["-m", "launcher", "serve", "--config", str(tmp_path / "config.yaml")]
    process = activate([], command, log, {})
    assert await until_gone(process, 20) == 69
    assert "systemd passed none: start the gateway through its units" in log.read_text()


async def test_a_socket_beyond_loopback_is_not_served_on(tmp_path: Path, suite_output: Path) -> None:
    bare = {"lab": {"provider": "none", "endpoint": "http://127.0.0.1:1/v2.1"}}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"listen": ["systemd"], "clouds": bare}))
    log = suite_output / f"{tmp_path.name}.log"
    command = ["-m", "launcher", "serve", "--config", str(tmp_path / "config.yaml")]
    with socket.socket() as beyond:
        beyond.bind(("0.0.0.0", 0))
        beyond.listen()
        process = activate([("lan", beyond)], command, log, {})
        assert await until_gone(process, 20) == 69
    assert "is bound to 0.0.0.0, and this gateway does not listen beyond loopback" in log.read_text()


async def test_it_says_how_many_sessions_there_are_and_when_it_stops(
    site: Site, screen: Screen, suite_output: Path
) -> None:
    site.add_server("web-01", screen)
    async with service(site, suite_output) as daemon, aiohttp.ClientSession() as client:
        await daemon.notify.until("STATUS=0 sessions, 1 cloud")
        viewer = await view(daemon, client)
        await daemon.notify.until("STATUS=1 session, 1 cloud")
        assert daemon.process is not None
        daemon.process.send_signal(signal.SIGTERM)
        last = await viewer.receive()
        assert (last.type, last.data) == (WSMsgType.CLOSE, 1012)
        await daemon.notify.until("STOPPING=1")
        assert await until_gone(daemon.process, 5) == 0
        daemon.process = None


async def test_sigterm_ends_it_in_time_with_live_sessions_and_a_sign_in_that_hangs(
    site: Site, screen: Screen, suite_output: Path, tmp_path: Path
) -> None:
    asked = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()
        writer.close()

    key = tmp_path / "api-key"
    key.touch(0o600)
    key.write_text(issue())
    silent = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    identity = f"http://127.0.0.1:{silent.sockets[0].getsockname()[1]}/v2.0"
    rax = {"provider": "rackspace", "username": "ops", "api_key": {"file": str(key)}, "regions": ["DFW"]}
    site.add_server("web-01", screen)
    clouds = {"lab": site.entry(), "rax": {**rax, "auth_url": identity}}
    async with silent, Supervised(suite_output / "daemons", clouds) as daemon, aiohttp.ClientSession() as client:
        viewers = [await view(daemon, client) for _ in range(5)]
        _, waiting = await asyncio.open_connection("127.0.0.1", daemon.port)
        waiting.write(b"GET /api/v1/servers?cloud=rax HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await asked.wait()
        assert daemon.process is not None
        daemon.process.send_signal(signal.SIGTERM)
        for viewer in viewers[1:]:  # the first one does not even answer the close
            assert (await viewer.receive()).data == 1012
        assert await until_gone(daemon.process, 5) == 0
        daemon.process = None
        waiting.close()


async def test_the_watchdog_hears_from_a_loop_that_runs_and_not_from_one_that_stands(
    site: Site, suite_output: Path
) -> None:
    async with service(site, suite_output, watchdog=0.4) as daemon:
        for _ in range(3):
            await daemon.notify.until("WATCHDOG=1", 5)
        assert daemon.process is not None
        daemon.process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(0.1)
        daemon.notify.read()
        daemon.notify.said.clear()
        with pytest.raises(TimeoutError):
            await daemon.notify.until("WATCHDOG=1", 1)
        daemon.process.send_signal(signal.SIGCONT)
        await daemon.notify.until("WATCHDOG=1", 5)


async def test_sighup_reloads_and_sessions_go_on(site: Site, screen: Screen, suite_output: Path) -> None:
    site.add_server("web-01", screen)
    async with service(site, suite_output) as daemon, aiohttp.ClientSession() as client:
        viewer = await view(daemon, client)
        daemon.write_config(clouds={"lab": site.entry(), "more": site.entry()}, log_level="debug", relay={"ping": "9s"})
        assert await hang_up(daemon) == "READY=1\nSTATUS=1 session, 2 clouds; relay.ping: at the next restart"
        await (await view(daemon, client, "more")).close()
        daemon.write_config(clouds={"more": site.entry()})
        assert (await hang_up(daemon)).endswith(", 1 cloud")
        async with client.get(f"{daemon.url}/api/v1/servers/lab/web-01") as reply:
            assert reply.status == 404
        await viewer.send_bytes(BANNER)
        assert (await viewer.receive(timeout=10)).type is WSMsgType.BINARY
        messages = [str(line.get("message")) for line in daemon.log_lines()]
        assert "reloaded: 2 clouds (new: more)" in messages
        assert "relay.ping: takes effect at the next restart" in messages
        await viewer.close()


async def test_an_account_that_left_the_directory_takes_the_gateway_from_nobody(site: Site, suite_output: Path) -> None:
    access = {"local_users": ["root", "left-long-ago"]}
    async with service(site, suite_output, access=access) as daemon, aiohttp.ClientSession() as client:
        daemon.write_config(clouds={"other": site.entry()})
        await hang_up(daemon)
        async with client.get(f"{daemon.url}/api/v1/clouds") as reply:
            assert [cloud["name"] for cloud in (await reply.json())["clouds"]] == ["other"]
        said = [str(entry.get("message")) for entry in daemon.log_lines() if entry["level"] == "warning"]
        assert len(said) == 2
        for warning in said:
            assert warning.startswith(f"{daemon.folder / 'config.yaml'}:")
            assert 'access.local_users[1]: there is no account "left-long-ago" on this machine (' in warning


async def test_sighup_with_a_broken_file_keeps_the_old_one_and_says_where_it_is_broken(
    site: Site, suite_output: Path
) -> None:
    async with service(site, suite_output) as daemon, aiohttp.ClientSession() as client:
        daemon.write_config(clouds={"other": site.entry()}, relais={})
        file = daemon.folder / "config.yaml"
        line = file.read_text().splitlines().index("relais: {}") + 1
        assert "last reload failed (1 problem, see the log)" in await hang_up(daemon)
        async with client.get(f"{daemon.url}/api/v1/clouds") as reply:
            assert [cloud["name"] for cloud in (await reply.json())["clouds"]] == ["lab"]
        [problem] = [entry["message"] for entry in daemon.log_lines() if entry["level"] == "error"]
        assert re.match(rf'not reloaded: {re.escape(str(file))}:{line} relais: unknown key "relais"', problem)
        assert not [secret for secret in ISSUED if secret in daemon.log()]


async def test_the_terminal_that_it_runs_on_takes_it_along_when_it_goes(tmp_path: Path) -> None:
    """Elsewhere SIGHUP reloads, on a living terminal too."""
    config = tmp_path / "config.yaml"
    bare = {"lab": {"provider": "none", "endpoint": "http://127.0.0.1:1/v2.1"}}
    config.write_text(yaml.safe_dump({"listen": [f"127.0.0.1:{free_port()}"], "clouds": bare}))
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "launcher", "serve", "--config", str(config)],
        stdin=theirs, stdout=theirs, stderr=theirs, cwd=ROOT, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    try:
        await _until_shown(ours, "ready, listening")
        process.send_signal(signal.SIGHUP)
        await _until_shown(ours, "reloaded: 1 cloud")
        os.close(ours)
        process.send_signal(signal.SIGHUP)
        await until_gone(process, 10)
    finally:
        if process.poll() is None:
            process.kill()
            await until_gone(process, 5)


async def _until_shown(terminal: int, text: str) -> None:
    os.set_blocking(terminal, False)
    shown = b""
    async with asyncio.timeout(20):
        while text.encode() not in shown:
            try:
                shown += os.read(terminal, 65536)
            except BlockingIOError:
                await asyncio.sleep(0.02)
