"""`console-launcher demo` as a newcomer meets it."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import stat
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from launcher.demo.fleet import SITE
from tests.fakes.console_proxy import free_port
from tests.fakes.issued import note, put_out
from tests.fakes.viewer import Viewer
from tests.process.browser import Profile, Tab
from tests.process.daemon import ACCOUNT
from tests.process.demo import Demo, DemoProcess, demo_in_process

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the demo makes its folder; nothing may be left in it."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    yield folder
    assert list(folder.iterdir()) == []


@pytest.fixture
def output(suite_output: Path) -> Path:
    return suite_output / "demo"


async def ask(url: str) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as client, client.get(url) as reply:
        return reply.status, await reply.json()


async def test_it_prints_a_link_that_leads_to_its_servers(output: Path, temporary: Path) -> None:
    async with DemoProcess(output) as demo:
        assert demo.link == f"http://localhost:{demo.asked_port}/"
        status, listed = await ask(f"{demo.link}api/v1/servers")
        assert status == 200
        assert {server["name"] for server in listed["servers"]} == {machine.name for machine, _ in SITE}
        assert listed["errors"] == []
        assert await demo.stop() == 0
        assert demo.complained() == ""


async def test_the_command_that_it_prints_can_be_pasted_where_no_path_leads_to_it(output: Path, tmp_path: Path) -> None:
    async with DemoProcess(output, PATH="/usr/bin:/bin") as demo:
        [line] = [line for line in demo.said().splitlines() if " servers --gateway " in line]
        pasted = await asyncio.create_subprocess_shell(
            line, cwd=tmp_path, env={"PATH": "/usr/bin:/bin"}, stdout=asyncio.subprocess.PIPE
        )
        async with asyncio.timeout(30):
            listed, _ = await pasted.communicate()
        gateway = line.rpartition(" ")[2]
        code, said = await run("url", "web", "--gateway", gateway)
    assert pasted.returncode == 0
    assert b"prod/web-01\t" in listed
    assert code == 1
    assert 'No cloud has a server "web". Near: prod/web-01, prod/web-02, rax/shop-web-01, rax/софия-web-01.' in said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_ends_it_whoever_looks_and_leaves_nothing(
    output: Path, temporary: Path, number: signal.Signals
) -> None:
    async with DemoProcess(output) as demo, Viewer(demo.asked_port, "/ws/prod/web-01") as viewer:
        await viewer.greeted()
        [folder] = temporary.iterdir()
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        ended = asyncio.get_running_loop().create_task(demo.stop(number))
        assert (await viewer.closed())[0] == 1012
        assert await ended == 0
        assert demo.complained() == ""


async def test_a_viewer_that_does_not_answer_holds_nothing_up(output: Path, temporary: Path) -> None:
    async with DemoProcess(output) as demo, Viewer(demo.asked_port, "/ws/prod/web-01") as viewer:
        await viewer.greeted()
        assert await demo.stop(seconds=4) == 0


async def test_a_port_that_is_taken_leads_to_the_next(output: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        async with DemoProcess(output, port=port) as demo:
            found = re.search(r"Port (\d+) is taken; this is (\d+)\.", demo.said())
            assert found is not None
            assert int(found[1]) == port
            assert demo.link == f"http://localhost:{found[2]}/"
            assert (await ask(f"{demo.link}api/v1/clouds"))[0] == 200


def _ssh(port: int) -> str:
    return f"ssh -o ExitOnForwardFailure=yes -L 127.0.0.1:{port}:127.0.0.1:{port} -L '[::1]:{port}:127.0.0.1:{port}'"


async def test_over_ssh_it_says_the_tunnel_to_open(output: Path) -> None:
    async with DemoProcess(output, SSH_CONNECTION="192.0.2.1 50000 192.0.2.7 22") as demo:
        port = demo.asked_port
        assert f"\n    {_ssh(port)} {ACCOUNT}@192.0.2.7\n" in demo.said()
    async with DemoProcess(output, SSH_CONNECTION="2001:db8::1 50000 2001:db8::7 2222") as demo:
        port = demo.asked_port
        assert f"\n    {_ssh(port)} -p 2222 {ACCOUNT}@2001:db8::7\n" in demo.said()
    async with DemoProcess(output) as demo:
        assert "ssh" not in demo.said()


async def test_openrc_is_there_as_long_as_the_cloud_is(output: Path, tmp_path: Path) -> None:
    openrc = tmp_path / "a cloud's rc"
    async with DemoProcess(output, "--openrc", str(openrc)) as demo:
        text = openrc.read_text()
        assert stat.S_IMODE(openrc.stat().st_mode) == 0o600
        account = dict(re.findall(r"export (OS_\w+)=(\S+)", text))
        note(account["OS_PASSWORD"].strip("'"))
        note(re.findall(r"API key +(\S+)", text)[0])
        assert (await ask(account["OS_AUTH_URL"]))[0] == 200
        assert "    . '/" in demo.said()
        assert await demo.stop() == 0
    assert not openrc.exists()


async def test_openrc_replaces_nothing(output: Path, tmp_path: Path) -> None:
    mine = tmp_path / "openrc"
    mine.write_text("mine")
    code, said = await run("demo", "--port", str(free_port()), "--openrc", str(mine))
    assert code == 2
    assert said == f"console-launcher: {mine} is there already, and is not replaced: name a new file after --openrc.\n"
    assert mine.read_text() == "mine"


async def test_a_port_that_is_none_is_a_wrong_argument() -> None:
    code, said = await run("demo", "--port", "65536")
    assert (code, "a port is a number from 1 to 65535" in said) == (2, True)


async def run(*arguments: str) -> tuple[int, str]:
    """Exit code, and what it complained of."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "launcher", *arguments, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(30):
        _, said = await process.communicate()
    assert process.returncode is not None
    return process.returncode, put_out(said.decode())


