"""From a laptop: `ssh -L PORT:SOCKET` with a real OpenSSH, and the bookmark through it in Chromium."""

from __future__ import annotations

import os
import shutil
import socket
from dataclasses import replace

import aiohttp
import pytest

from launcher.setup.places import for_system
from launcher.setup.words import ssh_config
from tests.fakes.screens import Screen
from tests.fakes.sshd import SshEndedError, free_port, running_sshd, second_account
from tests.fakes.stranger import PAGE, stranger_at
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


def laptops_lines(port: int, socket_path: str, account: str) -> list[str]:
    """What `init` says to write into a laptop's ~/.ssh/config."""
    return ssh_config(replace(for_system((), port=port), socket=socket_path), "127.0.0.1", account)


def is_taken(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port)).close()
    except ConnectionRefusedError:
        return False
    return True


async def test_both_lines_of_the_laptop_take_both_addresses_and_show_the_screen(
    site: Site, screen: Screen, profile: Profile
) -> None:
    site.add_server("web-01", screen)
    port = free_port()
    with second_account() as account:
        async with site.daemon(settings={"access": {"local_users": [account.pw_name]}}) as daemon:
            os.chown(daemon.socket_path, -1, account.pw_gid)
            lines = laptops_lines(port, str(daemon.socket_path), account.pw_name)
            async with running_sshd() as sshd, sshd.tunnel_by(lines, port), stranger_at(port) as said:
                assert said == "Address already in use"
                tab = await profile.open(f"http://jump.localhost:{port}/c/lab/web-01")
                await tab.until_shows(screen.picture)
                await tab.close()
        (launch,) = daemon.log_events("launch")
    assert (launch["actor"], launch["via"]) == (account.pw_name, "unix")


async def test_where_another_account_of_the_laptop_has_one_of_them_there_is_no_tunnel(
    site: Site, profile: Profile
) -> None:
    """With one line there is: ssh goes on with the address that it got, and browsers look at the other one first."""
    port = free_port()
    with second_account() as account:
        async with site.daemon(settings={"access": {"local_users": [account.pw_name]}}) as daemon:
            os.chown(daemon.socket_path, -1, account.pw_gid)
            both = laptops_lines(port, str(daemon.socket_path), account.pw_name)
            one = [line.replace(f"127.0.0.1:{port}", str(port)) for line in both if "[::1]" not in line]
            async with running_sshd() as sshd, stranger_at(port) as said:
                assert said == "serving"
                with pytest.raises(SshEndedError, match="ended with 255") as caught:
                    async with sshd.tunnel_by(both, port):
                        pass
                assert not is_taken("127.0.0.1", port)
                async with sshd.tunnel_by(one, port):
                    tab = await profile.open(f"http://jump.localhost:{port}/")
                    assert PAGE in await tab.text()
    assert f"bind [::1]:{port}: Address already in use" in str(caught.value)
