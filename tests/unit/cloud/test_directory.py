"""References, aliases, names and listings over several clouds."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace

import pytest

from launcher.cloud.directory import Directory
from launcher.errors import AmbiguousServerError, BadRequestError, CloudUnreachableError, ServerNotFoundError
from launcher.model import Server
from tests.unit.cloud.fakes import HandClock


class FakeCloud:
    """Servers by name, and a count of what was asked."""

    def __init__(self, name: str, *names: str) -> None:
        self.name = name
        ids = [str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{place}.{name}")) for place in range(len(names))]
        self.all = [Server(name, server_id, n, "ACTIVE") for server_id, n in zip(ids, names, strict=True)]
        self.asked: list[str] = []
        self.down = False
        self.broken = False

    async def servers(self) -> tuple[Server, ...]:
        return await self._answer("servers", self.all)

    async def named(self, name: str) -> tuple[Server, ...]:
        return await self._answer(f"named {name}", [server for server in self.all if server.name == name])

    async def server(self, server_id: str) -> Server:
        found = await self._answer(f"server {server_id}", [server for server in self.all if server.id == server_id])
        if not found:
            raise ServerNotFoundError(f"{self.name} has no server {server_id}.")
        return found[0]

    async def _answer(self, asked: str, servers: list[Server]) -> tuple[Server, ...]:
        self.asked.append(asked)
        await asyncio.sleep(0)
        if self.broken:
            raise ZeroDivisionError
        if self.down:
            raise CloudUnreachableError(f"{self.name} is down.", cloud=self.name)
        return tuple(servers)


@pytest.fixture
def prod() -> FakeCloud:
    return FakeCloud("prod", "web-01", "web-02", "db", "twin", "twin")


@pytest.fixture
def stage() -> FakeCloud:
    return FakeCloud("stage", "web-01", "lone")


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def directory(prod: FakeCloud, stage: FakeCloud, clock: HandClock) -> Directory:
    aliases = {"main": "prod/db", "odd": "nowhere"}
    return Directory({"prod": prod, "stage": stage}, aliases, clock)


async def test_a_name_or_a_uuid_in_a_cloud_is_one_server(directory: Directory, prod: FakeCloud) -> None:
    assert await directory.resolve("prod", "web-01") == prod.all[0]
    assert await directory.resolve("prod", prod.all[1].id.upper()) == prod.all[1]


async def test_a_server_may_be_named_like_a_uuid(prod: FakeCloud, clock: HandClock) -> None:
    name = str(uuid.uuid4())
    odd = FakeCloud("odd", name)
    assert await Directory({"odd": odd}, {}, clock).resolve("odd", name) == odd.all[0]


async def test_an_unknown_cloud_is_answered_with_the_clouds_there_are(directory: Directory) -> None:
    with pytest.raises(ServerNotFoundError) as caught:
        await directory.resolve("prd", "web-01")
    assert str(caught.value) == 'There is no cloud "prd" (there are: prod, stage). Did you mean "prod"?'
    with pytest.raises(ServerNotFoundError, match=r"stage\)\.$"):
        await directory.list(cloud="zzz", query="", limit=1, marker=None)


async def test_a_name_that_is_not_there_is_said(directory: Directory) -> None:
    with pytest.raises(ServerNotFoundError, match=r'^prod has no server "web-99"\.$'):
        await directory.resolve("prod", "web-99")


async def test_a_name_of_two_servers_is_answered_with_both(directory: Directory, prod: FakeCloud) -> None:
    with pytest.raises(AmbiguousServerError) as caught:
        await directory.resolve("prod", "twin")
    assert caught.value.candidates == (f"prod/{prod.all[3].id}", f"prod/{prod.all[4].id}")
    assert caught.value.candidates[0] in str(caught.value)


async def test_many_who_mean_the_same_server_cause_one_request(directory: Directory, prod: FakeCloud) -> None:
    await asyncio.gather(*(directory.resolve("prod", "web-01") for _ in range(100)))
    assert prod.asked == ["named web-01"]
    assert directory._lookups == {}


async def test_the_state_of_now_is_asked_for_once_for_all_who_watch_a_server(
    directory: Directory, prod: FakeCloud
) -> None:
    prod.all[0] = replace(prod.all[0], status="BUILD")
    seen = await asyncio.gather(*(directory.current("prod", prod.all[0].id) for _ in range(100)))
    assert {server.status for server in seen} == {"BUILD"}
    prod.all[0] = replace(prod.all[0], status="ACTIVE")
    assert (await directory.current("prod", prod.all[0].id)).status == "ACTIVE", "no answer is kept"
    assert prod.asked == [f"server {prod.all[0].id}"] * 2
    assert directory._lookups == {}


async def test_a_server_that_is_gone_has_no_state_of_now(directory: Directory, prod: FakeCloud) -> None:
    with pytest.raises(ServerNotFoundError, match="prod has no server"):
        await directory.current("prod", str(uuid.uuid4()))
    with pytest.raises(ServerNotFoundError, match='no cloud "prd"'):
        await directory.current("prd", prod.all[0].id)
    assert directory._lookups == {}


async def test_a_lookup_whose_askers_all_left_leaves_nothing(directory: Directory, prod: FakeCloud) -> None:
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(directory.resolve("prod", "web-01")) for _ in range(3)]
        await asyncio.sleep(0)
        for task in asked:
            task.cancel()
    assert directory._lookups == {}


def test_an_alias_stands_for_a_cloud_and_a_server(directory: Directory) -> None:
    assert directory.canonical("main") == ("prod", "db")
    assert directory.canonical("web-01") is None
    assert directory.canonical("odd") is None
    assert directory.clouds() == ("prod", "stage")


async def test_a_bare_name_is_an_alias_first(directory: Directory, prod: FakeCloud) -> None:
    assert await directory.locate("main") == ("prod", "db")
    assert prod.asked == []


async def test_a_bare_name_is_a_server_unique_among_all_clouds(directory: Directory, stage: FakeCloud) -> None:
    assert await directory.locate("lone") == ("stage", "lone")
    assert await directory.locate(stage.all[1].id) == ("stage", stage.all[1].id)
    with pytest.raises(AmbiguousServerError, match="2 servers answer"):
        await directory.locate("web-01")
    with pytest.raises(ServerNotFoundError, match="No cloud has a server"):
        await directory.locate("web-99")


async def test_a_silent_cloud_hides_nothing_but_a_name_nobody_else_has(directory: Directory, stage: FakeCloud) -> None:
    stage.down = True
    assert await directory.locate("web-01") == ("prod", "web-01")
    with pytest.raises(CloudUnreachableError, match="stage is down"):
        await directory.locate("lone")


async def test_the_list_is_in_order_and_pages_through_all(directory: Directory) -> None:
    seen: list[str] = []
    marker = None
    for _ in range(4):
        page = await directory.list(cloud=None, query="", limit=2, marker=marker)
        seen += [f"{server.cloud}/{server.name}" for server in page.servers]
        marker = page.next_marker
    assert marker is None
    assert seen == ["prod/db", "prod/twin", "prod/twin", "prod/web-01", "prod/web-02", "stage/lone", "stage/web-01"]


async def test_a_marker_holds_when_its_server_is_gone(directory: Directory, prod: FakeCloud, clock: HandClock) -> None:
    page = await directory.list(cloud="prod", query="web", limit=1, marker=None)
    prod.all = [server for server in prod.all if server.name != "web-01"]
    clock.at += 6
    rest = await directory.list(cloud="prod", query="web", limit=1, marker=page.next_marker)
    assert [server.name for server in rest.servers] == ["web-02"]


@pytest.mark.parametrize("marker", ["", "x", "a/b", "a/b/"])
async def test_a_marker_of_no_list_is_refused(directory: Directory, marker: str) -> None:
    with pytest.raises(BadRequestError, match="marker"):
        await directory.list(cloud=None, query="", limit=2, marker=marker)


async def test_every_word_of_a_query_stands_in_name_cloud_state_task_or_uuid(
    directory: Directory, prod: FakeCloud
) -> None:
    prod.all[1] = replace(prod.all[1], status="REBOOT", task_state="rebooting")

    async def names(query: str) -> list[str]:
        return [server.name for server in (await directory.list(cloud=None, query=query, limit=9, marker=None)).servers]

    assert await names("WEB-02") == ["web-02"]
    assert await names(prod.all[2].id[:13]) == ["db"]
    assert await names("stage") == ["lone", "web-01"]
    assert await names("nothing") == []
    assert await names("web prod") == ["web-01", "web-02"]
    assert await names("\tprod  02 ") == ["web-02"]
    assert await names("prod rebooting") == ["web-02"]
    assert await names("web active") == ["web-01", "web-01"]
    assert await names("web active stage") == ["web-01"]
    assert await names("web nothing") == []
    assert await names("webprod") == [], "no word reaches over two of them"
    assert len(await names(" ")) == 7


async def test_one_clouds_error_does_not_hide_the_others(directory: Directory, prod: FakeCloud) -> None:
    prod.down = True
    listing = await directory.list(cloud=None, query="", limit=9, marker=None)
    assert [server.cloud for server in listing.servers] == ["stage", "stage"]
    assert list(listing.errors) == ["prod"]
    prod.down = False
    assert not (await directory.list(cloud=None, query="", limit=9, marker=None)).errors, "failures are not kept"


async def test_a_listing_is_reused_for_five_seconds(directory: Directory, prod: FakeCloud, clock: HandClock) -> None:
    async def ask() -> None:
        await directory.list(cloud="prod", query="", limit=9, marker=None)

    await asyncio.gather(*(ask() for _ in range(50)))
    clock.at += 4.9
    await ask()
    assert prod.asked == ["servers"]
    clock.at += 0.2
    await ask()
    assert prod.asked == ["servers", "servers"]


async def test_a_fault_while_one_cloud_is_asked_hides_no_other(
    directory: Directory, prod: FakeCloud, stage: FakeCloud
) -> None:
    stage.broken = True
    listing = await directory.list(cloud=None, query="", limit=100, marker=None)
    assert {server.cloud for server in listing.servers} == {"prod"}
    assert "fault of the gateway" in str(listing.errors["stage"])
    assert await directory.locate("db") == ("prod", "db")


async def test_servers_are_counted_by_cloud_and_a_silent_one_hides_no_other(
    prod: FakeCloud, stage: FakeCloud, clock: HandClock
) -> None:
    directory = Directory({"prod": prod, "stage": stage}, {}, clock)
    stage.down = True
    counts = await directory.count()
    assert counts.servers == {"prod": 5}
    assert list(counts.errors) == ["stage"]


async def test_a_listing_says_which_names_are_shared_on_any_of_its_parts(
    prod: FakeCloud, stage: FakeCloud, clock: HandClock
) -> None:
    directory = Directory({"prod": prod, "stage": stage}, {}, clock)
    listing = await directory.list(cloud=None, query="", limit=1, marker=None)
    assert listing.shared == {("prod", "twin")}
