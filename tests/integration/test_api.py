"""The JSON API, each call on the running gateway."""

from __future__ import annotations

import asyncio
import gc
import threading
from urllib.parse import quote

import aiohttp
import pytest
from aiohttp import web
from aiohttp.web_protocol import RequestHandler
from yarl import URL

from launcher.cloud.wire import NAME_LIMIT
from launcher.config.models import Config
from launcher.parts import gather
from launcher.relay.pump import Pump
from launcher.relay.upstream import UpstreamEnd
from launcher.relay.websocketviewer import WebSocketViewer
from tests.fakes.compute import FakeCompute
from tests.fakes.console_proxy import Fault, FaultyProxy
from tests.fakes.viewer import Refused
from tests.integration.conftest import RunGateway, Running


def alive(kind: type) -> int:
    """How many objects of a class there are."""
    gc.collect()
    return sum(1 for thing in gc.get_objects() if type(thing) is kind)


async def test_clouds_and_servers_are_listed(running: Running) -> None:
    prod = {"name": "prod", "provider": "none", "region": None}
    assert await running.ask("GET", "/api/v1/clouds") == (200, {"clouds": [prod]})
    running.compute.add_server("mail-01", "SHUTOFF")
    status, listing = await running.ask("GET", "/api/v1/servers?q=mail")
    assert status == 200
    [server] = listing["servers"]
    assert (server["cloud"], server["name"], server["status"]) == ("prod", "mail-01", "SHUTOFF")
    assert server["page"] == "http://jump.localhost:6080/c/prod/mail-01"
    assert server["path"] == "/c/prod/mail-01"
    assert listing["errors"] == []


async def test_clouds_count_their_servers_when_asked_to(run_gateway: RunGateway) -> None:
    silent = {"dark": {"provider": "none", "endpoint": "http://127.0.0.1:1/v2.1"}}
    async with run_gateway(more_clouds=silent) as running:
        status, answer = await running.ask("GET", "/api/v1/clouds?count=true")
        assert status == 200
        prod, dark = answer["clouds"]
        assert (prod["name"], prod["servers"], prod["problem"]) == ("prod", 1, None)
        assert (dark["name"], dark["servers"], dark["problem"]["type"]) == ("dark", None, "cloud-unreachable")
        assert (await running.ask("GET", "/api/v1/clouds?count=yes"))[0] == 400


async def test_a_listing_gives_servers_of_one_name_bookmarks_of_their_own_on_whatever_page(running: Running) -> None:
    first, second = sorted(running.compute.add_server("twin") for _ in range(2))
    marker = ""
    for server_id in (first, second):
        _, listing = await running.ask("GET", f"/api/v1/servers?q=twin&limit=1{marker}")
        [server] = listing["servers"]
        assert server["page"].endswith(f"/c/prod/{server_id}")
        assert server["path"] == f"/c/prod/{server_id}"
        _, same = await running.ask("GET", f"/api/v1/servers/{server['path'].removeprefix('/c/')}")
        assert same == server
        marker = f"&marker={quote(listing['next_marker'] or '')}"


async def test_a_server_named_like_the_uuid_of_another_goes_by_its_own(running: Running) -> None:
    other = next(iter(running.compute.servers))
    server_id = running.compute.add_server(other)
    _, listing = await running.ask("GET", "/api/v1/servers")
    assert {one["path"] for one in listing["servers"]} == {"/c/prod/web-01", f"/c/prod/{server_id}"}


async def test_one_segment_finds_an_alias_first_and_else_a_name_that_is_unique(run_gateway: RunGateway) -> None:
    async with run_gateway(aliases={"db": "prod/web-01", "mail": "prod/nobody"}) as running:
        server_id = next(iter(running.compute.servers))
        db = running.compute.add_server("db")
        for reference, path in (
            ("db", "/c/db"),
            ("web-01", "/c/prod/web-01"),
            (server_id, f"/c/prod/{server_id}"),
        ):
            status, server = await running.ask("GET", f"/api/v1/servers/{reference}")
            assert (status, server["id"], server["path"]) == (200, server_id, path)
            assert server["page"] == f"http://jump.localhost:6080{path}"
        assert (await running.ask("GET", f"/api/v1/servers/{db}"))[1]["name"] == "db"
        for gone in ("mail", "nobody"):
            status, problem = await running.ask("GET", f"/api/v1/servers/{gone}")
            assert (status, problem["type"]) == (404, "server-not-found")


