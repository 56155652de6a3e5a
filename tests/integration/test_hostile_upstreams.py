"""Numbered cases of hostile clouds: where a console URL leads, what a name resolves to, who shows a certificate."""

from __future__ import annotations

import asyncio
import socket
import ssl
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from launcher.clock import SystemClock
from launcher.cloud.compute import Compute
from launcher.cloud.http import open_http
from launcher.cloud.identity import identity_of
from launcher.config.models import BareEntry, Cloud, OpenStackEntry
from launcher.consoles.url import Rewrite
from launcher.egress import Egress, NoListeners
from launcher.errors import (
    CloudReplyError,
    CloudUnreachableError,
    LauncherError,
    UpstreamProtocolError,
    UpstreamUnreachableError,
)
from launcher.model import Console, ConsoleKey, Kind, Secret
from launcher.opening import ConsoleRules, Opener
from launcher.relay.upstream import DialLimits
from tests.fakes.certificates import Authority, tls_before
from tests.fakes.compute import FakeCompute
from tests.fakes.console_proxy import FaultyProxy
from tests.fakes.identity import FakeIdentity
from tests.fakes.issued import issue
from tests.fakes.tls import doorkeeper
from tests.integration.conftest import RunGateway


class Known:
    """What a cloud's console proxies may be."""

    def __init__(self, egress: Egress) -> None:
        self._egress = egress

    async def egress(self) -> Egress:
        return self._egress


def opener(*, loopback: bool, hosts: tuple[str, ...] = (), rewrites: tuple[Rewrite, ...] = ()) -> Opener:
    """Of a cloud `prod` whose API is plain, elsewhere or on loopback."""
    egress = Known(Egress(loopback=loopback, plain=True))
    rules = ConsoleRules(egress, rewrites, hosts, plain=False, tls=ssl.create_default_context())
    return Opener({"prod": rules}, DialLimits(connect=5, first_bytes=5), own=NoListeners(), node="a-test")


def console(url: str) -> Console:
    return Console(ConsoleKey("prod", "0a1b", Kind.NOVNC), Secret(url), 0, 600, "req-1")


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/?token={token}",
        "http://[fd00:ec2::254]/?token={token}",
        "wss://127.0.0.1:{port}/?token={token}",
        "ws://localhost:{port}/?token={token}",
        "ws://[::ffff:127.0.0.1]:{port}/?token={token}",
        "ws://2130706433:{port}/?token={token}",
        "file:///etc/passwd?token={token}",
        "wss://user@127.0.0.1:{port}/?token={token}",
        "ws://console.example.org:{port}/?token={token}",
        "http://127.0.0.1.console.example.net:1/vnc_lite.html?path=ws%3A%2F%2F127.0.0.1:{port}%2F%3Ftoken={token}",
    ],
)
async def test_case_17_a_console_url_that_leads_astray_is_refused_before_connect(url: str) -> None:
    async with FaultyProxy() as trap:
        with pytest.raises((CloudReplyError, UpstreamUnreachableError)) as refused:
            hosts = ("*.example.net", "127.*", "localhost", "169.*", "fd00:*", "::*", "2130706433")
            await opener(loopback=False, hosts=hosts).open(console(url.format(port=trap.port, token=issue())))
        assert trap.connections == 0
        assert "is not dialled" in str(refused.value) or "cannot be used" in str(refused.value)


