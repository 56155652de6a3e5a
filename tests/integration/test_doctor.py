"""`/readyz`, its deep form, and `POST /api/v1/doctor`: who may ask, what it costs, and what is found."""

from __future__ import annotations

import asyncio
import json
import select
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from launcher.clock import SystemClock
from launcher.config.models import Config
from launcher.doctor.doctor import AT_ONCE
from launcher.doctor.hops import HopName, Limits
from launcher.doctor.places import Place
from launcher.doctor.probes import ends_of, reach
from launcher.doctor.trail import HopFailedError, StoppedError, Trail
from launcher.egress import Gate
from launcher.errors import ForbiddenError
from launcher.model import Action, Actor, Secret, Server
from launcher.parts import gather
from launcher.web.doctor import DoctorApi
from tests.fakes.certificates import Authority, tls_before
from tests.fakes.clock import FakeClock
from tests.fakes.compute import FakeCompute
from tests.fakes.console_proxy import Fault, FaultyProxy, free_port
from tests.fakes.identity import FakeIdentity
from tests.fakes.issued import ISSUED, issue
from tests.fakes.xvp_proxy import Host, XvpProxy
from tests.integration.conftest import RunGateway, Running

DEEP = "/readyz?deep=1"
DOCTOR = "/api/v1/doctor"


def failed_hop(report: Any) -> dict[str, Any]:
    """The hop that is to be mended first."""
    hops = [hop for cloud in report["clouds"] for hop in cloud["hops"]]
    found: dict[str, Any] = next(hop for hop in hops if hop["verdict"] == "failed")
    assert found["name"] == report["failed"]
    return found


def runs(compute: FakeCompute) -> int:
    """How often the doctor listed one server."""
    return sum(path.endswith("/servers/detail?limit=1") for _, path in compute.requests)


async def test_ready_is_a_word_until_the_gateway_stops(run_gateway: RunGateway) -> None:
    async with run_gateway() as running:
        assert await running.ask("GET", "/readyz") == (200, "ready\n")
        assert await running.ask("GET", "/readyz?deep=0") == (200, "ready\n")
        assert (await running.ask("GET", "/readyz?deep=yes"))[0] == 400
        assert running.compute.requests == []
        running.gateway.stopping = True
        assert await running.ask("GET", "/readyz") == (503, "stopping\n")
        assert await running.ask("GET", DEEP) == (503, "stopping\n")
        running.gateway.stopping = False
    assert running.gateway.stopping


async def test_the_deep_form_looks_at_every_cloud_and_costs_no_console(running: Running) -> None:
    status, report = await running.ask("GET", DEEP)
    assert (status, report["well"], report["failed"]) == (200, True, None)
    [cloud] = report["clouds"]
    assert [hop["name"] for hop in cloud["hops"]][-1] == "role"
    assert running.compute.console_requests == []


async def test_a_cloud_that_asked_for_patience_is_not_asked_by_the_doctor_either(run_gateway: RunGateway) -> None:
    async with run_gateway(entry={"budget": {"per_minute": 1}}) as running:
        assert (await running.ask("POST", "/api/v1/servers/prod/web-01/console"))[0] == 200
        _, report = await running.ask("POST", DOCTOR, json={"reference": "prod/web-01"})
        hop = failed_hop(report)
        assert hop["name"] == HopName.CONSOLE
        assert "budget" in hop["reason"]
        assert len(running.compute.console_requests) == 1


async def test_a_cloud_that_is_away_makes_it_503_and_hides_no_other(run_gateway: RunGateway) -> None:
    away = {"dark": {"provider": "none", "endpoint": "http://127.0.0.1:1/v2.1"}}
    async with run_gateway(more_clouds=away) as running:
        status, report = await running.ask("GET", DEEP)
    assert (status, report["well"]) == (503, False)
    assert {cloud["cloud"]: cloud["failed"] for cloud in report["clouds"]} == {"prod": None, "dark": "compute-tcp"}
    assert "clouds.dark.endpoint in config.yaml" in " ".join(failed_hop(report)["advice"])


