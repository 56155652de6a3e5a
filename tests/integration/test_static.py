"""Hosts outside any cloud: their servers, their consoles, and websockify's addresses for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
import yaml

from launcher.cli.doctor_alone import examine
from launcher.cloud.static import server_id
from launcher.model import ConsoleKey, Kind, Secret
from tests.fakes.certificates import Authority
from tests.fakes.console_proxy import free_port
from tests.fakes.issued import issue
from tests.fakes.rfb_recorder import RfbRecorder
from tests.fakes.viewer import BANNER, Refused, Viewer
from tests.fakes.vnc_server import GreetingServer
from tests.integration.conftest import RunGateway, Running
from tests.integration.test_reload import Site, site_at

STRANGE = ("kvm a/1", "<img src=x onerror=alert(1)>", "../../etc", "..", "%2F", "𝕏" * 200, "a?b#c&d=e")


@pytest.fixture
async def vnc() -> AsyncIterator[GreetingServer]:
    async with GreetingServer() as vnc:
        yield vnc


def static(**keys: Any) -> dict[str, Any]:
    return {"provider": "static", **keys}


async def screen_of(running: Running, path: str) -> bytes:
    """What a viewer of this address sees first, and what comes back of what it says."""
    async with Viewer(running.port, path) as viewer:
        first = await viewer.received(len(BANNER))
        viewer.send(b"RFB 003.008\n")
        return first + await viewer.received(12)


async def test_a_static_cloud_is_a_cloud_beside_the_others(run_gateway: RunGateway, vnc: GreetingServer) -> None:
    servers = {"kvm-a": {"vnc": vnc.address}, "kvm-b": {"vnc": "unix:/run/no.vnc"}}
    async with run_gateway(more_clouds={"rack7": static(servers=servers)}) as running:
        _, clouds = await running.ask("GET", "/api/v1/clouds?count=true")
        assert [(one["name"], one["provider"], one["servers"]) for one in clouds["clouds"]] == [
            ("prod", "none", 1), ("rack7", "static", 2),
        ]  # fmt: skip
        _, listing = await running.ask("GET", "/api/v1/servers?cloud=rack7")
        assert [(one["name"], one["status"], one["path"]) for one in listing["servers"]] == [
            ("kvm-a", "ACTIVE", "/c/rack7/kvm-a"), ("kvm-b", "ACTIVE", "/c/rack7/kvm-b"),
        ]  # fmt: skip
        assert (await running.ask("GET", "/c/rack7/kvm-a"))[0] == 200
        _, server = await running.ask("GET", f"/api/v1/servers/rack7/{server_id('rack7', 'kvm-b')}")
        assert server["name"] == "kvm-b"


async def test_a_viewer_sees_the_server_itself(run_gateway: RunGateway, vnc: GreetingServer, tmp_path: Path) -> None:
    async with GreetingServer(unix=tmp_path / "kvm.vnc") as other:
        servers = {"kvm-a": {"vnc": vnc.address}, "kvm-b": {"vnc": other.address}}
        async with run_gateway(more_clouds={"rack7": static(servers=servers)}) as running:
            for name in servers:
                assert await screen_of(running, f"/ws/rack7/{name}") == BANNER + b"RFB 003.008\n"
            _, listing = await running.ask("GET", "/api/v1/sessions")
            assert {one["kind"] for one in listing["sessions"]} <= {"vnc"}
            await running.settled()


async def test_tls_is_checked_against_the_clouds_own_authority(run_gateway: RunGateway, tmp_path: Path) -> None:
    authority, other = Authority(tmp_path / "ours", "ours"), Authority(tmp_path / "other", "other")
    async with GreetingServer(tls=authority.context("127.0.0.1")) as vnc:
        clouds = {
            "good": static(servers={"kvm": {"vnc": vnc.address}}, cacert=str(authority.pem)),
            "bad": static(servers={"kvm": {"vnc": vnc.address}}, cacert=str(other.pem)),
        }
        async with run_gateway(more_clouds=clouds) as running:
            assert (await screen_of(running, "/ws/good/kvm")).startswith(BANNER)
            async with Viewer(running.port, "/ws/bad/kvm") as viewer:
                code, reason = await viewer.closed()
            assert (code, "not trusted" in reason) == (4504, True)


@pytest.mark.parametrize("name", STRANGE)
async def test_a_server_may_be_called_anything(run_gateway: RunGateway, vnc: GreetingServer, name: str) -> None:
    async with run_gateway(more_clouds={"rack7": static(servers={name: {"vnc": vnc.address}})}) as running:
        _, listing = await running.ask("GET", "/api/v1/servers?cloud=rack7")
        [server] = listing["servers"]
        assert server["name"] == name
        status, page = await running.ask("GET", server["path"])
        assert status == 200
        assert "<img" not in page
        screen = await screen_of(running, "/ws/" + server["path"].removeprefix("/c/"))
        assert screen.startswith(BANNER)


async def test_a_console_has_no_end_and_no_url(run_gateway: RunGateway, vnc: GreetingServer, tmp_path: Path) -> None:
    path = "/api/v1/servers/rack7/kvm-a/console"
    socket = tmp_path / "web.sock"
    async with run_gateway(
        more_clouds={"rack7": static(servers={"kvm-a": {"vnc": vnc.address}})},
        listen=("127.0.0.1:0", f"unix:{socket}"),
    ) as running:
        status, console = await running.ask("POST", path)
        assert (status, console) == (200, {
            "page": "http://jump.localhost:6080/c/rack7/kvm-a", "websocket": "ws://jump.localhost:6080/ws/rack7/kvm-a",
            "kind": "vnc", "expires_at": None, "cached": False,
        })  # fmt: skip
        assert (await running.ask("POST", path, json={"kind": "vnc"}))[0] == 200
        status, problem = await running.ask("POST", path, json={"kind": "novnc"})
        assert (status, problem["type"], problem["hint"]) == (501, "kind-not-offered", "Ask for no kind, or for vnc.")
        status, problem = await running.ask("POST", "/api/v1/servers/prod/web-01/console", json={"kind": "vnc"})
        assert (status, problem["detail"]) == (501, "prod has no vnc consoles: it gives novnc and xvpvnc consoles.")
        connector = aiohttp.UnixConnector(str(socket))
        async with (
            aiohttp.ClientSession("http://localhost", connector=connector) as http,
            http.post(path, json={"reveal": True}) as response,
        ):
            problem = await response.json()
        assert (response.status, problem["type"]) == (501, "kind-not-offered")
        assert problem["detail"].startswith("rack7 has no console URLs")
        assert vnc.connections == 0


async def test_who_is_away_or_no_screen_is_said_so(run_gateway: RunGateway, tmp_path: Path) -> None:
    async with GreetingServer(greeting=b"SSH-2.0-OpenSSH\r\n") as ssh, GreetingServer(greeting=b"") as rude:
        servers = {
            "away": {"vnc": f"tcp://127.0.0.1:{free_port()}"},
            "no-socket": {"vnc": f"unix:{tmp_path}/no"},
            "ssh": {"vnc": ssh.address},
            "rude": {"vnc": rude.address},
        }
        async with run_gateway(more_clouds={"rack7": static(servers=servers)}) as running:
            for name, code in {"away": 4504, "no-socket": 4504, "ssh": 4502, "rude": 4502, "nobody": 4404}.items():
                async with Viewer(running.port, f"/ws/rack7/{name}") as viewer:
                    told = await viewer.closed()
                assert told[0] == code, told
                assert "console proxy" not in told[1]


async def test_a_changed_token_file_is_seen_without_a_reload(
    run_gateway: RunGateway, vnc: GreetingServer, tmp_path: Path
) -> None:
    tokens = tmp_path / "tokens.cfg"
    tokens.write_text("")
    async with run_gateway(more_clouds={"rack7": static(websockify_tokens=str(tokens))}) as running:
        async with Viewer(running.port, "/ws/rack7/new") as viewer:
            assert (await viewer.closed())[0] == 4404
        tokens.write_text(f"new: 127.0.0.1:{vnc.port}\n")
        assert (await screen_of(running, "/ws/rack7/new")).startswith(BANNER)
        assert (await screen_of(running, "/websockify?token=new")).startswith(BANNER)


async def test_addresses_of_websockify_and_novnc_go_on_to_work(
    run_gateway: RunGateway, vnc: GreetingServer, tmp_path: Path
) -> None:
    (tmp_path / "tokens").write_text(f"kvm a/1: 127.0.0.1:{vnc.port}\n..: 127.0.0.1:{vnc.port}\n")
    more = {"rack7": static(websockify_tokens=str(tmp_path / "tokens"))}
    async with run_gateway(more_clouds=more) as running, aiohttp.ClientSession(running.url) as http:
        for address, location in {
            "/vnc.html?path=websockify%3Ftoken%3Dkvm%2520a%252F1": "/c/rack7/kvm%20a%2F1",
            "/vnc_lite.html?path=/websockify?token=kvm%20a/1&view_only=1": "/c/rack7/kvm%20a%2F1?view=only",
            "/vnc_auto.html?token=kvm+a/1&view_only=true": "/c/rack7/kvm%20a%2F1?view=only",
            "/vnc.html?token=kvm+a/1&view_only=yes": "/c/rack7/kvm%20a%2F1?view=only",
            "/vnc.html?token=kvm+a/1&view_only=False": "/c/rack7/kvm%20a%2F1",
            "/vnc.html?token=kvm+a/1&view_only=": "/c/rack7/kvm%20a%2F1",
            "/vnc.html?token=..": f"/c/rack7/{server_id('rack7', '..')}",
        }.items():
            async with http.get(address, allow_redirects=False) as response:
                assert (response.status, response.headers["Location"]) == (302, location), address
                assert response.headers["Cache-Control"] == "no-store"
        for address, status in {"/vnc.html": 400, "/vnc.html?token=no": 404, "/vnc.html?path=websockify": 400}.items():
            assert (await running.ask("GET", address))[0] == status, address
        token = quote("kvm a/1", safe="")
        assert (await screen_of(running, f"/websockify?token={token}")).startswith(BANNER)
        async with Viewer(running.port, "/websockify?token=no") as viewer:
            code, reason = await viewer.closed()
        assert (code, reason) == (4404, 'rack7 has no server "no".')
        with pytest.raises(Refused) as refused:
            await Viewer(running.port, "/websockify").__aenter__()
        assert refused.value.status == 400
        with pytest.raises(Refused) as refused:
            await Viewer(running.port, f"/websockify?token={token}", headers={"Origin": "http://evil"}).__aenter__()
        assert refused.value.status == 403
        assert (await running.ask("GET", f"/websockify?token={token}"))[0] == 400, "no WebSocket"


async def test_where_several_clouds_have_tokens_each_has_its_own(
    run_gateway: RunGateway, vnc: GreetingServer, tmp_path: Path
) -> None:
    for name in ("rack7", "rack8"):
        (tmp_path / name).write_text(f"{name}: 127.0.0.1:{vnc.port}\ntwin: 127.0.0.1:{vnc.port}\n")
    more = {name: static(websockify_tokens=str(tmp_path / name)) for name in ("rack7", "rack8")}
    async with run_gateway(more_clouds=more) as running:
        assert (await screen_of(running, "/websockify?token=rack8")).startswith(BANNER)
        for token, status in {"no": 404, "twin": 409}.items():
            with pytest.raises(Refused) as refused:
                await Viewer(running.port, f"/websockify?token={token}").__aenter__()
            assert refused.value.status == status


async def test_without_tokens_websockifys_addresses_lead_nowhere(running: Running) -> None:
    for address in ("/vnc.html?token=a", "/vnc_lite.html?token=a"):
        assert (await running.ask("GET", address))[0] == 404
    with pytest.raises(Refused) as refused:
        await Viewer(running.port, "/websockify?token=a").__aenter__()
    assert refused.value.status == 404


@pytest.fixture
async def site(tmp_path: Path, compute: Any, vnc: GreetingServer) -> AsyncIterator[Site]:
    (tmp_path / "vnc-password").touch(0o600)
    (tmp_path / "vnc-password").write_text(issue()[:8])
    async with site_at(tmp_path / "config.yaml", compute, clouds={"rack7": rack(tmp_path, vnc)}) as site:
        yield site


def rack(folder: Path, vnc: GreetingServer, **keys: Any) -> dict[str, Any]:
    kvm = {"vnc": vnc.address, "password": {"file": str(folder / "vnc-password")}}
    return static(servers={"kvm-a": kvm}, **keys)


async def test_a_reload_keeps_what_is_as_before_and_sees_a_new_password(
    site: Site, vnc: GreetingServer, tmp_path: Path
) -> None:
    before = site.gateway.parts.clouds["rack7"]
    await site.reload(clouds={"rack7": rack(tmp_path, vnc)})
    assert site.gateway.parts.clouds["rack7"] is before
    password = issue()[:8]
    (tmp_path / "vnc-password").write_text(password)
    await site.reload(clouds={"rack7": rack(tmp_path, vnc)})
    part = site.gateway.parts.clouds["rack7"]
    assert part is not before
    obtained = await part.broker.obtain(ConsoleKey("rack7", server_id("rack7", "kvm-a"), Kind.VNC))
    assert obtained.console.target is not None
    assert obtained.console.target.password == Secret(password)
    await site.reload(clouds={"rack7": {"provider": "none", "endpoint": site.compute.endpoint}})
    assert (await site.ask("GET", "/api/v1/servers/rack7/web-01"))[0] == 200
    await site.reload(clouds={"rack7": rack(tmp_path, vnc)})
    assert (await site.ask("GET", "/api/v1/servers/rack7/kvm-a"))[0] == 200


def told(report: Any) -> dict[str, tuple[str, str]]:
    """Of the one cloud: each hop's verdict, and what was seen or why it failed."""
    [cloud] = report["clouds"]
    return {hop["name"]: (hop["verdict"], hop["reason"] or hop["seen"]) for hop in cloud["hops"]}


