"""Who is shown a console URL, and what of it is recorded."""

from __future__ import annotations

import pytest

from launcher.audit.events import fields
from launcher.errors import CloudReplyError, ForbiddenError, KindNotOfferedError
from launcher.model import Actor, Console, ConsoleKey, Kind, Secret, Server, Target
from launcher.web.reveal import check_asker, event_of, plain_url
from tests.fakes.issued import issue

ALICE = Actor(1000, "alice", "unix")
COMMAND_LINE = ["Host", "Accept", "Connection", "Content-Type", "Content-Length", "Accept-Encoding"]
SERVER = Server("prod", "u-u-i-d", "web-01", "ACTIVE")


def console(url: str) -> Console:
    return Console(ConsoleKey("prod", "u-u-i-d", Kind.XVPVNC), Secret(url), 0, 600, "req-1")


def test_a_program_at_the_unix_socket_may_see_it() -> None:
    check_asker(ALICE, COMMAND_LINE)


def test_over_tcp_nobody_may_and_the_sentence_names_the_socket() -> None:
    with pytest.raises(ForbiddenError, match="Unix socket alone, not over TCP") as raised:
        check_asker(Actor(0, "root", "tcp"), COMMAND_LINE)
    assert "--gateway unix:/path" in str(raised.value.hint)


@pytest.mark.parametrize(
    "header", ["Origin", "origin", "Sec-Fetch-Site", "sec-fetch-mode", "SEC-FETCH-DEST", "Sec-Fetch-User", "Sec-GPC"]
)
def test_what_only_a_browser_sends_shuts_the_door(header: str) -> None:
    with pytest.raises(ForbiddenError, match="never revealed to a browser"):
        check_asker(ALICE, [*COMMAND_LINE, header])


@pytest.mark.parametrize("scheme", ["http", "https", "HTTPS", "ws", "wss"])
def test_an_address_is_shown_as_the_cloud_gave_it(scheme: str) -> None:
    url = f"{scheme}://console.example.net:443/console?token={issue()}&a='b'"
    assert plain_url(console(url)) == url


@pytest.mark.parametrize(
    "url", ["--version", "javascript:alert(1)", "https://h/\x1b[31m?token={}", "https://h/ ?token={}",
            "https://h/\u202e?token={}", "https://h/\n?token={}", "", "https://"],
)  # fmt: skip
def test_what_would_do_harm_where_it_is_pasted_is_not_shown(url: str) -> None:
    secret = issue()
    with pytest.raises(CloudReplyError, match="prod: its console URL cannot be shown") as caught:
        plain_url(console(url.replace("{}", secret)))
    assert (caught.value.request_id, secret in str(caught.value)) == ("req-1", False)


def test_who_saw_which_is_recorded_and_the_url_is_not() -> None:
    secret = issue()
    event = fields(event_of(ALICE, SERVER, console(f"https://h/?token={secret}")))
    assert event == {
        "event": "reveal", "actor": "alice", "uid": 1000, "via": "unix", "cloud": "prod", "server": "u-u-i-d",
        "name": "web-01", "kind": "xvpvnc", "request_id": "req-1",
    }  # fmt: skip
    assert secret not in str(event)


def test_a_direct_target_has_no_address_to_show() -> None:
    direct = Console(
        ConsoleKey("rack7", "u-u-i-d", Kind.VNC), Secret(""), 0, 600, None, Target(tls=False, host="h", port=5900)
    )
    with pytest.raises(KindNotOfferedError, match="rack7 has no console URLs") as raised:
        plain_url(direct)
    assert raised.value.hint == "Open the server's page, or connect a viewer to the gateway."