async def test_monitors_share_one_run_and_its_outcome_for_ten_seconds(run_gateway: RunGateway) -> None:
    clock = FakeClock()
    async with run_gateway(clock=clock) as running:
        running.compute.delay = 0.05
        answers = await asyncio.gather(*(running.ask("GET", DEEP) for _ in range(10)))
        assert [status for status, _ in answers] == [200] * 10
        assert runs(running.compute) == 1
        clock.advance(9.9)
        await running.ask("GET", DEEP)
        assert runs(running.compute) == 1
        clock.advance(0.2)
        await running.ask("GET", DEEP)
        assert runs(running.compute) == 2


async def test_a_monitor_signs_in_once_a_minute_where_it_is_refused(run_gateway: RunGateway) -> None:
    clock = FakeClock()
    async with FakeIdentity({"DFW": "http://127.0.0.1:1/v2/610275"}) as refusing:
        rax = {
            "provider": "rackspace",
            "username": "ops",
            "api_key": Secret(issue()),
            "regions": ("DFW",),
            "auth_url": refusing.auth_url,
        }
        async with run_gateway(clock=clock, more_clouds={"rax": rax}) as running:
            assert (await running.ask("GET", DEEP))[1]["failed"] == "identity"
            clock.advance(59)
            await running.ask("GET", DEEP)
            assert refusing.sign_ins == 1
            clock.advance(2)
            await running.ask("GET", DEEP)
            assert refusing.sign_ins == 2


async def test_no_more_than_a_few_runs_are_under_way_whatever_their_limits(running: Running) -> None:
    under_way = most = 0

    async def counted(request: web.Request) -> None:
        nonlocal under_way, most
        if "limit" not in request.query:
            return
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.05)
        under_way -= 1

    running.compute.fault = counted
    asked = [running.ask("POST", DOCTOR, json={"timeout": 5 + count}) for count in range(3 * AT_ONCE)]
    assert all(report["well"] for _, report in await asyncio.gather(*asked))
    assert 1 < most <= AT_ONCE


async def test_a_monitor_that_leaves_has_no_other_begin_anew(running: Running) -> None:
    running.compute.delay = 0.3
    for _ in range(3):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await running.ask("GET", DEEP)
    assert (await running.ask("GET", DEEP))[0] == 200
    assert runs(running.compute) == 1


async def test_a_person_s_run_is_always_a_new_one(running: Running) -> None:
    assert (await running.ask("GET", DEEP))[0] == 200
    await running.compute.stop()
    status, report = await running.ask("POST", DOCTOR, json={})
    assert (status, report["well"], report["failed"]) == (200, False, "compute-tcp")
    assert (await running.ask("GET", DEEP))[0] == 503


async def test_a_run_with_other_limits_is_kept_for_no_monitor(running: Running) -> None:
    assert (await running.ask("GET", DEEP))[0] == 200
    running.compute.delay = 30
    _, report = await running.ask("POST", DOCTOR, json={"timeout": 1})
    assert report["failed"] == "role"
    assert failed_hop(report)["reason"] == "No answer within 1 s."
    assert (await running.ask("GET", DEEP))[0] == 200


async def test_a_reload_has_the_new_clouds_looked_at(running: Running) -> None:
    assert (await running.ask("GET", DEEP))[0] == 200
    clouds = {"stage": {"provider": "none", "endpoint": "http://127.0.0.1:1/v2.1"}}
    running.gateway.replace(gather(Config.model_validate({"listen": ("127.0.0.1:0",), "clouds": clouds})))
    status, report = await running.ask("GET", DEEP)
    assert (status, [cloud["cloud"] for cloud in report["clouds"]]) == (503, ["stage"])


