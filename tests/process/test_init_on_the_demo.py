"""From nothing to a gateway of one's own: `init` in an empty directory, against the demo's cloud."""

from __future__ import annotations

import asyncio
import os
import shlex
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from tests.fakes.console_proxy import free_port, until_gone
from tests.fakes.issued import note, put_out
from tests.process.daemon import ROOT, start
from tests.process.demo import DemoProcess


def exports(openrc: Path) -> dict[str, str]:
    """The OS_* variables of a file that a shell would read; its password is noted as a secret."""
    words = [shlex.split(line) for line in openrc.read_text().splitlines() if line.startswith("export ")]
    found = dict(word.split("=", 1) for _, word in words)
    note(found["OS_PASSWORD"])
    return found


async def launcher(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """One command, as an account that has nothing yet."""
    known = {name: value for name, value in os.environ.items() if not name.startswith(("OS_", "XDG_"))}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "launcher", *arguments),
        cwd=ROOT,
        env={**known, "HOME": str(home), **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    async with asyncio.timeout(60):
        said, _ = await process.communicate()
    assert process.returncode is not None
    return subprocess.CompletedProcess(arguments, process.returncode, put_out(said.decode()))


def state(folder: Path) -> dict[str, tuple[int, int, int, bytes]]:
    """Every file: inode, mode, time of change, content."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        str(path): (found.st_ino, found.st_mode, found.st_mtime_ns, path.read_bytes())
        for path in files
        for found in [path.stat()]
    }


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    return home


async def test_what_init_writes_is_accepted_and_serves_the_servers(
    tmp_path: Path, home: Path, suite_output: Path
) -> None:
    gateway, port = tmp_path / "gateway", free_port()
    gateway.mkdir()
    async with DemoProcess(suite_output / "demo", "--openrc", str(tmp_path / "openrc")):
        variables = exports(tmp_path / "openrc")
        first = await launcher(home, "init", "--directory", str(gateway), "--port", str(port), **variables)
        assert first.returncode == 0, first.stdout
        written = state(gateway)
        secrets = [path for path, (_, _, _, content) in written.items() if variables["OS_PASSWORD"].encode() in content]
        assert [Path(path).name for path in secrets] == ["clouds.yaml"]
        assert {oct(written[path][1] & 0o777) for path in secrets} == {"0o600"}
        second = await launcher(home, "init", "--directory", str(gateway), "--port", str(port), **variables)
        assert (second.returncode, state(gateway)) == (0, written), second.stdout
        config = gateway / "config.yaml"
        checked = await launcher(home, "check-config", "--config", str(config))
        assert checked.returncode == 0, checked.stdout
        served = start(config, suite_output / "init-on-the-demo.log")
        try:
            names = await servers_of(f"http://127.0.0.1:{port}")
        finally:
            served.terminate()
            await until_gone(served, 10)
    assert {"web-01", "x-<img src=x onerror=alert(1)>"} <= set(names)
    assert variables["OS_PASSWORD"] not in first.stdout + second.stdout + checked.stdout


async def test_with_a_wrong_password_it_writes_nothing(tmp_path: Path, home: Path, suite_output: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    async with DemoProcess(suite_output / "demo", "--openrc", str(tmp_path / "openrc")):
        variables = exports(tmp_path / "openrc") | {"OS_PASSWORD": note("a wrong password 4711")}
        ended = await launcher(home, "init", "--directory", str(empty), **variables)
    assert ended.returncode == 77
    assert "nothing was written" in ended.stdout
    assert list(empty.iterdir()) == []
    assert not (home / ".config").exists()


async def servers_of(url: str) -> list[str]:
    async with asyncio.timeout(30), aiohttp.ClientSession() as client:
        while True:
            try:
                async with client.get(f"{url}/api/v1/servers") as reply:
                    return [server["name"] for server in (await reply.json())["servers"]]
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.05)
