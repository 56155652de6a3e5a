"""What passes the guard: Host × Origin × method × path → the answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from aiohttp.typedefs import Handler

from launcher.access.origin import Names
from launcher.access.peer import Socket
from launcher.access.policy import Policy
from launcher.errors import (
    BadRequestError,
    ForbiddenError,
    LauncherError,
    MisdirectedError,
    NotSignedInError,
)
from launcher.model import Actor
from launcher.web import guard as guard_module
from launcher.web.guard import ACTOR, check_host, guard, hardened
from launcher.web.worker import REMOVED, SCRIPT
from tests.fakes.transport import MemoryTransport

STATUS = {BadRequestError: 400, NotSignedInError: 401, ForbiddenError: 403, MisdirectedError: 421}
HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
ALICE = Actor(1000, "alice", "tcp")
MALLORY = Actor(1001, "mallory", "tcp")
GOOD = "jump.localhost:6080"


@web.middleware
async def answers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Stands in for the middleware outside the guard."""
    try:
        return await handler(request)
    except LauncherError as error:
        return web.json_response({"detail": str(error)}, status=STATUS[type(error)])


@dataclass
class FakePeers:
    """Whoever is told to be at the other end."""

    present: Actor | None = ALICE
    asked: int = 0

    async def actor(self, sock: Socket, known: int | None = None) -> Actor | None:
        assert sock.fileno() >= 0
        self.asked += 1
        return self.present


@dataclass
class Gateway:
    """An application behind the guard, on a Unix socket."""

    path: str
    peers: FakePeers
    reached: list[str] = field(default_factory=list)

    async def send(self, *requests: bytes) -> list[tuple[int, dict[str, str], str]]:
        """Send requests on one connection, byte for byte; status, headers and text of each answer."""
        reader, writer = await asyncio.open_unix_connection(self.path)
        try:
            found = []
            for request in requests:
                writer.write(request)
                found.append(await _answer(reader))
            return found
        finally:
            writer.close()
            await writer.wait_closed()

    async def ask(self, method: str, target: str, host: str, *more: str) -> tuple[int, dict[str, str], str]:
        return (await self.send(asked(method, target, host, *more)))[0]


def asked(method: str, target: str, host: str, *more: str) -> bytes:
    return "\r\n".join([f"{method} {target} HTTP/1.1", f"Host: {host}", *more, "", ""]).encode("latin-1")


