"""The gateway's own room `cloud` asks the demo's cloud, by both of its faces."""

from __future__ import annotations

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import aiohttp
import pytest

from launcher.clock import SystemClock
from launcher.cloud.compute import Compute
from launcher.cloud.http import open_http
from launcher.cloud.identity import identity_of
from launcher.config.load import load
from launcher.config.models import api_clouds_of
from launcher.demo.cloud import DemoCloud
from launcher.demo.fleet import BUILD_TIME, PROD, RAX
from launcher.demo.settings import openrc, write_settings
from launcher.errors import CloudCredentialsError, ConsoleRefusedError, ServerNotFoundError
from launcher.model import Kind
from tests.fakes.clock import FakeClock
from tests.fakes.demo import demo_cloud
from tests.fakes.issued import note


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def cloud(clock: FakeClock) -> AsyncIterator[DemoCloud]:
    async with demo_cloud(clock=clock, page_size=4) as cloud:
        yield cloud


@pytest.fixture
async def computes(cloud: DemoCloud, tmp_path: Path) -> AsyncIterator[dict[str, Compute]]:
    """The clouds of the demo's own configuration, asked as the daemon asks."""
    config = load(write_settings(tmp_path, cloud, 6080))
    with ThreadPoolExecutor(2) as pool:
        async with open_http() as http:
            yield {
                one.name: Compute(one, identity_of(one, SystemClock(), pool), http, SystemClock())
                for one in api_clouds_of(config)
            }


def token_of(url: str) -> str:
    return note(url.rpartition("%3D")[2])


async def test_each_cloud_lists_the_servers_of_its_project_over_all_pages(
    cloud: DemoCloud, computes: dict[str, Compute]
) -> None:
    for project in (PROD, RAX):
        listed = await computes[project].servers()
        assert [server.name for server in listed] == [machine.name for machine in cloud.fleet.of(project)]
    assert {server.status for server in await computes[PROD].servers()} >= {"ACTIVE", "BUILD", "ERROR", "SHUTOFF"}


async def test_a_server_is_found_by_its_name_however_odd(cloud: DemoCloud, computes: dict[str, Compute]) -> None:
    for project, name in ((PROD, "x-<img src=x onerror=alert(1)>"), (RAX, "софия-web-01"), (PROD, "web-01")):
        [server] = await computes[project].named(name)
        assert server.id == cloud.fleet.named(name).id
        assert (await computes[project].server(server.id)).name == name


async def test_the_other_project_s_servers_are_unknown(cloud: DemoCloud, computes: dict[str, Compute]) -> None:
    server_id = cloud.fleet.named("shop-web-01").id
    with pytest.raises(ServerNotFoundError):
        await computes[PROD].server(server_id)
    with pytest.raises(ServerNotFoundError):
        await computes[PROD].console(server_id, Kind.NOVNC)


@pytest.mark.parametrize(("project", "name"), [(PROD, "web-01"), (PROD, "db-replica-01"), (RAX, "shop-web-01")])
async def test_a_console_leads_to_its_server_and_dies(
    cloud: DemoCloud, computes: dict[str, Compute], clock: FakeClock, project: str, name: str
) -> None:
    server_id = cloud.fleet.named(name).id
    console = await computes[project].console(server_id, Kind.NOVNC)
    assert console.expires_at - console.asked_at == 60
    assert console.url.reveal().startswith(f"{cloud.proxy_base}/vnc_lite.html?path=%3Ftoken%3D")
    token = token_of(console.url.reveal())
    assert cloud.consoles.server_of(token) == server_id
    clock.advance(60)
    assert cloud.consoles.server_of(token) is None
    assert console.request_id is not None
    assert console.request_id.startswith("req-")


async def test_a_server_that_is_built_has_no_console_until_it_is_done(
    cloud: DemoCloud, computes: dict[str, Compute], clock: FakeClock
) -> None:
    machine = cloud.fleet.named("ci-runner-07")
    with pytest.raises(ConsoleRefusedError) as refused:
        await computes[PROD].console(machine.id, Kind.NOVNC)
    assert "not ready" in str(refused.value)
    clock.advance(BUILD_TIME)
    console = await computes[PROD].console(machine.id, Kind.NOVNC)
    assert cloud.consoles.server_of(token_of(console.url.reveal())) == machine.id
    assert (await computes[PROD].server(machine.id)).status == "ACTIVE"


@pytest.mark.parametrize(("project", "name"), [(PROD, "backup-01"), (RAX, "mail-01")])
async def test_a_server_without_a_host_has_no_console(
    cloud: DemoCloud, computes: dict[str, Compute], project: str, name: str
) -> None:
    with pytest.raises(ConsoleRefusedError):
        await computes[project].console(cloud.fleet.named(name).id, Kind.NOVNC)