@pytest.mark.parametrize("reference", ["prod/web-01", "web-01", "db"])
async def test_one_server_is_looked_at_to_the_first_bytes_and_its_screen_is_closed(
    run_gateway: RunGateway, reference: str
) -> None:
    async with run_gateway(aliases={"db": "prod/web-01"}) as running, FaultyProxy() as proxy:
        running.compute.mint = lambda *_: proxy.url()
        status, report = await running.ask("POST", DOCTOR, json={"reference": reference})
        assert (status, report["well"], report["reference"]) == (200, True, reference)
        assert proxy.closes == [1000]
        assert (proxy.live, len(running.gateway.sessions)) == (0, 0)
        assert len(running.compute.console_requests) == 1
        hops = {hop["name"]: hop for hop in report["clouds"][0]["hops"]}
        assert hops["console"]["seen"].endswith(running.compute.request_ids[-1])
        assert f"{proxy.base}/vnc_lite.html?path=/?token=***" in hops["console-url"]["seen"]
        assert [secret for secret in ISSUED if secret in json.dumps(report)] == []


async def test_whoever_may_not_control_the_server_gets_no_console_requested(running: Running) -> None:
    class OnlyLists:
        def authorize(self, actor: Actor | None, action: Action, server: Server | None = None) -> None:
            if action is not Action.LIST and server is not None:
                raise ForbiddenError("Not this one.")

    parts = running.gateway.parts
    running.gateway._parts = replace(parts, doctor_api=DoctorApi(parts.doctor, OnlyLists()))
    running.compute.add_server("web-02", "SHUTOFF")
    for name in ("web-01", "web-02"):
        status, problem = await running.ask("POST", DOCTOR, json={"reference": f"prod/{name}"})
        assert (status, problem["detail"]) == (403, "Not this one.")
    assert running.compute.console_requests == []
    assert (await running.ask("POST", DOCTOR, json={}))[0] == 200


async def test_a_page_of_another_origin_gets_nothing_looked_at(running: Running) -> None:
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        status, _ = await running.ask("POST", DOCTOR, json={"reference": "prod/web-01"}, headers=headers)
        assert status == 403
    assert running.compute.requests == []


@pytest.mark.parametrize(
    "body",
    [
        {"reference": 5}, {"reference": ""}, {"reference": "\ud800"}, {"timeout": "1"}, {"timeout": 0},
        {"timeout": True}, {"timeout": 1e9}, {"refrence": "prod/web-01"}, [],
    ],
)  # fmt: skip
async def test_what_cannot_be_meant_is_refused(running: Running, body: object) -> None:
    assert (await running.ask("POST", DOCTOR, json=body))[0] == 400


async def test_a_reference_that_leads_nowhere_is_said(run_gateway: RunGateway) -> None:
    away = {"dark": {"provider": "none", "endpoint": "http://127.0.0.1:1/v2.1"}}
    async with run_gateway(more_clouds=away) as running:
        status, problem = await running.ask("POST", DOCTOR, json={"reference": "prd/web-01"})
        assert (status, problem["type"]) == (404, "cloud-not-found")
        _, report = await running.ask("POST", DOCTOR, json={"reference": "prod/nosuch"})
        assert failed_hop(report)["reason"] == 'prod has no server "nosuch".'
        for _ in range(2):
            running.compute.add_server("twin")
        _, report = await running.ask("POST", DOCTOR, json={"reference": "prod/twin"})
        assert len(failed_hop(report)["advice"]) == 3
        status, problem = await running.ask("POST", DOCTOR, json={"reference": "twin"})
        assert (status, problem["type"]) == (409, "ambiguous-server")
        _, report = await running.ask("POST", DOCTOR, json={"reference": "in-the-dark"})
        assert (report["failed"], report["reference"], len(report["clouds"])) == ("compute-tcp", "in-the-dark", 2)