async def _answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], str]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in head[1:] if line)
    body = await reader.readexactly(int(headers.get("Content-Length", "0")))
    return int(head[0].split()[1]), headers, body.decode()


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    gateway = Gateway(str(tmp_path / "s"), FakePeers())

    async def route(request: web.Request) -> web.StreamResponse:
        actor = request.get(ACTOR)
        gateway.reached.append(f"{request.method} {request.path}")
        return web.json_response({"actor": actor and actor.name, "body": await request.text()})

    async def prepared(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Cache-Control": "immutable", "Content-Length": "2"})
        await response.prepare(request)
        await response.write(b"ok")
        return response

    app = web.Application(
        middlewares=[
            answers,
            guard(
                Names(["http://jump.localhost:6080", "https://jump.example.net"]),
                lambda: Policy(frozenset({1000})),
                gateway.peers,
                body_timeout=0.05,
            ),
        ]
    )
    app.on_response_prepare.append(hardened(HEADERS))
    app.router.add_get("/static/app.css", prepared)
    for path in ("/", "/c/prod/web-01", "/api/v1/sessions/1", "/ws/prod/web-01", "/healthz", "/readyz"):
        app.router.add_route("*", path, route)
    runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.UnixSite(runner, gateway.path).start()
    yield gateway
    await runner.cleanup()


PATHS = ["/", "/c/prod/web-01", "/api/v1/sessions/1", "/static/app.css", "/no/such/path", "/healthz", "/ws/prod/web-01"]
UPGRADE = ("Connection: Upgrade", "Upgrade: websocket")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "host", ["evil.example:6080", "jump2", "127.0.0.1.", "2130706433", "me@localhost", "localhost."]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_foreign_host_gets_one_sentence_on_every_path(
    gateway: Gateway, method: str, host: str, path: str
) -> None:
    status, headers, text = await gateway.ask(method, path, host, f"Origin: http://{host}")
    assert (status, json.loads(text)) == (421, {"detail": f'This gateway does not answer to the name "{host}".'})
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert (gateway.reached, gateway.peers.asked) == ([], 0)


@pytest.mark.parametrize(
    "host", [GOOD, "jump.example.net", "localhost:50000", "127.0.0.1:1", "[::1]:2", "JUMP.localhost"]
)
@pytest.mark.parametrize("path", PATHS)
async def test_a_safe_request_to_one_of_our_names_needs_no_origin(gateway: Gateway, path: str, host: str) -> None:
    status, headers, _ = await gateway.ask("GET", path, host)
    assert status == (404 if path == "/no/such/path" else 200)
    assert headers["X-Content-Type-Options"] == "nosniff"


WORKER = "Service-Worker: script"


@pytest.mark.parametrize("path", [*PATHS, "//worker.js", "/\\\\worker.js", "/static/x/worker.js?v=1", "/readyz?deep=1"])
@pytest.mark.parametrize("actor", [ALICE, MALLORY, None])
async def test_a_request_for_a_service_worker_is_answered_by_one_that_removes_itself_whoever_asks(
    gateway: Gateway, path: str, actor: Actor | None
) -> None:
    gateway.peers.present = actor
    status, headers, text = await gateway.ask("GET", path, GOOD, WORKER, "Sec-Fetch-Dest: serviceworker")
    assert (status, text) == (200, SCRIPT)
    assert headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Service-Worker-Allowed"] == "/"
    assert headers["Connection"] == "close"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert (gateway.reached, gateway.peers.asked) == ([], 0)


@pytest.mark.parametrize("host", ["evil.example:6080", "jump2", "127.0.0.1."])
async def test_a_foreign_host_gets_no_service_worker_either(gateway: Gateway, host: str) -> None:
    status, _, text = await gateway.ask("GET", "/worker.js", host, WORKER)
    assert status == 421
    assert SCRIPT not in text


@pytest.mark.parametrize("header", ["Service-Worker: ", "Service-Worker: none", "X-Service-Worker: script"])
async def test_only_a_request_for_a_worker_is_answered_by_one(gateway: Gateway, header: str) -> None:
    _, _, text = await gateway.ask("GET", "/c/prod/web-01", GOOD, header)
    assert SCRIPT not in text
    _, _, text = await gateway.ask("POST", "/c/prod/web-01", GOOD, WORKER)
    assert SCRIPT not in text


async def test_an_answer_that_says_otherwise_keeps_its_own_header(gateway: Gateway) -> None:
    _, headers, _ = await gateway.ask("GET", "/static/app.css", GOOD)
    assert headers["Cache-Control"] == "immutable"
    _, headers, _ = await gateway.ask("GET", "/", GOOD)
    assert headers["Cache-Control"] == "no-store"


ORIGINS = [
    (GOOD, "http://jump.localhost:6080", 200),
    ("localhost:50000", "http://localhost:50000", 200),
    ("jump.localhost:6080", "http://jump.localhost:6080", 200),
    ("localhost:50000", "http://jump.localhost:6080", 403),
    ("127.0.0.1:50000", "https://jump.example.net", 403),
    ("localhost:50000", "http://localhost:50001", 403),
    ("127.0.0.1:50000", "http://localhost:50000", 403),
    (GOOD, "http://evil.example", 403),
    (GOOD, "http://jump.localhost:6080.evil.example", 403),
    (GOOD, "https://jump.localhost:6080", 403),
    (GOOD, "HTTP://jump.localhost:6080", 403),
    (GOOD, "http://jump.localhost.:6080", 403),
    (GOOD, "null", 403),
    (GOOD, "", 403),
]


@pytest.mark.parametrize(("host", "origin", "status"), ORIGINS)
@pytest.mark.parametrize("method", ["POST", "DELETE", "PUT", "PATCH", "PROPFIND"])
async def test_an_unsafe_method_comes_from_our_own_pages(
    gateway: Gateway, method: str, host: str, origin: str, status: int
) -> None:
    found, _, text = await gateway.ask(method, "/api/v1/sessions/1", host, f"Origin: {origin}")
    assert found == status
    assert bool(gateway.reached) is (status == 200)
    if status == 403:
        assert f'A page of "{origin}" may not use this gateway' in json.loads(text)["detail"]


@pytest.mark.parametrize(("host", "origin", "status"), ORIGINS)
async def test_a_websocket_comes_from_our_own_pages(gateway: Gateway, host: str, origin: str, status: int) -> None:
    found, _, _ = await gateway.ask("GET", "/ws/prod/web-01", host, f"Origin: {origin}", *UPGRADE)
    assert found == status
    assert bool(gateway.reached) is (status == 200)


@pytest.mark.parametrize("how", [("POST",), ("GET", *UPGRADE)])
async def test_two_origins_are_none(gateway: Gateway, how: tuple[str, ...]) -> None:
    origin = f"Origin: http://{GOOD}"
    assert (await gateway.ask(how[0], "/ws/prod/web-01", GOOD, origin, origin, *how[1:]))[0] == 403


@pytest.mark.parametrize(
    ("marks", "status"),
    [
        ((), 200),
        (("Sec-Fetch-Site: none",), 200),
        (("Sec-Fetch-Site: same-origin",), 200),
        (("Sec-Fetch-Site: same-site",), 403),
        (("Sec-Fetch-Site: cross-site",), 403),
        (("Cookie: a=b",), 403),
    ],
)
@pytest.mark.parametrize("how", [("POST",), ("GET", *UPGRADE)])
async def test_a_program_needs_no_origin_and_a_browser_does(
    gateway: Gateway, how: tuple[str, ...], marks: tuple[str, ...], status: int
) -> None:
    assert (await gateway.ask(how[0], "/ws/prod/web-01", GOOD, *how[1:], *marks))[0] == status


PICTURE = ("Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image")
FETCH = ("Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty")
FRAME = ("Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe")
TAB = ("Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document")


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize("how", [PICTURE, FETCH, FRAME, ("Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: object"), ()])
@pytest.mark.parametrize("path", [path for path in PATHS if path != "/healthz"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_case_16_what_another_site_s_page_loads_reaches_no_route(
    gateway: Gateway, method: str, path: str, how: tuple[str, ...], site: str
) -> None:
    reader, writer = await asyncio.open_unix_connection(gateway.path)
    writer.write(asked(method, path, GOOD, f"Sec-Fetch-Site: {site}", *how))
    assert (await reader.readline()).split()[1] == b"403"
    writer.close()
    await writer.wait_closed()
    assert (gateway.reached, gateway.peers.asked) == ([], 0)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 200),
        ("/c/prod/web-01", 200),
        ("/api/v1/sessions/1", 403),
        ("/static/app.css", 403),
        ("/ws/prod/web-01", 403),
        ("/readyz?deep=1", 403),
        ("/healthz", 200),
        ("/readyz", 200),
    ],
)
async def test_a_link_of_another_site_leads_to_pages_only(gateway: Gateway, path: str, status: int, site: str) -> None:
    assert (await gateway.ask("GET", path, GOOD, f"Sec-Fetch-Site: {site}", *TAB))[0] == status