async def test_a_name_that_several_clouds_know_is_a_problem_with_candidates(run_gateway: RunGateway) -> None:
    async with FakeCompute() as other:
        stage_id = other.add_server("web-01")
        stage = {"stage": {"provider": "none", "endpoint": other.endpoint}}
        async with run_gateway(more_clouds=stage) as running:
            prod_id = next(iter(running.compute.servers))
            status, problem = await running.ask("GET", "/api/v1/servers/web-01")
            assert (status, problem["type"]) == (409, "ambiguous-server")
            assert problem["candidates"] == [
                {
                    "cloud": cloud,
                    "id": server_id,
                    "name": "web-01",
                    "status": "ACTIVE",
                    "page": f"http://jump.localhost:6080/c/{cloud}/{server_id}",
                    "path": f"/c/{cloud}/{server_id}",
                }
                for cloud, server_id in (("prod", prod_id), ("stage", stage_id))
            ]
            status, server = await running.ask("GET", f"/api/v1/servers/{stage_id}")
            assert (status, server["cloud"]) == (200, "stage")


async def test_a_server_says_under_which_paths_it_is_found(running: Running) -> None:
    server_id = next(iter(running.compute.servers))
    by_id, by_name = f"/c/prod/{server_id}", "/c/prod/web-01"

    async def paths(reference: str) -> tuple[str | None, ...]:
        _, server = await running.ask("GET", f"/api/v1/servers/{reference}")
        return server["by_name"], server["by_id"], server["path"]

    assert await paths("prod/web-01") == await paths("web-01") == (by_name, by_id, by_name)
    assert await paths(f"prod/{server_id}") == (None, by_id, by_id), "another server may have its name"
    await running.ask("GET", "/api/v1/servers")
    assert await paths(f"prod/{server_id}") == await paths(server_id) == (by_name, by_id, by_id)


async def test_a_cloud_that_hangs_is_waited_for_elsewhere(run_gateway: RunGateway) -> None:
    answers = asyncio.Event()

    async def hang(_: web.Request) -> None:
        await answers.wait()

    async with FakeCompute() as slow:
        slow.add_server("slow-01")
        slow.fault = hang
        async with run_gateway(more_clouds={"slow": {"provider": "none", "endpoint": slow.endpoint}}) as running:
            status, listing = await running.ask("GET", "/api/v1/servers?wait=0.2")
            assert (status, [one["cloud"] for one in listing["servers"]]) == (200, ["prod"])
            assert (listing["waiting"], listing["errors"], list(listing["as_of"])) == (["slow"], [], ["prod"])
            _, answer = await running.ask("GET", "/api/v1/clouds?count=true&wait=0.01")
            prod, late = answer["clouds"]
            assert (prod["servers"], prod["waiting"], late["servers"], late["waiting"]) == (1, False, None, True)
            async with asyncio.TaskGroup() as group:
                patient = group.create_task(running.ask("GET", "/api/v1/servers?cloud=slow"))
                answers.set()
            [server] = patient.result()[1]["servers"]
            assert server["name"] == "slow-01"
            lists = [path for _, path in slow.requests if "/servers/detail" in path]
            assert len(lists) == 1, "all of them were about the same attempt"


async def test_who_has_the_answer_already_is_told_so(running: Running) -> None:
    url = f"{running.url}/api/v1/servers?cloud=prod"
    async with aiohttp.ClientSession() as http:
        async with http.get(url) as response:
            tag, age = response.headers["ETag"], response.headers["Age"]
        assert age in {"0", "1"}
        async with http.get(url, headers={"If-None-Match": tag}) as response:
            assert (response.status, await response.read(), response.headers["ETag"]) == (304, b"", tag)
            assert "default-src 'none'" in response.headers["Content-Security-Policy"]
        async with http.get(url, headers={"If-None-Match": 'W/"another"'}) as response:
            assert (response.status, response.headers["ETag"]) == (200, tag)


async def test_a_gateway_stops_though_a_cloud_is_being_listed(run_gateway: RunGateway) -> None:
    async def hang(_: web.Request) -> None:
        await asyncio.Event().wait()

    async with run_gateway() as running:
        running.compute.fault = hang
        _, listing = await running.ask("GET", "/api/v1/servers?wait=0.1")
        assert listing["waiting"] == ["prod"]


