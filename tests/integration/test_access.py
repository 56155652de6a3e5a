"""A second local account at the door: over loopback TCP and over the Unix socket, with the kernel's own answers."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import pwd
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import web

from launcher.access.accounts import admitted
from launcher.access.origin import Names
from launcher.access.peer import Peers
from launcher.config.listen import TcpAddress, UnixAddress
from launcher.web.guard import ACTOR, guard, hardened
from launcher.web.listeners import listen
from launcher.web.problems import problems
from tests.fakes.sshd import need_root, open_folder, second_account

CLIENT = """
import encodings.idna, os, socket, sys
uid, where, path = int(sys.argv[1]), sys.argv[2], sys.argv[3]
if uid != os.geteuid():
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
if where.startswith("/"):
    end = socket.socket(socket.AF_UNIX)
    try:
        end.connect(where)
    except PermissionError as error:
        sys.exit(error.errno)
else:
    host, _, port = where.removeprefix("http://").rpartition(":")
    end = socket.create_connection((host.strip("[]"), int(port)))
end.sendall(f"GET {path} HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n".encode())
while part := end.recv(65536):
    sys.stdout.buffer.write(part)
"""
"""Becomes another account after it has started, because an interpreter may lie where other accounts cannot reach it."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: str
    body: dict[str, object]


async def ask(where: str, uid: int, path: str = "/") -> Answer:
    """A request by a process of its own, which runs as `uid`. Raises PermissionError if it may not even connect."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CLIENT, str(uid), where, path, stdout=subprocess.PIPE, cwd="/"
    )
    text, _ = await process.communicate()
    if process.returncode == errno.EACCES:
        raise PermissionError(where)
    assert process.returncode == 0
    head, _, body = text.decode().partition("\r\n\r\n")
    return Answer(int(head.split()[1]), head, json.loads(body) if body.startswith("{") else {"text": body})


@asynccontextmanager
async def door(folder: Path, *local_users: str) -> AsyncIterator[list[str]]:
    """A small application behind the real guard, on 127.0.0.1, ::1 and a Unix socket that everybody can connect to."""

    async def who(request: web.Request) -> web.Response:
        return web.json_response({"name": request[ACTOR].name, "uid": request[ACTOR].uid, "via": request[ACTOR].via})

    async def health(_request: web.Request) -> web.Response:
        return web.Response(text="ok")

    policy = admitted(local_users)
    app = web.Application(middlewares=[problems(str), guard(Names([]), lambda: policy, Peers())])
    app.on_response_prepare.append(hardened({"X-Content-Type-Options": "nosniff"}))
    app.add_routes([web.get("/", who), web.get("/healthz", health)])
    runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=1)
    async with AsyncExitStack() as undo:
        await runner.setup()
        undo.push_async_callback(runner.cleanup)
        path = folder / "web.sock"
        listening = await listen(runner, [TcpAddress("localhost", 0), UnixAddress(str(path))])
        path.chmod(0o666)
        for one in listening:
            undo.callback(one.close)
        yield [one.where for one in listening]


@pytest.fixture
def folder() -> Iterator[Path]:
    with open_folder() as folder:
        yield folder


async def test_the_daemons_own_account_comes_in_by_every_way(folder: Path) -> None:
    me = pwd.getpwuid(os.geteuid())
    async with door(folder) as ways:
        answers = [await ask(where, me.pw_uid) for where in ways]
    assert [answer.status for answer in answers] == [200] * 3
    assert [answer.body for answer in answers] == [
        {"name": me.pw_name, "uid": me.pw_uid, "via": via} for via in ("tcp", "tcp", "unix")
    ]


async def test_a_second_account_gets_a_sentence_by_every_way(folder: Path) -> None:
    with second_account() as account:
        async with door(folder) as ways:
            for where in ways:
                for path in ("/", "/static/app.css", "/no/such/path"):
                    answer = await ask(where, account.pw_uid, path)
                    assert answer.status == 403
                    assert answer.body["detail"] == (
                        f'Account "{account.pw_name}" may not use this gateway. '
                        "Ask its operator to add it to access.local_users."
                    )
                    assert "nosniff" in answer.headers
                assert (await ask(where, account.pw_uid, "/healthz")).body == {"text": "ok"}


async def test_an_account_of_local_users_comes_in_by_every_way(folder: Path) -> None:
    with second_account() as account:
        async with door(folder, account.pw_name) as ways:
            answers = [await ask(where, account.pw_uid) for where in ways]
    assert [answer.body.get("name") for answer in answers] == [account.pw_name] * 3


async def test_an_account_that_appears_after_the_start_comes_in_by_every_way(folder: Path) -> None:
    """Its directory may have been slow to answer at boot."""
    name = f"clt-{secrets.token_hex(4)}"
    async with door(folder, name, "nobody") as ways:
        with second_account(name) as account:
            answers = [await ask(where, account.pw_uid) for where in ways]
            assert [answer.body.get("name") for answer in answers] == [name] * 3
        assert [(await ask(where, account.pw_uid)).status for where in ways] == [403] * 3


@pytest.mark.parametrize("uid", [12345, 65534])
async def test_a_user_id_that_nobody_let_in_stays_out(folder: Path, uid: int) -> None:
    need_root()
    async with door(folder) as ways:
        answers = [await ask(where, uid) for where in ways]
    assert [answer.status for answer in answers] == [403] * 3
    name = "uid 12345" if uid == 12345 else pwd.getpwuid(uid).pw_name
    assert all(f'Account "{name}" may not use this gateway.' in str(answer.body["detail"]) for answer in answers)


async def test_the_unix_socket_as_it_is_made_keeps_other_accounts_from_connecting(folder: Path) -> None:
    need_root()
    async with door(folder) as ways:
        Path(ways[2]).chmod(0o660)
        with pytest.raises(PermissionError):
            await ask(ways[2], 12345)


async def test_a_hundred_connections_at_once_all_know_who_asks(folder: Path) -> None:
    """Readings of the kernel's tables are shared; nobody is lost or taken for somebody else by that."""
    async with door(folder) as ways:
        host, port = "127.0.0.1", int(ways[0].rpartition(":")[2])

        async def one() -> str:
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            text = (await reader.read()).decode()
            writer.close()
            await writer.wait_closed()
            return text.partition("\r\n\r\n")[2]

        async with asyncio.TaskGroup() as group:
            asking = [group.create_task(one()) for _ in range(100)]
        assert {json.loads(task.result())["uid"] for task in asking} == {os.geteuid()}
