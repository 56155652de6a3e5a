"""`init` as a process, up to a gateway that serves what it wrote."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest

from tests.fakes.compute import FakeCompute
from tests.fakes.console_proxy import free_port, until_gone
from tests.fakes.eavesdropper import Eavesdropper
from tests.fakes.identity import FakeIdentity
from tests.fakes.issued import issue, note, put_out
from tests.fakes.terminal import Terminal
from tests.process.daemon import ROOT, start


class Cloud:
    """A Rackspace account with one server in each of two regions."""

    def __init__(self) -> None:
        self.computes = {"DFW": FakeCompute(max_version=""), "ORD": FakeCompute(max_version="")}
        self.identity = FakeIdentity({})

    async def start(self, stack: AsyncExitStack) -> None:
        for region, compute in self.computes.items():
            compute.api_tokens = self.identity.api_tokens
            await stack.enter_async_context(compute)
            compute.add_server(f"web-{region.lower()}")
        self.identity.regions = {region: compute.endpoint for region, compute in self.computes.items()}
        await stack.enter_async_context(self.identity)


@pytest.fixture
async def cloud() -> AsyncIterator[Cloud]:
    async with AsyncExitStack() as stack:
        cloud = Cloud()
        await cloud.start(stack)
        yield cloud


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """The environment of a person without any credentials."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OS_", "XDG_", "SUDO_", "SSH_"))}
    run = tmp_path / "run"
    run.mkdir(0o700)
    return {**kept, "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(run), "PYTHONPATH": str(ROOT), "TERM": "xterm"}


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "launcher", *words]


class Ran:
    """What a command did."""

    def __init__(self, code: int, out: bytes, err: bytes) -> None:
        self.code, self.out, self.err = code, put_out(out.decode()), put_out(err.decode())


async def ran(words: Sequence[str], env: dict[str, str], cwd: Path, typed: str = "") -> Ran:
    """A command, without a terminal."""
    process = await asyncio.create_subprocess_exec(
        *words,
        env=env,
        cwd=cwd,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    out, err = await process.communicate(typed.encode())
    assert process.returncode is not None
    return Ran(process.returncode, out, err)


async def test_a_person_types_user_name_and_key_and_gets_a_gateway_that_serves(
    cloud: Cloud, env: dict[str, str], tmp_path: Path, suite_output: Path
) -> None:
    port = free_port()
    words = command("init", "--directory", "gw", "--port", str(port), "--identity-url", cloud.identity.auth_url)
    async with Terminal(words, env=env, cwd=tmp_path) as terminal:
        await terminal.shows("Rackspace user name: ")
        terminal.type("ops")
        await terminal.shows("API key of ops (it is not shown): ")
        await terminal.asks_in_secret()
        terminal.type(cloud.identity.api_key)
        await terminal.shows("Which of them? [all] ")
        terminal.type("")
        assert await terminal.ends() == 0, terminal.screen
    (suite_output / "init-on-a-terminal").write_text(terminal.screen)
    assert cloud.identity.api_key not in terminal.screen
    assert "rax-dfw: signed in, 1 server" in terminal.screen
    bookmark = re.search(r"http://localhost:\d+(/c/\S+)", terminal.screen)
    assert bookmark is not None

    config = tmp_path / "gw" / "config.yaml"
    checked = await ran(command("check-config", "--config", str(config)), env, tmp_path)
    assert (checked.code, checked.err) == (0, "")
    assert "2 clouds (rax-dfw, rax-ord)" in checked.out

    log = suite_output / "init-serve.log"
    process = start(config, log)
    try:
        servers = await _servers(f"http://127.0.0.1:{port}", log)
        assert sorted(server["name"] for server in servers) == ["web-dfw", "web-ord"]
        assert bookmark[1] in {f"/c/{server['cloud']}/{server['name']}" for server in servers}
        assert (tmp_path / "gw" / "web.sock").is_socket()
    finally:
        process.terminate()
        assert await until_gone(process, 10) == 0


async def _servers(url: str, log: Path) -> list[dict[str, str]]:
    async with asyncio.timeout(30), aiohttp.ClientSession() as client:
        while True:
            try:
                async with client.get(f"{url}/api/v1/servers") as reply:
                    assert reply.status == 200, log.read_text()
                    found: list[dict[str, str]] = (await reply.json())["servers"]
                    return found
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.1)


async def test_a_wrong_key_from_standard_input_writes_nothing_and_is_not_repeated(
    cloud: Cloud, env: dict[str, str], tmp_path: Path
) -> None:
    wrong = note("wrong-key-of-a-process")
    options = ["--rackspace-user", "ops", "--api-key-file", "-", "--identity-url", cloud.identity.auth_url]
    done = await ran(command("init", "--directory", "gw", *options), env, tmp_path, f"{wrong}\n")
    assert done.code == 77
    assert done.err.splitlines()[-1] == "console-launcher: no cloud let the gateway in: nothing was written."
    assert wrong not in done.out + done.err
    assert not (tmp_path / "gw").exists()