@pytest.mark.parametrize("marks", [(), ("Sec-Fetch-Site: same-origin", *FETCH), ("Sec-Fetch-Site: none", *TAB)])
@pytest.mark.parametrize("path", [path for path in PATHS if path != "/no/such/path"])
async def test_programs_the_person_and_our_own_pages_get_everything(
    gateway: Gateway, path: str, marks: tuple[str, ...]
) -> None:
    assert (await gateway.ask("GET", path, GOOD, *marks))[0] == 200


async def test_health_answers_whatever_page_asks(gateway: Gateway) -> None:
    assert (await gateway.ask("GET", "/healthz", GOOD, "Sec-Fetch-Site: cross-site", *FETCH))[0] == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "http://127.0.0.1:6081", "null"])
async def test_case_1_a_websocket_of_a_foreign_page_reaches_no_route(gateway: Gateway, origin: str) -> None:
    status, _, text = await gateway.ask("GET", "/ws/prod/web-01", "127.0.0.1:6080", f"Origin: {origin}", *UPGRADE)
    assert status == 403
    assert origin in json.loads(text)["detail"]
    assert (gateway.reached, gateway.peers.asked) == ([], 0)


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1/",
        "http://jump.localhost:6080/",
        "//evil.example/%2F..",
        "/\\evil.example",
        "*",
        "jump.localhost:6080",
    ],
)
@pytest.mark.parametrize("host", [GOOD, "evil.example"])
@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
async def test_only_a_plain_path_is_a_target(gateway: Gateway, method: str, host: str, target: str) -> None:
    status, headers, _ = await gateway.ask(method, target, host)
    assert status == 400
    assert "Location" not in headers
    assert gateway.reached == []