@pytest.mark.parametrize(
    ("fault", "hop", "named"),
    [
        (Fault.HANG_UP_AFTER_101, "first-bytes", "The console token is new"),
        (Fault.CLOSE_FRAME_FIRST, "first-bytes", "server_proxyclient_address"),
        (Fault.SSH_GREETING, "first-bytes", "no VNC server"),
        (Fault.SILENT_AFTER_101, "first-bytes", "Look at the VNC server"),
        (Fault.NOT_FOUND, "proxy-websocket", "path: /websockify"),
        (Fault.HANG_UP_BEFORE_101, "proxy-websocket", "The console token is new"),
        (Fault.SILENT_BEFORE_101, "proxy-websocket", "nova-novncproxy"),
    ],
)
async def test_what_a_console_proxy_does_wrong_is_told_apart(
    running: Running, fault: Fault, hop: str, named: str
) -> None:
    async with FaultyProxy(fault) as proxy:
        running.compute.mint = lambda *_: proxy.url()
        timeout = 1.5 if "SILENT" in fault.name else None
        _, report = await running.ask("POST", DOCTOR, json={"reference": "prod/web-01", "timeout": timeout})
        found = failed_hop(report)
        assert found["name"] == hop
        assert named in " ".join(found["advice"])
        async with asyncio.timeout(5):
            while proxy.live:
                await asyncio.sleep(0.01)


async def test_a_cloud_of_xvpvnc_alone_is_followed_to_its_screens(running: Running) -> None:
    running.compute.kinds = {"xvpvnc"}
    async with Host() as host, XvpProxy() as proxy:
        running.compute.mint = lambda *_: proxy.url(host.port)
        _, report = await running.ask("POST", DOCTOR, json={"reference": "prod/web-01"})
        assert report["well"]
        seen = {hop["name"]: hop["seen"] for cloud in report["clouds"] for hop in cloud["hops"]}
        assert seen["console"].startswith("an xvpvnc console, req-")
        assert f"dialled at http://127.0.0.1:{proxy.port}" in seen["console-url"]
        assert seen["proxy-websocket"] == "200 (xvpvnc: a CONNECT, no WebSocket)"
        assert seen["first-bytes"] == 'the screen greets: "RFB 003.008"'
        await host.until(lambda: host.ends == 1)
        running.compute.mint = lambda *_: proxy.url(free_port())
        _, report = await running.ask("POST", DOCTOR, json={"reference": "prod/web-01"})
        assert failed_hop(report)["name"] == "proxy-websocket"
        assert "nova-xvpvncproxy" in " ".join(failed_hop(report)["advice"])
        running.compute.kinds = set()
        _, report = await running.ask("POST", DOCTOR, json={"reference": "prod/web-01"})
        assert failed_hop(report)["reason"].startswith("prod has no novnc console for this server")


URLS: list[tuple[str, dict[str, Any], str, str]] = [
    ("http://169.254.169.254/vnc_lite.html?path=%3Ftoken%3D{}", {}, "proxy-dns", "never dialled"),
    ("http://127.0.0.1:1/?token={}", {"console_hosts": ("*.example.net",)}, "console-url", "clouds.prod.console_hosts"),
    ("http://127.0.0.1:1/vnc.html", {}, "console-url", "holds no console token"),
    ("http://xn--\u00e9{}/", {}, "console-url", "clouds.prod.console_url"),
    ("http://127.0.0.1:1/{}\x1b[31m?token=x", {}, "console-url", "clouds.prod.console_url"),
]


@pytest.mark.parametrize(("url", "entry", "hop", "named"), URLS)
async def test_a_console_url_that_is_not_dialled_is_told_without_its_secret(
    run_gateway: RunGateway, url: str, entry: dict[str, Any], hop: str, named: str
) -> None:
    async with run_gateway(entry=entry) as running:
        secret = issue()
        running.compute.mint = lambda *_: url.format(secret)
        _, report = await running.ask("POST", DOCTOR, json={"reference": "prod/web-01"})
    found = failed_hop(report)
    assert found["name"] == hop
    assert named in " ".join((found["reason"], *found["advice"]))
    assert secret not in json.dumps(report)


