"""`ssh -L port:socket` with a real OpenSSH: the tunnel's port works, and the account that signed in is the actor."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from tests.fakes.sshd import Sshd, open_folder, running_sshd, second_account
from tests.integration.test_access import door


@pytest.fixture
async def sshd() -> AsyncIterator[Sshd]:
    async with running_sshd() as server:
        yield server


async def ask(port: int, host: str, *more: str, method: str = "GET") -> tuple[int, dict[str, object]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write("\r\n".join([f"{method} / HTTP/1.1", f"Host: {host}", "Connection: close", *more, "", ""]).encode())
    async with asyncio.timeout(10):
        text = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
    head, _, body = text.partition("\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


async def test_the_account_that_signed_in_is_the_actor(sshd: Sshd) -> None:
    with second_account() as account, open_folder() as folder:
        async with door(folder, account.pw_name) as ways, sshd.tunnel(account.pw_name, ways[2]) as port:
            for host in (f"jump.localhost:{port}", f"localhost:{port}", f"127.0.0.1:{port}"):
                assert await ask(port, host) == (200, {"name": account.pw_name, "uid": account.pw_uid, "via": "unix"})
        async with door(folder, account.pw_name) as ways, sshd.tunnel("root", ways[2]) as port:
            assert (await ask(port, f"jump.localhost:{port}"))[1]["name"] == "root"


async def test_an_account_that_may_not_use_the_gateway_gets_a_sentence_through_its_tunnel(sshd: Sshd) -> None:
    with second_account() as account, open_folder() as folder:
        async with door(folder) as ways, sshd.tunnel(account.pw_name, ways[2]) as port:
            status, problem = await ask(port, f"jump.localhost:{port}")
    assert status == 403
    assert f'Account "{account.pw_name}" may not use this gateway.' in str(problem["detail"])


async def test_a_tunnel_opens_no_door_to_other_pages(sshd: Sshd) -> None:
    with open_folder() as folder:
        async with door(folder) as ways, sshd.tunnel("root", ways[2]) as port:
            host = f"jump.localhost:{port}"
            other_port = f"Origin: http://jump.localhost:{port - 1}"
            assert (await ask(port, f"evil.example:{port}"))[0] == 421
            assert (await ask(port, host, other_port, method="POST"))[0] == 403
            assert (await ask(port, host, other_port, "Connection: Upgrade", "Upgrade: websocket"))[0] == 403
            assert (await ask(port, host, f"Origin: http://{host}", method="POST"))[0] == 405