async def test_an_account_sets_up_its_own_service(cloud: Cloud, env: dict[str, str], tmp_path: Path) -> None:
    options = ["--rackspace-user", "ops", "--api-key-file", "-", "--identity-url", cloud.identity.auth_url]
    words = command("init", "--user", "--region", "DFW", *options)
    done = await ran(words, env, tmp_path, cloud.identity.api_key)
    assert (done.code, done.err) == (0, "")
    assert cloud.identity.api_key not in done.out
    folder = tmp_path / ".config" / "console-launcher"
    assert (folder / "credentials" / "rax-api-key").stat().st_mode & 0o777 == 0o600
    unit = tmp_path / ".config" / "systemd" / "user" / "console-launcher.service"
    assert await verify(unit, env=env) == ""
    again = await ran(words, env, tmp_path, cloud.identity.api_key)
    assert (again.code, again.err) == (0, "")
    assert f"kept {unit}: it exists\n" in again.out


async def verify(*units: Path, env: dict[str, str]) -> str:
    """What systemd-analyze has to say against units."""
    manager = "--user" if "user" in units[0].parts else "--system"
    done = await ran(["systemd-analyze", "verify", manager, "--man=no", *map(str, units)], env, Path("/"))
    return done.out + done.err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
async def test_a_signal_while_it_signs_in_leaves_no_secret(
    cloud: Cloud, env: dict[str, str], tmp_path: Path, number: signal.Signals
) -> None:
    def laid_out() -> set[Path]:
        return set(Path("/dev/shm").glob("console-launcher-init-*"))

    before = laid_out()
    cloud.identity.delay = 60
    options = ["--rackspace-user", "ops", "--api-key-file", "-", "--identity-url", cloud.identity.auth_url]
    process = await asyncio.create_subprocess_exec(
        *command("init", "--directory", "gw", *options),
        env=env,
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    process.stdin.write(cloud.identity.api_key.encode())
    process.stdin.close()
    async with asyncio.timeout(30):
        while not cloud.identity.requests:
            await asyncio.sleep(0.05)
    assert len(laid_out() - before) == 1
    process.send_signal(number)
    async with asyncio.timeout(30):
        _, err = await process.communicate()
    assert process.returncode == 130
    assert err.decode() == "console-launcher: interrupted: nothing was written.\n"
    assert laid_out() - before == set()
    assert not (tmp_path / "gw").exists()


@pytest.mark.parametrize("again", [False, True], ids=["first", "again"])
@pytest.mark.parametrize("stem", ["clouds", "secure", "clouds-public"])
async def test_files_of_the_folder_that_it_runs_in_do_not_lead_passwords_to_a_stranger(
    env: dict[str, str], tmp_path: Path, suite_output: Path, stem: str, again: bool
) -> None:
    mine, theirs = tmp_path / ".config" / "openstack", tmp_path / "theirs"
    mine.mkdir(parents=True)
    theirs.mkdir()
    auth = f"username: ops, password: {issue()}, project_name: p"
    if stem == "clouds-public":
        profile = "profile: corp"
    else:
        auth, profile = f"{auth}, auth_url: 'http://127.0.0.1:{free_port()}/v3'", "region_name: x"
    (mine / "clouds.yaml").write_text(f"clouds: {{prod: {{{profile}, auth: {{{auth}}}}}}}\n")
    if again:
        (tmp_path / "gw").mkdir()
        (tmp_path / "gw" / "config.yaml").write_text(
            "listen: ['127.0.0.1:6080']\npublic_urls: ['http://localhost:6080']\n"
            f"clouds_yaml: {mine}/clouds.yaml\nclouds: {{prod: {{provider: openstack, cloud: prod}}}}\n"
        )
    async with Eavesdropper() as stranger:
        head, name = ("public-clouds", "corp") if stem == "clouds-public" else ("clouds", "prod")
        theirs_says = f"auth_url: '{stranger.url}', user_domain_name: x, project_domain_name: x"
        (theirs / f"{stem}.yaml").write_text(f"{head}: {{{name}: {{auth: {{{theirs_says}}}}}}}\n")
        theirs.chmod(0o777)
        done = await ran(command("init", "--directory", str(tmp_path / "gw")), env, theirs)
    (suite_output / f"init-beside-{stem}").write_text(done.out + done.err)
    assert stranger.heard == [], done.out + done.err
    assert "prod" in done.out + done.err


async def test_ctrl_c_at_a_question_leaves_nothing(env: dict[str, str], tmp_path: Path) -> None:
    async with Terminal(command("init", "--directory", "gw"), env=env, cwd=tmp_path) as terminal:
        await terminal.shows("Rackspace user name: ")
        terminal.type("ops")
        await terminal.asks_in_secret()
        terminal.type("\x03")
        assert await terminal.ends() == 130
    assert terminal.screen.rstrip().endswith("console-launcher: interrupted: nothing was written.")
    assert not (tmp_path / "gw").exists()