async def test_a_wrong_password_and_a_wrong_key_are_refused(cloud: DemoCloud, tmp_path: Path) -> None:
    path = write_settings(tmp_path, cloud, 6080)
    clouds_yaml = tmp_path / "clouds.yaml"
    clouds_yaml.write_text(clouds_yaml.read_text().replace(cloud.credentials.password, "wrong"))
    (tmp_path / "rax-api-key").write_text("wrong")
    config = load(path)
    with ThreadPoolExecutor(2) as pool:
        for one in api_clouds_of(config):
            async with open_http() as http:
                compute = Compute(one, identity_of(one, SystemClock(), pool), http, SystemClock())
                with pytest.raises(CloudCredentialsError):
                    await compute.servers()


async def test_the_settings_are_for_nobody_else_to_read(cloud: DemoCloud, tmp_path: Path) -> None:
    write_settings(tmp_path, cloud, 6080)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


class Asked:
    """The demo's APIs, asked without the product."""

    def __init__(self, cloud: DemoCloud, http: aiohttp.ClientSession) -> None:
        self.cloud = cloud
        self.http = http
        self.token = ""

    def body(self, **more: object) -> dict[str, object]:
        user = {"name": "ops", "domain": {"id": "default"}, "password": self.cloud.credentials.password}
        return {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, **more}}

    async def sign_in(self, **more: object) -> aiohttp.ClientResponse:
        reply = await self.http.post(f"{self.cloud.keystone_url}/auth/tokens", json=self.body(**more))
        if reply.status == 201:
            self.token = note(reply.headers["X-Subject-Token"])
        return reply

    async def ask(self, method: str, path: str, **options: object) -> aiohttp.ClientResponse:
        headers = {"X-Auth-Token": self.token, **(options.pop("headers", None) or {})}  # type: ignore[dict-item]  # a test's own headers
        return await self.http.request(method, self.cloud.base + path, headers=headers, **options)  # type: ignore[arg-type]  # as given


@pytest.fixture
async def asked(cloud: DemoCloud) -> AsyncIterator[Asked]:
    async with aiohttp.ClientSession() as http:
        yield Asked(cloud, http)


SCOPE = {"project": {"name": "ops", "domain": {"name": "Default"}}}


async def test_keystone_gives_a_token_with_a_catalog_for_a_project(asked: Asked) -> None:
    reply = await asked.sign_in(scope=SCOPE)
    token = (await reply.json())["token"]
    assert reply.status == 201
    assert [service["type"] for service in token["catalog"]] == ["identity", "compute"]
    assert token["issued_at"] < token["expires_at"]
    assert (await asked.ask("GET", "/v2.1/servers/detail")).status == 200


async def test_keystone_takes_ids_for_names(asked: Asked) -> None:
    reply = await asked.sign_in(scope=SCOPE)
    token = (await reply.json())["token"]
    user = {"id": token["user"]["id"], "password": asked.cloud.credentials.password}
    identity = {"methods": ["password"], "password": {"user": user}}
    body = {"auth": {"identity": identity, "scope": {"project": {"id": token["project"]["id"]}}}}
    again = await asked.http.post(f"{asked.cloud.keystone_url}/auth/tokens", json=body)
    note(again.headers["X-Subject-Token"])
    assert (again.status, (await again.json())["token"]["project"]["name"]) == (201, "ops")


async def test_a_token_without_a_project_may_do_nothing(asked: Asked) -> None:
    reply = await asked.sign_in()
    assert "catalog" not in (await reply.json())["token"]
    reply = await asked.ask("GET", "/v2.1/servers/detail")
    assert (reply.status, list(await reply.json())) == (403, ["forbidden"])


@pytest.mark.parametrize(
    "more", [{"scope": {"project": {"name": "other", "domain": {"id": "default"}}}}, {"identity": {}}, {"identity": []}]
)
async def test_keystone_refuses_all_else_in_its_own_shape(asked: Asked, more: dict[str, object]) -> None:
    reply = await asked.sign_in(**more)
    assert reply.status == 401
    assert (await reply.json())["error"]["code"] == 401
    assert reply.headers["WWW-Authenticate"].startswith("Keystone uri=")


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"{", b"[" * 10_000, b'{"auth": 7}', b'{"auth": {"identity": {"methods": 1}}}']
)
async def test_bodies_that_make_no_sense_break_nothing(asked: Asked, raw: bytes) -> None:
    reply = await asked.http.post(f"{asked.cloud.keystone_url}/auth/tokens", data=raw)
    assert reply.status == 401
    reply = await asked.http.post(f"{asked.cloud.rackspace_url}/tokens", data=raw)
    assert (reply.status, list(await reply.json())) == (400, ["badRequest"])
    await asked.sign_in(scope=SCOPE)
    server = asked.cloud.fleet.named("web-01").id
    for path, version in (("action", "2.1"), ("remote-consoles", "2.6")):
        headers = {"X-OpenStack-Nova-API-Version": version}
        reply = await asked.ask("POST", f"/v2.1/servers/{server}/{path}", data=raw, headers=headers)
        assert (reply.status, list(await reply.json())) == (400, ["badRequest"])


