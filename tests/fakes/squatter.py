"""Another account that holds the gateway's port for a while, and leaves in browsers what outlives it.

    async with squatting(port, cached="/static/…/console.js"):
        ...  a browser that comes now gets the other account's page, service worker and cached files

Its page registers `worker` for every address of the origin, which answers all of them with the page; `cached` is a file
that browsers keep for a year.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

STRANGER = 12346
"""A user id that no account of this machine has."""
TITLE = "Not the gateway"

_SERVER = """
import http.server, json, sys
port, words = int(sys.argv[1]), json.loads(sys.argv[2])
PAGE = f'''<!doctype html><title>{words["title"]}</title><body><p>Type your password here.</p>
<script>
const settings = {{scope: {json.dumps(words["scope"])}, updateViaCache: {json.dumps(words["via"])}}};
const worker = {json.dumps(words["worker"])};
if (worker) navigator.serviceWorker.register(location.origin + worker, settings)
  .then(() => navigator.serviceWorker.ready).then(() => document.body.dataset.worker = "yes");
</script>''' + (f'<script type="module" src="{words["cached"]}"></script>' if words["cached"] else "")
THROUGH = "" if words["answers"] else "return;"
WORKER = f'''addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("fetch", (event) => {{ {THROUGH}
  event.respondWith(new Response({json.dumps(PAGE)}, {{headers: {{"Content-Type": "text/html"}}}}));
}});'''
FILE = 'document.title = "the other account"; document.documentElement.dataset.stolen = "yes";'

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *_): pass
    def do_GET(self):
        text, kind, kept = PAGE, "text/html", "no-store"
        path = self.requestline.split()[1]  # self.path has one slash where // was sent
        if words["worker"] and path == words["worker"]:
            text, kind = WORKER, "text/javascript"
            kept = "max-age=31536000" if words["via"] == "all" else kept
        elif path == words["cached"]:
            text, kind, kept = FILE, "text/javascript", "public, max-age=31536000, immutable"
        self.send_response(200)
        for name, value in (("Content-Type", kind), ("Cache-Control", kept), ("Service-Worker-Allowed", "/"),
                            ("Content-Length", str(len(text.encode())))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())

server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
print("ready", flush=True)
server.serve_forever()
"""


@asynccontextmanager
async def squatting(
    port: int,
    *,
    worker: str | None = None,
    cached: str | None = None,
    scope: str = "/",
    answers: bool = True,
    via: str = "imports",
) -> AsyncIterator[None]:
    """The port is another account's as long as the context lasts.

    `worker` is the path of its service worker (None: without), `via` when browsers may take that out of their cache
    (updateViaCache). One that does not answer lets every request through.
    """
    words = {"title": TITLE, "worker": worker, "cached": cached, "scope": scope, "answers": answers, "via": via}
    process = await asyncio.create_subprocess_exec(
        "/usr/bin/python3", "-c", _SERVER, str(port), json.dumps(words), user=STRANGER, group=STRANGER,
        extra_groups=[], cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        async with asyncio.timeout(20):
            assert await process.stdout.readline() == b"ready\n"
        yield
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
