"""A gateway that speaks TLS: pages and consoles as without it, and a certificate that is renewed while it runs."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from launcher.audit.events import SessionEvent
from launcher.clock import SystemClock
from launcher.config.load import load
from launcher.daemon import Gateway, open_gateway
from launcher.errors import ConfigError
from launcher.model import EndReason
from launcher.parts import gather
from launcher.service import Service
from launcher.systemd import Notifier, Supervision
from tests.fakes.certificates import Authority
from tests.fakes.compute import FakeCompute
from tests.fakes.console_proxy import FaultyProxy
from tests.fakes.viewer import CLOSE, Refused, Viewer
from tests.integration.conftest import RunGateway, Running

ACCOUNT_ID = os.getuid()
MEBI = 1024**2


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"), "authority of the test")


@pytest.fixture(scope="module")
def trusting(authority: Authority) -> ssl.SSLContext:
    return authority.trusting()


@pytest.fixture(autouse=True)
def records(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "launcher")


@pytest.fixture
def tls(authority: Authority) -> dict[str, Path]:
    file = authority.file("localhost", "127.0.0.1")
    return {"certificate": file, "key": file}


@pytest.fixture
async def running(run_gateway: RunGateway, tls: dict[str, Path], authority: Authority) -> AsyncIterator[Running]:
    async with run_gateway(tls=tls, entry={"cacert": authority.pem}) as one:
        yield one


@pytest.fixture
async def proxy(compute: FakeCompute) -> AsyncIterator[FaultyProxy]:
    async with FaultyProxy() as proxy:
        compute.mint = lambda *_: proxy.url()
        yield proxy


@asynccontextmanager
async def watching(running: Running, tls: ssl.SSLContext, **options: Any) -> AsyncIterator[Viewer]:
    """A viewer over TLS that has seen its screen greet."""
    async with running.viewer(tls=tls, **options) as viewer:
        await viewer.greeted()
        yield viewer


async def test_pages_and_api_are_there_over_https(running: Running, trusting: ssl.SSLContext) -> None:
    assert running.url.startswith("https://127.0.0.1:")
    status, page = await running.ask("GET", "/c/prod/web-01", ssl=trusting)
    assert (status, "web-01" in page) == (200, True)
    assert (await running.ask("GET", "/healthz", ssl=trusting))[0] == 200


async def test_plain_http_gets_nothing_from_a_port_that_speaks_tls(running: Running) -> None:
    async with aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.ClientConnectionError):
            await http.get(f"http://127.0.0.1:{running.port}/healthz")


async def test_the_account_behind_a_tls_connection_is_known(
    running: Running, proxy: FaultyProxy, trusting: ssl.SSLContext
) -> None:
    async with watching(running, trusting):
        [session] = running.gateway.sessions
        assert (session.actor.uid, session.actor.via) == (ACCOUNT_ID, "tcp")


@pytest.mark.parametrize(("scheme", "is_let_in"), [("https", True), ("http", False)])
async def test_over_tls_a_page_is_the_gateways_own_by_https(
    running: Running, proxy: FaultyProxy, trusting: ssl.SSLContext, scheme: str, is_let_in: bool
) -> None:
    host = f"jump.localhost:{running.port}"
    viewer = running.viewer(tls=trusting, headers={"Host": host, "Origin": f"{scheme}://{host}"})
    if is_let_in:
        async with viewer:
            await viewer.greeted()
    else:
        with pytest.raises(Refused) as refused:
            await viewer.__aenter__()
        assert refused.value.status == 403


async def test_beside_tls_a_unix_socket_stays_plain(
    run_gateway: RunGateway, proxy: FaultyProxy, tls: dict[str, Path], tmp_path: Path
) -> None:
    path = str(tmp_path / "web.sock")
    host = {"Host": "jump.localhost:6080", "Origin": "http://jump.localhost:6080"}
    async with run_gateway(tls=tls, listen=("127.0.0.1:0", f"unix:{path}")) as running:
        async with Viewer(path, "/ws/prod/web-01", headers=host) as viewer:
            await viewer.greeted()
        assert running.gateway.where[-1] == path


@pytest.mark.parametrize("upstream_tls", [False, True])
async def test_much_passes_unchanged_both_ways_at_once(
    running: Running, compute: FakeCompute, authority: Authority, trusting: ssl.SSLContext, upstream_tls: bool
) -> None:
    down, up = os.urandom(3 * MEBI), os.urandom(MEBI)
    context = authority.context("127.0.0.1") if upstream_tls else None
    async with FaultyProxy(tls=context) as proxy, asyncio.TaskGroup() as tasks:
        compute.mint = lambda *_: proxy.url()
        async with watching(running, trusting) as viewer:
            tasks.create_task(_send(proxy, down))
            tasks.create_task(_type(viewer, up))
            assert await viewer.received(len(down)) == down
            async with asyncio.timeout(10):
                while sum(map(len, proxy.received)) < len(up):
                    await asyncio.sleep(0.01)
            assert b"".join(proxy.received) == up


async def _send(proxy: FaultyProxy, payload: bytes) -> None:
    """In frames of ever other sizes, from one byte on."""
    start, size = 0, 1
    while start < len(payload):
        await proxy.send(payload[start : start + size])
        start, size = start + size, size * 3 % 100_003


async def _type(viewer: Viewer, payload: bytes) -> None:
    for start in range(0, len(payload), 40_000):
        viewer.send(payload[start : start + 40_000])
        await viewer.writer.drain()


async def test_a_viewer_that_stops_reading_stops_the_upstream_and_goes_on_where_it_was(
    running: Running, proxy: FaultyProxy, trusting: ssl.SSLContext
) -> None:
    sent = bytearray()
    async with watching(running, trusting) as viewer, asyncio.TaskGroup() as tasks:
        viewer.stop_reading()
        flood = tasks.create_task(_flood(proxy, sent))
        taken = await _until_it_stands_still(sent)
        [session] = running.gateway.sessions
        assert session.viewer is not None
        assert session.viewer.unsent < 512 * 1024
        flood.cancel()
        viewer.go_on_reading()
        assert await viewer.received(taken) == sent[:taken]


async def _flood(proxy: FaultyProxy, sent: bytearray) -> None:
    while True:
        payload = os.urandom(16384)
        sent += payload
        await proxy.send(payload)


async def _until_it_stands_still(sent: bytearray) -> int:
    """What had been handed over by then, all of it frames that are whole."""
    before = -1
    while before != len(sent):
        before = len(sent)
        await asyncio.sleep(0.3)
    return before


async def test_a_viewer_that_is_not_served_is_not_read_from(
    running: Running, proxy: FaultyProxy, trusting: ssl.SSLContext
) -> None:
    async with watching(running, trusting) as viewer:
        [session] = running.gateway.sessions
        assert session.viewer is not None
        session.viewer.pause()
        async with asyncio.timeout(20):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1):
                    while True:
                        viewer.send(bytes(65536))
                        await viewer.writer.drain()
        session.viewer.resume()
        sent = len(proxy.received)
        async with asyncio.timeout(10):
            while len(proxy.received) <= sent:
                await asyncio.sleep(0.01)


async def test_a_viewer_closes_and_is_answered(
    running: Running, proxy: FaultyProxy, trusting: ssl.SSLContext, caplog: pytest.LogCaptureFixture
) -> None:
    async with watching(running, trusting) as viewer:
        viewer.send((1000).to_bytes(2), CLOSE)
        assert (await viewer.closed())[0] == 1000
        assert await viewer.reader.read() == b""
    await running.settled()
    assert end_reasons(caplog) == [EndReason.VIEWER_CLOSED]


async def test_an_end_by_the_gateway_comes_with_its_code(
    running: Running, proxy: FaultyProxy, trusting: ssl.SSLContext
) -> None:
    async with watching(running, trusting) as viewer:
        [session] = running.gateway.sessions
        session.end(EndReason.ENDED, 1008, "An operator ended it.")
        assert await viewer.closed() == (1008, "An operator ended it.")
        assert await viewer.reader.read() == b""
    await running.settled()


@pytest.mark.parametrize("reset", [False, True])
async def test_a_console_proxy_that_hangs_up_ends_the_session_with_1014(
    running: Running, compute: FakeCompute, authority: Authority, trusting: ssl.SSLContext, reset: bool
) -> None:
    async with FaultyProxy(tls=authority.context("127.0.0.1")) as proxy:
        compute.mint = lambda *_: proxy.url()
        async with watching(running, trusting) as viewer:
            proxy.hang_up(reset=reset)
            assert (await viewer.closed())[0] == 1014
        await running.settled()


@pytest.mark.parametrize("how", ["reset", "goodbye", "half-close"])
async def test_a_viewer_who_goes_without_a_word_ends_the_session(
    running: Running,
    proxy: FaultyProxy,
    trusting: ssl.SSLContext,
    caplog: pytest.LogCaptureFixture,
    how: str,
) -> None:
    viewer = running.viewer(tls=trusting)
    await viewer.__aenter__()
    await viewer.greeted()
    sock = viewer.writer.get_extra_info("socket")
    if how == "half-close":
        sock.shutdown(socket.SHUT_WR)  # without TLS's own goodbye before it
    elif how == "goodbye":
        viewer.writer.close()
    else:
        viewer.leave()
    await running.settled()
    assert end_reasons(caplog) == [EndReason.VIEWER_LOST]
    viewer.leave()


def end_reasons(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Of every session that has ended."""
    told = (record.__dict__["fields"] for record in caplog.records if record.getMessage() == SessionEvent.EVENT)
    return [fields["end_reason"] for fields in told]


