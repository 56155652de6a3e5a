"""Another account of this machine, which serves a page at an address of loopback as long as it gets it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from tests.fakes.sshd import need_root

STRANGER: Final = 12345
"""A user id that no account of this machine has."""
PAGE: Final = "a page of another account"

_SERVE = """
import http.server, socket, sys
class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
    def server_bind(self):
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        super().server_bind()
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>stranger</title><body>" + sys.argv[2].encode())
    def log_message(self, *_):
        pass
try:
    server = Server(("::1", int(sys.argv[1])), Page)
except OSError as error:
    sys.exit(print(error.strerror, flush=True))
print("serving", flush=True)
server.serve_forever()
"""


@asynccontextmanager
async def stranger_at(port: int) -> AsyncIterator[str]:
    """Another account tries to serve PAGE at `[::1]:port`: `serving`, or what the kernel said."""
    need_root()
    process = await asyncio.create_subprocess_exec(
        "/usr/bin/python3", "-c", _SERVE, str(port), PAGE, user=STRANGER, group=STRANGER, extra_groups=[],
        stdout=asyncio.subprocess.PIPE, cwd="/",
    )  # fmt: skip
    assert process.stdout is not None
    try:
        async with asyncio.timeout(20):
            said = (await process.stdout.readline()).decode().strip()
        yield said
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
