"""The command line's client before gateways that speak TLS, or do not."""

from __future__ import annotations

import argparse
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from launcher.cli.client import Client, client_of
from launcher.cli.exits import Exit
from launcher.cli.failure import Failure
from launcher.cli.gateway import TcpGateway
from tests.fakes.certificates import Authority
from tests.integration.cli.test_client import aside
from tests.integration.conftest import RunGateway, Running


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"), "authority of the test")


@pytest.fixture
async def secured(run_gateway: RunGateway, authority: Authority) -> AsyncIterator[Running]:
    file = authority.file("localhost", "jump.localhost")
    async with run_gateway(tls={"certificate": file, "key": file}, listen=("localhost:0",)) as running:
        yield running


async def clouds(gateway: TcpGateway) -> list[str]:
    body = await aside(lambda: Client(gateway, 10).get("/api/v1/clouds"))
    return [cloud["name"] for cloud in body["clouds"]]


async def refused(gateway: TcpGateway) -> Failure:
    with pytest.raises(Failure) as failure:
        await clouds(gateway)
    return failure.value


@pytest.mark.parametrize("host", ["localhost", "jump.localhost"])
async def test_it_asks_by_every_name_that_the_certificate_has(
    secured: Running, authority: Authority, host: str
) -> None:
    assert await clouds(TcpGateway(host, secured.port, tls=True, authorities=str(authority.pem))) == ["prod"]


async def test_a_name_that_the_certificate_has_not_is_told(secured: Running, authority: Authority) -> None:
    failure = await refused(TcpGateway("127.0.0.1", secured.port, tls=True, authorities=str(authority.pem)))
    assert failure.code == Exit.NO_GATEWAY
    assert failure.sentence == (
        f"the certificate of https://127.0.0.1:{secured.port} is not trusted: IP address mismatch, certificate is not "
        "valid for '127.0.0.1'."
    )


async def test_an_authority_that_the_machine_does_not_trust_is_told_with_what_to_do(secured: Running) -> None:
    failure = await refused(TcpGateway("localhost", secured.port, tls=True))
    assert "is not trusted: unable to get local issuer certificate." in failure.sentence
    assert failure.advice == (
        "If it is signed by an authority of your own, name that: --cacert FILE, or $CONSOLE_LAUNCHER_CACERT.",
    )


async def test_the_wrong_scheme_is_told_either_way(secured: Running, running: Running) -> None:
    to_plain = await refused(TcpGateway("127.0.0.1", running.port, tls=True))
    assert to_plain.sentence.startswith(f"no TLS could be agreed on with https://127.0.0.1:{running.port}: ")
    assert "answers to http:// in place of https://" in to_plain.advice[0]
    to_secured = await refused(TcpGateway("127.0.0.1", secured.port))
    assert to_secured.sentence == f"the gateway at http://127.0.0.1:{secured.port} hung up without an answer."
    assert "A gateway with TLS answers to https:// alone." in to_secured.advice


async def test_a_gateway_that_never_ends_the_handshake_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        asked = Client(TcpGateway("127.0.0.1", silent.getsockname()[1], tls=True), 0.2)
        with pytest.raises(Failure, match=r"did not answer within 0\.2 s"):
            await aside(lambda: asked.get("/api/v1/clouds"))


@pytest.mark.parametrize(
    ("content", "why"), [(None, "No such file or directory"), ("nothing", "it holds no certificate in PEM")]
)
def test_a_file_that_can_vouch_for_nobody_is_told(tmp_path: Path, content: str | None, why: str) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    asked = Client(TcpGateway("localhost", 1, tls=True, authorities=str(file)), 1)
    with pytest.raises(Failure) as failure:
        asked.get("/api/v1/clouds")
    assert (failure.value.code, failure.value.sentence) == (
        Exit.USAGE,
        f"{file} cannot vouch for the certificate of https://localhost:1: {why}.",
    )


@pytest.mark.parametrize(("option", "variable", "meant"), [("a", "b", "a"), (None, "b", "b"), (None, None, None)])
def test_the_option_goes_before_the_environment(
    monkeypatch: pytest.MonkeyPatch, option: str | None, variable: str | None, meant: str | None
) -> None:
    monkeypatch.delenv("CONSOLE_LAUNCHER_CACERT", raising=False)
    if variable is not None:
        monkeypatch.setenv("CONSOLE_LAUNCHER_CACERT", variable)
    gateway = TcpGateway("localhost", 1, tls=True)
    client = client_of(argparse.Namespace(gateway=gateway, cacert=option, timeout=1.0))
    assert client.gateway == TcpGateway("localhost", 1, tls=True, authorities=meant)
