"""The servers of a static cloud."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from launcher.cloud.directory import resolve_in
from launcher.cloud.static import StaticServers, TokenClouds, server_id
from launcher.config.models import Config, StaticCloud, clouds_of
from launcher.errors import (
    AmbiguousServerError,
    CloudReplyError,
    CloudUnreachableError,
    NotFoundError,
    ServerNotFoundError,
)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


def servers_of(pool: ThreadPoolExecutor, name: str = "rack7", timeout: float = 5.0, **keys: Any) -> StaticServers:
    config = Config.model_validate({"clouds": {name: {"provider": "static", **keys}}})
    [cloud] = clouds_of(config)
    assert isinstance(cloud, StaticCloud)
    return StaticServers(cloud, pool, timeout=timeout)


KVM = {"kvm a/1": {"vnc": "tcp://10.7.0.11"}, "kvm-b": {"vnc": "unix:/run/kvm-b.vnc"}}


def test_ids_are_the_same_for_ever() -> None:
    """Bookmarks hold them."""
    assert server_id("rack7", "kvm-a") == "b803c82e-4ecf-5c85-bf28-91da8ddc3cba"
    assert server_id("rack7", "kvm-b") != server_id("rack8", "kvm-b") != server_id("rack7", "kvm-a")


async def test_the_servers_of_the_configuration_run(pool: ThreadPoolExecutor) -> None:
    static = servers_of(pool, servers=KVM)
    found = await static.servers()
    assert [(one.name, one.status, one.cloud) for one in found] == [
        ("kvm a/1", "ACTIVE", "rack7"), ("kvm-b", "ACTIVE", "rack7"),
    ]  # fmt: skip
    assert await static.named("kvm-b") == (found[1],)
    assert await static.server(found[1].id) == found[1]
    assert (await static.target(found[1].id)).origin == "unix:/run/kvm-b.vnc"
    assert await resolve_in("rack7", static, found[0].id.upper()) == found[0]
    assert (await static.egress()).loopback


@pytest.mark.parametrize("name", ["no", "", "\ud800", "x" * 300, "a\nb"])
async def test_a_name_that_nobody_has_is_nobodys(pool: ThreadPoolExecutor, name: str) -> None:
    assert await servers_of(pool, servers=KVM).named(name) == ()


async def test_an_id_that_nobody_has_is_not_found(pool: ThreadPoolExecutor) -> None:
    static = servers_of(pool, servers=KVM)
    for ask in (static.server, static.target):
        with pytest.raises(ServerNotFoundError, match='rack7 has no server "no"'):
            await ask("no")


async def test_a_changed_token_file_is_seen_at_once(pool: ThreadPoolExecutor, tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text("web-01: h:5901\n")
    static = servers_of(pool, servers=KVM, websockify_tokens=str(file))
    assert {one.name for one in await static.servers()} == {"kvm a/1", "kvm-b", "web-01"}
    [web] = await static.named("web-01")
    assert (await static.target(web.id)).port == 5901
    file.write_text("web-02: h:5902\nweb-01: h:5999\n")
    assert len(await static.servers()) == 4
    assert (await static.target(web.id)).port == 5999
    file.write_text("")
    assert await static.named("web-01") == ()


async def test_a_server_of_the_configuration_goes_before_a_token_of_its_name(
    pool: ThreadPoolExecutor, tmp_path: Path
) -> None:
    file = tmp_path / "tokens"
    file.write_text("kvm-b: h:5901\n")
    static = servers_of(pool, servers=KVM, websockify_tokens=str(file))
    [kvm] = await static.named("kvm-b")
    assert (await static.target(kvm.id)).origin == "unix:/run/kvm-b.vnc"
    assert kvm in await static.servers()
    assert len(await static.servers()) == 2


async def test_a_bad_line_is_logged_once_and_again_when_it_has_come_back(
    pool: ThreadPoolExecutor, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "tokens"
    file.write_text("bad\n")
    static = servers_of(pool, websockify_tokens=str(file))
    for text in ("bad\n", "bad\n", "a: h:1\n", "bad\n"):
        file.write_text(text)
        await static.servers()
    said = [record.getMessage() for record in caplog.records]
    assert said == [f"rack7: {file}:1: a line like token: host:port is expected"] * 2


async def test_token_files_that_cannot_be_read_hide_no_server_of_the_configuration(
    pool: ThreadPoolExecutor, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    static = servers_of(pool, servers=KVM, websockify_tokens=str(tmp_path / "no"))
    for _ in range(2):
        assert len(await static.servers()) == 2
    [record] = caplog.records
    assert (record.levelno, "cannot be read: No such file" in record.getMessage()) == (logging.WARNING, True)
    [kvm] = await static.named("kvm-b")
    assert (await static.target(kvm.id)).unix
    with pytest.raises(CloudReplyError, match=r"its tokens at .*no cannot be read: No such file or directory"):
        await static.named("web-01")


async def test_without_any_other_server_they_are_the_clouds_trouble(pool: ThreadPoolExecutor, tmp_path: Path) -> None:
    with pytest.raises(CloudReplyError, match="cannot be read"):
        await servers_of(pool, websockify_tokens=str(tmp_path / "no")).servers()


async def test_a_file_that_hangs_holds_nobody_longer_than_its_time(tmp_path: Path) -> None:
    pool, held = ThreadPoolExecutor(1), threading.Event()
    pool.submit(held.wait)  # as a network file system does
    static = servers_of(pool, timeout=0.01, servers=KVM, websockify_tokens=str(tmp_path))
    try:
        with pytest.raises(CloudUnreachableError, match=r"could not be read within 0\.01 s"):
            await static.named("web-01")
        assert await static.named("kvm-b"), "who asks for a server of the configuration waits for no file"
    finally:
        held.set()
        pool.shutdown()


async def test_the_doctor_is_told_how_many_and_what_is_wrong(pool: ThreadPoolExecutor, tmp_path: Path) -> None:
    (tmp_path / "tokens").write_text("a: h:1\nb: h:2\nbad\n")
    count, complaints = await servers_of(pool, websockify_tokens=str(tmp_path)).glance()
    assert (count, len(complaints)) == (2, 1)


@pytest.fixture
def two(pool: ThreadPoolExecutor, tmp_path: Path) -> list[StaticServers]:
    """Clouds with tokens; both have `twin`."""
    found = []
    for name in ("rack7", "rack8"):
        (tmp_path / name).write_text(f"{name}-a: h:1\ntwin: h:2\n")
        found.append(servers_of(pool, name, websockify_tokens=str(tmp_path / name)))
    return found


async def test_a_token_finds_its_cloud(two: list[StaticServers], pool: ThreadPoolExecutor) -> None:
    clouds = TokenClouds([servers_of(pool, "plain", servers=KVM), *two])
    assert (await clouds.find("rack8-a")).cloud == await clouds.owner("rack8-a") == "rack8"
    with pytest.raises(ServerNotFoundError, match='No server answers to the token "no"'):
        await clouds.find("no")
    with pytest.raises(ServerNotFoundError):
        await clouds.owner("kvm-b")
    with pytest.raises(AmbiguousServerError) as raised:
        await clouds.owner("twin")
    assert [one.cloud for one in raised.value.candidates] == ["rack7", "rack8"]


async def test_where_one_cloud_has_tokens_no_file_is_read_to_say_so(two: list[StaticServers], tmp_path: Path) -> None:
    (tmp_path / "rack7").unlink()
    assert await TokenClouds(two[:1]).owner("whatever") == "rack7"


async def test_files_of_one_cloud_that_cannot_be_read_hide_no_token_of_another(
    two: list[StaticServers], tmp_path: Path
) -> None:
    (tmp_path / "rack7").unlink()
    clouds = TokenClouds(two)
    assert await clouds.owner("rack8-a") == "rack8"
    with pytest.raises(CloudReplyError):
        await clouds.owner("no")


async def test_without_tokens_there_is_nothing_at_websockifys_address(pool: ThreadPoolExecutor) -> None:
    with pytest.raises(NotFoundError, match="knows no tokens"):
        await TokenClouds([servers_of(pool, servers=KVM)]).find("a")