async def test_the_doctor_says_of_a_static_server_what_is_so(tmp_path: Path) -> None:
    sock = tmp_path / "kvm.vnc"
    authority = Authority(tmp_path / "ours", "ours")
    turned = b"RFB 003.003\n" + bytes(4) + (26).to_bytes(4) + b"Too many security failures"
    async with (
        GreetingServer(takes=True) as vnc,
        GreetingServer(unix=sock, takes=True) as unix,
        GreetingServer(tls=authority.context("127.0.0.1"), takes=True) as tls,
        GreetingServer(greeting=b"") as rude,
        GreetingServer(greeting=turned) as cross,
        RfbRecorder(password="of-no-one") as asking,
    ):
        (tmp_path / "tokens").write_text(f"web-01: 127.0.0.1:{vnc.port}\nbad\n")
        (tmp_path / "left").touch()
        servers = {
            "kvm-a": {"vnc": vnc.address}, "kvm-b": {"vnc": unix.address}, "kvm-c": {"vnc": tls.address},
            "rude": {"vnc": rude.address}, "away": {"vnc": f"tcp://127.0.0.1:{free_port()}"},
            "no-socket": {"vnc": f"unix:{tmp_path}/no"}, "left": {"vnc": f"unix:{tmp_path}/left"},
            "cross": {"vnc": cross.address}, "asks": {"vnc": f"tcp://127.0.0.1:{await asking.listen()}"},
            "plain": {"vnc": vnc.address.replace("tcp", "tls")},
        }  # fmt: skip
        entry = static(servers=servers, websockify_tokens=str(tmp_path / "tokens"), cacert=str(authority.pem))
        config = tmp_path / "config.yaml"
        config.write_text(yaml.safe_dump({"clouds": {"rack7": entry}}))

        async def look(reference: str | None) -> dict[str, tuple[str, str]]:
            return told(await asyncio.to_thread(examine, config, reference, None, None))

        bad = f"rack7: {tmp_path}/tokens:2: a line like token: host:port is expected"
        assert await look(None) == {
            "configuration": ("ok", "clouds.rack7: 10 servers"),
            "tokens": ("ok", f"1 in {tmp_path}/tokens; left out: {bad}"),
        }  # fmt: skip
        hops = await look("rack7/kvm-a")
        assert hops["target"] == ("ok", vnc.address)
        assert hops["tokens"][0] == "skipped"
        assert hops["target-tls"] == ("skipped", "tcp, not tls")
        assert hops["greeting"] == ("ok", f'the screen greets: "{BANNER.decode().strip()}"')
        hops = await look("kvm-b")
        assert (hops["target-dns"], hops["connection"]) == (("skipped", "a Unix socket"), ("ok", str(sock)))
        assert hops["greeting"][0] == "ok"
        hops = await look("rack7/kvm-c")
        assert (hops["target-tls"][0], hops["greeting"][0]) == ("ok", "ok")
        hops = await look("rack7/web-01")
        assert (hops["tokens"][0], hops["greeting"][0]) == ("ok", "ok")
        why = f"The VNC server {cross.address} takes no sign-ins for the moment: too many have failed."
        assert (await look("rack7/cross"))["greeting"][1].startswith(why)
        asks = "it asks each viewer for its password, and none is configured"
        assert (await look("rack7/asks"))["greeting"] == ("ok", f'the screen greets: "RFB 003.008"; {asks}')
        assert (await look("rack7/plain"))["target-tls"][0] == "failed"
        assert (await look("rack7/nobody"))["target"] == ("failed", 'rack7 has no server "nobody".')
        assert (await look("rack7/away"))["connection"][0] == "failed"
        assert (await look("rack7/no-socket"))["connection"] == ("failed", f"There is no socket {tmp_path}/no.")
        assert (await look("rack7/left"))["connection"][0] == "failed"
        assert (await look("rack7/rude"))["greeting"][0] == "failed"
        (tmp_path / "tokens").unlink()
        hops = await look("rack7/web-01")
        assert (hops["tokens"][0], hops["target"][0]) == ("failed", "not reached")
