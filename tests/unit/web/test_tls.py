"""Listeners that speak TLS: what is agreed on, what is refused, and connections that never come to a request."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from launcher.config.listen import PassedAddress, TcpAddress, UnixAddress
from launcher.systemd import Passed
from launcher.web.listeners import Listening, listen
from launcher.web.tls import ViewerTls, chain_context
from tests.fakes.certificates import Authority
from tests.unit.web.test_listeners import ask, connect, port_of, runner, serving

LOOPBACK = TcpAddress("127.0.0.7", 0)
"""One that has no partner."""
SOON = 0.2


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"), "authority of the test")


@pytest.fixture(scope="module")
def certificate(authority: Authority) -> Path:
    return authority.file("localhost", "127.0.0.1", "::1", "127.0.0.7")


@pytest.fixture
def tls(certificate: Path) -> ViewerTls:
    return ViewerTls(chain_context(certificate, certificate))


@pytest.fixture
def trusting(authority: Authority) -> ssl.SSLContext:
    return authority.trusting()


@pytest.fixture(autouse=True)
def nothing_is_left_open() -> Iterator[None]:
    before = len(list(Path("/proc/self/fd").iterdir()))
    yield
    assert len(list(Path("/proc/self/fd").iterdir())) <= before


async def agreed(one: Listening, trusting: ssl.SSLContext) -> ssl.SSLObject:
    """What a client comes to know of TLS in a handshake that succeeds."""
    _, writer = await connect(one, trusting)
    found = writer.get_extra_info("ssl_object")
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    assert isinstance(found, ssl.SSLObject)
    return found


async def test_tcp_speaks_tls_and_unix_sockets_do_not(tls: ViewerTls, trusting: ssl.SSLContext, tmp_path: Path) -> None:
    async with serving(TcpAddress("localhost", 0), UnixAddress(str(tmp_path / "s")), tls=tls.context) as listening:
        port = port_of(listening[0])
        assert [one.where for one in listening[:2]] == [f"https://127.0.0.1:{port}", f"https://[::1]:{port}"]
        assert [await ask(one, tls=trusting) for one in listening] == ["hello"] * 3


async def test_a_tcp_socket_that_systemd_passes_speaks_tls_too(tls: ViewerTls, trusting: ssl.SSLContext) -> None:
    with socket.create_server(("127.0.0.7", 0)) as sock:
        passed = Passed("tcp", os.dup(sock.fileno()))
    async with runner() as made:
        [one] = await listen(made, [PassedAddress()], passed=[passed], tls=tls.context)
        assert one.where.startswith("https://127.0.0.7:")
        assert await ask(one, tls=trusting) == "hello"
        one.close()


async def test_a_connection_is_aiohttps_own_by_the_first_request(tls: ViewerTls, trusting: ssl.SSLContext) -> None:
    async with serving(LOOPBACK, tls=tls.context) as [one]:
        assert await ask(one, "/protocol", tls=trusting) == "True"


CLIENT_HELLO = bytes.fromhex("16030100c8010000c40303")
"""The first bytes of a handshake: record of 200 bytes, ClientHello."""


@pytest.mark.parametrize("said", [b"", CLIENT_HELLO])
async def test_a_handshake_that_does_not_end_is_ended(tls: ViewerTls, said: bytes) -> None:
    async with serving(LOOPBACK, tls=tls.context, header_timeout=SOON) as [one]:
        reader, writer = await connect(one)
        writer.write(said)
        async with asyncio.timeout(5):
            with suppress(ConnectionResetError):
                assert await reader.read() == b""
        writer.close()
        with suppress(ConnectionResetError):
            await writer.wait_closed()


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nHost: local"])
async def test_a_connection_that_sends_no_whole_request_after_it_is_closed(
    tls: ViewerTls, trusting: ssl.SSLContext, said: bytes
) -> None:
    async with serving(LOOPBACK, tls=tls.context, header_timeout=SOON) as [one]:
        reader, writer = await connect(one, trusting)
        writer.write(said)
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def test_who_speaks_no_tls_is_hung_up_on_and_nobody_else_notices(
    tls: ViewerTls, trusting: ssl.SSLContext, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(LOOPBACK, tls=tls.context) as [one]:
        reader, writer = await connect(one)
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        with suppress(ConnectionResetError):
            assert await reader.read() == b""
        writer.close()
        with suppress(ConnectionResetError):
            await writer.wait_closed()
        assert await ask(one, tls=trusting) == "hello"
    assert caplog.text == ""


async def test_http_1_1_is_agreed_on_and_no_session_is_kept(tls: ViewerTls, trusting: ssl.SSLContext) -> None:
    trusting.set_alpn_protocols(["h2", "http/1.1"])
    async with serving(LOOPBACK, tls=tls.context) as [one]:
        found = await agreed(one, trusting)
    assert (found.version(), found.selected_alpn_protocol(), found.compression()) == ("TLSv1.3", "http/1.1", None)
    assert found.session is not None
    assert not found.session.has_ticket
    assert tls.context.session_stats()["number"] == 0


@pytest.mark.parametrize("suite", ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"])
async def test_tls_1_2_goes_on_with_ciphers_that_authenticate(
    tls: ViewerTls, trusting: ssl.SSLContext, suite: str
) -> None:
    trusting.maximum_version = ssl.TLSVersion.TLSv1_2
    trusting.set_ciphers(suite)
    async with serving(LOOPBACK, tls=tls.context) as [one]:
        assert (await agreed(one, trusting)).cipher() == (suite, "TLSv1.2", 256 if "CHACHA" in suite else 128)


@pytest.mark.parametrize("suite", ["ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA", "AES128-GCM-SHA256"])
async def test_other_ciphers_are_refused(tls: ViewerTls, trusting: ssl.SSLContext, suite: str) -> None:
    trusting.maximum_version = ssl.TLSVersion.TLSv1_2
    trusting.set_ciphers(suite)
    async with serving(LOOPBACK, tls=tls.context) as [one]:
        with pytest.raises(OSError):
            await connect(one, trusting)


async def test_tls_1_1_is_refused(tls: ViewerTls, trusting: ssl.SSLContext) -> None:
    trusting.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1 is deprecated"):
        trusting.minimum_version = trusting.maximum_version = ssl.TLSVersion.TLSv1_1
    async with serving(LOOPBACK, tls=tls.context) as [one]:
        with pytest.raises(OSError):
            await connect(one, trusting)