async def test_an_unencrypted_console_of_an_encrypted_cloud_names_the_key(
    run_gateway: RunGateway, compute: FakeCompute, tmp_path: Path
) -> None:
    authority = Authority(tmp_path, "A Test's Authority")
    async with tls_before(compute.port, authority.context("localhost")) as port:
        entry = {"endpoint": f"https://localhost:{port}/v2.1", "cacert": authority.pem}
        async with run_gateway(entry=entry) as running:
            _, report = await running.ask("POST", DOCTOR, json={"reference": "prod/web-01"})
    assert failed_hop(report)["name"] == "console-url"
    assert "clouds.prod.plain_console: true" in failed_hop(report)["advice"][0]


async def test_a_server_whose_name_is_hostile_is_looked_at_like_any_other(running: Running) -> None:
    for name in ("<img src=x onerror=alert(1)>", "../../etc", "rtl\u202egnp.exe", "𝕏" * 255, "new\nline\x1b[31m"):
        server_id = running.compute.add_server(name, "SHUTOFF")
        _, report = await running.ask("POST", DOCTOR, json={"reference": f"prod/{name}"})
        assert (report["failed"], report["clouds"][0]["server"]) == ("server", server_id)
        assert failed_hop(report)["advice"] == [f"Start it: openstack server start {server_id}"]


NAMES = (HopName.COMPUTE_DNS, HopName.COMPUTE_TCP, HopName.COMPUTE_TLS)


@asynccontextmanager
async def listener(answer: bytes | None) -> AsyncIterator[int]:
    """A port that answers so, whatever comes; None: never."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        if answer is None:
            await reader.read()
        else:
            writer.write(answer)
        writer.close()

    server = await asyncio.start_server(converse, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def secured(host: str, port: int, authority: Authority, limit: float = 10) -> str:
    """The reason why a place is not reached by TLS; empty where it is."""
    place = Place("the Compute API", host, port, True, "a test", "a test's cacert")
    trail = Trail(SystemClock())
    context = ssl.create_default_context(cafile=authority.pem)
    try:
        await reach(trail, NAMES, place, Limits(tls=limit), tls=context, gate=Gate(loopback=True))
    except StoppedError:
        assert trail.hops[-1].name is HopName.COMPUTE_TLS
        return f"{trail.hops[-1].reason} {' '.join(trail.hops[-1].advice)}"
    return ""


async def test_what_is_wrong_with_tls_is_told_apart(compute: FakeCompute, tmp_path: Path) -> None:
    ours, theirs = Authority(tmp_path / "ours", "Ours"), Authority(tmp_path / "theirs", "Theirs")
    async with tls_before(compute.port, ours.context("localhost")) as port:
        assert await secured("localhost", port, ours) == ""
        assert "signed by CN=Ours" in await secured("localhost", port, theirs)
        assert "Use a name that the certificate has" in await secured("127.0.0.1", port, ours)
    async with tls_before(compute.port, ours.context("localhost", life=timedelta(days=-1))) as port:
        assert "certificate has expired" in await secured("localhost", port, ours)
    assert "does not speak TLS" in await secured("localhost", compute.port, ours)
    async with listener(None) as port:
        assert "no answer within 0.5 s" in await secured("127.0.0.1", port, ours, 0.5)
    async with listener(b"") as port:
        assert "breaks off the TLS handshake" in await secured("127.0.0.1", port, ours)


def test_a_connection_that_is_reset_as_soon_as_it_is_made_is_no_fault_of_the_gateway() -> None:
    place = Place("the Compute API", "127.0.0.1", 443, True, "a test", "a test's cacert")
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as sock:
        accepted, _ = server.accept()
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        accepted.close()
        select.select([sock], [], [], 5)
        with pytest.raises(HopFailedError, match="cannot be connected to: it was reset as soon as it was made"):
            ends_of(sock, place)
        assert sock.fileno() == -1
