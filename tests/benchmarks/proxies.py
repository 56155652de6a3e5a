"""What is measured, each as it comes: started on a free port, ready when the block begins.

Behind `gateway`, `nginx`, `nginx-64k` and `aiohttp` stands a WebSocket console proxy, behind `gateway-raw` and
`websockify` a plain VNC server that sends the same payload in the same writes. A name that ends with `-tls` is the
same with TLS at the viewer's side: one certificate (ECDSA P-256) for all, TLS 1.3, the cipher that OpenSSL prefers.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.benchmarks.processes import BenchmarkError, free_port, running, wait_until_listening
from tests.fakes.compute import FakeCompute
from tests.fakes.issued import issue

_CLOUD, _SERVER = "bench", "web-01"

_NGINX = """
daemon off;
{user}
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log error;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port} backlog=4096{tls};
    location / {{
      proxy_pass http://127.0.0.1:{upstream};
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection upgrade;
      proxy_set_header Host $http_host;
      proxy_read_timeout 1h;
      proxy_send_timeout 1h;
      {buffers}
    }}
  }}
}}
"""
_LARGE_BUFFERS = "proxy_buffer_size 64k; proxy_buffers 8 64k;"
"""An upgraded connection has one buffer of `proxy_buffer_size` in each direction (default: a page, 4 KiB); the second
directive has no part in it, but nginx wants it to be no smaller."""
_NGINX_TLS = " ssl; ssl_certificate {pem}; ssl_certificate_key {pem}; ssl_protocols TLSv1.3"


@dataclass(frozen=True, slots=True)
class Proxy:
    """One that runs: the first of its processes (0: there is none), and where its viewers connect."""

    pid: int
    port: int
    path: str
    log: Path
    tls: bool = False


@dataclass(frozen=True, slots=True)
class Stage:
    """What all proxies of a run share: the source's ports, and a PEM file with a certificate and its key."""

    websocket: int
    tcp: int
    pem: Path


Start = Callable[[Stage, Path], AbstractAsyncContextManager[Proxy]]


@contextlib.asynccontextmanager
async def _serving(name: str, proxy: tuple[int, str, bool], folder: Path, *command: str) -> AsyncIterator[Proxy]:
    """`proxy`: port, path, TLS."""
    port, path, tls = proxy
    log = folder / f"{name}.log"
    async with running(*command, log=log) as process:
        try:
            await wait_until_listening(process, port, log)
        except BenchmarkError as error:
            raise BenchmarkError(f"{name} did not start: {error}") from error
        yield Proxy(process.pid, port, path, log, tls)


def gateway(*, tls: bool = False, raw: bool = False) -> Start:
    """This project's daemon, with one cloud: a simulated Compute API in our own event loop, or a static entry."""

    @contextlib.asynccontextmanager
    async def start(stage: Stage, folder: Path) -> AsyncIterator[Proxy]:
        async with _static(stage) if raw else _simulated(stage) as cloud:
            port = free_port()
            config = {
                "listen": [f"127.0.0.1:{port}"],
                "public_urls": [f"http{'s' * tls}://127.0.0.1:{port}"],
                "clouds": {_CLOUD: cloud},
            }
            if tls:
                config["tls"] = {"certificate": str(stage.pem), "key": {"file": str(stage.pem)}}
            file = folder / "config.yaml"
            file.write_text(yaml.safe_dump(config))
            command = (sys.executable, "-m", "launcher", "serve", "--config", str(file))
            async with _serving("gateway", (port, f"/ws/{_CLOUD}/{_SERVER}", tls), folder, *command) as proxy:
                yield proxy

    return start


@contextlib.asynccontextmanager
async def _simulated(stage: Stage) -> AsyncIterator[dict[str, Any]]:
    """A cloud's part of the configuration, for as long as the cloud is there."""

    def mint(server_id: str, kind: str) -> str:
        return f"http://127.0.0.1:{stage.websocket}/?token={issue()}"

    async with FakeCompute() as compute:
        compute.mint = mint
        compute.add_server(_SERVER)
        yield {"provider": "none", "endpoint": compute.endpoint}


