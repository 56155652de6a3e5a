"""Reloading: what takes effect, what stays, and that nothing is half replaced or left behind."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import pwd
import secrets
import socket
import threading
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web

from launcher.audit.events import LaunchEvent, SessionEvent
from launcher.clock import SystemClock
from launcher.config.load import load
from launcher.config.models import Config
from launcher.daemon import Gateway, open_gateway
from launcher.model import Actor, EndReason
from launcher.service import Service
from launcher.systemd import Notifier, Supervision
from tests.fakes.compute import FakeCompute
from tests.fakes.console_proxy import FaultyProxy
from tests.fakes.issued import issue
from tests.integration.conftest import Running


class Told(Notifier):
    """Writes down what systemd would be told."""

    def __init__(self) -> None:
        super().__init__("@nobody")
        self.said: list[str] = []

    def _tell(self, *assignments: str) -> None:
        self.said.append(" ".join(assignments))


class Site(Running):
    """A gateway whose configuration file may be rewritten."""

    def __init__(self, gateway: Gateway, compute: FakeCompute, path: Path, config: Config) -> None:
        super().__init__(gateway, compute)
        self.path = path
        self.told = Told()
        self.asked = asyncio.Event()
        self.readings = 0
        self.service = Service(
            gateway, config, read=self._read, asked=self.asked, given=Supervision(self.told), clock=SystemClock()
        )

    def _read(self) -> Config:
        self.readings += 1
        return load(self.path, serving=True)

    async def reload(self, **keys: Any) -> None:
        """Rewrite the file and have it read again."""
        write(self.path, self.compute, **keys)
        await self.service.reload()

    async def clouds(self) -> list[str]:
        _, body = await self.ask("GET", "/api/v1/clouds")
        return [cloud["name"] for cloud in body["clouds"]]


def bare(compute: FakeCompute, **keys: Any) -> dict[str, Any]:
    return {"provider": "none", "endpoint": compute.endpoint, **keys}


def write(path: Path, compute: FakeCompute, **keys: Any) -> None:
    usual = {"listen": ["127.0.0.1:0"], "clouds": {"prod": bare(compute)}}
    path.write_text(yaml.safe_dump({**usual, **keys}))


@asynccontextmanager
async def site_at(path: Path, compute: FakeCompute, **keys: Any) -> AsyncIterator[Site]:
    write(path, compute, **keys)
    config = load(path, serving=True)
    async with open_gateway(config) as gateway:
        site = Site(gateway, compute, path, config)
        async with site.service.running():
            yield site


@pytest.fixture
async def site(tmp_path: Path, compute: FakeCompute) -> AsyncIterator[Site]:
    async with site_at(tmp_path / "config.yaml", compute) as site:
        yield site


@pytest.fixture
async def proxy(compute: FakeCompute) -> AsyncIterator[FaultyProxy]:
    """The console proxy of every console that the cloud gives."""
    async with FaultyProxy() as proxy:
        compute.mint = lambda *_: proxy.url()
        yield proxy


@pytest.fixture(autouse=True)
def levels() -> Any:
    """Reloading sets the level of our own log."""
    ours = logging.getLogger("launcher")
    before = ours.level
    yield
    ours.setLevel(before)


async def test_a_new_cloud_and_an_alias_take_effect(site: Site) -> None:
    clouds = {"prod": bare(site.compute), "stage": bare(site.compute)}
    await site.reload(clouds=clouds, aliases={"db": "stage/web-01"})
    assert await site.clouds() == ["prod", "stage"]
    status, page = await site.ask("GET", "/c/db")
    assert status == 200
    assert "stage" in page
    assert (await site.ask("GET", "/api/v1/servers/stage/web-01"))[0] == 200


async def test_a_cloud_that_has_not_changed_keeps_its_listing(site: Site) -> None:
    def lists() -> int:
        return sum("/servers/detail" in path for _, path in site.compute.requests)

    await site.ask("GET", "/api/v1/servers")
    await site.reload(aliases={"db": "prod/web-01"})
    _, listing = await site.ask("GET", "/api/v1/servers")
    assert [server["name"] for server in listing["servers"]] == ["web-01"]
    assert lists() == 1
    await site.reload(clouds={"prod": bare(site.compute, console_ttl="5m")})
    await site.ask("GET", "/api/v1/servers")
    assert lists() == 2


async def test_a_cloud_that_asks_for_patience_is_not_asked_earlier_because_its_entry_has_changed(site: Site) -> None:
    def obtain() -> Any:
        return site.ask("POST", "/api/v1/servers/prod/web-01/console")

    asked: list[str] = []

    async def limited(request: web.Request) -> web.StreamResponse | None:
        if request.method != "POST":
            return None
        asked.append(request.path)
        return web.Response(status=413, headers={"Retry-After": "41"})

    site.compute.fault = limited
    assert (await obtain())[0] == 503
    await site.reload(clouds={"prod": bare(site.compute, console_ttl="5m")})
    status, problem = await obtain()
    assert (status, problem["type"], len(asked)) == (503, "cloud-busy", 1)
    async with FakeCompute() as elsewhere:
        elsewhere.add_server("web-01")
        await site.reload(clouds={"prod": bare(elsewhere)})
        assert (await obtain())[0] == 200


async def test_a_cloud_that_is_gone_keeps_its_sessions_and_begins_none(site: Site, proxy: FaultyProxy) -> None:
    async with site.viewer() as viewer:
        await viewer.greeted()
        await site.reload(clouds={"other": bare(site.compute)})
        await proxy.send(b"still here")
        assert await viewer.message() == b"still here"
        assert (await site.ask("GET", "/api/v1/servers/prod/web-01"))[0] == 404
        assert (await site.ask("GET", "/c/prod/web-01"))[0] == 404
        status, _ = await site.ask("POST", "/api/v1/servers/prod/web-01/console")
        assert status == 404
        assert len(site.gateway.sessions) == 1
        [listed] = (await site.ask("GET", "/api/v1/sessions"))[1]["sessions"]
        assert (await site.ask("DELETE", f"/api/v1/sessions/{listed['id']}"))[0] == 204
        assert (await viewer.closed())[0] == 1008
    await site.settled()


async def test_a_broken_file_changes_nothing_and_every_problem_is_said(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    await site.reload(clouds={"other": bare(site.compute)}, relais={}, aliases={"x": "nowhere/web-01"})
    assert await site.clouds() == ["prod"]
    problems = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert len(problems) == 2
    for problem in problems:
        assert problem.startswith(f"not reloaded: {site.path}:")
    assert site.told.said[-2].startswith("RELOADING=1 MONOTONIC_USEC=")
    assert site.told.said[-1] == (
        "READY=1 STATUS=0 sessions, 1 cloud; last reload failed (2 problems, see the log), "
        "the configuration before it is in force"
    )
    await site.reload()
    assert site.told.said[-1] == "READY=1 STATUS=0 sessions, 1 cloud"


async def test_a_file_that_is_gone_changes_nothing(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    site.path.unlink()
    await site.service.reload()
    assert await site.clouds() == ["prod"]
    assert "there is no such file" in caplog.text


async def test_a_fault_of_ours_changes_nothing_and_shows_no_value(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    secret = issue()

    def read() -> Config:
        raise ZeroDivisionError(secret)

    site.service._read = read
    await site.service.reload()
    assert await site.clouds() == ["prod"]
    assert "not reloaded: a fault of the gateway: builtins.ZeroDivisionError at" in caplog.text
    assert secret not in caplog.text


async def test_a_reading_that_never_ends_changes_nothing(
    site: Site, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()
    monkeypatch.setattr("launcher.service.READ_TIMEOUT", 0.05)

    def read() -> Config:
        release.wait(20)
        write(site.path, site.compute, clouds={"late": bare(site.compute)})
        return load(site.path)

    site.service._read = read
    await site.service.reload()
    release.set()
    assert "not reloaded: reading the configuration takes longer than" in caplog.text
    await asyncio.to_thread(site.service._threads.shutdown)
    assert await site.clouds() == ["prod"]


async def test_consoles_of_a_cloud_that_did_not_change_are_kept(site: Site, proxy: FaultyProxy) -> None:
    for _ in range(3):
        async with site.viewer() as viewer:
            await viewer.greeted()
        await site.reload(aliases={"db": "prod/web-01"})
    assert len(site.compute.console_requests) == 1


async def test_a_cloud_whose_entry_changed_is_asked_anew(site: Site, proxy: FaultyProxy) -> None:
    async with site.viewer() as viewer:
        await viewer.greeted()
    await site.reload(clouds={"prod": bare(site.compute, console_ttl="5m")})
    async with site.viewer() as viewer:
        await viewer.greeted()
    assert len(site.compute.console_requests) == 2


async def test_a_secrets_file_is_read_again(tmp_path: Path, compute: FakeCompute) -> None:
    tokens = [issue(), issue()]
    file = tmp_path / "token"
    file.touch(0o600)
    file.write_text(tokens[0])
    compute.api_tokens = {tokens[0]}
    clouds = {"prod": bare(compute, api_token={"file": str(file)})}
    async with site_at(tmp_path / "config.yaml", compute, clouds=clouds) as site:
        assert (await site.ask("GET", "/api/v1/servers/prod/web-01"))[0] == 200
        compute.api_tokens = {tokens[1]}
        file.write_text(tokens[1])
        await site.reload(clouds=clouds)
        assert (await site.ask("GET", "/api/v1/servers/prod/web-01"))[0] == 200


async def test_what_a_clouds_files_say_counts_as_its_entry(tmp_path: Path, compute: FakeCompute) -> None:
    clouds_yaml = tmp_path / "clouds.yaml"
    clouds_yaml.write_text("clouds: {prd: {auth: {username: a}}}\n")
    keys = {
        "clouds_yaml": str(clouds_yaml),
        "clouds": {"one": {"provider": "openstack", "cloud": "prd"}, "bare": bare(compute)},
    }
    async with site_at(tmp_path / "config.yaml", compute, **keys) as site:
        before = site.gateway.parts.clouds
        await site.reload(**keys)
        assert all(site.gateway.parts.clouds[name] is before[name] for name in before)
        clouds_yaml.write_text("clouds: {prd: {auth: {username: b}}}\n")
        await site.reload(**keys)
        after = site.gateway.parts.clouds
        assert after["bare"] is before["bare"]
        assert after["one"] is not before["one"]


@pytest.mark.parametrize("key", ["cacert", "cert", "key"])
async def test_a_certificate_that_clouds_yaml_names_counts_as_its_entry(
    tmp_path: Path, compute: FakeCompute, key: str
) -> None:
    clouds_yaml, pem = tmp_path / "clouds.yaml", tmp_path / "some.pem"
    clouds_yaml.write_text(yaml.safe_dump({"clouds": {"prd": {key: str(pem)}, "other": {"cert": "no\0path"}}}))
    entries = {"one": {"provider": "openstack", "cloud": "prd"}, "two": {"provider": "openstack", "cloud": "other"}}
    keys = {"clouds_yaml": str(clouds_yaml), "clouds": entries}
    pem.write_text("old")
    async with site_at(tmp_path / "config.yaml", compute, **keys) as site:
        before = site.gateway.parts.clouds
        await site.reload(**keys)
        assert all(site.gateway.parts.clouds[name] is before[name] for name in before)
        pem.write_text("new")
        await site.reload(**keys)
        after = site.gateway.parts.clouds
        assert after["one"] is not before["one"]
        assert after["two"] is before["two"]
        pem.unlink()
        await site.reload(**keys)
        assert site.gateway.parts.clouds["one"] is not after["one"]


async def test_an_account_that_is_taken_out_is_refused_at_its_next_request(site: Site, account: str) -> None:
    """On a connection that was let in before, and that ends with the refusal."""
    await site.reload(access={"local_users": [account]})
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)

    async def ask() -> int:
        writer.write(b"GET /api/v1/clouds HTTP/1.1\r\nHost: localhost\r\n\r\n")
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        await reader.readexactly(int(head.partition("content-length: ")[2].split("\r\n")[0]))
        return int(head.split()[1])

    assert await ask() == 200
    await site.reload(access={"local_users": []})
    assert await ask() == 403
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()
    await site.reload(access={"local_users": [account]})
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    assert await ask() == 200
    writer.close()
    await writer.wait_closed()


async def test_an_account_that_does_not_exist_is_a_warning_and_everything_else_takes_effect(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    await site.reload(access={"local_users": ["daemon", "no-such-account"]}, clouds={"new": bare(site.compute)})
    assert await site.clouds() == ["new"]
    [said] = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    line = 1 + site.path.read_text().splitlines().index("  - no-such-account")
    assert said.startswith(
        f'{site.path}:{line} access.local_users[1]: there is no account "no-such-account" on this machine ('
    )
    assert site.told.said[-1] == "READY=1 STATUS=0 sessions, 1 cloud"


ELSEWHERE = Actor(54321, "elsewhere", "unix")


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> str:
    """The suite's own account, which is let in by `local_users` alone; 54321 is always let in instead."""
    monkeypatch.setattr(os, "geteuid", lambda: ELSEWHERE.uid)
    monkeypatch.setattr("launcher.access.accounts._ROOT", ELSEWHERE.uid)
    return pwd.getpwuid(os.getuid()).pw_name