@pytest.mark.parametrize("hosts", [[], [GOOD, GOOD], ["", ""]])
async def test_no_host_or_two_of_them_are_refused(gateway: Gateway, hosts: list[str]) -> None:
    lines = ["GET / HTTP/1.1", *(f"Host: {host}" for host in hosts), "", ""]
    (status, _, _), *_ = await gateway.send("\r\n".join(lines).encode())
    assert status in {400, 421}
    assert gateway.reached == []


def test_a_name_is_repeated_only_so_far() -> None:
    request = make_mocked_request("GET", "/", headers={"Host": "e" * 5000})
    with pytest.raises(MisdirectedError) as caught:
        check_host(Names([]), request)
    assert len(caught.value.name) == 100


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (asked("GET", "/", "evil.example"), 421),
        (asked("POST", "/", GOOD, "Origin: http://evil.example"), 403),
        (asked("GET", "/healthz", GOOD), 200),
    ],
    ids=["Host", "Origin", "open path"],
)
async def test_whoever_is_not_let_in_gets_one_answer_a_connection(
    gateway: Gateway, request_bytes: bytes, status: int
) -> None:
    reader, writer = await asyncio.open_unix_connection(gateway.path)
    writer.write(request_bytes * 2)
    found, headers, _ = await _answer(reader)
    assert (found, headers["Connection"]) == (status, "close")
    with suppress(ConnectionResetError):
        assert await reader.read() == b""
    writer.close()


async def test_the_actor_is_found_once_a_connection(gateway: Gateway) -> None:
    request = asked("GET", "/c/prod/web-01", GOOD)
    found = await gateway.send(request, request, request)
    assert [json.loads(text)["actor"] for _, _, text in found] == ["alice"] * 3
    assert gateway.peers.asked == 1
    gateway.peers.present = MALLORY
    assert (await gateway.send(request))[0][0] == 403
    assert gateway.peers.asked == 2


@pytest.mark.parametrize("path", [path for path in PATHS if path != "/healthz"])
@pytest.mark.parametrize(("present", "status"), [(MALLORY, 403), (None, 401)])
async def test_a_stranger_gets_a_sentence_on_every_path(
    gateway: Gateway, present: Actor | None, status: int, path: str
) -> None:
    gateway.peers.present = present
    found, headers, text = await gateway.ask("GET", path, GOOD)
    assert found == status
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "gateway" in json.loads(text)["detail"]
    assert gateway.reached == []


