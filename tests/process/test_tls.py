"""The daemon with a certificate of its own: in Chromium, for the command line, and through a reload."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import shutil
import signal
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.fakes.certificates import Authority
from tests.process.browser import Profile, chromium
from tests.process.command import run
from tests.process.daemon import Daemon
from tests.process.site import Site, start_screens

pytestmark = pytest.mark.asyncio(loop_scope="module")
NAMES = ("localhost", "jump.localhost", "127.0.0.1")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"), "authority of the test")


@pytest.fixture(scope="module")
def certificate(authority: Authority) -> Path:
    return authority.file(*NAMES)


@pytest.fixture
def pem(certificate: Path, tmp_path: Path) -> Path:
    """What the daemon of a test is given: a file that may be replaced."""
    return Path(shutil.copy(certificate, tmp_path / "jump.pem"))


@pytest_asyncio.fixture(loop_scope="module")
async def daemon(site: Site, authority: Authority, pem: Path) -> AsyncIterator[Daemon]:
    settings: dict[str, Any] = {"tls": {"certificate": str(pem), "key": {"file": str(pem)}}}
    async with site.daemon(settings={**settings, "trusting": authority.trusting()}) as daemon:
        yield daemon


@pytest_asyncio.fixture(loop_scope="module")
async def profile(_chromium_is_there: None, certificate: Path, suite_output: Path) -> AsyncIterator[Profile]:
    """In a Chromium that trusts this certificate's key, as if its authority had been installed."""
    key = x509.load_pem_x509_certificates(certificate.read_bytes())[0].public_key()
    digest = hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    trusted = base64.b64encode(digest).decode()
    async with chromium(f"--ignore-certificate-errors-spki-list={trusted}") as browser:
        profile = Profile(browser, suite_output / "browser")
        yield profile
        await profile.close()


@pytest.mark.usefixtures("_tigervnc_is_there")
async def test_a_bookmark_shows_the_screen_over_https(
    site: Site, pem: Path, suite_output: Path, profile: Profile, daemon: Daemon
) -> None:
    async with AsyncExitStack() as stack:
        [screen] = await start_screens(stack, suite_output, "picture-over-tls")
        site.add_server("web-01", screen)
        tab = await profile.open(f"https://jump.localhost:{daemon.port}/c/lab/web-01")
        await tab.until_shows(screen.picture)
        assert await tab.states() == ["launching", "connected"]
        assert any(f"websocket: wss://jump.localhost:{daemon.port}/ws/lab/web-01" in line for line in tab.said())
        before = len(screen.keys())
        await tab.page.keyboard.type("hi")
        await screen.until_keys("h", "i", since=before)


async def test_the_command_line_asks_it_with_the_authority_it_is_told(
    site: Site, authority: Authority, daemon: Daemon, tmp_path: Path
) -> None:
    site.add_server_with("web-01", lambda: site.proxy.url(1))
    where = f"https://localhost:{daemon.port}"
    bookmark = f"https://jump.localhost:{daemon.port}/c/lab/web-01\n"
    told = await run("url", "lab/web-01", "--gateway", where, "--cacert", str(authority.pem))
    assert (told.code, told.out, told.err) == (0, bookmark, "")
    told = await run("url", "web-01", CONSOLE_LAUNCHER_GATEWAY=where, CONSOLE_LAUNCHER_CACERT=str(authority.pem))
    assert (told.code, told.out) == (0, bookmark)
    told = await run("url", "lab/web-01", "--gateway", where)
    assert told.code == 69
    assert f"the certificate of {where} is not trusted: unable to get local issuer certificate." in told.err
    assert "--cacert FILE" in told.err
    told = await run("url", "lab/web-01", "--gateway", f"unix:{daemon.socket_path}")
    assert (told.code, told.out) == (0, bookmark)


async def test_sighup_reads_the_certificate_anew_and_a_bad_one_is_told(
    authority: Authority, daemon: Daemon, pem: Path
) -> None:
    renewed = authority.file(*NAMES)
    shutil.copy(renewed, pem)
    await reloaded(daemon, "reloaded:")
    assert await served(daemon, authority) == ssl.PEM_cert_to_DER_cert(text_of(renewed))
    pem.write_text(text_of(renewed))
    await reloaded(daemon, "not reloaded:")
    assert await served(daemon, authority) == ssl.PEM_cert_to_DER_cert(text_of(renewed))
    problem = f"tls.key: {pem} holds no private key"
    assert problem in daemon.log()
    told = await run("check-config", "--config", str(daemon.folder / "config.yaml"))
    assert told.code == 78
    assert problem in told.out + told.err


def text_of(pem: Path) -> str:
    """The certificate without its key."""
    _, begin, rest = pem.read_text().partition("-----BEGIN CERTIFICATE-----")
    return begin + rest


async def reloaded(daemon: Daemon, told: str) -> None:
    assert daemon.process is not None
    daemon.process.send_signal(signal.SIGHUP)
    async with asyncio.timeout(10):
        while not any(line["message"].startswith(told) for line in daemon.log_lines()):
            await asyncio.sleep(0.02)


async def served(daemon: Daemon, authority: Authority) -> bytes:
    """The certificate that a new connection is shown."""
    _, writer = await asyncio.open_connection("127.0.0.1", daemon.port, ssl=authority.trusting())
    shown: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    await writer.wait_closed()
    return shown
