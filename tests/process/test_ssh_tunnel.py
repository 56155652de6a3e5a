"""From a laptop: `ssh -L PORT:SOCKET` with a real OpenSSH, and the bookmark through it in Chromium."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket

import aiohttp
import pytest

from launcher.setup.places import for_system
from launcher.setup.words import ssh_config
from tests.fakes.screens import Screen
from tests.fakes.sshd import free_port, running_sshd, second_account
from tests.process.browser import Profile
from tests.process.site import Site

pytestmark = pytest.mark.asyncio(loop_scope="module")

_REVEAL = """async (path) => {
  const headers = {"Content-Type": "application/json"};
  const answer = await fetch(path, {method: "POST", headers, body: JSON.stringify({reveal: true})});
  return [answer.status, (await answer.json()).detail];
}"""


@pytest.fixture(scope="module", autouse=True)
def _openssh_is_there() -> None:
    if not shutil.which("sshd", path="/usr/sbin") or not shutil.which("ssh"):
        pytest.fail("needs Debian's packages openssh-server and openssh-client")


async def test_a_bookmark_through_a_tunnel_shows_the_screen_to_the_account_that_signed_in(
    site: Site, screen: Screen, profile: Profile
) -> None:
    server_id = site.add_server("web-01", screen)
    with second_account() as account:
        name = account.pw_name
        async with site.daemon(settings={"access": {"local_users": [name]}}) as daemon:
            os.chown(daemon.socket_path, -1, account.pw_gid)  # as the socket unit's group lets operators in
            async with running_sshd() as sshd, sshd.tunnel(name, str(daemon.socket_path)) as port:
                tunnel = f"http://jump.localhost:{port}"
                tab = await profile.open(f"{tunnel}/c/lab/web-01")
                await tab.until_shows(screen.picture)
                async with aiohttp.ClientSession() as client:
                    # aiohttp asks the machine's resolver, which need not know *.localhost as browsers do
                    host = {"Host": f"jump.localhost:{port}"}
                    async with client.get(f"http://127.0.0.1:{port}/api/v1/sessions", headers=host) as reply:
                        assert reply.status == 200
                        (session,) = (await reply.json())["sessions"]
                asked = site.console_requests()
                status, detail = await tab.page.evaluate(_REVEAL, "/api/v1/servers/lab/web-01/console")
                assert (status, "never revealed to a browser" in detail) == (403, True)
                assert site.console_requests() == asked
                await tab.close()
        (launch,) = daemon.log_events("launch")
        (end,) = daemon.log_events("session-end")
        assert daemon.log_events("reveal") == []
    assert (session["actor"], session["via"], session["server"]) == (name, "unix", server_id)
    assert (launch["actor"], launch["uid"], launch["via"]) == (name, account.pw_uid, "unix")
    assert (end["actor"], end["uid"], end["via"]) == (name, account.pw_uid, "unix")


async def test_an_account_that_may_not_use_the_gateway_reads_so_in_its_browser(
    site: Site, screen: Screen, profile: Profile
) -> None:
    site.add_server("web-01", screen)
    with second_account() as account:
        async with site.daemon() as daemon:
            os.chown(daemon.socket_path, -1, account.pw_gid)
            async with running_sshd() as sshd, sshd.tunnel(account.pw_name, str(daemon.socket_path)) as port:
                tab = await profile.open(f"http://jump.localhost:{port}/c/lab/web-01")
                text = await tab.text()
        assert daemon.log_events("launch") == []
    assert f'Account "{account.pw_name}" may not use this gateway.' in text
    assert "web-01" not in text
    assert site.console_requests() == 0


@pytest.mark.parametrize("taken", ["::1", "127.0.0.1"])
async def test_the_two_lines_of_a_laptop_end_ssh_where_another_program_has_one_of_the_addresses(taken: str) -> None:
    """One line, as README had it once, has ssh go on: the browser then finds the other program's page first."""
    family = socket.AF_INET6 if ":" in taken else socket.AF_INET
    with second_account() as account, socket.create_server((taken, 0), family=family) as other:
        port = other.getsockname()[1]
        lines = _laptop(port, account.pw_name)
        once = [*lines[:3], f"LocalForward {port} /run/console-launcher/web.sock"]
        async with running_sshd() as sshd:
            assert await sshd.configured(lines, seconds=20) not in {None, 0}
            assert await sshd.configured(once) is None, "ssh goes on with the other address alone"


async def test_the_two_lines_of_a_laptop_open_both_addresses(site: Site, screen: Screen) -> None:
    site.add_server("web-01", screen)
    with second_account() as account:
        async with (
            site.daemon(settings={"access": {"local_users": [account.pw_name]}}) as daemon,
            running_sshd() as sshd,
        ):
            os.chown(daemon.socket_path, -1, account.pw_gid)
            port = free_port()
            lines = [
                line.replace("/run/console-launcher/web.sock", str(daemon.socket_path))
                for line in _laptop(port, account.pw_name)
            ]
            async with asyncio.TaskGroup() as tasks:
                tunnel = tasks.create_task(sshd.configured(lines))
                found = [await _greets(f"http://{host}:{port}/healthz") for host in ("127.0.0.1", "[::1]")]
            assert (found, tunnel.result()) == ([True, True], None)


def _laptop(port: int, account: str) -> list[str]:
    """What `init` prints for a laptop."""
    return ssh_config(for_system((account,), port=port), "127.0.0.1", account)


async def _greets(url: str) -> bool:
    async with aiohttp.ClientSession() as client, asyncio.timeout(4):
        while True:
            try:
                async with client.get(url) as reply:
                    return reply.status == 200
            except aiohttp.ClientError:
                await asyncio.sleep(0.05)
