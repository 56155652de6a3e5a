"""Starts the daemon with an earlier release's configuration, where nothing of this machine is in its way.

    unshare --mount --net python -m tests.process.old_release OUTER CONFIG LOG URL [URL …]

OUTER is the network namespace that this must not be (`/proc/self/ns/net` outside). In the namespaces /run is empty but
for the gateway's directory, and the ports are free. A configuration that listens on `systemd` gets the socket that the
release's socket unit made. Ends with 0 when every URL (`unix:/path` or `http://host:port`) has answered `/healthz` and
SIGTERM has ended the daemon with 0.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import aiohttp
import yaml

from tests.fakes.console_proxy import until_gone
from tests.process.supervised import activate

RUN = Path("/run/console-launcher")


def _prepare() -> None:
    """An empty /run with the directory that the socket unit makes, and a loopback interface that is up."""
    subprocess.run(["mount", "-t", "tmpfs", "run", "/run"], check=True)
    RUN.mkdir(mode=0o755)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def _sockets(config: Path) -> list[tuple[str, socket.socket]]:
    """What the socket unit passes, where the configuration wants it."""
    if "systemd" not in yaml.safe_load(config.read_text())["listen"]:
        return []
    web = socket.socket(socket.AF_UNIX)
    web.bind(str(RUN / "web.sock"))
    web.listen()
    return [("web", web)]


async def _answers(url: str) -> bool:
    unix = url.removeprefix("unix:")
    connector = aiohttp.UnixConnector(unix) if unix != url else aiohttp.TCPConnector()
    place = "http://localhost" if unix != url else url
    try:
        async with aiohttp.ClientSession(connector=connector) as client, client.get(f"{place}/healthz") as reply:
            return reply.status == 200
    except aiohttp.ClientError:
        return False


async def _serve(config: Path, log: Path, urls: list[str]) -> int:
    command = ["-m", "launcher", "serve", "--config", str(config)]
    credentials = {"CREDENTIALS_DIRECTORY": str(config.parent / "credentials")}
    # `activate` sets LISTEN_FDS=0 where nothing is passed, as systemd sets nothing.
    process = activate(_sockets(config), command, log, credentials)
    try:
        async with asyncio.timeout(60):
            for url in urls:
                while not await _answers(url):
                    if process.poll() is not None:
                        return 1
                    await asyncio.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        await until_gone(process, 15)
        return process.returncode or 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def main() -> int:
    outer, config, log, *urls = sys.argv[1:]
    if str(Path("/proc/self/ns/net").readlink()) == outer:
        print("this is to run in namespaces of its own", file=sys.stderr)
        return 2
    _prepare()
    os.environ.pop("STATE_DIRECTORY", None)
    return asyncio.run(_serve(Path(config), Path(log), urls))


if __name__ == "__main__":
    sys.exit(main())