@pytest.mark.parametrize("query", ["wait=long", "wait=-1", "max_age=1e3", "wait=nan", "max_age=", "wait=100000"])
async def test_a_time_that_is_none_is_a_bad_request(running: Running, query: str) -> None:
    assert (await running.ask("GET", f"/api/v1/servers?{query}"))[0] == 400
    assert (await running.ask("GET", f"/api/v1/clouds?count=true&{query}"))[0] == 400


async def test_a_server_is_found_by_name_and_by_uuid(running: Running) -> None:
    server_id = next(iter(running.compute.servers))
    for reference in ("web-01", server_id):
        status, server = await running.ask("GET", f"/api/v1/servers/prod/{reference}")
        assert (status, server["id"]) == (200, server_id)


@pytest.mark.parametrize(
    "name", ["a b", "a/b", "<img src=x onerror=alert(1)>", "../../etc", "ü\u202e𝕏", "50%", "..", "."]
)
async def test_unusual_names_are_names(running: Running, name: str) -> None:
    server_id = running.compute.add_server(name)
    _, listing = await running.ask("GET", "/api/v1/servers")
    [server] = [one for one in listing["servers"] if one["id"] == server_id]
    assert server["name"] == name
    path = server["page"].removeprefix("http://jump.localhost:6080/c/")
    async with FaultyProxy() as proxy, running.viewer(path.removeprefix("prod/")) as viewer:
        running.compute.mint = lambda *_: proxy.url()
        await viewer.greeted()
        assert running.compute.console_requests[-1].server_id == server_id


@pytest.mark.parametrize(
    ("method", "path", "status", "slug"),
    [
        ("GET", "/api/v1/servers/prod/nobody", 404, "server-not-found"),
        ("GET", "/api/v1/servers/stage/web-01", 404, "cloud-not-found"),
        ("GET", "/api/v1/servers?limit=0", 400, "bad-request"),
        ("GET", "/api/v1/servers?limit=many", 400, "bad-request"),
        ("GET", "/api/v1/servers?limit=00019999", 400, "bad-request"),
        ("GET", "/api/v1/servers?limit=1" + 5000 * "0", 400, "bad-request"),
        ("HEAD", "/ws/prod/web-01", 405, None),
        ("GET", "/api/v1/launches/nobody", 404, "not-found"),
        ("DELETE", "/api/v1/sessions/nobody", 404, "not-found"),
        ("POST", "/api/v1/servers/prod/nobody/console", 404, "server-not-found"),
        ("POST", "/api/v1/clouds", 405, "method-not-allowed"),
        ("GET", "/api/v2/clouds", 404, "not-found"),
    ],
)
async def test_what_is_not_there_is_a_problem(
    running: Running, method: str, path: str, status: int, slug: str | None
) -> None:
    answered, problem = await running.ask(method, path)
    assert answered == status
    if slug is not None:
        assert (problem["type"], problem["status"]) == (slug, status)
        assert problem["detail"]
        assert problem["hint"]


async def test_a_console_is_obtained_once_and_its_url_stays_inside(running: Running) -> None:
    path = "/api/v1/servers/prod/web-01/console"
    status, first = await running.ask("POST", path, json={"kind": "novnc"})
    assert status == 200
    assert first["cached"] is False
    assert first["page"] == "http://jump.localhost:6080/c/prod/web-01"
    assert first["websocket"] == "ws://jump.localhost:6080/ws/prod/web-01"
    _, again = await running.ask("POST", path)
    assert again["cached"] is True
    assert again["expires_at"].endswith("Z")
    assert len(running.compute.console_requests) == 1
    status, xvp = await running.ask("POST", path, json={"kind": "xvpvnc"})
    assert (status, xvp["kind"]) == (200, "xvpvnc")


@pytest.mark.parametrize(
    ("options", "status", "slug"),
    [
        ({"json": {"kind": "spice-html5"}}, 400, "bad-request"),
        ({"json": ["novnc"]}, 400, "bad-request"),
        ({"data": b"{", "headers": {"Content-Type": "application/json"}}, 400, "bad-request"),
        ({"data": b"kind=novnc", "headers": {"Content-Type": "text/plain"}}, 400, "bad-request"),
        ({"json": {"reveal": True}}, 403, "forbidden"),
        ({"json": {"knd": "xvpvnc"}}, 400, "bad-request"),
        ({"data": b"9" * 5000, "headers": {"Content-Type": "application/json"}}, 400, "bad-request"),
        ({"data": b"[" * 50000, "headers": {"Content-Type": "application/json"}}, 400, "bad-request"),
        ({"data": b"{}", "headers": {"Content-Type": "application/json; charset=foo"}}, 400, "bad-request"),
        (
            {"data": b"no gzip", "headers": {"Content-Type": "application/json", "Content-Encoding": "gzip"}},
            400,
            "bad-request",
        ),
        ({"json": {"kind": "x" * 100_000}}, 413, "too-large"),
    ],
)
async def test_a_console_request_that_makes_no_sense_costs_none(
    running: Running, options: dict[str, object], status: int, slug: str
) -> None:
    answered, problem = await running.ask("POST", "/api/v1/servers/prod/web-01/console", **options)
    assert (answered, problem["type"]) == (status, slug)
    assert running.compute.console_requests == []


