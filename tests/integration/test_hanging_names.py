"""A gateway whose name service hangs: strangers are numbers, and everybody who is let in opens consoles meanwhile."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from launcher.access.nametable import UNDER_WAY_AT_MOST
from tests.fakes.callers import called
from tests.fakes.compute import FakeCompute
from tests.fakes.console_proxy import FaultyProxy
from tests.fakes.sshd import open_folder, second_account
from tests.hostile.bystander import TCP, UNIX, Bystander
from tests.integration.conftest import RunGateway

STRANGERS = range(40_000, 40_040)
DORA = 41_000


class Service:
    """A name service that hangs while `up` is not set; accounts are called `name-UID`, or as `accounts` has them."""

    def __init__(self) -> None:
        self.up = threading.Event()
        self.accounts: dict[int, str] = {}
        self.asked: list[int] = []

    def name_of(self, uid: int) -> str:
        self.asked.append(uid)
        assert self.up.wait(90)
        return self.accounts.get(uid, f"name-{uid}")


@dataclass(frozen=True)
class Place:
    """The gateway, and an account of this machine that it lets in."""

    port: int
    socket_path: Path
    bystander: Bystander


@pytest.fixture
def service() -> Iterator[Service]:
    one = Service()
    yield one
    one.up.set()


@pytest.fixture
async def place(service: Service, compute: FakeCompute, run_gateway: RunGateway) -> AsyncIterator[Place]:
    with open_folder() as folder, second_account() as account:
        path = folder / "web.sock"
        async with FaultyProxy() as proxy:
            compute.mint = lambda *_: proxy.url()
            listen = ("127.0.0.1:0", f"unix:{path}")
            access = {"local_users": (account.pw_name, "clt-dora")}
            entry = {"budget": {"per_minute": 1_000_000, "at_once": 100}}
            async with run_gateway(name_of=service.name_of, listen=listen, access=access, entry=entry) as running:
                path.chmod(0o666)
                to = Door(running.port, path)
                async with Bystander(to, "/ws/prod/web-01", account=account, patience=10) as bystander:
                    yield Place(running.port, path, bystander)


@dataclass(frozen=True)
class Door:
    """Where a bystander comes in."""

    port: int
    socket_path: Path


def nobody_failed(place: Place) -> bool:
    return all(place.bystander.report()[way].failed == 0 for way in (TCP, UNIX))


@pytest.mark.parametrize("way", [TCP, UNIX])
async def test_strangers_of_a_hanging_name_service_are_refused_by_number_and_an_admitted_account_and_root_come_in(
    place: Place, service: Service, way: str
) -> None:
    where = place.port if way == TCP else str(place.socket_path)
    async with asyncio.TaskGroup() as group:
        knocking = group.create_task(called(where, STRANGERS))
        while len(service.asked) < UNDER_WAY_AT_MOST:
            await asyncio.sleep(0.005)
        await place.bystander.opens(5)
    told = knocking.result()
    assert [(one.uid, one.status) for one in told] == [(uid, 403) for uid in STRANGERS]
    assert all(f"uid {one.uid}" in one.body and "may not use this gateway" in one.body for one in told)
    assert len(service.asked) == UNDER_WAY_AT_MOST  # they hang still
    await place.bystander.opens(5)
    assert nobody_failed(place)


async def test_strangers_who_ask_again_and_again_get_no_more_threads(place: Place, service: Service) -> None:
    for _ in range(3):
        await called(place.port, STRANGERS)
    hanging = [one for one in threading.enumerate() if one.name.startswith("name of ")]
    assert len(hanging) == len(service.asked) == UNDER_WAY_AT_MOST
    await place.bystander.opens(5)
    assert nobody_failed(place)


async def test_an_awaited_account_comes_in_once_the_name_service_tells_of_it(place: Place, service: Service) -> None:
    service.accounts[DORA] = "clt-dora"
    [hung] = await called(place.port, [DORA])
    assert (hung.status, f"uid {DORA}" in hung.body) == (403, True)
    service.up.set()
    for where in (place.port, str(place.socket_path)):
        assert [one.status for one in await called(where, [DORA])] == [200]
    service.accounts[DORA] = "somebody-else"
    assert [one.status for one in await called(place.port, [DORA])] == [403]


async def test_a_server_s_group_that_hangs_is_done_without(
    service: Service, run_gateway: RunGateway, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def hanging(_name: str) -> int | None:
        service.up.wait(60)
        return None

    monkeypatch.setattr("launcher.daemon.group_id", hanging)
    monkeypatch.setattr("launcher.daemon._GROUP_PATIENCE", 0.1)
    with open_folder() as folder:
        relay = {"sockets": ("prod/*",), "sockets_directory": str(folder / "servers")}
        (folder / "servers").mkdir(mode=0o700)
        async with run_gateway(relay=relay) as running:
            with socket.create_connection(("127.0.0.1", running.port)):
                pass
            assert (await running.ask("GET", "/api/v1/servers"))[0] == 200
            service.up.set()
    assert 'did not say within 0.1 s whether there is a group "console-operators"' in caplog.text
