"""What other processes of the gateway's own account may read of it, and what its answers say of it."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.sshd import open_folder, second_account
from tests.hostile.world import World
from tests.process.daemon import ROOT, Daemon

_READ = """
import errno, json, os, sys
found = {}
for name in ("environ", "mem", "fd"):
    try:
        path = f"/proc/{sys.argv[1]}/{name}"
        os.listdir(path) if name == "fd" else open(path, "rb").close()
        found[name] = "open"
    except OSError as error:
        found[name] = errno.errorcode[error.errno]
print(json.dumps(found))
"""
_PRIVATE_OR_NOT = """
import ctypes, os, resource, sys
from launcher.process import keep_private
os.setgroups([])
os.setgid(int(sys.argv[2]))
os.setuid(int(sys.argv[1]))
ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
if sys.argv[3] == "private":
    keep_private()
print(resource.getrlimit(resource.RLIMIT_CORE)[0], len(os.listdir("/proc/self/fd")) > 0, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize(("how", "found"), [("private", "EACCES"), ("as it was", "open")])
def test_a_process_of_the_same_account_cannot_read_environment_memory_and_files(how: str, found: str) -> None:
    with second_account() as account:
        command = [sys.executable, "-c", _PRIVATE_OR_NOT, str(account.pw_uid), str(account.pw_gid), how]
        with (
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process,
            open_folder() as folder,
        ):
            assert process.stdout is not None
            assert process.stdin is not None
            core, has_files = process.stdout.readline().split()
            told = subprocess.run(
                ["/usr/bin/python3", "-I", "-c", _READ, str(process.pid)],
                capture_output=True, text=True, timeout=20, check=True, cwd=folder,
                user=account.pw_uid, group=account.pw_gid, extra_groups=[],
            )  # fmt: skip
            process.stdin.close()
            assert process.wait(20) == 0
    assert has_files == "True"
    if how == "private":
        assert core == "0"
    said = json.loads(told.stdout)
    assert said == {"environ": found, "mem": found, "fd": found}


async def test_a_gateway_that_serves_writes_no_core_file(suite_output: Path) -> None:
    async with World(suite_output / "private") as world, world.daemon() as daemon:
        assert daemon.process is not None
        limits = Path(f"/proc/{daemon.process.pid}/limits").read_text()
    (line,) = [line for line in limits.splitlines() if line.startswith("Max core file size")]
    assert line.split()[4] == "0"


_UPGRADE = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)


async def test_no_answer_names_the_version_of_anything(suite_output: Path) -> None:
    requests = {
        200: "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        400: "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nbad header\r\n\r\n",
        404: "GET /nothing HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        421: "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        101: f"GET /ws/lab/web-01 HTTP/1.1\r\nHost: 127.0.0.1\r\n{_UPGRADE}\r\n",
    }
    async with World(suite_output / "private") as world, world.daemon() as daemon:
        heads = {status: await _head(daemon, request) for status, request in requests.items()}
    assert {status: int(head.split()[1]) for status, head in heads.items()} == {status: status for status in heads}
    for head in heads.values():
        servers = [line for line in head.split("\r\n") if line.lower().startswith("server:")]
        assert servers in ([], ["Server: console-launcher"])
        assert "aiohttp" not in head
        assert "Python" not in head


async def _head(daemon: Daemon, request: str) -> str:
    """Status line and headers of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", daemon.port, family=socket.AF_INET)
    try:
        writer.write(request.encode())
        async with asyncio.timeout(20):
            return (await reader.readuntil(b"\r\n\r\n")).decode()
    finally:
        writer.close()
