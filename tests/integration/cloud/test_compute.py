"""The Compute API of every age and mood, over real connections on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import re
import ssl
import subprocess
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from multidict import CIMultiDict

from launcher.clock import SystemClock
from launcher.cloud.compute import Compute
from launcher.cloud.http import CloudHttp, RedirectRefusedError, open_http
from launcher.cloud.identity import ApiAccess
from launcher.cloud.wire import NAME_LIMIT
from launcher.config.models import Cloud
from launcher.errors import (
    CloudBusyError,
    CloudCredentialsError,
    CloudError,
    CloudReplyError,
    CloudUnreachableError,
    ConsoleRefusedError,
    KindNotOfferedError,
    ListingCutError,
    ServerNotFoundError,
)
from launcher.model import Kind, Secret
from tests.fakes.clock import FakeClock
from tests.fakes.compute import FakeCompute, fault_reply
from tests.fakes.issued import issue, note
from tests.integration.cloud.conftest import bare, cloud_of

Computes = Callable[..., Compute]


@pytest.fixture
async def fake() -> AsyncIterator[FakeCompute]:
    async with FakeCompute(max_version="2.104") as fake:
        yield fake


@pytest.fixture
def cloud(fake: FakeCompute, compute: Computes) -> Compute:
    return compute(cloud_of(bare(fake.endpoint)))


def only(path: str, answer: Callable[[], web.StreamResponse]) -> Any:
    """A fault for the requests whose path ends so; the others are answered as ever."""

    async def fault(request: web.Request) -> web.StreamResponse | None:
        return answer() if request.path.endswith(path) else None

    return fault


# Servers


async def test_a_shorter_patience_that_comes_in_later_takes_nothing_from_a_longer_one(
    fake: FakeCompute, cloud: Compute
) -> None:
    both, waits = asyncio.Barrier(2), iter(("600", "5"))

    async def limit(request: web.Request) -> web.StreamResponse | None:
        if not request.path.endswith("/detail"):
            return None
        await both.wait()
        return web.Response(status=413, headers={"Retry-After": next(waits)})

    fake.fault = limit
    await asyncio.gather(cloud.servers(), cloud.servers(), return_exceptions=True)
    with pytest.raises(CloudBusyError) as caught:
        await cloud.servers()
    assert caught.value.retry_after is not None
    assert caught.value.retry_after > 5


async def test_all_pages_are_read_by_marker_and_no_link_is_followed(fake: FakeCompute, cloud: Compute) -> None:
    names = [f"web-{place:02}" for place in range(25)]
    for name in names:
        fake.add_server(name)
    fake.page_size = 5
    assert [server.name for server in await cloud.servers()] == names
    listed = [path for _, path in fake.requests if "/servers/detail" in path]
    assert len(listed) == 6, "the page after a full last page is empty"
    assert all(re.search(r"limit=100(&marker=[0-9a-f-]{36})?$", path) for path in listed)


async def test_a_cloud_that_gives_the_same_page_for_ever_is_left(fake: FakeCompute, cloud: Compute) -> None:
    body = {"servers": [{"id": "1", "name": "web"}], "servers_links": [{"rel": "next", "href": "x"}]}
    fake.fault = only("/detail", lambda: web.json_response(body))
    assert len(await cloud.servers()) == 1


async def test_a_list_that_never_ends_is_an_error(fake: FakeCompute, cloud: Compute) -> None:
    count = 0

    def page() -> web.Response:
        nonlocal count
        count += 1
        return web.json_response({"servers": [{"id": str(count)}], "servers_links": [{"rel": "next"}]})

    fake.fault = only("/detail", page)
    with pytest.raises(ListingCutError, match="more than 200 pages, or never ends") as cut:
        await cloud.servers()
    assert count == 200
    assert len(cut.value.servers) == 200


async def test_a_name_that_no_cloud_allows_is_cut(fake: FakeCompute, cloud: Compute) -> None:
    fake.add_server("n" * 65536)
    (server,) = await cloud.servers()
    assert server.name == "n" * (NAME_LIMIT - 1) + "…"


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_case_21_a_bomb_is_a_bounded_error(fake: FakeCompute, cloud: Compute, encoding: str) -> None:
    body = b'{"servers": [' + b" " * 100 * 1024**2
    packed = gzip.compress(body) if encoding == "gzip" else zlib.compress(body)
    headers = {"Content-Encoding": encoding}
    fake.fault = only("/detail", lambda: web.Response(body=packed, headers=headers))
    tracemalloc.start()
    try:
        with pytest.raises(CloudReplyError, match="more than 4 MiB"):
            await cloud.servers()
        assert tracemalloc.get_traced_memory()[1] < 64 * 1024**2
    finally:
        tracemalloc.stop()


async def test_case_21_headers_without_end_are_a_typed_error(compute: Computes) -> None:
    sent = 0

    async def endless(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        with contextlib.suppress(ConnectionError):
            writer.write(b"HTTP/1.1 200 OK\r\n")
            while sent < 64 * 1024**2:
                writer.write(line := b"X-Endless: " + b"x" * 1000 + b"\r\n")
                await writer.drain()
                sent += len(line)
        writer.close()

    async with await asyncio.start_server(endless, "127.0.0.1") as server:
        endpoint = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with pytest.raises(CloudUnreachableError, match="not HTTP that can be read"):
            await compute(cloud_of(bare(endpoint))).servers()
    assert sent < 8 * 1024**2


async def test_a_name_is_found_exactly(fake: FakeCompute, cloud: Compute) -> None:
    for name in ("web.1", "web-1", "my web.1", "WEB.1", "web.1"):
        fake.add_server(name)
    assert [server.name for server in await cloud.named("web.1")] == ["web.1", "web.1"]
    odd = "a+b (c) [d] ^$ & = ? # ü"
    fake.add_server(odd)
    assert [server.name for server in await cloud.named(odd)] == [odd]


async def test_consoles_that_are_waited_for_keep_nobody_from_the_servers(fake: FakeCompute, cloud: Compute) -> None:
    server_id = fake.add_server("web-01")
    hang, hanging = asyncio.Event(), 0

    async def fault(request: web.Request) -> None:
        nonlocal hanging
        if request.method == "POST":
            hanging += 1
            await hang.wait()

    fake.fault = fault
    async with asyncio.TaskGroup() as viewers:
        for _ in range(120):
            viewers.create_task(cloud.console(server_id, Kind.NOVNC))
        async with asyncio.timeout(10):
            assert (await cloud.server(server_id)).name == "web-01"
            while hanging < 120:
                await asyncio.sleep(0.01)
        hang.set()


async def test_of_questions_only_so_many_are_under_way(fake: FakeCompute, cloud: Compute) -> None:
    server_id = fake.add_server("web-01")
    under_way = most = 0

    async def fault(_request: web.Request) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.01)
        under_way -= 1

    await cloud.server(server_id)
    fake.fault = fault
    await asyncio.gather(*(cloud.server(server_id) for _ in range(100)))
    assert most == 20


async def test_a_server_is_shown_as_it_is_now(fake: FakeCompute, cloud: Compute) -> None:
    server_id = fake.add_server("web-01", "SHUTOFF")
    fake.servers[server_id]["OS-EXT-STS:task_state"] = "powering-on"
    server = await cloud.server(server_id)
    assert (server.cloud, server.name, server.status, server.task_state) == ("prod", "web-01", "SHUTOFF", "powering-on")


@pytest.mark.parametrize("server_id", ["..", "../../admin", "a/b", "", "x" * 65])
async def test_what_is_no_id_is_not_even_asked_for(fake: FakeCompute, cloud: Compute, server_id: str) -> None:
    with pytest.raises(ServerNotFoundError):
        await cloud.server(server_id)
    assert fake.requests == []


async def test_a_server_that_is_not_there_is_said(cloud: Compute) -> None:
    with pytest.raises(ServerNotFoundError, match=r"^prod has no server 4711\.$"):
        await cloud.server("4711")
    with pytest.raises(ServerNotFoundError, match=r"^prod finds no server 4711 to give a console of\.$"):
        await cloud.console("4711", Kind.NOVNC)


# Consoles


@pytest.mark.parametrize(
    ("version", "api"),
    [("", "action"), ("2.1", "action"), ("2.5", "action"), ("2.6", "remote-consoles"), ("2.104", "remote-consoles")],
)
@pytest.mark.parametrize("project", ["", "610275"])
async def test_every_age_of_nova_gives_a_console(compute: Computes, version: str, api: str, project: str) -> None:
    async with FakeCompute(max_version=version, project=project) as fake:
        server_id = fake.add_server("web-01")
        console = await compute(cloud_of(bare(fake.endpoint))).console(server_id, Kind.NOVNC)
        assert [asked.api for asked in fake.console_requests] == [api]
        assert console.request_id == fake.request_ids[-1]
        assert console.key.server_id == server_id


async def test_discovery_is_asked_once(fake: FakeCompute, cloud: Compute) -> None:
    server_id = fake.add_server("web-01")
    await asyncio.gather(*(cloud.console(server_id, Kind.NOVNC) for _ in range(20)))
    await cloud.servers()
    assert fake.requests.count(("GET", "/v2.1/")) == 1


async def test_an_endpoint_above_the_versions_is_found_out(fake: FakeCompute, compute: Computes) -> None:
    server_id = fake.add_server("web-01")
    cloud = compute(cloud_of(bare(fake.endpoint.removesuffix("/v2.1"))))
    await cloud.console(server_id, Kind.NOVNC)
    assert fake.requests[0] == ("GET", "/")
    assert fake.console_requests[0].api == "remote-consoles"


@pytest.mark.parametrize(
    "answer",
    [
        lambda: web.Response(status=404, text="<html>", content_type="text/html"),
        lambda: web.Response(status=200, text="<html>", content_type="text/html"),
        lambda: web.json_response({"choices": []}, status=300),
        lambda: web.Response(status=401),
        lambda: web.Response(status=500),
        lambda: web.Response(status=301, headers={"Location": "http://127.0.0.1:1/"}),
        lambda: web.Response(body=b" " * (5 * 1024**2)),
    ],
)
async def test_where_discovery_fails_the_action_is_asked(
    fake: FakeCompute, cloud: Compute, answer: Callable[[], web.Response]
) -> None:
    server_id = fake.add_server("web-01")
    fake.fault = only("/v2.1/", answer)
    assert (await cloud.console(server_id, Kind.NOVNC)).url
    assert fake.console_requests[0].api == "action"


async def test_a_passing_failure_of_discovery_is_not_remembered(fake: FakeCompute, cloud: Compute) -> None:
    server_id = fake.add_server("web-01")
    fake.fault = only("/v2.1/", lambda: web.Response(status=500))
    await cloud.console(server_id, Kind.NOVNC)
    fake.fault = None
    await cloud.console(server_id, Kind.NOVNC)
    assert [asked.api for asked in fake.console_requests] == ["action", "remote-consoles"]


async def test_a_consoles_life_counts_from_before_the_request(fake: FakeCompute, compute: Computes) -> None:
    server_id = fake.add_server("web-01")
    fake.delay = 0.2
    clock = SystemClock()
    cloud = compute(cloud_of(bare(fake.endpoint, console_ttl=300.0)))
    await cloud.servers()
    before = clock.monotonic()
    console = await cloud.console(server_id, Kind.NOVNC)
    assert before <= console.asked_at < before + 0.15
    assert console.expires_at == console.asked_at + 300.0


async def test_203_is_as_good_as_200(fake: FakeCompute, cloud: Compute) -> None:
    server_id = fake.add_server("web-01")
    body = {"remote_console": {"type": "novnc", "url": fake.mint(server_id, "novnc")}}
    fake.fault = only("/remote-consoles", lambda: web.json_response(body, status=203))
    assert (await cloud.console(server_id, Kind.NOVNC)).url


async def test_a_state_without_a_console_is_said(fake: FakeCompute, cloud: Compute) -> None:
    server_id = fake.add_server("web-01", "BUILD")
    with pytest.raises(ConsoleRefusedError, match="is not ready") as caught:
        await cloud.console(server_id, Kind.NOVNC)
    assert caught.value.request_id == fake.request_ids[-1]


async def test_a_kind_that_the_cloud_has_given_up_is_said(fake: FakeCompute, cloud: Compute) -> None:
    with pytest.raises(KindNotOfferedError, match=r"^prod has no xvpvnc console for this server\.") as caught:
        await cloud.console(fake.add_server("web-01"), Kind.XVPVNC)
    assert (caught.value.kind, caught.value.request_id) == ("xvpvnc", fake.request_ids[-1])


@pytest.mark.parametrize("state", ["migrating", "deleting"])
@pytest.mark.parametrize("version", ["", "2.5", "2.104"])
async def test_a_server_that_moves_has_no_console_whichever_way_the_cloud_says_so(
    compute: Computes, version: str, state: str
) -> None:
    async with FakeCompute(max_version=version) as fake:
        server_id = fake.add_server("web-01", task_state=state)
        with pytest.raises(ConsoleRefusedError, match="in the server's present state"):
            await compute(cloud_of(bare(fake.endpoint))).console(server_id, Kind.NOVNC)


async def test_a_reader_may_list_but_is_told_which_role_consoles_need(fake: FakeCompute, compute: Computes) -> None:
    token = note("token-of-a-reader")
    fake.api_tokens, fake.readers = {token}, {token}
    server_id = fake.add_server("web-01")
    cloud = compute(cloud_of(bare(fake.endpoint, token)))
    assert len(await cloud.servers()) == 1
    with pytest.raises(CloudCredentialsError, match="needs the role member in the server's project; reader is not"):
        await cloud.console(server_id, Kind.NOVNC)


async def test_a_server_in_error_says_why(fake: FakeCompute, cloud: Compute) -> None:
    server_id = fake.add_server("web-01", "ERROR", fault="No valid host was found.")
    assert (await cloud.server(server_id)).fault == "No valid host was found."


# A cloud that has the other console API than its version document says


def versions(version: str) -> web.Response:
    return web.json_response({"version": {"id": "v2.1", "version": version}})


NO_SUCH_PATH = "The resource could not be found."


@pytest.mark.parametrize("max_version", ["2.5", "2.1"])
async def test_where_remote_consoles_is_not_understood_the_action_is_asked_at_once_and_from_then_on(
    compute: Computes, max_version: str
) -> None:
    async with FakeCompute(max_version=max_version) as fake:
        fake.fault = only("/v2.1/", lambda: versions("2.104"))
        cloud = compute(cloud_of(bare(fake.endpoint)))
        server_id = fake.add_server("web-01")
        for _ in range(2):
            assert (await cloud.console(server_id, Kind.NOVNC)).url
        asked = [path.rpartition("/")[2] for method, path in fake.requests if method == "POST"]
        assert asked == ["remote-consoles", "action", "action"]
        assert fake.requests.count(("GET", "/v2.1/")) == 1


async def test_a_cloud_that_echoes_the_microversion_has_understood(fake: FakeCompute, cloud: Compute) -> None:
    def refuse() -> web.Response:
        reply = fault_reply(404, "itemNotFound", NO_SUCH_PATH)
        reply.headers["OpenStack-API-Version"] = "compute 2.6"
        return reply

    fake.fault = only("/remote-consoles", refuse)
    with pytest.raises(CloudReplyError, match="knows no request for consoles"):
        await cloud.console(fake.add_server("web-01"), Kind.NOVNC)
    assert [method for method, _ in fake.requests] == ["GET", "POST"]


@pytest.mark.parametrize("answer", [(404, "itemNotFound", NO_SUCH_PATH), (406, "computeFault", "Version 2.6 is …")])
async def test_a_cloud_that_has_neither_console_api_is_asked_for_each_once(
    fake: FakeCompute, cloud: Compute, answer: tuple[int, str, str]
) -> None:
    async def fault(request: web.Request) -> web.Response | None:
        return fault_reply(*answer) if request.method == "POST" else None

    fake.fault = fault
    with pytest.raises(CloudReplyError) as caught:
        await cloud.console(fake.add_server("web-01"), Kind.NOVNC)
    assert caught.value.status == answer[0]
    assert [path.rpartition("/")[2] for _, path in fake.requests] == ["", "remote-consoles", "action"]


async def test_where_the_action_has_ended_discovery_is_asked_anew(fake: FakeCompute, cloud: Compute) -> None:
    """A cloud that was upgraded while the gateway ran, or whose version document was wrong for a while."""
    server_id = fake.add_server("web-01")
    ended = [only("/v2.1/", lambda: versions("2.1")), only("/action", lambda: no_path())]

    def no_path() -> web.Response:
        return fault_reply(404, "itemNotFound", NO_SUCH_PATH)

    fake.fault = ended[0]
    await cloud.console(server_id, Kind.NOVNC)
    fake.fault = ended[1]
    await asyncio.gather(*(cloud.console(server_id, Kind.NOVNC) for _ in range(10)))
    await cloud.console(server_id, Kind.NOVNC)
    assert fake.requests.count(("GET", "/v2.1/")) == 2
    assert [asked.api for asked in fake.console_requests] == ["action"] + 11 * ["remote-consoles"]


async def test_where_discovery_says_the_same_again_nothing_is_asked_twice(compute: Computes) -> None:
    async with FakeCompute(max_version="") as fake:
        fake.fault = only("/action", lambda: fault_reply(404, "itemNotFound", NO_SUCH_PATH))
        with pytest.raises(CloudReplyError, match="knows no request for consoles at its endpoint"):
            await compute(cloud_of(bare(fake.endpoint))).console(fake.add_server("web-01"), Kind.NOVNC)
        assert [path.rpartition("/")[2] for _, path in fake.requests] == ["", "action", ""]


async def test_legacy_endpoints_and_listings_get_no_microversion(compute: Computes) -> None:
    for version in ("", "2.104"):
        async with FakeCompute(max_version=version) as fake:
            cloud = compute(cloud_of(bare(fake.endpoint)))
            server_id = fake.add_server("web-01")
            await cloud.servers()
            await cloud.server(server_id)
            await cloud.console(server_id, Kind.NOVNC)
            sent = ["OpenStack-API-Version" in headers for headers in fake.request_headers]
            assert sent == [False, False, False, version != ""]


# The API token


async def test_the_token_is_sent_and_one_that_never_changes_is_not_tried_twice(
    fake: FakeCompute, compute: Computes
) -> None:
    token = note("good-token-of-a-bare-cloud")
    fake.api_tokens = {token}
    fake.add_server("web-01")
    assert len(await compute(cloud_of(bare(fake.endpoint, token))).servers()) == 1
    fake.requests.clear()
    wrong = note("bad-token-of-a-bare-cloud")
    with pytest.raises(CloudCredentialsError, match="does not accept the API token") as caught:
        await compute(cloud_of(bare(fake.endpoint, wrong))).servers()
    assert wrong not in str(caught.value)
    assert [path for _, path in fake.requests] == ["/v2.1/", "/v2.1/servers/detail?limit=100"]


class SignsIn:
    """Gives another API token at each sign-in, and counts them."""

    def __init__(self, endpoint: str) -> None:
        self.sign_ins = 1
        self._endpoint = endpoint
        self._access = self._new()

    async def access(self) -> ApiAccess:
        return self._access

    async def renew(self, refused: ApiAccess) -> ApiAccess:
        if refused is self._access:
            self.sign_ins += 1
            self._access = self._new()
        return self._access

    def _new(self) -> ApiAccess:
        return ApiAccess(Secret(issue()), self._endpoint, None, loopback=True)


async def test_a_cloud_that_refuses_new_tokens_too_is_not_signed_in_to_again_and_again(
    fake: FakeCompute, http: CloudHttp
) -> None:
    fake.api_tokens, clock, identity = set(), FakeClock(), SignsIn(fake.endpoint)
    compute = Compute(cloud_of(bare(fake.endpoint)), identity, http, clock)

    async def refused() -> None:
        with pytest.raises(CloudCredentialsError):
            await compute.servers()

    for _ in range(20):
        await refused()
    assert identity.sign_ins == 2
    assert len(fake.requests) == 1 + 2 + 19
    clock.advance(30)
    fake.api_tokens = None
    assert await compute.servers() == ()
    fake.api_tokens = set()
    await refused()
    assert identity.sign_ins == 3


async def test_a_console_may_take_longer_than_anything_else(fake: FakeCompute, http: CloudHttp) -> None:
    server_id, fake.delay = fake.add_server("web-01"), 0.1
    identity = SignsIn(fake.endpoint)
    compute = Compute(cloud_of(bare(fake.endpoint, console_ttl=600.0)), identity, http, FakeClock(), timeout=5)
    hasty = Compute(cloud_of(bare(fake.endpoint)), identity, http, FakeClock(), timeout=5, console_timeout=0.05)
    assert (await compute.console(server_id, Kind.NOVNC)).key.server_id == server_id
    await hasty.servers()
    with pytest.raises(CloudUnreachableError, match="no answer in time"):
        await hasty.console(server_id, Kind.NOVNC)


# Clouds that fail


@pytest.mark.parametrize(
    ("answer", "error", "message"),
    [
        (
            lambda: web.Response(text="<html>", content_type="text/html"),
            CloudReplyError,
            "text/html body is not a list",
        ),
        (lambda: web.Response(body=b""), CloudReplyError, "is not a list of servers"),
        (lambda: web.Response(body=b'{"servers": ['), CloudReplyError, "is not a list of servers"),
        (lambda: web.Response(body=b" " * (5 * 1024**2)), CloudReplyError, "more than 4 MiB"),
        (lambda: web.Response(status=502, text="<h1>Bad"), CloudReplyError, r"\(status 502\)\. Try again"),
        (lambda: fault_reply(403, "forbidden", "Policy."), CloudCredentialsError, "Policy"),
        (lambda: fault_reply(413, "overLimit", "Wait.", retryAt="2999-01-01T00:00:00Z"), CloudBusyError, "Wait"),
        (lambda: web.Response(status=429, headers={"Retry-After": "41"}), CloudBusyError, "for 41 s"),
        (lambda: web.Response(status=503), CloudBusyError, "patience"),
    ],
)
async def test_every_fault_is_a_typed_error_with_the_request_id(
    fake: FakeCompute,
    cloud: Compute,
    answer: Callable[[], web.Response],
    error: type[CloudError],
    message: str,
) -> None:
    fake.fault = only("/detail", answer)
    with pytest.raises(error, match=message) as caught:
        await cloud.servers()
    assert caught.value.cloud == "prod"
    assert caught.value.request_id == fake.request_ids[-1]


async def test_a_header_that_was_sent_twice_is_read_whole(fake: FakeCompute, cloud: Compute) -> None:
    """Repose and Nova behind it each send a Date; a wait until a moment counts from the later one."""
    headers = CIMultiDict({"Retry-After": "Tue, 30 Jun 2015 17:39:00 GMT"})
    headers.add("Date", "Tue, 30 Jun 2015 17:38:17 GMT")
    headers.add("Date", "Tue, 30 Jun 2015 17:38:19 GMT")
    fake.fault = only("/detail", lambda: web.Response(status=413, headers=headers))
    with pytest.raises(CloudBusyError, match="for 41 s") as caught:
        await cloud.servers()
    assert caught.value.retry_after == 41


@pytest.mark.parametrize("status", [200, 403])
async def test_a_cloud_that_repeats_the_api_token_is_not_quoted(
    fake: FakeCompute, compute: Computes, status: int
) -> None:
    token = note("token-that-a-cloud-repeats")
    headers = {"X-Compute-Request-Id": token, "Content-Type": f"text/{token}"}
    body = json.dumps({"forbidden": {"code": 403, "message": f"The token {token} is not allowed"}})
    fake.fault = only("/detail", lambda: web.Response(status=status, headers=headers, body=body))
    with pytest.raises(CloudError) as caught:
        await compute(cloud_of(bare(fake.endpoint, token))).servers()
    assert token not in f"{caught.value} {vars(caught.value)}"
    assert "***" in str(caught.value)


async def test_a_redirect_takes_no_token_to_another_server(fake: FakeCompute, compute: Computes) -> None:
    async with FakeCompute() as other:
        headers = {"Location": f"{other.endpoint}/servers/detail"}
        fake.fault = only("/detail", lambda: web.Response(status=307, headers=headers))
        cloud = compute(cloud_of(bare(fake.endpoint, note("token-that-must-not-travel"))))
        with pytest.raises(CloudReplyError, match="redirect \\(307\\), which is never followed") as caught:
            await cloud.servers()
        assert (caught.value.status, caught.value.request_id) == (307, fake.request_ids[-1])
        assert other.requests == []


async def test_the_client_itself_follows_no_redirect(fake: FakeCompute, http: CloudHttp) -> None:
    async with FakeCompute() as other:
        fake.fault = only("/", lambda: web.Response(status=302, headers={"Location": other.endpoint}))
        with pytest.raises(RedirectRefusedError):
            await http.client(loopback=True).get(f"{fake.endpoint}/", allow_redirects=True)
        assert other.requests == []


async def test_a_cookie_is_not_kept(fake: FakeCompute, cloud: Compute) -> None:
    fake.fault = only("/v2.1/", lambda: web.Response(headers={"Set-Cookie": "a=b; Path=/"}))
    await cloud.servers()
    assert all("Cookie" not in headers for headers in fake.request_headers)


async def test_a_cloud_that_is_away_is_said(fake: FakeCompute, cloud: Compute) -> None:
    await fake.stop()
    with pytest.raises(CloudUnreachableError, match=rf"http://127\.0\.0\.1:{fake.port} cannot be reached: Conn"):
        await cloud.servers()


async def test_a_name_that_nobody_knows_is_said(compute: Computes) -> None:
    with pytest.raises(CloudUnreachableError, match="its name cannot be resolved"):
        await compute(cloud_of(bare("http://no-such-cloud.invalid/v2.1"))).servers()


async def test_a_cloud_that_does_not_answer_in_time_is_said(fake: FakeCompute, compute: Computes) -> None:
    fake.delay = 5
    with pytest.raises(CloudUnreachableError, match="no answer in time"):
        await compute(cloud_of(bare(fake.endpoint)), timeout=0.05).servers()


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (b"", "broke off"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", "broke off"),
    ],
)
async def test_what_is_not_http_is_said(compute: Computes, reply: bytes, why: str) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(reply)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(CloudUnreachableError, match=why):
            await compute(cloud_of(bare(f"http://127.0.0.1:{port}/v2.1"))).servers()


async def test_a_certificate_is_checked_against_the_clouds_own_authority(compute: Computes, tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "ca.pem"
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    new = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
        *names,
    ]
    subprocess.run([*new, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    async def answer(request: web.BaseRequest) -> web.Response:
        return web.json_response({"servers": []})

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        endpoint = f"https://127.0.0.1:{runner.addresses[0][1]}/v2.1"
        assert await compute(cloud_of(bare(endpoint, cacert=certificate))).servers() == ()
        with pytest.raises(CloudUnreachableError, match="name its CA in cacert"):
            await compute(cloud_of(bare(endpoint))).servers()
    finally:
        await runner.cleanup()


async def test_a_caller_who_leaves_while_discovery_runs_harms_nobody(fake: FakeCompute, cloud: Compute) -> None:
    fake.add_server("web-01")
    fake.delay = 0.1
    async with asyncio.TaskGroup() as group:
        leaver = group.create_task(cloud.servers())
        stayers = [group.create_task(cloud.servers()) for _ in range(5)]
        await asyncio.sleep(0.05)
        leaver.cancel()
    assert leaver.cancelled()
    assert {len(task.result()) for task in stayers} == {1}


async def test_the_client_leaves_nothing_open() -> None:
    async with open_http() as http:
        clients = [http.client(loopback=loopback) for loopback in (False, True)]
    assert all(client.closed for client in clients)


def test_a_cloud_is_named_as_configured(compute: Computes, fake: FakeCompute) -> None:
    named: Cloud = cloud_of(bare(fake.endpoint), "bare")
    assert compute(named).name == "bare"