async def test_no_get_ever_asks_for_a_console(running: Running) -> None:
    for path in ("/", "/c/prod/web-01", "/c/web-01", "/api/v1/servers/prod/web-01", "/api/v1/servers", "/healthz"):
        status, _ = await running.ask("GET", path)
        assert status == 200, path
    assert running.compute.console_requests == []


async def test_a_launch_tells_its_steps_while_it_goes_on(run_gateway: RunGateway) -> None:
    async with run_gateway(first_bytes=5) as running, FaultyProxy(Fault.SILENT_AFTER_101) as proxy:
        running.compute.mint = lambda *_: proxy.url()
        async with running.viewer("web-01?launch=a-launch-of-this-test"):
            async with asyncio.timeout(5):
                while True:
                    _, launch = await running.ask("GET", "/api/v1/launches/a-launch-of-this-test")
                    if [step["state"] for step in launch["steps"]] == ["done", "done", "done", "doing"]:
                        break
                    await asyncio.sleep(0.01)
            assert [step["name"] for step in launch["steps"]] == ["resolve", "authorize", "obtain", "open"]
            assert (launch["state"], launch["problem"], launch["wait_until"]) == ("launching", None, None)
            with pytest.raises(Refused) as taken:
                await running.viewer("web-01?launch=a-launch-of-this-test").__aenter__()
            assert taken.value.status == 400


@pytest.mark.parametrize(
    ("server", "headers", "status"),
    [
        ("web-01?launch=short", {}, 400),
        ("web-01", {"Sec-WebSocket-Version": "8"}, 400),
        ("web-01", {"Sec-WebSocket-Key": "short"}, 400),
        ("web-01", {"Sec-WebSocket-Protocol": "base64"}, 400),
        ("web-01", {"Upgrade": "h2c"}, 400),
        ("web-01", {"Origin": "http://127.0.0.1:1"}, 403),
        ("web-01", {"Origin": "null"}, 403),
        ("web-01", {"Host": "evil.example"}, 421),
    ],
)
async def test_an_upgrade_that_may_not_be_is_refused_before_it(
    running: Running, server: str, headers: dict[str, str], status: int
) -> None:
    with pytest.raises(Refused) as refused:
        await running.viewer(server, headers=headers).__aenter__()
    assert refused.value.status == status
    assert len(running.gateway.sessions) == 0
    assert running.compute.console_requests == []


async def test_an_unknown_cloud_is_refused_before_the_upgrade_and_an_unknown_server_after_it(running: Running) -> None:
    with pytest.raises(Refused) as refused:
        await running.viewer(cloud="stage").__aenter__()
    assert refused.value.status == 404
    async with running.viewer("nobody") as viewer:
        code, reason = await viewer.closed()
    assert code == 4404
    assert "nobody" in reason


async def test_a_page_asks_no_cloud_whatever_its_address_names(run_gateway: RunGateway) -> None:
    async with run_gateway(aliases={"db": "prod/web-01"}) as running:
        for path in ("/", "/c/db", "/c/web-01", "/c/nobody", "/c/prod", "/c/prod/web-01", "/c/prod/nobody"):
            for method in ("GET", "HEAD"):
                assert (await running.ask(method, path, allow_redirects=False))[0] == 200, path
        assert running.compute.requests == []


OTHER_SITE = {"Sec-Fetch-Site": "cross-site", "Accept": "text/html"}
IN_A_TAB = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
STATE_CHANGING = ("/api/v1/servers/prod/web-01/console", "/api/v1/sessions/0a1b", "/api/v1/doctor")


