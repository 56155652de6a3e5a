"""Every fake notes what it hands out: the search for secrets at the end of the suite knows them all."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

import aiohttp

from launcher.demo.identity import ACCOUNT
from tests.fakes.compute import FakeCompute
from tests.fakes.console_proxy import ConsoleProxy, FaultyProxy
from tests.fakes.demo import demo_cloud
from tests.fakes.identity import FakeIdentity
from tests.fakes.issued import ISSUED


def token_in(url: str) -> str:
    return unquote(url).rpartition("token=")[2]


async def sign_in(http: aiohttp.ClientSession, auth_url: str, username: str, api_key: str) -> str:
    """The API token that an Identity v2.0 gives for a Rackspace API key."""
    body = {"auth": {"RAX-KSKEY:apiKeyCredentials": {"username": username, "apiKey": api_key}}}
    async with http.post(f"{auth_url}/tokens", json=body) as reply:
        token: str = (await reply.json())["access"]["token"]["id"]
        return token


async def test_the_rackspace_identity_its_api_key_and_api_tokens() -> None:
    async with FakeIdentity({}) as identity, aiohttp.ClientSession() as http:
        given = await sign_in(http, identity.auth_url, identity.username, identity.api_key)
    assert {identity.api_key, given} <= ISSUED


async def test_the_compute_api_its_console_tokens_and_the_api_tokens_that_it_is_shown() -> None:
    async with FakeCompute() as compute, aiohttp.ClientSession() as http:
        server_id, shown = compute.add_server("web-01"), "an-api-token-from-elsewhere"
        body = {"os-getVNCConsole": {"type": "novnc"}}
        action = f"{compute.endpoint}/servers/{server_id}/action"
        async with http.post(action, json=body, headers={"X-Auth-Token": shown}) as reply:
            url = (await reply.json())["console"]["url"]
    assert {token_in(url), shown} <= ISSUED


async def test_the_console_proxies_their_console_tokens(tmp_path: Path) -> None:
    stock = ConsoleProxy(tmp_path)
    async with FaultyProxy() as faulty:
        assert {stock.mint(5900), token_in(stock.url(5900)), token_in(faulty.url())} <= ISSUED


async def test_the_demo_its_password_api_key_and_every_token_of_both_its_faces() -> None:
    async with demo_cloud() as cloud, aiohttp.ClientSession() as http:
        given = await sign_in(http, cloud.rackspace_url, ACCOUNT, cloud.credentials.api_key)
        user = {"name": ACCOUNT, "domain": {"id": "default"}, "password": cloud.credentials.password}
        body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}}}
        async with http.post(f"{cloud.keystone_url}/auth/tokens", json=body) as reply:
            keystone_s = reply.headers["X-Subject-Token"]
        token = cloud.consoles.mint(cloud.fleet.named("web-01").id)
    assert {cloud.credentials.password, cloud.credentials.api_key, given, keystone_s, token} <= ISSUED