async def test_an_account_that_is_taken_out_loses_its_screens_and_nobody_else_theirs(
    site: Site, proxy: FaultyProxy, account: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "launcher")
    await site.reload(access={"local_users": [account]})
    async with site.viewer() as stays:
        await stays.greeted()
        [other] = site.gateway.sessions
        other.actor = ELSEWHERE
        async with site.viewer() as goes:
            await goes.greeted()
            await site.reload(access={"local_users": [account]}, aliases={"db": "prod/web-01"})
            assert len(list(site.gateway.sessions)) == 2
            await site.reload()
            assert await goes.closed() == (1008, "You may no longer use this gateway.")
        async with asyncio.timeout(10):
            while list(site.gateway.sessions) != [other]:
                await asyncio.sleep(0.01)
        await proxy.send(b"still here")
        assert await stays.message() == b"still here"
    [ended] = [record.__dict__["fields"] for record in caplog.records if record.getMessage() == SessionEvent.EVENT]
    assert (ended["actor"], ended["end_reason"]) == (account, EndReason.ACCESS_REMOVED)
    assert f"access was removed: the sessions and launches of {account} end (1)" in caplog.text
    await site.settled()


@pytest.mark.parametrize("step", ["resolving", "asking for the console"])
async def test_a_launch_under_way_ends_with_the_access_and_opens_nothing(
    site: Site, proxy: FaultyProxy, account: str, step: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "launcher")
    asked, go = asyncio.Event(), asyncio.Event()

    async def hold(request: web.Request) -> None:
        if step == "resolving" or request.path.endswith("/action"):
            asked.set()
            await go.wait()

    await site.reload(access={"local_users": [account]})
    site.compute.fault = hold
    async with site.viewer() as viewer:
        await asked.wait()
        await site.reload()
        go.set()
        assert await viewer.closed() == (1008, "You may no longer use this gateway.")
    await site.settled()
    assert proxy.connections == 0
    [launch] = [record.__dict__["fields"] for record in caplog.records if record.getMessage() == LaunchEvent.EVENT]
    assert (launch["actor"], launch["outcome"]) == (account, EndReason.ACCESS_REMOVED)