async def test_case_16_reading_a_url_that_changes_state_changes_and_asks_nothing(running: Running) -> None:
    ahead = {"Sec-Purpose": "prefetch;prerender", "Sec-Fetch-Site": "none", **IN_A_TAB}
    for method in ("GET", "HEAD"):
        for path in STATE_CHANGING:
            assert (await running.ask(method, path))[0] in {404, 405}, path
            assert (await running.ask(method, path, headers=OTHER_SITE | IN_A_TAB))[0] == 403, path
        for path in ("/c/prod/web-01", "/c/web-01", "/vnc.html?token=x"):
            assert (await running.ask(method, path, headers=ahead))[0] == 503, path
        for path in ("/c/prod/web-01", "/api/v1/servers/prod/web-01", "/api/v1/servers", "/readyz?deep=1"):
            assert (await running.ask(method, path, headers=OTHER_SITE))[0] == 403, path
    assert running.compute.requests == []


async def test_a_link_of_another_site_gets_a_page_that_asks_first(running: Running) -> None:
    for address, target in {
        "/c/prod/web-01?view=only": "prod/web-01",
        "/c/db": "db",
        "/vnc.html?path=websockify?token=kvm-a": "kvm-a",
        "/c/prod/%3Cimg%20src=x%3E%00%E2%80%AE%FF": "prod/&lt;img src=x&gt;\\u0000\\u202e\ufffd",
    }.items():
        url = URL(running.url + address, encoded=True)
        async with aiohttp.ClientSession() as http, http.get(url, headers=OTHER_SITE | IN_A_TAB) as response:
            text = await response.text()
        assert response.status == 200
        assert response.headers["Cache-Control"] == "no-store"
        assert f"<h1><bdi>{target}</bdi></h1>" in text
        assert f'data-address="{address}"' in text
        assert "console.js" not in text
    assert running.compute.requests == []


async def test_links_of_the_operator_s_sites_open_at_once_and_a_reload_changes_which(running: Running) -> None:
    async def opens(referer: str) -> bool:
        headers = OTHER_SITE | IN_A_TAB | {"Referer": referer}
        _, text = await running.ask("GET", "/c/prod/web-01", headers=headers)
        return "console.js" in text

    wiki = "https://wiki.example.net"
    assert not await opens(f"{wiki}/")
    entry = {"prod": {"provider": "none", "endpoint": running.compute.endpoint}}
    config = Config.model_validate({"clouds": entry, "access": {"links_from": (wiki,)}})
    running.gateway.replace(gather(config))
    assert await opens(f"{wiki}/")
    assert await opens(f"{wiki}/ops/page?x=1")
    for other in ("", "http://wiki.example.net/", f"{wiki}:8443/", f"{wiki}.evil.example/", "https://evil/" + wiki):
        assert not await opens(other), other


async def test_unknown_names_are_looked_up_within_a_budget_and_known_ones_always(running: Running) -> None:
    statuses = [(await running.ask("GET", f"/api/v1/servers/unknown-{number}"))[0] for number in range(60)]
    assert statuses == [404] * 30 + [429] * 30
    paths = [path for _, path in running.compute.requests]
    assert len([path for path in paths if "name=" in path]) == 30
    assert len(paths) == 30 + 2, "its version and its list, once each"
    async with aiohttp.ClientSession() as http, http.get(f"{running.url}/api/v1/servers/prod/unknown") as response:
        assert response.status == 429
        assert response.headers["Retry-After"] == "2"
        assert "asked only for those in its list" in (await response.json())["detail"]
    async with running.viewer("unknown") as viewer:
        assert (await viewer.closed())[0] == 4429
    assert (await running.ask("GET", "/api/v1/servers/prod/web-01"))[0] == 200
    assert (await running.ask("GET", "/api/v1/servers/web-01"))[0] == 200
    assert (await running.ask("POST", "/api/v1/servers/prod/web-01/console"))[0] == 200


