"""References, aliases, names and listings over several clouds."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import replace

import pytest

from launcher.cloud.directory import Directory
from launcher.cloud.kept import KeptListing
from launcher.errors import (
    AmbiguousServerError,
    BadRequestError,
    CloudUnreachableError,
    ServerNotFoundError,
    TooManyLookupsError,
)
from launcher.model import Actor, Server
from tests.fakes.clock import FakeClock
from tests.unit.cloud.fakes import FakeCloud

Knows = Callable[..., Directory]


@pytest.fixture
def prod() -> FakeCloud:
    return FakeCloud("prod", "web-01", "web-02", "db", "twin", "twin")


@pytest.fixture
def stage() -> FakeCloud:
    return FakeCloud("stage", "web-01", "lone")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def knows(clock: FakeClock, tasks: asyncio.TaskGroup) -> Knows:
    """A directory of these clouds."""

    def make(*clouds: FakeCloud, **aliases: str) -> Directory:
        return Directory(
            {cloud.name: KeptListing(cloud.name, cloud, clock, tasks) for cloud in clouds}, aliases, clock=clock
        )

    return make


@pytest.fixture
def directory(prod: FakeCloud, stage: FakeCloud, knows: Knows) -> Directory:
    return knows(prod, stage, main="prod/db", odd="nowhere")


async def test_a_name_or_a_uuid_in_a_cloud_is_one_server(directory: Directory, prod: FakeCloud) -> None:
    assert await directory.resolve("prod", "web-01") == prod.all[0]
    assert await directory.resolve("prod", prod.all[1].id.upper()) == prod.all[1]


async def test_a_server_may_be_named_like_a_uuid(knows: Knows) -> None:
    name = str(uuid.uuid4())
    odd = FakeCloud("odd", name)
    assert await knows(odd).resolve("odd", name) == odd.all[0]


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
    assert caught.value.candidates == (prod.all[3], prod.all[4])
    assert str(caught.value) == '2 servers answer to "twin".'


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


async def test_a_marker_holds_when_its_server_is_gone(directory: Directory, prod: FakeCloud, clock: FakeClock) -> None:
    page = await directory.list(cloud="prod", query="web", limit=1, marker=None)
    prod.all = [server for server in prod.all if server.name != "web-01"]
    clock.advance(6)
    await directory.list(cloud="prod", query="", limit=1, marker=None, max_age=5)
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
    assert (list(listing.known.errors), list(listing.known.as_of)) == (["prod"], ["stage"])
    prod.down = False
    again = await directory.list(cloud=None, query="", limit=9, marker=None)
    assert not again.known.errors, "failures are not kept"


async def test_a_cloud_that_hangs_and_one_that_fails_keep_nobody_from_the_other_three(knows: Knows) -> None:
    clouds = [FakeCloud(f"cloud-{number}", "web-01") for number in range(5)]
    clouds[1].let.clear()  # and it is never set
    clouds[3].busy = 30
    directory = knows(*clouds)
    listing = await directory.list(cloud=None, query="", limit=9, marker=None, wait=0)
    while len(listing.servers) < 3:
        listing = await directory.list(cloud=None, query="", limit=9, marker=None, wait=0)
    assert [server.cloud for server in listing.servers] == ["cloud-0", "cloud-2", "cloud-4"]
    assert listing.known.waiting == ("cloud-1",)
    assert list(listing.known.errors) == ["cloud-3"]
    assert list(listing.known.as_of) == ["cloud-0", "cloud-2", "cloud-4"]
    assert clouds[1].asked == clouds[3].asked == ["servers"]


async def test_ten_thousand_servers_of_five_clouds_are_listed_whole_in_order_and_once(knows: Knows) -> None:
    clouds = [FakeCloud(f"cloud-{number}", *(f"node-{place % 1900}" for place in range(2000))) for number in range(5)]
    directory = knows(*clouds)
    seen: list[Server] = []
    marker = None
    while True:
        part = await directory.list(cloud=None, query="", limit=700, marker=marker)
        seen += part.servers
        marker = part.next_marker
        if marker is None:
            break
    assert len(seen) == len({(server.cloud, server.id) for server in seen}) == 10_000
    assert [(server.cloud, server.name, server.id) for server in seen] == sorted(
        (server.cloud, server.name, server.id) for cloud in clouds for server in cloud.all
    )
    assert [cloud.asked for cloud in clouds] == [["servers"]] * 5


async def test_a_fault_while_one_cloud_is_asked_hides_no_other(
    directory: Directory, prod: FakeCloud, stage: FakeCloud
) -> None:
    stage.broken = True
    listing = await directory.list(cloud=None, query="", limit=100, marker=None)
    assert {server.cloud for server in listing.servers} == {"prod"}
    assert "fault of the gateway" in str(listing.known.errors["stage"])
    assert await directory.locate("db") == ("prod", "db")


async def test_a_cloud_that_hangs_holds_no_bare_name_up_and_counts_by_the_listing_that_is_kept(
    prod: FakeCloud, stage: FakeCloud, clock: FakeClock, tasks: asyncio.TaskGroup
) -> None:
    kept = {cloud.name: KeptListing(cloud.name, cloud, clock, tasks) for cloud in (prod, stage)}
    directory = Directory(kept, {}, patience=0.01)
    stage.let.clear()
    assert (await directory.unique("db")).cloud == "prod"
    with pytest.raises(CloudUnreachableError, match=r"^stage has not answered in 1 s\.$"):
        await directory.unique("lone")
    stage.let.set()
    await kept["stage"].seen()
    stage.let.clear()
    assert await directory.unique("lone") == stage.all[1]
    assert await directory.unique(stage.all[1].id.upper()) == stage.all[1]
    with pytest.raises(AmbiguousServerError):
        await directory.unique("web-01")
    with pytest.raises(ServerNotFoundError, match=r'^No cloud has a server "nobody"\.$'):
        await directory.unique("nobody")


async def test_servers_are_counted_by_cloud_and_a_silent_one_hides_no_other(
    directory: Directory, stage: FakeCloud
) -> None:
    stage.down = True
    counts = await directory.count()
    assert counts.servers == {"prod": 5}
    assert list(counts.known.errors) == ["stage"]


async def test_a_name_is_known_to_be_one_server_s_alone_or_not(directory: Directory, prod: FakeCloud) -> None:
    assert not directory.alone(prod.all[0]), "nobody knows yet"
    await directory.list(cloud=None, query="", limit=1, marker=None)
    assert directory.alone(prod.all[0])
    assert not directory.alone(prod.all[3])
    assert not directory.alone(replace(prod.all[0], cloud="gone"))


async def test_a_reference_is_looked_up_anew_whatever_the_listing_says(directory: Directory, prod: FakeCloud) -> None:
    await directory.list(cloud=None, query="", limit=9, marker=None)
    prod.all[0] = replace(prod.all[0], status="SHUTOFF")
    assert (await directory.resolve("prod", "web-01")).status == "SHUTOFF"


ALICE, BOB = Actor(1000, "alice", "tcp"), Actor(1001, "bob", "tcp")


async def misses(directory: Directory, count: int, by: Actor) -> int:
    """How many of so many unknown names were looked up."""
    done = 0
    for number in range(count):
        try:
            await directory.resolve("prod", f"unknown-{by.name}-{number}", by=by)
        except ServerNotFoundError:
            done += 1
        except TooManyLookupsError:
            pass
    return done


async def test_unknown_names_cost_a_cloud_no_more_than_their_budget(
    directory: Directory, prod: FakeCloud, clock: FakeClock
) -> None:
    assert await misses(directory, 300, ALICE) == 30
    assert len([asked for asked in prod.asked if asked.startswith("named")]) == 30
    assert prod.asked.count("servers") == 1
    with pytest.raises(TooManyLookupsError, match="alice has asked prod for too many servers") as refused:
        await directory.resolve("prod", "unknown", by=ALICE)
    assert 0 < refused.value.retry_after <= 2
    clock.advance(4)
    assert await misses(directory, 300, ALICE) == 2


async def test_known_names_are_never_held_up(directory: Directory, prod: FakeCloud, stage: FakeCloud) -> None:
    assert (await directory.resolve("prod", "web-02", by=ALICE)).name == "web-02"
    await misses(directory, 40, ALICE)
    prod.down = True  # its list would not come now: what is known stands in the one before, or was met
    with pytest.raises(CloudUnreachableError):
        await directory.resolve("prod", "web-01", by=ALICE)
    prod.down = False
    for reference in ("web-01", "web-02", "db", prod.all[0].id, prod.all[1].id.upper()):
        assert (await directory.resolve("prod", reference, by=ALICE)).cloud == "prod"
    assert (await directory.unique("lone", by=ALICE)).cloud == "stage"
    assert (await directory.unique("db", by=ALICE)).cloud == "prod"
    with pytest.raises(TooManyLookupsError):
        await directory.unique("nobody", by=ALICE)


async def test_names_that_exist_cost_nothing_though_no_list_is_there(knows: Knows) -> None:
    cloud = FakeCloud("prod", *(f"web-{number}" for number in range(200)))
    directory = knows(cloud)
    for server in cloud.all:
        assert await directory.resolve("prod", server.name, by=ALICE) == server
    assert "servers" not in cloud.asked


async def test_one_actor_s_unknown_names_do_not_use_up_another_s(directory: Directory) -> None:
    assert await misses(directory, 50, ALICE) == 30
    assert await misses(directory, 50, BOB) == 30


async def test_where_the_list_does_not_come_the_cloud_s_own_trouble_is_told(
    directory: Directory, prod: FakeCloud
) -> None:
    prod.down = True
    for _ in range(30):
        with pytest.raises(CloudUnreachableError):
            await directory.resolve("prod", "web-01", by=ALICE)
    with pytest.raises(CloudUnreachableError):
        await directory.resolve("prod", "web-01", by=ALICE)
    assert prod.asked.count("named web-01") == 30


async def test_only_so_many_found_references_are_remembered(knows: Knows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("launcher.cloud.directory._MET", 2)
    directory = knows(FakeCloud("prod", "a", "b", "c"))
    for name in "abc":
        await directory.resolve("prod", name, by=ALICE)
    assert list(directory._met) == [("prod", "b"), ("prod", "c")]