@pytest.mark.parametrize(("at_first", "status"), [(None, 401), (MALLORY, 403)])
async def test_a_peer_that_was_refused_is_looked_at_again(
    gateway: Gateway, at_first: Actor | None, status: int
) -> None:
    """Its account may have had no name at first, because a directory service was slow."""
    gateway.peers.present = at_first
    assert (await gateway.send(asked("GET", "/", GOOD)))[0][0] == status
    gateway.peers.present = ALICE
    assert (await gateway.send(asked("GET", "/", GOOD)))[0][0] == 200
    assert gateway.peers.asked == 2


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/readyz?verbose=1"])
async def test_health_answers_every_local_account_and_names_nobody(gateway: Gateway, path: str) -> None:
    gateway.peers.present = MALLORY
    status, _, text = await gateway.ask("GET", path, GOOD)
    assert (status, json.loads(text)["actor"]) == (200, None)
    assert gateway.peers.asked == 0


@pytest.mark.parametrize("query", ["deep=1", "x=1&deep", "de%65p=1"])
async def test_what_says_more_than_that_the_daemon_runs_is_for_who_may_use_it(gateway: Gateway, query: str) -> None:
    gateway.peers.present = MALLORY
    assert (await gateway.ask("GET", f"/readyz?{query}", GOOD))[0] == 403
    gateway.peers.present = ALICE
    assert (await gateway.ask("GET", f"/readyz?{query}", GOOD))[0] == 200
    assert gateway.reached == ["GET /readyz"]


async def test_a_client_that_has_gone_is_nobody() -> None:
    async def never(request: web.Request) -> web.StreamResponse:
        raise AssertionError

    peers = FakePeers()
    middleware = guard(Names([]), lambda: Policy(frozenset({1000})), peers)
    request = make_mocked_request("GET", "/", headers={"Host": "localhost"})
    request.protocol.transport = None
    with pytest.raises(NotSignedInError):
        await middleware(request, never)
    request.protocol.transport = MemoryTransport()  # with TLS it is a turn longer, but has no socket any more
    with pytest.raises(NotSignedInError):
        await middleware(request, never)
    assert peers.asked == 0


async def test_a_body_is_there_when_the_route_asks(gateway: Gateway) -> None:
    request = asked("POST", "/", GOOD, "Content-Length: 5") + b"hello"
    assert json.loads((await gateway.send(request))[0][2])["body"] == "hello"


@pytest.mark.parametrize("more", [(), ("Upgrade: x", "Connection: Upgrade")], ids=["plain", "with an upgrade"])
async def test_a_body_that_does_not_come_is_not_waited_for(gateway: Gateway, more: tuple[str, ...]) -> None:
    request = asked("POST", "/", GOOD, "Content-Length: 5", *more) + b"hel"
    [(status, _, text)] = await gateway.send(request)
    assert status == 400
    assert "did not arrive within 0.05 s" in text
    assert gateway.reached == []


async def test_a_strangers_body_is_not_read(gateway: Gateway) -> None:
    gateway.peers.present = MALLORY
    assert (await gateway.ask("POST", "/", GOOD, "Content-Length: 5"))[0] == 403


@pytest.mark.parametrize("path", [*PATHS, "//worker.js", "/\\worker.js", "/static/x/y.js?v=1"])
async def test_a_request_for_a_service_worker_gets_one_that_removes_itself_before_anybody_is_asked_who_they_are(
    gateway: Gateway, path: str
) -> None:
    status, headers, text = await gateway.ask("GET", path, GOOD, "Service-Worker: script")
    assert status == 200
    assert headers["Content-Type"].startswith("text/javascript")
    assert (headers["Cache-Control"], headers["Connection"]) == ("no-store", "close")
    assert "registration.unregister()" in text
    assert '"fetch"' not in text
    assert (gateway.reached, gateway.peers.asked) == ([], 0)


@pytest.mark.parametrize("path", PATHS)
async def test_a_service_worker_for_another_name_is_answered_to_nobody(gateway: Gateway, path: str) -> None:
    status, _, _ = await gateway.ask("GET", path, "evil.example", "Service-Worker: script")
    assert status == 421


def test_worker_and_page_leave_word_for_each_other_by_the_same_name() -> None:
    assert f'"{REMOVED}"' in (Path(guard_module.__file__).parent / "static" / "foreign.js").read_text()
    assert f'"{REMOVED}"' in SCRIPT
