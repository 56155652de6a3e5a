"""Another local account of the jump host: a sentence, and no console, by TCP and by the Unix socket."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from tests.fakes.compute import FakeCompute
from tests.fakes.issued import put_out
from tests.fakes.stranger import STRANGER
from tests.process.daemon import Daemon

_ASK = """
import socket, sys
where, request = sys.argv[1], sys.argv[2].encode()
door = socket.socket(socket.AF_UNIX if where.startswith("/") else socket.AF_INET)
door.connect(where if where.startswith("/") else ("127.0.0.1", int(where)))
door.sendall(request)
answer = b""
while b"}" not in answer and (chunk := door.recv(65536)):
    answer += chunk
print(answer.decode())
"""
_UPGRADE = (
    "GET /ws/prod/web-01 HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
_POST = (
    "POST /api/v1/servers/prod/web-01/console HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n"
    "Connection: close\r\n\r\n"
)
_PAGE = "GET /c/prod/web-01 HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"


async def ask_as(uid: int, where: str, request: str) -> str:
    """What the gateway answers to an account."""
    process = await asyncio.create_subprocess_exec(
        "/usr/bin/python3", "-c", _ASK, where, request, user=uid, group=uid, extra_groups=[],
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, cwd="/",
    )  # fmt: skip
    try:
        async with asyncio.timeout(20):
            answer, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0, errors.decode()
    return put_out(answer.decode())


@pytest.mark.parametrize("request_text", [_UPGRADE, _POST, _PAGE], ids=["websocket", "post", "page"])
@pytest.mark.parametrize("way", ["tcp", "unix"])
async def test_a_second_local_account_gets_a_sentence_and_no_console(
    suite_output: Path, way: str, request_text: str
) -> None:
    assert os.geteuid() == 0, "this test asks as another account: run it as root"
    async with FakeCompute() as compute:
        compute.add_server("web-01")
        clouds = {"prod": {"provider": "none", "endpoint": compute.endpoint}}
        async with Daemon(suite_output / "daemons", clouds) as daemon:
            daemon.socket_path.chmod(0o666)
            where = str(daemon.port) if way == "tcp" else str(daemon.socket_path)
            answer = await ask_as(STRANGER, where, request_text)
    assert " 403 " in answer.splitlines()[0]
    assert f'Account "uid {STRANGER}" may not use this gateway' in answer.replace("\\", "")
    assert compute.requests == []
    (refusal,) = daemon.log_events("refusal")
    assert (refusal["kind"], refusal["uid"], refusal["via"]) == ("account", STRANGER, way)
    assert refusal["path"] == request_text.split()[1]
    assert refusal["why"].startswith(f'Account "uid {STRANGER}" may not use this gateway')


_FOREIGN = "GET /c/prod/web-01?secret=1 HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
_ELSEWHERE = (
    "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://evil.example\r\nContent-Length: 0\r\n"
    "Connection: close\r\n\r\n"
)
_CLAIM = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-User: root\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize("way", ["tcp", "unix"])
async def test_case_14_a_second_account_s_names_and_claims_get_it_nowhere_and_are_on_record(
    suite_output: Path, way: str
) -> None:
    assert os.geteuid() == 0, "this test asks as another account: run it as root"
    clouds = {"prod": {"provider": "none", "endpoint": "http://127.0.0.1:1"}}
    async with Daemon(suite_output / "daemons", clouds) as daemon:
        daemon.socket_path.chmod(0o666)
        where = str(daemon.port) if way == "tcp" else str(daemon.socket_path)
        answers = [await ask_as(STRANGER, where, one) for one in (_FOREIGN, _ELSEWHERE, _CLAIM, _FOREIGN, _FOREIGN)]
    assert [answer.split()[1] for answer in answers] == ["421", "403", "403", "421", "421"]
    told = [(one["kind"], one["uid"], one["via"], one["sent"], one["more"]) for one in daemon.log_events("refusal")]
    assert told == [
        ("host", STRANGER, way, "evil.example", 0),
        ("site", STRANGER, way, "http://evil.example", 0),
        ("account", STRANGER, way, None, 0),
        ("claim", STRANGER, way, "x-forwarded-user", 0),
        ("host", STRANGER, way, "evil.example", 1),
    ]
    assert "secret" not in daemon.log()
