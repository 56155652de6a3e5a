"""Runs a daemon and the cloud that it asks in a network namespace of their own, with addresses that no machine has.

    unshare --net --mount python -m tests.process.own_network OUTER SCENARIO FOLDER

OUTER is the network namespace that this must not be (`/proc/self/ns/net` outside). Prints what was seen as one line of
JSON. `private`: a cloud wholly on 10.77.0.1, from `init` to a screen's first bytes. `hostile`: a cloud there whose
catalog names the metadata service, loopback and names that lead there, each a listener that counts its connections.
`tunnel`: a cloud there whose console URLs name a host that only /etc/hosts puts on loopback.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from tests.fakes.compute import FakeCompute
from tests.fakes.console_proxy import ConsoleProxy, free_port, until_gone
from tests.fakes.identity import FakeIdentity
from tests.fakes.raw_screen import RawScreen
from tests.fakes.screens import Screen
from tests.fakes.viewer import Viewer
from tests.process.daemon import ROOT

HOME = "10.77.0.1"
_ADDRESSES = (f"{HOME}/24", "169.254.169.254/32", "fd00:ec2::254/128")
HOSTILE = {
    "metadata": "169.254.169.254",
    "metadata of Amazon in IPv6": "[fd00:ec2::254]",
    "mapped metadata": "[::ffff:169.254.169.254]",
    "loopback": "127.0.0.1",
    "loopback in IPv6": "[::1]",
    "a name of loopback": "nova.example.net",
    "a name of metadata": "meta.example.net",
}
_HOSTS = "127.0.0.1 localhost\n127.0.0.1 nova.example.net\n169.254.169.254 meta.example.net\n"


def _prepare(folder: Path) -> None:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for address in _ADDRESSES:
        subprocess.run(["ip", "addr", "add", address, "dev", "lo"], check=True)
    hosts = folder / "hosts"
    hosts.write_text(_HOSTS)
    subprocess.run(["mount", "--bind", str(hosts), "/etc/hosts"], check=True)


async def _ran(*words: str) -> str:
    """What a command says, both its streams."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "launcher", *words, cwd=ROOT, stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await process.communicate()
    return out.decode()


class _Served:
    """`serve` with a configuration, on a loopback port."""

    def __init__(self, config: Path, port: int) -> None:
        self._config = config
        self.port = port

    async def __aenter__(self) -> _Served:
        log = self._config.with_suffix(".log").open("ab")
        command = [sys.executable, "-m", "launcher", "serve", "--config", str(self._config)]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=ROOT)
        log.close()
        async with asyncio.timeout(20), aiohttp.ClientSession() as http:
            while True:
                try:
                    async with http.get(f"http://127.0.0.1:{self.port}/healthz") as reply:
                        if reply.status == 200:
                            return self
                except aiohttp.ClientConnectionError:
                    await asyncio.sleep(0.05)

    async def __aexit__(self, *exc: object) -> None:
        self._process.terminate()
        await until_gone(self._process, 10)

    async def word(self, reference: str) -> tuple[int | None, str]:
        """What a viewer is told: nothing where the screen is there."""
        async with Viewer(self.port, f"/ws/{reference}") as viewer, asyncio.timeout(60):
            return await viewer.first_word()


async def _private(folder: Path) -> dict[str, Any]:
    async with AsyncExitStack() as stack:
        identity, compute = FakeIdentity({}), FakeCompute(max_version="")
        identity.host = compute.host = HOME
        compute.api_tokens = identity.api_tokens
        await stack.enter_async_context(compute)
        identity.regions = {"LAB": compute.endpoint}
        await stack.enter_async_context(identity)
        proxy = await stack.enter_async_context(ConsoleProxy(folder / "proxy", HOME))
        screen = await stack.enter_async_context(Screen(folder / "screen", "install"))
        compute.add_server("web-01")
        compute.mint = lambda *_: proxy.url(screen.port)
        port, gateway = free_port(), folder / "gw"
        os.environ["OS_CLIENT_CONFIG_FILE"] = str(_clouds_yaml(folder, {"lab": identity}))
        said = await _ran("init", "--directory", str(gateway), "--port", str(port), "--cloud", "lab")
        config = gateway / "config.yaml"
        written = yaml.safe_load(config.read_text()) if config.exists() else {"clouds": {}}
        entries = {name: sorted(entry) for name, entry in written["clouds"].items()}
        checked = await _ran("check-config", "--config", str(config))
        async with _Served(config, port) as served:
            [cloud] = written["clouds"]
            word = await served.word(f"{cloud}/web-01")
            return {"init": said, "check": checked, "entries": entries, "word": word, "openings": proxy.openings()}