async def test_version_documents_need_no_token(asked: Asked) -> None:
    for path, status in (("/", 200), ("/v2", 200), ("/v2.1/", 200), ("/identity/v3", 200), ("/identity", 300)):
        assert (await asked.ask("GET", path)).status == status
    assert (await (await asked.ask("GET", "/v2.1/")).json())["version"]["version"] == "2.104"
    assert (await (await asked.ask("GET", "/v2/")).json())["version"]["version"] == ""


async def test_without_a_good_token_there_is_a_401_of_the_middleware(asked: Asked, clock: FakeClock) -> None:
    asked.token = "nobody's"
    reply = await asked.ask("GET", "/v2.1/servers/detail")
    assert (reply.status, (await reply.json())["error"]["title"]) == (401, "Unauthorized")
    await asked.sign_in(scope=SCOPE)
    clock.advance(12 * 3600)
    assert (await asked.ask("GET", "/v2.1/servers/detail")).status == 401


async def test_every_answer_bears_the_request_s_id_and_the_microversion(asked: Asked) -> None:
    await asked.sign_in(scope=SCOPE)
    headers = {"OpenStack-API-Version": "compute 2.6"}
    reply = await asked.ask("GET", "/v2.1/servers/detail", headers=headers)
    assert reply.headers["X-Compute-Request-Id"] == reply.headers["X-OpenStack-Request-ID"]
    assert reply.headers["X-Compute-Request-Id"].startswith("req-")
    assert reply.headers["OpenStack-API-Version"] == "compute 2.6"
    reply = await asked.ask("GET", "/v2.1/servers/nobody")
    assert reply.headers["X-Compute-Request-Id"].startswith("req-")


async def test_next_links_are_there_only_when_there_is_a_next_page(asked: Asked) -> None:
    await asked.sign_in(scope=SCOPE)
    count = len(asked.cloud.fleet.of(PROD))
    marker = ""
    pages: list[int] = []
    while len(pages) < 10:
        reply = await (await asked.ask("GET", f"/v2.1/servers/detail?limit=3{marker}")).json()
        pages.append(len(reply["servers"]))
        if "servers_links" not in reply:
            break
        marker = f"&marker={reply['servers'][-1]['id']}"
    assert pages == [3, 3, 3]
    assert sum(pages) == count


async def test_another_project_in_the_path_is_a_bad_request(asked: Asked) -> None:
    await asked.sign_in(scope=SCOPE)
    assert (await asked.ask("GET", "/v2.1/610275/servers/detail")).status == 400


async def test_paths_that_are_none_are_404_in_the_shape_of_their_service(asked: Asked) -> None:
    assert list(await (await asked.ask("GET", "/v9/servers")).json()) == ["itemNotFound"]
    assert list(await (await asked.ask("GET", "/identity/v2.0/tokens")).json()) == ["error"]


async def test_servers_can_be_stopped_started_and_rebooted(asked: Asked, clock: FakeClock) -> None:
    await asked.sign_in(scope=SCOPE)
    machine = asked.cloud.fleet.named("web-01")

    async def act(action: str) -> tuple[int, str]:
        reply = await asked.ask("POST", f"/v2.1/servers/{machine.id}/action", json={action: None})
        state = asked.cloud.fleet.state(machine, clock.monotonic())
        assert state is not None
        return reply.status, state.status

    assert await act("os-start") == (409, "ACTIVE")
    assert await act("os-stop") == (202, "SHUTOFF")
    assert await act("reboot") == (409, "SHUTOFF")
    assert await act("os-start") == (202, "ACTIVE")
    assert await act("reboot") == (202, "REBOOT")


async def test_openrc_is_shell_that_names_the_account(cloud: DemoCloud) -> None:
    text = openrc(cloud)
    assert f"export OS_AUTH_URL={cloud.keystone_url}\n" in text
    assert f"export OS_PASSWORD={cloud.credentials.password}\n" in text
    assert all(line.startswith(("export OS_", "#")) for line in text.splitlines())


async def test_rackspace_s_catalog_has_the_dead_generation_first(asked: Asked) -> None:
    key = {"username": "ops", "apiKey": asked.cloud.credentials.api_key}
    body = {"auth": {"RAX-KSKEY:apiKeyCredentials": key, "tenantId": "610275"}}
    reply = await asked.http.post(f"{asked.cloud.rackspace_url}/tokens", json=body)
    access = (await reply.json())["access"]
    note(access["token"]["id"])
    assert reply.status == 200
    assert [service["name"] for service in access["serviceCatalog"]] == ["cloudServers", "cloudServersOpenStack"]
    assert "issued_at" not in access["token"]
    key["apiKey"] = "wrong"
    reply = await asked.http.post(f"{asked.cloud.rackspace_url}/tokens", json=body)
    assert (reply.status, list(await reply.json())) == (401, ["unauthorized"])
