"""The three that are measured, each as it comes: started on a free port, ready when the block begins."""

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
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
      proxy_pass http://127.0.0.1:{upstream};
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection upgrade;
      proxy_set_header Host $http_host;
      proxy_read_timeout 1h;
      proxy_send_timeout 1h;
    }}
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class Proxy:
    """One that runs: the first of its processes, and where its viewers connect."""

    pid: int
    port: int
    path: str
    log: Path


@dataclass(frozen=True, slots=True)
class Upstreams:
    """The source's ports."""

    websocket: int
    tcp: int


Start = Callable[[Upstreams, Path], AbstractAsyncContextManager[Proxy]]


@contextlib.asynccontextmanager
async def _serving(name: str, port: int, path: str, folder: Path, *command: str) -> AsyncIterator[Proxy]:
    log = folder / f"{name}.log"
    async with running(*command, log=log) as process:
        try:
            await wait_until_listening(process, port, log)
        except BenchmarkError as error:
            raise BenchmarkError(f"{name} did not start: {error}") from error
        yield Proxy(process.pid, port, path, log)


@contextlib.asynccontextmanager
async def gateway(upstreams: Upstreams, folder: Path) -> AsyncIterator[Proxy]:
    """This project's daemon, with one cloud: a simulated Compute API in our own event loop."""

    def mint(server_id: str, kind: str) -> str:
        return f"http://127.0.0.1:{upstreams.websocket}/?token={issue()}"

    async with FakeCompute() as compute:
        compute.mint = mint
        compute.add_server(_SERVER)
        port = free_port()
        config = {
            "listen": [f"127.0.0.1:{port}"],
            "public_urls": [f"http://127.0.0.1:{port}"],
            "clouds": {_CLOUD: {"provider": "none", "endpoint": compute.endpoint}},
        }
        file = folder / "config.yaml"
        file.write_text(yaml.safe_dump(config))
        command = (sys.executable, "-m", "launcher", "serve", "--config", str(file))
        async with _serving("gateway", port, f"/ws/{_CLOUD}/{_SERVER}", folder, *command) as proxy:
            yield proxy


@contextlib.asynccontextmanager
async def nginx(upstreams: Upstreams, folder: Path) -> AsyncIterator[Proxy]:
    """nginx: `proxy_pass` with Upgrade, buffers as they come, one worker; master and worker both count."""
    port = free_port()
    user = "user root;" if os.geteuid() == 0 else ""
    file = folder / "nginx.conf"
    file.write_text(_NGINX.format(user=user, folder=folder, port=port, upstream=upstreams.websocket))
    async with _serving("nginx", port, "/", folder, _nginx_command(), "-p", str(folder), "-c", str(file)) as proxy:
        yield proxy


@contextlib.asynccontextmanager
async def websockify(upstreams: Upstreams, folder: Path) -> AsyncIterator[Proxy]:
    """The stock command with a raw TCP target: it forks a process for each session."""
    port = free_port()
    command = (str(Path(sys.executable).parent / "websockify"), f"127.0.0.1:{port}", f"127.0.0.1:{upstreams.tcp}")
    async with _serving("websockify", port, "/websockify", folder, *command) as proxy:
        await asyncio.sleep(0.2)  # the fork that served the knock on its port ends
        yield proxy


PROXIES: dict[str, Start] = {"gateway": gateway, "nginx": nginx, "websockify": websockify}


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