async def test_case_35_a_name_that_is_a_header_a_novel_or_holds_nul_splits_nothing(run_gateway: RunGateway) -> None:
    names = ["a\r\nSet-Cookie: x=1", "n" * 65536, "nul\0in it"]
    async with run_gateway() as running:
        ids = [running.compute.add_server(name) for name in names]
        async with aiohttp.ClientSession() as http:
            async with http.get(f"{running.url}/api/v1/servers") as response:
                listed = {server["name"] for server in (await response.json())["servers"]}
            assert listed >= {names[0], names[2]}
            assert any(name.startswith("n" * 1000) and len(name) <= NAME_LIMIT for name in listed), "cut"
            for server_id in ids:
                async with http.get(f"{running.url}/api/v1/servers/{server_id}") as response:
                    assert response.status == 200
                    assert "Set-Cookie" not in response.headers
                    assert (await response.json())["path"] == f"/c/prod/{server_id}"
            for name in (names[0], names[2], "n" * 6000):
                for headers in ({}, OTHER_SITE | IN_A_TAB):
                    for path in (f"/c/prod/{quote(name, safe='')}", f"/c/{quote(name, safe='')}"):
                        url = URL(running.url + path, encoded=True)
                        async with http.get(url, headers=headers) as response:
                            text = await response.text()
                        assert response.status == 200
                        assert {"Set-Cookie", "Location"}.isdisjoint(response.headers)
                        assert not {"\r", "\0"} & set(text)
                        title = text.partition("<title>")[2].partition("</title>")[0]
                        assert 0 < len(title) <= 330
            async with http.get(URL(f"{running.url}/c/{'n' * 65536}", encoded=True)) as response:
                assert response.status == 400, "no request line is as long"


async def test_every_answer_carries_the_security_headers(running: Running) -> None:
    async with aiohttp.ClientSession() as http:
        for path in ("/", "/c/prod/web-01", "/nowhere", "/api/v1/clouds", "/healthz", "/static/x/y"):
            async with http.get(running.url + path) as response:
                assert "default-src 'none'" in response.headers["Content-Security-Policy"], path
                assert response.headers["X-Content-Type-Options"] == "nosniff"
                assert response.headers["Referrer-Policy"] == "no-referrer"


async def test_a_session_leaves_nothing_in_the_server_that_accepted_it(running: Running) -> None:
    async with FaultyProxy() as proxy:
        running.compute.mint = lambda *_: proxy.url()
        async with running.viewer() as viewer:
            await viewer.greeted()
        before = alive(RequestHandler)  # the simulated cloud's own, with a connection kept open
        for _ in range(5):
            async with running.viewer() as viewer:
                await viewer.greeted()
                assert alive(RequestHandler) == before, "while a session lasts, aiohttp has forgotten its connection"
        await running.settled()
    async with asyncio.timeout(5):
        while any(alive(kind) for kind in (WebSocketViewer, UpstreamEnd, Pump)):
            await asyncio.sleep(0.01)


async def test_a_name_that_cannot_be_sent_on_hides_no_other_server(running: Running) -> None:
    server_id = running.compute.add_server("bad\ud800name")
    status, listing = await running.ask("GET", "/api/v1/servers")
    assert status == 200
    [page] = [one["page"] for one in listing["servers"] if one["id"] == server_id]
    assert page.endswith(f"/c/prod/{server_id}")
    assert len(listing["servers"]) == 2


async def test_where_consoles_serve_one_session_none_is_asked_for_in_vain(run_gateway: RunGateway) -> None:
    async with run_gateway(entry={"session_ends_with_token": True}) as running:
        status, answer = await running.ask("POST", "/api/v1/servers/prod/web-01/console")
        assert (status, answer["expires_at"], answer["cached"]) == (200, None, False)
        assert running.compute.console_requests == []


async def test_a_launch_beyond_the_limit_tells_its_page_why(run_gateway: RunGateway) -> None:
    async with run_gateway(relay={"sessions": 1}) as running, FaultyProxy() as proxy, running.viewer() as first:
        running.compute.mint = lambda *_: proxy.url()
        await first.greeted()
        async with running.viewer("web-01?launch=a-launch-of-this-test") as late:
            assert (await late.closed())[0] == 4429
        _, launch = await running.ask("GET", "/api/v1/launches/a-launch-of-this-test")
        assert (launch["state"], launch["problem"]["type"]) == ("failed", "too-many-sessions")


async def test_whoever_comes_while_the_gateway_stops_is_told_with_1012(running: Running) -> None:
    await running.gateway.sessions.drain(0.1)
    async with running.viewer() as viewer:
        assert await viewer.closed() == (1012, "The gateway restarts or stops.")


async def test_name_servers_that_do_not_answer_keep_nobody_from_coming_in(running: Running) -> None:
    loop, held = asyncio.get_running_loop(), threading.Event()
    waiting = [loop.run_in_executor(None, held.wait, 20) for _ in range(40)]
    try:
        async with asyncio.timeout(5):
            assert (await running.ask("GET", "/api/v1/clouds"))[0] == 200
    finally:
        held.set()
        await asyncio.gather(*waiting)
