"""Asks the gateway for its first page under many user ids at once, from one process that runs as root."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass

from tests.fakes.sshd import need_root

_CALL = """
import json, os, socket, sys
where, uids = sys.argv[1], [int(uid) for uid in sys.argv[2:]]
ends = []
for uid in uids:
    os.seteuid(uid)
    end = socket.socket(socket.AF_UNIX if where.startswith("/") else socket.AF_INET)
    end.settimeout(60)
    end.connect(where if where.startswith("/") else ("127.0.0.1", int(where)))
    os.seteuid(0)
    end.sendall(b"GET / HTTP/1.1\\r\\nHost: localhost\\r\\nAccept: application/json\\r\\nConnection: close\\r\\n\\r\\n")
    ends.append((uid, end))
for uid, end in ends:
    came = b""
    while part := end.recv(65536):
        came += part
    head, _, body = came.decode("utf-8", "replace").partition("\\r\\n\\r\\n")
    status = int(head.split()[1]) if head else 0
    print(json.dumps({"uid": uid, "status": status, "body": body}), flush=True)
"""


@dataclass(frozen=True, slots=True)
class Told:
    """What one of them was answered."""

    uid: int
    status: int
    """0: hung up without an answer."""
    body: str


async def called(where: int | str, uids: Iterable[int]) -> list[Told]:
    """One connection for each of the user ids, all open at once, to a port of 127.0.0.1 or a Unix socket's path."""
    need_root()
    process = await asyncio.create_subprocess_exec(
        *("/usr/bin/python3", "-I", "-c", _CALL, str(where), *map(str, uids)), stdout=subprocess.PIPE, cwd="/"
    )
    try:
        async with asyncio.timeout(90):
            out, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0
    return [Told(**json.loads(line)) for line in out.decode().splitlines()]