class Site(Running):
    """A gateway with TLS whose configuration file, and certificate, may be changed."""

    def __init__(self, gateway: Gateway, compute: FakeCompute, folder: Path) -> None:
        super().__init__(gateway, compute)
        self._file, self.pem = folder / "config.yaml", folder / "jump.pem"
        self.service = Service(
            gateway,
            load(self._file),
            read=lambda: load(self._file, serving=True),
            asked=asyncio.Event(),
            given=Supervision(Notifier(None)),
            clock=SystemClock(),
        )

    async def renew(self, file: Path) -> None:
        """Put another certificate with its key in place, and reload."""
        file.replace(self.pem)
        await self.service.reload()

    async def serves(self, trusting: ssl.SSLContext) -> int:
        """The serial number of the certificate that a new connection is shown."""
        _, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=trusting)
        shown = writer.get_extra_info("peercert")
        writer.close()
        await writer.wait_closed()
        return int(shown["serialNumber"], 16)


def serial(file: Path) -> int:
    [certificate] = x509.load_pem_x509_certificates(file.read_bytes())
    return certificate.serial_number


@pytest.fixture
async def site(compute: FakeCompute, authority: Authority, tmp_path: Path) -> AsyncIterator[Site]:
    authority.file("127.0.0.1").replace(tmp_path / "jump.pem")
    keys = {
        "listen": ["127.0.0.1:0"],
        "tls": {"certificate": str(tmp_path / "jump.pem"), "key": {"file": str(tmp_path / "jump.pem")}},
        "public_urls": ["https://localhost:6443"],
        "clouds": {"prod": {"provider": "none", "endpoint": compute.endpoint}},
    }
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(keys))
    async with open_gateway(load(tmp_path / "config.yaml")) as gateway:
        site = Site(gateway, compute, tmp_path)
        async with site.service.running():
            yield site