async def test_a_directory_that_does_not_answer_at_a_reload_ends_no_session(
    site: Site, proxy: FaultyProxy, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await site.reload(access={"local_users": [account]})
    async with site.viewer() as viewer:
        await viewer.greeted()
        monkeypatch.setattr("launcher.access.accounts.uid_of", {}.get)
        await site.reload(access={"local_users": [account]})
        await proxy.send(b"still here")
        assert await viewer.message() == b"still here"
    await site.settled()


async def test_the_log_level_takes_effect(site: Site) -> None:
    await site.reload(log_level="error")
    assert logging.getLogger("launcher").level == logging.ERROR
    await site.reload()
    assert logging.getLogger("launcher").level == logging.INFO


async def test_a_systemd_that_was_busy_hears_of_the_start_all_the_same(site: Site) -> None:
    address = f"@launcher-{secrets.token_hex(8)}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as end:
        end.bind("\0" + address[1:])
        others = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        with others, pytest.raises(BlockingIOError):
            while True:
                others.sendto(b"STATUS=another service", "\0" + address[1:])
        given = Supervision(Notifier(address))
        config, asked = load(site.path), asyncio.Event()
        service = Service(site.gateway, config, read=site._read, asked=asked, given=given, clock=SystemClock())
        heard = b""
        async with service.running(), asyncio.timeout(10):
            await asyncio.sleep(0)
            while not heard.startswith(b"READY=1"):
                try:
                    heard = end.recv(4096)
                except BlockingIOError:
                    await asyncio.sleep(0.02)
        assert heard == b"READY=1\nSTATUS=0 sessions, 1 cloud"


async def test_what_waits_for_a_restart_is_named(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    await site.reload(relay={"ping": "10s"}, listen=["127.0.0.1:1"], clouds={"new": bare(site.compute)})
    assert "listen, relay.ping: takes effect at the next restart" in caplog.text
    assert "reloaded: 1 cloud (new: new; gone: prod)" in caplog.text
    assert site.told.said[-1] == "READY=1 STATUS=0 sessions, 1 cloud; listen, relay.ping: at the next restart"
    await site.reload()
    assert site.told.said[-1] == "READY=1 STATUS=0 sessions, 1 cloud"


async def test_a_launch_under_way_finishes_with_what_it_began_with(site: Site, proxy: FaultyProxy) -> None:
    asked, go = asyncio.Event(), asyncio.Event()

    async def hold(request: web.Request) -> None:
        if request.path.endswith("/action"):
            asked.set()
            await go.wait()

    site.compute.fault = hold
    async with site.viewer() as viewer:
        await asked.wait()
        await site.reload(clouds={"other": bare(site.compute)})
        go.set()
        await viewer.greeted()
    await site.settled()


async def test_one_request_under_way_serves_viewers_from_before_and_after(site: Site, proxy: FaultyProxy) -> None:
    asked, go = asyncio.Event(), asyncio.Event()

    async def hold(request: web.Request) -> None:
        if request.path.endswith("/action"):
            asked.set()
            await go.wait()

    site.compute.fault = hold
    async with site.viewer() as early:
        await asked.wait()
        await site.reload(aliases={"db": "prod/web-01"})
        async with site.viewer() as late:
            go.set()
            await early.greeted()
            await late.greeted()
    assert len(site.compute.console_requests) == 1


async def test_who_asks_while_one_is_under_way_gets_one_more(site: Site) -> None:
    reading, release = asyncio.Event(), threading.Event()
    loop, read = asyncio.get_running_loop(), site._read

    def slow() -> Config:
        loop.call_soon_threadsafe(reading.set)
        release.wait(20)
        return read()

    site.service._read = slow
    site.asked.set()
    await reading.wait()
    for _ in range(5):
        site.asked.set()
    release.set()
    async with asyncio.timeout(10):
        while site.readings < 2:
            await asyncio.sleep(0.01)
        while sum(said.startswith("RELOADING") for said in site.told.said) > sum(
            said.startswith("READY") for said in site.told.said[1:]
        ):
            await asyncio.sleep(0.01)
    assert site.readings == 2
    assert not site.asked.is_set()


async def test_a_hundred_reloads_leave_nothing_behind(site: Site, proxy: FaultyProxy) -> None:
    computes: weakref.WeakSet[Any] = weakref.WeakSet()

    async def once(number: int) -> None:
        entry = bare(site.compute, console_ttl=f"{number + 60}s")
        await site.reload(clouds={"prod": entry, f"cloud-{number}": bare(site.compute)})
        computes.update(part.source for part in site.gateway.parts.clouds.values())
        async with site.viewer() as viewer:
            await viewer.greeted()
        await site.settled()

    def left() -> tuple[int, int]:
        gc.collect()
        return len(computes), sum(thread.name.startswith("sign-in") for thread in threading.enumerate())

    await once(0)
    await once(1)
    descriptors = len(os.listdir("/proc/self/fd"))
    for number in range(2, 102):
        await once(number)
    async with asyncio.timeout(10):
        while left() != (2, 1):  # the clouds of the last configuration; one of them was signed in to
            await asyncio.sleep(0.01)
    assert len(os.listdir("/proc/self/fd")) <= descriptors + 4  # kept connections to the cloud come and go
    assert len(site.gateway._lasting.pools) == 2