async def test_it_opens_the_browser_that_one_has(output: Path, tmp_path: Path) -> None:
    browser, opened = tmp_path / "browser", tmp_path / "opened"
    browser.write_text(f'#!/bin/sh\necho "$1" > {opened}\n')
    browser.chmod(0o755)
    async with DemoProcess(output, "--open", BROWSER=f"{browser} %s") as demo, asyncio.timeout(10):
        while not (opened.exists() and opened.read_text()):
            await asyncio.sleep(0.02)
        assert opened.read_text() == f"{demo.link}\n"


async def test_a_browser_that_stays_holds_nothing_up(output: Path, tmp_path: Path) -> None:
    browser, started = tmp_path / "browser", tmp_path / "started"
    browser.write_text(f"#!/bin/sh\ntouch {started}\nexec sleep 20\n")
    browser.chmod(0o755)
    async with DemoProcess(output, "--open", BROWSER=f"{browser} %s") as demo, asyncio.timeout(15):
        while not started.exists():
            await asyncio.sleep(0.02)
        assert await demo.stop(seconds=4) == 0


@pytest_asyncio.fixture(loop_scope="module")
async def demo() -> AsyncIterator[Demo]:
    """The demo with screens that tell what they received."""
    with tempfile.TemporaryDirectory() as folder:
        async with demo_in_process(Path(folder)) as demo:
            yield demo


async def until(tab: Tab, met: Any, what: str) -> None:
    async def reached() -> bool:
        return bool(met())

    await tab._until(reached, 10, what)


async def test_from_the_list_a_click_leads_to_a_live_screen(demo: Demo, profile: Profile) -> None:
    tab = await profile.open(f"{demo.url}/")
    await tab.page.get_by_role("link", name="web-01", exact=True).click()
    await tab.until_state("connected")
    await tab.until_shows(demo.picture("web-01"))
    first = demo.cloud.screen("web-01").pixels.copy()
    await until(tab, lambda: (demo.cloud.screen("web-01").pixels != first).any(), "the next second")
    await tab.until_shows(demo.picture("web-01"))


async def test_what_is_typed_shows_up_on_the_screen(demo: Demo, profile: Profile) -> None:
    screen = demo.cloud.screen("web-01")
    tab = await profile.open(f"{demo.url}/c/prod/web-01")
    await tab.until_shows(demo.picture("web-01"))
    await tab.page.keyboard.type("echo Hello, World!")
    await tab.page.keyboard.press("Enter")
    await until(tab, lambda: list(screen.received.commands) == ["echo Hello, World!"], "the command")
    assert screen.scene.terminal.lines[-1] == "Hello, World!"
    await tab.until_shows(demo.picture("web-01"))


async def test_two_tabs_look_at_one_screen(demo: Demo, profile: Profile) -> None:
    tabs = [await profile.open(f"{demo.url}/c/prod/web-01") for _ in range(2)]
    for tab in tabs:
        await tab.until_shows(demo.picture("web-01"))
    await tabs[0].page.bring_to_front()
    await tabs[0].page.keyboard.type("seen by both")
    await until(tabs[0], lambda: demo.cloud.screen("web-01").scene.terminal.typed == "seen by both", "the text")
    for tab in tabs:
        await tab.page.bring_to_front()
        await tab.until_shows(demo.picture("web-01"))
    assert demo.cloud.screen("web-01").viewers == 2


async def test_the_mouse_and_ctrl_alt_del_arrive(demo: Demo, profile: Profile) -> None:
    screen = demo.cloud.screen("web-01")
    tab = await profile.open(f"{demo.url}/c/prod/web-01")
    await tab.until_shows(demo.picture("web-01"))
    await tab.page.mouse.click(400, 400)
    await until(tab, lambda: [buttons for _, _, buttons in screen.received.clicks] == [1, 0], "the click")
    await tab.page.click("#keys")
    await tab.page.get_by_role("button", name="Ctrl-Alt-Del").click()
    await until(tab, lambda: screen.received.ctrl_alt_dels == 1, "Ctrl-Alt-Del")
    await tab.until_shows(demo.picture("web-01"))


async def test_a_name_that_is_markup_is_only_a_name(demo: Demo, profile: Profile) -> None:
    name = "x-<img src=x onerror=alert(1)>"
    tab = await profile.open(f"{demo.url}/")
    await tab.page.get_by_role("link", name=name, exact=True).click()
    await tab.until_shows(demo.picture(name))
    tab = await profile.open(f"{demo.url}/c/rax/%D1%81%D0%BE%D1%84%D0%B8%D1%8F-web-01")
    await tab.until_shows(demo.picture("софия-web-01"))


async def test_the_alias_is_a_bookmark(demo: Demo, profile: Profile) -> None:
    tab = await profile.open(f"{demo.url}/c/db")
    await tab.until_shows(demo.picture("db-master-01"))


async def test_a_server_that_is_off_or_in_error_is_said_in_words(demo: Demo, profile: Profile) -> None:
    for name, said in (("db-replica-01", "is off (SHUTOFF)"), ("backup-01", "is in error (ERROR)")):
        tab = await profile.open(f"{demo.url}/c/prod/{name}")
        await tab.until_state("waiting")
        assert await tab.page.inner_text("#headline") == f"{name} {said}"
