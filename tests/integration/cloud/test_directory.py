"""The directory over real Compute APIs, one of them away."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from launcher.clock import SystemClock
from launcher.cloud.compute import Compute
from launcher.cloud.directory import Directory
from launcher.cloud.kept import KeptListing
from launcher.config.models import Cloud
from launcher.errors import CloudUnreachableError, ServerNotFoundError
from tests.fakes.compute import FakeCompute
from tests.integration.cloud.conftest import bare, cloud_of


async def test_two_clouds_are_searched_and_listed_though_a_third_is_away(compute: Callable[[Cloud], Compute]) -> None:
    async with FakeCompute(max_version="") as old, FakeCompute(max_version="2.104") as new:
        server_id = old.add_server("db.old")
        new.add_server("web-01")
        endpoints = {"old": old.endpoint, "new": new.endpoint, "away": "http://127.0.0.1:1/v2.1"}
        clouds = {name: compute(cloud_of(bare(endpoint), name)) for name, endpoint in endpoints.items()}
        async with asyncio.TaskGroup() as tasks:
            kept = {name: KeptListing(name, source, SystemClock(), tasks) for name, source in clouds.items()}
            directory = Directory(kept, {"db": "old/db.old"})
            listing = await directory.list(cloud=None, query="", limit=10, marker=None)
        assert [f"{server.cloud}/{server.name}" for server in listing.servers] == ["new/web-01", "old/db.old"]
        assert isinstance(listing.known.errors["away"], CloudUnreachableError)

        assert (await directory.resolve("old", server_id)).name == "db.old"
        assert (await directory.resolve(*await directory.locate("db"))).id == server_id
        assert await directory.locate("web-01") == ("new", "web-01")
        with pytest.raises(ServerNotFoundError, match=r'^old has no server "dbxold"\.$'):
            await directory.resolve("old", "dbxold")