async def _tunnel(folder: Path) -> dict[str, Any]:
    """What a viewer is told without a `console_url` rule, and with the one that the advice names."""
    async with AsyncExitStack() as stack:
        compute = FakeCompute()
        compute.host = HOME
        await stack.enter_async_context(compute)
        proxy = await stack.enter_async_context(ConsoleProxy(folder / "proxy"))
        screen = await stack.enter_async_context(RawScreen())
        compute.add_server("web-01")
        place = f"http://nova.example.net:{proxy.port}"
        compute.mint = lambda *_: proxy.url(screen.port).replace(proxy.base, place)
        words = {}
        for name, rules in {"none": [], "named": [{"from": place, "to": place}]}.items():
            port, config = free_port(), folder / f"{name}.yaml"
            cloud = {"provider": "none", "endpoint": compute.endpoint, "console_url": rules}
            config.write_text(yaml.safe_dump({"listen": [f"127.0.0.1:{port}"], "clouds": {"lab": cloud}}))
            async with _Served(config, port) as served:
                words[name] = await served.word("lab/web-01")
        return {"words": words, "openings": proxy.openings()}


async def _hostile(folder: Path) -> dict[str, Any]:
    """One cloud for each address that a catalog names as Compute; the trap there tells what it was asked."""
    trap = FakeCompute(max_version="2.104")
    trap.host, trap.port = "", free_port()  # every address of the namespace, of both families
    trap.add_server("web-01")
    tokens_out: set[str] = set()
    trap.api_tokens = tokens_out
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(trap)
        identities: dict[str, FakeIdentity] = {}
        for number, host in enumerate(HOSTILE.values()):
            identity = identities[f"bad{number}"] = FakeIdentity({"LAB": f"http://{host}:{trap.port}/v2.1"})
            identity.host, identity.api_tokens = HOME, tokens_out
            await stack.enter_async_context(identity)
        port, config = free_port(), folder / "config.yaml"
        settings = {
            "listen": [f"127.0.0.1:{port}"],
            "clouds_yaml": str(_clouds_yaml(folder, identities)),
            "clouds": {name: {"provider": "openstack", "cloud": name} for name in identities},
        }
        config.write_text(yaml.safe_dump(settings))
        async with _Served(config, port) as served:
            told = await asyncio.gather(*(served.word(f"{cloud}/web-01") for cloud in identities))
        words = dict(zip(HOSTILE, told, strict=True))
        doctor = await _ran("doctor", "--config", str(config))
        tokens = sum("X-Auth-Token" in headers for headers in trap.request_headers)
        sign_ins = [identity.sign_ins for identity in identities.values()]
        return {"words": words, "doctor": doctor, "asked": len(trap.requests), "tokens": tokens, "sign_ins": sign_ins}


def _clouds_yaml(folder: Path, identities: Mapping[str, FakeIdentity]) -> Path:
    """The file that a person has already; http://10.77.0.1 is that person's own word."""
    common = {"auth_type": "v2password", "compute_service_name": "cloudServersOpenStack", "region_name": "LAB"}
    clouds = {
        name: {**common, "auth": {"auth_url": one.auth_url, "username": one.username, "password": one.password}}
        for name, one in identities.items()
    }
    path = folder / "clouds.yaml"
    path.touch(0o600)
    path.write_text(yaml.safe_dump({"clouds": clouds}))
    return path


def main() -> int:
    outer, scenario, folder = sys.argv[1:]
    if str(Path("/proc/self/ns/net").readlink()) == outer:
        print("this is to run in a network namespace of its own", file=sys.stderr)
        return 2
    os.environ.pop("XDG_RUNTIME_DIR", None)
    _prepare(Path(folder))
    run = {"private": _private, "hostile": _hostile, "tunnel": _tunnel}[scenario]
    print(json.dumps(asyncio.run(run(Path(folder)))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