async def test_a_reload_takes_the_new_certificate_and_live_sessions_go_on(
    site: Site, proxy: FaultyProxy, authority: Authority, trusting: ssl.SSLContext
) -> None:
    renewed = authority.file("127.0.0.1")
    before, after = serial(site.pem), serial(renewed)
    async with watching(site, trusting) as viewer:
        assert await site.serves(trusting) == before
        await site.renew(renewed)
        assert await site.serves(trusting) == after
        await proxy.send(b"still here")
        assert await viewer.message() == b"still here"


async def test_another_kind_of_key_replaces_the_old_one_for_every_client(
    site: Site, authority: Authority, trusting: ssl.SSLContext
) -> None:
    renewed = authority.file("127.0.0.1", key=rsa.generate_private_key(65537, 2048))
    after = serial(renewed)
    await site.renew(renewed)
    of_the_old_kind = authority.trusting()
    of_the_old_kind.maximum_version = ssl.TLSVersion.TLSv1_2
    of_the_old_kind.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
    with pytest.raises(OSError):
        await site.serves(of_the_old_kind)
    assert await site.serves(trusting) == after


async def test_a_bad_certificate_is_told_and_the_old_one_stays(
    site: Site, authority: Authority, trusting: ssl.SSLContext, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = serial(site.pem)
    half = authority.file("127.0.0.1")
    key_of_another = authority.file("127.0.0.1").read_text().partition("-----BEGIN CERT")[0]
    half.write_text(key_of_another + "-----BEGIN CERT" + half.read_text().partition("-----BEGIN CERT")[2])
    await site.renew(half)
    assert "not reloaded:" in caplog.text
    assert "tls.key: this is not the key of the certificate in" in caplog.text
    assert "last reload failed" in site.service.status()
    assert await site.serves(trusting) == before
    site.pem.unlink()
    await site.service.reload()
    assert await site.serves(trusting) == before
    renewed = authority.file("127.0.0.1")
    after = serial(renewed)
    await site.renew(renewed)
    assert await site.serves(trusting) == after


async def test_an_expired_certificate_is_served_and_told(
    site: Site, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    expired = authority.file("127.0.0.1", life=-timedelta(days=1))
    after = serial(expired)
    await site.renew(expired)
    assert "this certificate has expired" in caplog.text
    careless = authority.trusting()
    careless.verify_flags |= ssl.VerifyFlags(0x200000)  # X509_V_FLAG_NO_CHECK_TIME
    assert await site.serves(careless) == after


async def test_tls_that_is_switched_off_waits_for_the_restart(
    site: Site, trusting: ssl.SSLContext, tmp_path: Path
) -> None:
    file = tmp_path / "config.yaml"
    keys = yaml.safe_load(file.read_text())
    del keys["tls"]
    file.write_text(yaml.safe_dump(keys))
    before = serial(site.pem)
    await site.service.reload()
    assert site.service.status().endswith("tls: at the next restart")
    assert await site.serves(trusting) == before


async def test_files_that_went_bad_after_they_were_read_keep_the_old_certificate(
    site: Site, trusting: ssl.SSLContext, tmp_path: Path
) -> None:
    config = load(tmp_path / "config.yaml")
    site.pem.unlink()
    with pytest.raises(ConfigError, match=r"tls: .*jump\.pem and .* cannot be served with: No such file"):
        gather(config)
