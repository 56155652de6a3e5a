"""Kinds of consoles: what a cloud has, what is asked for instead, and what a person reads where there is none."""

from __future__ import annotations

import asyncio

import pytest

from tests.fakes.compute import FakeCompute
from tests.fakes.console_proxy import FaultyProxy
from tests.fakes.xvp_proxy import Host, XvpProxy
from tests.integration.conftest import RunGateway, Running

LAUNCH = "launch-of-a-kind-1"
OF_EVERY_AGE = pytest.mark.parametrize("max_version", ["", "2.1", "2.104"])
"""The action of a legacy API and of v2.1, whose 500 means an unknown kind; remote-consoles, whose 400 does."""


def path(server: str = "web-01", cloud: str = "prod") -> str:
    return f"/api/v1/servers/{cloud}/{server}/console"


def asked(compute: FakeCompute) -> list[str]:
    return [request.kind for request in compute.console_requests]


@OF_EVERY_AGE
async def test_a_cloud_of_xvpvnc_alone_shows_its_screens(
    compute: FakeCompute, run_gateway: RunGateway, max_version: str
) -> None:
    compute.max_version, compute.project, compute.kinds = max_version, "610275", {"xvpvnc"}
    async with run_gateway() as running, Host() as host, XvpProxy() as proxy:
        compute.mint = lambda *_: proxy.url(host.port)
        async with running.viewer(launch=LAUNCH) as viewer:
            await viewer.greeted()
            _, launch = await running.ask("GET", f"/api/v1/launches/{LAUNCH}")
            [session] = (await running.ask("GET", "/api/v1/sessions"))[1]["sessions"]
        assert asked(compute) == ["novnc", "xvpvnc"]
        assert (launch["state"], session["kind"]) == ("open", "xvpvnc")
        assert [step["name"] for step in launch["steps"]] == ["resolve", "authorize", "obtain", "open"]


@OF_EVERY_AGE
async def test_what_a_cloud_has_is_remembered_but_not_for_other_clouds(
    compute: FakeCompute, run_gateway: RunGateway, max_version: str
) -> None:
    compute.max_version, compute.project, compute.kinds = max_version, "610275", {"xvpvnc"}
    compute.add_server("web-02")
    async with FakeCompute() as other, FaultyProxy() as proxy:
        other.add_server("web-01")
        other.mint = lambda *_: proxy.url()
        more = {"other": {"provider": "none", "endpoint": other.endpoint}}
        async with run_gateway(more_clouds=more) as running:
            for server in ("web-01", "web-02"):
                status, console = await running.ask("POST", path(server))
                assert (status, console["kind"], console["cached"]) == (200, "xvpvnc", False)
            assert asked(compute) == ["novnc", "xvpvnc", "xvpvnc"]
            assert (await running.ask("POST", path()))[1]["cached"] is True
            async with running.viewer(cloud="other") as viewer:
                await viewer.greeted()
            assert asked(other) == ["novnc"]


async def test_a_cloud_that_comes_to_have_novnc_shows_its_screens(running: Running) -> None:
    running.compute.kinds = {"xvpvnc"}
    await running.ask("POST", path())
    running.compute.add_server("web-02")
    running.compute.kinds = {"novnc"}
    async with FaultyProxy() as proxy:
        running.compute.mint = lambda *_: proxy.url()
        async with running.viewer("web-02") as viewer:
            await viewer.greeted()
        async with running.viewer("web-02") as viewer:
            await viewer.greeted()
    assert asked(running.compute) == ["novnc", "xvpvnc", "xvpvnc", "novnc"]


@OF_EVERY_AGE
@pytest.mark.parametrize(("wanted", "offered"), [("novnc", "xvpvnc"), ("xvpvnc", "novnc")])
async def test_who_names_a_kind_gets_that_or_hears_that_it_is_not_offered_here(
    compute: FakeCompute, run_gateway: RunGateway, max_version: str, wanted: str, offered: str
) -> None:
    compute.max_version, compute.project, compute.kinds = max_version, "610275", {offered}
    async with run_gateway() as running:
        status, problem = await running.ask("POST", path(), json={"kind": wanted})
        assert (status, problem["type"]) == (501, "kind-not-offered")
        assert problem["title"] == "This kind of console is not offered here"
        assert problem["detail"] == f"prod has no {wanted} console for this server. Ask for another kind."
        assert asked(compute) == [wanted]
        status, console = await running.ask("POST", path(), json={"kind": offered})
        assert (status, console["kind"]) == (200, offered)


async def test_where_there_is_neither_the_viewer_reads_so(running: Running) -> None:
    running.compute.kinds = set()
    async with running.viewer() as viewer:
        assert await viewer.closed() == (4501, "prod has no console for this server: neither novnc nor xvpvnc.")
    assert asked(running.compute) == ["novnc", "xvpvnc"]


async def test_a_kind_that_no_cloud_has_costs_it_nothing(running: Running) -> None:
    status, problem = await running.ask("POST", path(), json={"kind": "vnc"})
    assert (status, problem["type"]) == (501, "kind-not-offered")
    assert running.compute.console_requests == []


@pytest.mark.parametrize("kind", ["serial", "spice-html5", "rdp-html5", "webmks", "", 5, None, ["novnc"]])
async def test_all_other_kinds_are_not_offered_here_and_cost_the_cloud_nothing(running: Running, kind: object) -> None:
    status, problem = await running.ask("POST", path(), json={"kind": kind})
    assert (status, problem["type"]) == (400, "bad-request")
    assert problem["detail"] == f'Consoles of kind "{kind}" are not offered here; kinds: novnc, xvpvnc, vnc.'
    assert running.compute.requests == []


async def test_many_who_open_a_cloud_of_another_kind_ask_it_twice_in_all(running: Running) -> None:
    running.compute.kinds = {"xvpvnc"}

    async def look() -> None:
        async with running.viewer() as viewer:
            await viewer.greeted()

    async with Host() as host, XvpProxy() as proxy:
        running.compute.mint = lambda *_: proxy.url(host.port)
        await asyncio.gather(*(look() for _ in range(50)))
        assert asked(running.compute) == ["novnc", "xvpvnc"]
        assert host.connections == 50
        await running.settled()