@contextlib.asynccontextmanager
async def _static(stage: Stage) -> AsyncIterator[dict[str, Any]]:
    """The same for a host outside any cloud, with a plain VNC server."""
    yield {"provider": "static", "servers": {_SERVER: {"vnc": f"tcp://127.0.0.1:{stage.tcp}"}}}


def nginx(*, tls: bool = False, buffers: str = "") -> Start:
    """nginx: `proxy_pass` with Upgrade, one worker; master and worker both count."""

    @contextlib.asynccontextmanager
    async def start(stage: Stage, folder: Path) -> AsyncIterator[Proxy]:
        port = free_port()
        text = _NGINX.format(
            user="user root;" if os.geteuid() == 0 else "",
            folder=folder,
            port=port,
            upstream=stage.websocket,
            tls=_NGINX_TLS.format(pem=stage.pem) if tls else "",
            buffers=buffers,
        )
        file = folder / "nginx.conf"
        file.write_text(text)
        command = (_nginx_command(), "-p", str(folder), "-c", str(file))
        async with _serving("nginx", (port, "/", tls), folder, *command) as proxy:
            yield proxy

    return start


def websockify(*, tls: bool = False) -> Start:
    """The stock command with a raw TCP target: it forks a process for each session."""

    @contextlib.asynccontextmanager
    async def start(stage: Stage, folder: Path) -> AsyncIterator[Proxy]:
        port = free_port()
        command = [str(Path(sys.executable).parent / "websockify"), f"127.0.0.1:{port}", f"127.0.0.1:{stage.tcp}"]
        if tls:
            command += ["--cert", str(stage.pem), "--ssl-only", "--ssl-version", "tlsv1_3"]
        async with _serving("websockify", (port, "/websockify", tls), folder, *command) as proxy:
            await asyncio.sleep(0.2)  # the fork that served the knock on its port ends
            yield proxy

    return start


def messages(*, tls: bool = False) -> Start:
    """The plain relay of messages, in a process of its own."""

    @contextlib.asynccontextmanager
    async def start(stage: Stage, folder: Path) -> AsyncIterator[Proxy]:
        port = free_port()
        command = [sys.executable, "-m", "tests.benchmarks.messages", str(port), f"ws://127.0.0.1:{stage.websocket}/"]
        if tls:
            command += ["--certificate", str(stage.pem)]
        async with _serving("aiohttp", (port, "/", tls), folder, *command) as proxy:
            yield proxy

    return start


@contextlib.asynccontextmanager
async def direct(stage: Stage, folder: Path) -> AsyncIterator[Proxy]:
    """No proxy at all: what a round trip costs source and sink themselves."""
    yield Proxy(0, stage.websocket, "/", folder)


PROXIES: dict[str, Start] = {
    "gateway": gateway(),
    "nginx": nginx(),
    "nginx-64k": nginx(buffers=_LARGE_BUFFERS),
    "aiohttp": messages(),
    "gateway-raw": gateway(raw=True),
    "websockify": websockify(),
    "gateway-tls": gateway(tls=True),
    "nginx-tls": nginx(tls=True),
    "nginx-64k-tls": nginx(tls=True, buffers=_LARGE_BUFFERS),
    "aiohttp-tls": messages(tls=True),
    "gateway-raw-tls": gateway(tls=True, raw=True),
    "websockify-tls": websockify(tls=True),
}


def of_messages(name: str) -> bool:
    """Whether it takes in every message, or read, and sends it out again: it costs so much that it gets fewer."""
    return name.removesuffix("-tls") in ("aiohttp", "gateway-raw", "websockify")


def _nginx_command() -> str:
    """Where nginx is. Raises BenchmarkError."""
    found = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        raise BenchmarkError("nginx is not installed: install it, or leave it out with --only gateway,websockify")
    return found


def nginx_version() -> str:
    """As `nginx -v` says; empty where there is none."""
    try:
        said = subprocess.run([_nginx_command(), "-v"], capture_output=True, text=True, check=False).stderr
    except BenchmarkError:
        return ""
    found = re.search(r"nginx/(\S+)", said)
    return found[1] if found else ""


def websockify_version() -> str:
    """Of the installed distribution: the gateway embeds the same."""
    return importlib.metadata.version("websockify")
