"""What another account asks of the gateway: `python -m tests.nspawn.ask get WHERE PATH`, `view WHERE PATH`, `rfb PATH`.

WHERE is a Unix socket's path or a loopback port. `get` prints the status; `view` prints the first bytes of a screen,
then the code with which the session was closed; `rfb` does as a native viewer at a server's own socket: it prints the
greeting, and then what it is told.
"""

from __future__ import annotations

import asyncio
import sys

import aiohttp


async def _ask(what: str, where: str, path: str) -> None:
    unix = where.startswith("/")
    connector = aiohttp.UnixConnector(where) if unix else None
    url = f"http://127.0.0.1:{80 if unix else where}{path}"
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(60)) as client:
        if what == "get":
            async with client.get(url) as reply:
                print(reply.status, flush=True)
            return
        async with client.ws_connect(url, protocols=("binary",)) as viewer:
            print((await viewer.receive(timeout=20)).data, flush=True)
            while (message := await viewer.receive(timeout=120)).type is aiohttp.WSMsgType.BINARY:
                print(message.data, flush=True)
            print(viewer.close_code, flush=True)


async def _rfb(path: str) -> None:
    reader, writer = await asyncio.open_unix_connection(path)
    async with asyncio.timeout(60):
        greeting = await reader.readexactly(12)
        print(greeting, flush=True)
        writer.write(greeting)
        while chunk := await reader.read(4096):
            print(chunk, flush=True)


if __name__ == "__main__":
    try:
        asyncio.run(_rfb(sys.argv[2]) if sys.argv[1] == "rfb" else _ask(*sys.argv[1:]))
    except (aiohttp.ClientError, OSError) as error:
        print(type(error).__name__, getattr(error, "strerror", ""), flush=True)