_ENDLESS = {
    "headers": (
        b"HTTP/1.1 101 Switching Protocols\r\n",
        b"X-Endless: " + b"x" * 1000 + b"\r\n",
        "more than 16384 bytes",
    ),
    "one header": (b"HTTP/1.1 101 Switching Protocols\r\nX-Endless: ", b"x" * 1000, "more than 16384 bytes"),
    "status line": (b"HTTP/1.1 101 ", b"x" * 1000, "more than 16384 bytes"),
    "body": (b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n", b"x" * 1000, "200 OK instead of a WebSocket"),
}


@pytest.mark.parametrize("part", _ENDLESS)
async def test_case_21_a_console_proxy_whose_answer_has_no_end_is_left(part: str) -> None:
    begin, more, why = _ENDLESS[part]
    sent, left = 0, asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(begin)
        with suppress(ConnectionError):
            while sent < 100_000_000:
                writer.write(more * 100)
                sent += len(more) * 100
                await writer.drain()
        writer.transport.abort()
        left.set()

    async with await asyncio.start_server(answer, "127.0.0.1") as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/?token={issue()}"
        with pytest.raises(UpstreamProtocolError, match=why):
            await opener(loopback=True).open(console(url))
        async with asyncio.timeout(10):
            await left.wait()
    assert sent < 16_000_000, "what the kernel holds of it"


class Rewritten:
    """A rewrite that the operator wrote."""

    from_ = "https://console.example.net/"
    path = None

    def __init__(self, to: str) -> None:
        self.to = to


async def test_a_rewrite_to_loopback_is_the_operators_own_word_for_that_address_alone() -> None:
    async with FaultyProxy() as proxy, FaultyProxy() as trap:
        one = opener(loopback=False, rewrites=(Rewritten(f"http://127.0.0.1:{proxy.port}/"),))
        end, _ = await one.open(console(f"https://console.example.net/?token={issue()}"))
        end.abort()
        for url in (
            f"ws://127.0.0.1:{trap.port}/?token={issue()}",
            f"https://console.example.net/vnc.html?path=ws%3A%2F%2F127.0.0.1:{trap.port}%2F%3Ftoken={issue()}",
        ):
            with pytest.raises(UpstreamUnreachableError, match="this host itself"):
                await one.open(console(url))
        assert (proxy.connections, trap.connections) == (1, 0)


@pytest.fixture
def rebinding(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """A resolver whose answer for rebound.example.net changes: `rebinding("127.0.0.1")`."""
    real, answer = socket.getaddrinfo, ["127.0.0.1"]

    def getaddrinfo(host: str, *args: Any, **options: Any) -> Any:
        return real(answer[0] if host == "rebound.example.net" else host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return lambda address: answer.__setitem__(0, address)


SECOND_ANSWERS = ["169.254.169.254", "fe80::1", "::ffff:169.254.169.254", "100.100.100.200", "0.0.0.0"]


@pytest.mark.parametrize("second", SECOND_ANSWERS)
async def test_case_18_a_console_proxys_name_that_leads_elsewhere_at_its_second_answer_is_refused_at_the_socket(
    rebinding: Callable[[str], None], second: str
) -> None:
    async with FaultyProxy() as proxy:
        one = opener(loopback=True, hosts=("rebound.example.net",))
        url = f"ws://rebound.example.net:{proxy.port}/?token={issue()}"
        end, _ = await one.open(console(url))
        end.abort()
        rebinding(second)
        with pytest.raises(UpstreamUnreachableError, match="is not dialled"):
            await one.open(console(url))
        rebinding("127.0.0.1")
        with pytest.raises(UpstreamUnreachableError, match="this host itself"):
            await opener(loopback=False).open(console(url))
        assert proxy.connections == 1


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


def signing_in(folder: Path, identity: FakeIdentity, auth_url: str, cacert: Path | None = None) -> Cloud:
    """A cloud of clouds.yaml at this auth_url."""
    auth = {"auth_url": auth_url, "username": identity.username, "password": identity.password}
    entry = {"auth_type": "v2password", "auth": auth, "compute_service_name": "cloudServersOpenStack"}
    path = folder / "clouds.yaml"
    path.write_text(yaml.safe_dump({"clouds": {"prd": entry}}))
    ours = OpenStackEntry.model_construct(provider="openstack", cloud="prd", cacert=cacert)
    return Cloud(name="prod", region=None, entry=ours, clouds_yaml=path, secure_yaml=None)


@pytest.mark.parametrize("second", SECOND_ANSWERS)
async def test_case_18_so_are_the_names_of_identity_and_compute(
    rebinding: Callable[[str], None], second: str, tmp_path: Path, pool: ThreadPoolExecutor
) -> None:
    async with FakeCompute() as compute, FakeIdentity({}) as identity:
        compute.api_tokens = identity.api_tokens
        identity.regions = {"LAB": compute.endpoint.replace("127.0.0.1", "rebound.example.net")}
        good = signing_in(tmp_path, identity, identity.auth_url)

        async def servers(cloud: Cloud) -> int:
            async with open_http() as http:
                return len(await Compute(cloud, identity_of(cloud, SystemClock(), pool), http, SystemClock()).servers())

        assert await servers(good) == 0
        seen = len(compute.requests)
        rebinding(second)
        with pytest.raises(CloudUnreachableError, match=r"its Compute API at http://rebound.*is not dialled"):
            await servers(good)
        assert len(compute.requests) == seen
        sign_ins = identity.sign_ins
        there = identity.auth_url.replace("127.0.0.1", "rebound.example.net")
        with pytest.raises(CloudUnreachableError, match=r"its Identity service at http://rebound.*is not dialled"):
            await servers(signing_in(tmp_path, identity, there))
        assert identity.sign_ins == sign_ins


def old_tls(context: ssl.SSLContext) -> ssl.SSLContext:
    """A server that speaks nothing newer than TLS 1.0."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


BAD = {
    "self-signed": "self-signed certificate|unable to get local issuer",
    "expired": "certificate has expired",
    "wrong name": "IP address mismatch",
}


def shown(name: str, authority: Authority, stranger: Authority) -> ssl.SSLContext:
    match name:
        case "self-signed":
            return stranger.context("127.0.0.1")
        case "expired":
            return authority.context("127.0.0.1", life=timedelta(days=-1))
        case "wrong name":
            return authority.context("console.example.net", "10.0.0.1")
        case _:
            return authority.context("127.0.0.1")


class Services:
    """Identity, Compute and a console proxy, each behind the same TLS; `asked` counts what got through."""

    def __init__(self, folder: Path, authority: Authority) -> None:
        self._folder = folder
        self.authority = authority
        self.identity, self.compute, self.proxy = FakeIdentity({}), FakeCompute(), FaultyProxy()
        self.ports: dict[str, int] = {}

    def asked(self) -> int:
        return len(self.identity.requests) + len(self.compute.requests)

    async def ask(self, service: str, pool: ThreadPoolExecutor, cacert: Path | None) -> None:
        """One use of a service. Raises LauncherError."""
        url = f"https://127.0.0.1:{self.ports[service]}"
        if service == "console proxy":
            context = ssl.create_default_context(cafile=cacert)
            rules = ConsoleRules(Known(Egress(loopback=True, plain=False)), (), (), plain=False, tls=context)
            one = Opener({"prod": rules}, DialLimits(5, 5), own=NoListeners(), node="a-test")
            end, _ = await one.open(console(f"{url}/vnc_lite.html?path=%3Ftoken%3D{issue()}"))
            end.abort()
            return
        cloud = signing_in(self._folder, self.identity, f"{url}/v2.0", cacert)
        if service == "Compute":
            entry = BareEntry.model_construct(
                provider="none", endpoint=f"{url}/v2.1", api_token=Secret(issue()), cacert=cacert, console_ttl=600.0
            )
            cloud = Cloud(name="prod", region=None, entry=entry, clouds_yaml=None, secure_yaml=None)
            assert entry.api_token is not None
            self.compute.api_tokens = {entry.api_token.reveal()}
        identity = identity_of(cloud, SystemClock(), pool)
        if service == "Identity":
            await identity.access()
            return
        async with open_http() as http:
            await Compute(cloud, identity, http, SystemClock()).servers()


@asynccontextmanager
async def services(folder: Path, authority: Authority, context: ssl.SSLContext) -> AsyncIterator[Services]:
    async with AsyncExitStack() as stack:
        site = Services(folder, authority)
        for one in (site.identity, site.compute, site.proxy):
            await stack.enter_async_context(one)
        site.identity.regions = {"LAB": site.compute.endpoint}
        plain = {"Identity": site.identity.port, "Compute": site.compute.port, "console proxy": site.proxy.port}
        for name, port in plain.items():
            site.ports[name] = await stack.enter_async_context(tls_before(port, context))
        yield site


@pytest.mark.parametrize("service", ["Identity", "Compute", "console proxy"])
@pytest.mark.parametrize("bad", BAD)
async def test_case_23_a_certificate_that_is_not_good_is_refused_with_its_reason(
    tmp_path: Path, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch, service: str, bad: str
) -> None:
    for name, value in {"PYTHONHTTPSVERIFY": "0", "OS_INSECURE": "1", "OS_VERIFY": "false"}.items():
        monkeypatch.setenv(name, value)
    authority, stranger = Authority(tmp_path / "ca", "ours"), Authority(tmp_path / "other", "stranger")
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, str(stranger.pem))
    async with services(tmp_path, authority, shown(bad, authority, stranger)) as site:
        with pytest.raises(LauncherError, match=BAD[bad]) as refused:
            await site.ask(service, pool, authority.pem)
        assert isinstance(refused.value, CloudUnreachableError | UpstreamUnreachableError)
        assert (site.asked(), site.proxy.connections) == (0, 0)


@pytest.mark.parametrize("service", ["Identity", "Compute", "console proxy"])
async def test_case_23_a_service_that_speaks_nothing_newer_than_tls_1_0_is_refused_with_its_reason(
    tmp_path: Path, pool: ThreadPoolExecutor, service: str
) -> None:
    authority = Authority(tmp_path / "ca", "ours")
    async with services(tmp_path, authority, authority.context("127.0.0.1")) as site:
        with doorkeeper(old_tls(authority.context("127.0.0.1"))) as port:
            site.ports[service] = port
            with pytest.raises(LauncherError, match="protocol") as refused:
                await site.ask(service, pool, authority.pem)
        assert isinstance(refused.value, CloudUnreachableError | UpstreamUnreachableError)


@pytest.mark.parametrize("service", ["Identity", "Compute", "console proxy"])
async def test_case_23_an_authority_of_the_clouds_own_is_trusted_and_by_no_other_cloud(
    tmp_path: Path, pool: ThreadPoolExecutor, service: str
) -> None:
    authority = Authority(tmp_path / "ca", "ours")
    async with services(tmp_path, authority, authority.context("127.0.0.1")) as site:
        await site.ask(service, pool, authority.pem)
        with pytest.raises(LauncherError, match=r"self-signed certificate|unable to get local issuer"):
            await site.ask(service, pool, None)


async def test_a_catalog_that_names_plain_compute_for_an_encrypted_identity_warns_and_works(
    tmp_path: Path, pool: ThreadPoolExecutor, caplog: pytest.LogCaptureFixture
) -> None:
    authority = Authority(tmp_path / "ca", "ours")
    async with services(tmp_path, authority, authority.context("127.0.0.1")) as site:
        await site.ask("Identity", pool, authority.pem)
        [warning] = [one.getMessage() for one in caplog.records if "plain Compute API" in one.getMessage()]
        assert warning.startswith(f"prod: its catalog names a plain Compute API, {site.compute.endpoint}")
        assert "compute_endpoint_override" in warning
        caplog.clear()
        await identity_of(signing_in(tmp_path, site.identity, site.identity.auth_url), SystemClock(), pool).access()
        assert not caplog.records, "a plain auth_url is the operator's own word"


async def test_case_23_a_console_proxys_certificate_is_looked_at_anew_by_every_launch(
    run_gateway: RunGateway, tmp_path: Path
) -> None:
    authority, stranger = Authority(tmp_path / "ca", "ours"), Authority(tmp_path / "other", "stranger")
    context = authority.context("127.0.0.1")
    trusting = {"cacert": {"file": str(authority.pem)}}
    async with (
        FaultyProxy() as proxy,
        tls_before(proxy.port, context) as port,
        run_gateway(entry=trusting) as running,
    ):
        running.compute.mint = lambda *_: f"https://127.0.0.1:{port}/vnc_lite.html?path=%3Ftoken%3D{issue()}"

        async def launch(file: Path) -> tuple[int | None, str]:
            context.load_cert_chain(file)
            async with running.viewer() as viewer, asyncio.timeout(20):
                return await viewer.first_word()

        assert await launch(authority.file("127.0.0.1")) == (None, "")
        assert await launch(authority.file("127.0.0.1", "::1")) == (None, ""), "another good one is good"
        for file, why in (
            (authority.file("127.0.0.1", life=timedelta(days=-1)), "certificate has expired"),
            (authority.file("console.example.net"), "IP address mismatch"),
            (stranger.file("127.0.0.1"), "unable to get local issuer certificate"),
        ):
            before = proxy.connections
            code, reason = await launch(file)
            assert (code, why in reason, proxy.connections) == (4504, True, before), reason
        assert await launch(authority.file("127.0.0.1")) == (None, "")
