"""Every command as a process: with a gateway and without one, in a pipe and on a terminal."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from launcher.cli.parser import command_names, parser
from launcher.cli.text import width
from tests.fakes.compute import FakeCompute, mint_nowhere
from tests.fakes.console_proxy import BANNER, FaultyProxy
from tests.fakes.issued import issue
from tests.fakes.scripted_gateway import HANG, ScriptedGateway, http
from tests.fakes.stranger import STRANGER
from tests.fakes.viewer import Viewer
from tests.process.command import Ended, environment, interrupted, run, run_on_terminal
from tests.process.daemon import ACCOUNT, ROOT, Daemon

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOWHERE = {"CONSOLE_LAUNCHER_GATEWAY": "unix:/nowhere/web.sock"}
HOSTILE = [
    "<img src=x onerror=alert(1)>", "../../etc", "rtl\u202egnp.exe", "𝕏" * 255, "new\nline", "日本語サーバ",
    "\x1b[31mred\x1b]0;title\x07", "e\u0301te\u0301", "\u0301mark", "z" + "\u0301" * 50, "tab\there", "$(reboot)",
    "a b", ".", "..",
]  # fmt: skip
_SGR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Row:
    """How one command is run, and how it is to end."""

    argv: tuple[str, ...]
    code: int
    """With a gateway."""
    code_without: int
    """Without one."""
    says: str
    """On standard output, with a gateway."""


ROWS = {
    "demo": Row(("demo", "--openrc", "/nowhere/openrc"), 2, 2, ""),
    "serve": Row(("serve", "--config", "/nowhere/config.yaml"), 78, 78, ""),
    "servers": Row(("servers", "web"), 75, 69, "prod/web-01\tACTIVE\t"),
    "clouds": Row(("clouds",), 75, 69, "prod\tnone\t-\t"),
    "url": Row(("url", "prod/web-01"), 0, 69, "/c/prod/web-01\n"),
    "open": Row(("open", "prod/web-01"), 0, 69, "/c/prod/web-01\n"),
    "vnc": Row(("vnc", "prod/nobody", "--viewer", "true"), 1, 69, ""),
    "console-url": Row(("console-url", "prod/web-01", "--reveal"), 0, 69, "/vnc_lite.html?path=%3Ftoken%3D"),
    "sessions": Row(("sessions",), 0, 69, ""),
    "end": Row(("end", "nobody"), 1, 69, ""),
    "doctor": Row(("doctor",), 69, 69, "Failed: dark at Compute TCP.\n"),
    "check-config": Row(("check-config", "--config", "/nowhere/config.yaml"), 78, 78, ""),
    "init": Row(("init", "--directory", "/nowhere/gateway", "--name", "a b"), 2, 2, ""),
    "schema": Row(("schema",), 0, 0, '"$schema"'),
    "completion": Row(("completion", "bash"), 0, 0, "complete "),
}


@dataclass
class Place:
    """A gateway with three clouds, of which `dark` does not answer."""

    daemon: Daemon
    prod: FakeCompute
    stage: FakeCompute

    @property
    def env(self) -> dict[str, str]:
        return {"CONSOLE_LAUNCHER_GATEWAY": f"unix:{self.daemon.socket_path}"}

    def page(self, path: str) -> str:
        return f"http://jump.localhost:{self.daemon.port}{path}"

    async def run(self, *argv: str, **env: str) -> Ended:
        return await run(*argv, **self.env, **env)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(suite_output: Path) -> AsyncIterator[Place]:
    async with FakeCompute() as prod, FakeCompute() as stage:
        for name in ("web-01", "twin", "twin", *HOSTILE):
            prod.add_server(name)
        prod.add_server("off", "SHUTOFF")
        for name in ("web-01", "lone"):
            stage.add_server(name)
        clouds = {
            "prod": {"provider": "none", "endpoint": prod.endpoint},
            "stage": {"provider": "none", "endpoint": stage.endpoint},
            "dark": {"provider": "none", "endpoint": "http://127.0.0.1:1/v2.1"},
        }
        async with Daemon(suite_output / "daemons", clouds, aliases={"db": "prod/web-01"}) as daemon:
            yield Place(daemon, prod, stage)


def minting(compute: FakeCompute) -> list[str]:
    """The console URLs that a cloud hands out from now on."""
    urls: list[str] = []

    def mint(server_id: str, kind: str) -> str:
        urls.append(mint_nowhere(server_id, kind))
        return urls[-1]

    compute.mint = mint
    return urls


def token_of(url: str) -> str:
    return url.rpartition("%3D")[2]


@pytest.mark.parametrize("name", command_names(parser()))
async def test_every_command_runs_as_a_process_with_a_gateway_and_without(place: Place, name: str) -> None:
    assert name in ROWS, f"a new command, {name}, needs a row in the table of this test"
    row = ROWS[name]
    display = {"DISPLAY": ":99"} if name == "vnc" else {}
    ended = await place.run(*row.argv, **display)
    assert (ended.code, "Traceback" in ended.err) == (row.code, False), ended.err
    assert row.says in ended.out
    listed = (await run("help", name)).out.split("\nexit codes:\n")[1]
    assert {str(row.code), str(row.code_without)} <= {line.split()[0] for line in listed.splitlines()}
    without = await run(*row.argv, **NOWHERE, **display)
    assert (without.code, "Traceback" in without.err) == (row.code_without, False), without.err
    if row.code_without == 69:
        assert "no gateway runs at unix:/nowhere/web.sock" in without.err
        assert without.out == ""


async def test_servers_of_all_clouds_are_listed_and_a_silent_cloud_hides_none(place: Place) -> None:
    ended = await place.run("servers", "web-01")
    title, *lines = ended.out.splitlines()
    assert title.split("\t") == ["SERVER", "STATE", "ID"]
    assert [line.split("\t")[:2] for line in lines] == [["prod/web-01", "ACTIVE"], ["stage/web-01", "ACTIVE"]]
    assert ended.code == 75
    assert ended.err.startswith("console-launcher: dark: its Compute API at http://127.0.0.1:1 cannot be reached")
    assert ended.err.count("\n") == 1
    one = await place.run("servers", "--cloud", "stage", "--limit", "1")
    assert (one.code, one.out.count("\n")) == (0, 2)
    assert "there are more than the 1 shown" in one.err
    none = await place.run("servers", "zzz", "web", "--cloud", "stage")
    assert (none.code, none.out) == (0, "")
    assert 'no server has "zzz" and "web" in its name, cloud, state or UUID.' in none.err
    wrong = await place.run("servers", "--cloud", "stgae")
    assert (wrong.code, wrong.out) == (1, "")
    assert 'Did you mean "stage"?' in wrong.err


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["web", "prod"], ["prod/web-01"]),
        (["web prod"], ["prod/web-01"]),
        (["shutoff"], ["prod/off"]),
        (["--cloud", "stage", "ACTIVE", "web"], ["stage/web-01"]),
        (["img src=x"], ["prod/<img src=x onerror=alert(1)>"]),
    ],
)
async def test_several_words_find_what_has_them_all(place: Place, words: list[str], found: list[str]) -> None:
    ended = await place.run("servers", *words)
    assert [line.split("\t")[0] for line in ended.out.splitlines()[1:]] == found


async def test_json_is_the_api_s_own(place: Place) -> None:
    servers = json.loads((await place.run("servers", "--json")).out)
    assert len(servers["servers"]) == len(place.prod.servers) + len(place.stage.servers)
    assert {server["name"] for server in servers["servers"]} >= set(HOSTILE)
    assert [problem["type"] for problem in servers["errors"]] == ["cloud-unreachable"]
    assert servers["next_marker"] is None
    clouds = json.loads((await place.run("clouds", "--json")).out)["clouds"]
    assert [(cloud["name"], cloud["servers"]) for cloud in clouds] == [
        ("prod", len(place.prod.servers)), ("stage", 2), ("dark", None),
    ]  # fmt: skip
    url = json.loads((await place.run("url", "lone", "--view-only", "--json")).out)
    assert (url["name"], url["page"]) == ("lone", place.page("/c/stage/lone?view=only"))
    assert json.loads((await place.run("open", "db", "--json")).out)["path"] == "/c/db"
    assert json.loads((await place.run("sessions", "--json")).out) == {"sessions": []}


@pytest.mark.parametrize(
    ("reference", "path"),
    [
        ("prod/web-01", "/c/prod/web-01"),
        ("db", "/c/db"),
        ("lone", "/c/stage/lone"),
        ("prod/../../etc", "/c/prod/..%2F..%2Fetc"),
        ("prod/new\nline", "/c/prod/new%0Aline"),
        ("rtl\u202egnp.exe", "/c/prod/rtl%E2%80%AEgnp.exe"),
    ],
)
async def test_a_bookmark_is_printed_for_every_way_to_name_a_server(place: Place, reference: str, path: str) -> None:
    ended = await place.run("url", reference)
    assert (ended.code, ended.out, ended.err) == (0, f"{place.page(path)}\n", "")


async def test_a_name_that_no_bookmark_can_hold_is_found_and_goes_by_its_uuid(place: Place) -> None:
    for name in (".", ".."):
        [server_id] = [key for key, server in place.prod.servers.items() if server["name"] == name]
        assert (await place.run("url", f"prod/{name}")).out == f"{place.page(f'/c/prod/{server_id}')}\n"


async def test_a_name_of_several_servers_is_a_list_to_choose_from(place: Place) -> None:
    for reference, clouds in (("web-01", {"prod", "stage"}), ("prod/twin", {"prod"})):
        ended = await place.run("url", reference)
        assert (ended.code, ended.out) == (1, "")
        first, *candidates, hint = ended.err.splitlines()
        assert first == "console-launcher: Several servers have this name. Choose one:"
        assert hint == "  Use the UUID of the one that is meant."
        assert len(candidates) == 2
        for candidate in candidates:
            server, name, state = candidate.split()
            assert (name, state) == (reference.rpartition("/")[2], "(ACTIVE)")
            assert (await place.run("url", server)).out == f"{place.page(f'/c/{server}')}\n"
        assert {candidate.strip().split("/")[0] for candidate in candidates} == clouds


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("prod/web", 'prod has no server "web". Near: prod/web-01, stage/web-01.'),
        ("stage/web", 'stage has no server "web". Near: stage/web-01, prod/web-01.'),
        ("prod/wbe-01", 'prod has no server "wbe-01". Near: prod/web-01, stage/web-01.'),
        ("stgae/lone", 'Did you mean "stage"? Near: stage/lone.'),
        ("prod/new", "Near: prod/new\\nline."),
    ],
)
async def test_a_server_that_is_not_there_is_said_with_those_that_may_be_meant(
    place: Place, reference: str, said: str
) -> None:
    for command in ("url", "open"):
        ended = await place.run(command, reference)
        assert (ended.code, ended.out) == (1, "")
        assert said in ended.err


async def test_hostile_names_are_one_plain_line_each_in_a_pipe(place: Place) -> None:
    ended = await place.run("servers", "--cloud", "prod")
    assert all(char.isprintable() or char in "\n\t" for char in ended.out)
    lines = ended.out.splitlines()
    assert len(lines) == 1 + len(place.prod.servers)
    assert all(line.count("\t") == 2 for line in lines)
    for shown in ("rtl\\u202egnp.exe", "new\\nline", "\\x1b[31mred\\x1b]0;title\\x07", "𝕏" * 255, "tab\\there"):
        assert f"prod/{shown}\t" in ended.out


@pytest.mark.parametrize("columns", [40, 80, 200])
async def test_hostile_names_steer_no_terminal_and_break_no_table(place: Place, columns: int) -> None:
    ended = await run_on_terminal("servers", "--cloud", "prod", columns=columns, env=place.env)
    assert ended.code == 0
    assert "\x1b[32mACTIVE\x1b[0m" in ended.out
    plain = _SGR.sub("", ended.out)
    assert all(char.isprintable() or char == "\n" for char in plain)
    lines = plain.splitlines()
    assert len(lines) == 1 + len(place.prod.servers)
    assert max(width(line) for line in lines) <= columns
    place_of_state = lines[0].index("STATE")
    assert all(width(line.partition("ACTIVE")[0]) == place_of_state for line in lines if "ACTIVE" in line)


async def test_a_person_who_wants_no_colour_gets_none_and_a_narrow_table(place: Place) -> None:
    ended = await run_on_terminal("servers", "web", "prod", columns=46, env={**place.env, "NO_COLOR": "1"})
    assert "\x1b" not in ended.out
    assert re.search(r"^prod/web-01 +ACTIVE +[0-9a-f-]{24}…$", ended.out, re.MULTILINE)
    ended = await run_on_terminal("servers", "--cloud", "prod", columns=80, env={**place.env, "NO_COLOR": "1"})
    assert "\x1b" not in ended.out
    assert "…" in ended.out
    assert re.search(r"^prod/web-01 +ACTIVE +[0-9a-f]{8}…$", ended.out, re.MULTILINE)


async def test_a_locale_without_the_letters_ends_no_list(place: Place) -> None:
    ended = await place.run("servers", "--cloud", "prod", PYTHONIOENCODING="latin-1")
    assert ended.code == 0
    assert "prod/\\u65e5\\u672c" in ended.out


async def test_a_hostile_reference_is_escaped_in_what_is_said_of_it(place: Place) -> None:
    ended = await place.run("url", "stage/\x1b[31m\u202e")
    assert ended.code == 1
    assert 'stage has no server "\\x1b[31m\\u202e".' in ended.err
    assert "Look for it in the list of servers" in ended.err


async def test_open_shows_the_page_in_the_browser_of_the_person(place: Place, tmp_path: Path) -> None:
    browser, seen = tmp_path / "browser", tmp_path / "seen"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {seen}\n')
    browser.chmod(0o755)
    ended = await place.run("open", "prod/web-01", "--view-only", BROWSER=str(browser))
    assert (ended.code, ended.out) == (0, "")
    assert seen.read_text() == place.page("/c/prod/web-01?view=only")
    assert "opened http://jump.localhost" in ended.err


async def test_open_says_the_address_where_no_browser_can_be_shown(place: Place) -> None:
    for env in ({}, {"DISPLAY": ":7", "SSH_CONNECTION": "10.0.0.1 1 10.0.0.2 22"}):
        ended = await place.run("open", "prod/web-01", **env)
        assert (ended.code, ended.out) == (0, f"{place.page('/c/prod/web-01')}\n")
        assert "open this address on your own machine" in ended.err


@pytest.mark.parametrize("kind", ["novnc", "xvpvnc"])
async def test_a_console_url_stands_alone_on_standard_output_and_nowhere_else(place: Place, kind: str) -> None:
    urls = minting(place.prod)
    ended = await place.run("console-url", "db", "--reveal", "--kind", kind)
    assert (ended.code, ended.out) == (0, f"{urls[-1]}\n")
    assert f"this is a {kind} console of prod/web-01: whoever has its URL can open it until 20" in ended.err
    assert f"The bookmark holds no secret and does not expire: {place.page('/c/db')}" in ended.err
    java = "java -jar VncViewer.jar URL 'CONSOLE_URL'", "nova-xvpvncviewer", "the list of processes"
    assert [words in ended.err for words in java] == [kind == "xvpvnc"] * 3
    assert ("A browser opens it." in ended.err) == (kind == "novnc")
    assert token_of(urls[-1]) not in ended.err
    again = await place.run("console-url", "prod/web-01", "--reveal", "--kind", kind)
    assert again.out == f"{urls[-1]}\n" != ended.out
    recorded = place.daemon.log_events("reveal")[-1]
    assert (recorded["actor"], recorded["via"], recorded["kind"], recorded["name"]) == (ACCOUNT, "unix", kind, "web-01")
    assert recorded["request_id"] == place.prod.request_ids[-1]
    assert not any(token_of(url) in place.daemon.log() for url in urls)


async def test_a_console_url_for_programs_is_json_alone(place: Place) -> None:
    urls = minting(place.stage)
    ended = await place.run("console-url", "lone", "--reveal", "--json")
    console = json.loads(ended.out)
    assert (ended.code, ended.err, console["url"], console["kind"]) == (0, "", urls[-1], "novnc")
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", console["expires_at"])
    assert {"cloud": "stage", "name": "lone", "page": place.page("/c/stage/lone")}.items() <= console.items()
    assert console["server"] in place.stage.servers


async def test_on_a_terminal_the_java_viewer_s_command_line_stands_below_the_url(place: Place) -> None:
    urls = minting(place.prod)
    ended = await run_on_terminal("console-url", "db", "--reveal", "--kind", "xvpvnc", columns=200, env=place.env)
    assert ended.code == 0
    url, java, *_ = ended.out.splitlines()
    assert (url, java) == (urls[-1], f"java -jar VncViewer.jar URL '{urls[-1]}'")
    assert "The Java viewer takes it as above." in ended.out


async def test_without_reveal_it_is_said_what_would_be_shown_and_nobody_is_asked(place: Place) -> None:
    before = len(place.prod.console_requests)
    for env in (place.env, NOWHERE):
        ended = await run("console-url", "prod/new\nline", **env)
        assert (ended.code, ended.out) == (2, "")
        assert "prints a console URL with the console token in it" in ended.err
        assert "add --reveal" in ended.err
        assert "console-launcher url 'prod/new\\nline'" in ended.err
    assert len(place.prod.console_requests) == before


async def test_over_tcp_no_console_url_is_revealed(place: Place) -> None:
    before = len(place.prod.console_requests)
    ended = await run("console-url", "prod/web-01", "--reveal", "--gateway", place.daemon.url)
    assert (ended.code, ended.out) == (77, "")
    assert "A console URL is revealed through the gateway's Unix socket alone, not over TCP" in ended.err
    assert len(place.prod.console_requests) == before


async def test_a_hostile_server_and_a_hostile_cloud_steer_nobody_s_terminal(place: Place) -> None:
    urls = minting(place.prod)
    for reference, shown in (
        ("prod/\x1b[31mred\x1b]0;title\x07", "prod/\\x1b[31mred"),
        ("rtl\u202egnp.exe", "rtl\\u202egnp"),
    ):
        ended = await place.run("console-url", reference, "--reveal")
        assert (ended.code, ended.out) == (0, f"{urls[-1]}\n")
        assert shown in ended.err
        assert all(char.isprintable() or char == "\n" for char in ended.err)
    wrong = await place.run("console-url", "prod/wbe-01", "--reveal")
    assert (wrong.code, "Near: prod/web-01" in wrong.err) == (1, True)
    place.prod.mint = lambda *_: f"https://console.example.net/\x1b[2J?token={issue()}"
    ended = await place.run("console-url", "prod/web-01", "--reveal")
    assert (ended.code, ended.out) == (75, "")
    assert "prod: its console URL cannot be shown" in ended.err


async def test_what_is_no_address_is_not_taken_from_a_stranger_at_the_gateway_s_place() -> None:
    server = dict.fromkeys(("cloud", "id", "name", "status", "path"), "x") | {"page": "https://jump.example.net/c/x"}
    console = {"url": "--version", "kind": "novnc", "expires_at": "soon"}
    async with ScriptedGateway(http(json.dumps(server)), http(json.dumps(console))) as stranger:
        ended = await run("console-url", "x", "--reveal", "--gateway", stranger.where)
    assert (ended.code, ended.out) == (69, "")
    assert "is no console-launcher, or one of another version" in ended.err


async def test_end_ends_a_live_session_and_its_viewer_is_told_who_did(place: Place) -> None:
    async with FaultyProxy() as proxy, Viewer(place.daemon.port, "/ws/prod/web-01") as viewer:
        place.prod.mint = lambda *_: proxy.url()
        await viewer.greeted()
        listed = await place.run("sessions")
        title, line = listed.out.splitlines()
        assert title.split("\t") == ["SESSION", "WHO", "SERVER", "SINCE", "SENT", "RECEIVED"]
        session, who, server, since, sent, received = line.split("\t")
        assert (who, server, sent) == (ACCOUNT, "prod/web-01", "0 B")
        assert int(received.removesuffix(" B")) >= len(BANNER)
        assert since.endswith("Z")
        ended = await place.run("end", session[:6])
        assert (ended.code, ended.out) == (0, f"ended {session}: {ACCOUNT} on prod/web-01\n")
        assert await viewer.closed() == (1008, f"Ended by {ACCOUNT}.")
    again = await place.run("end", session)
    assert again.code == 1
    assert f'there is no session "{session}"' in again.err


async def test_a_session_that_is_ended_is_json_for_programs(place: Place) -> None:
    async with FaultyProxy() as proxy, Viewer(place.daemon.port, "/ws/stage/lone") as viewer:
        place.stage.mint = lambda *_: proxy.url()
        await viewer.greeted()
        [session] = json.loads((await place.run("sessions", "--json")).out)["sessions"]
        ended = await place.run("end", session["id"], "--json")
        assert json.loads(ended.out)["id"] == session["id"]
        assert (await viewer.closed())[0] == 1008


async def test_the_gateway_is_found_by_its_url_and_in_the_person_s_runtime_folder(place: Place, tmp_path: Path) -> None:
    assert not Path("/run/console-launcher/web.sock").exists(), "a gateway runs here: it would be asked instead"
    (tmp_path / "console-launcher").mkdir()
    (tmp_path / "console-launcher" / "web.sock").symlink_to(place.daemon.socket_path)
    for argv, env in (
        (["--gateway", place.daemon.url], NOWHERE),
        (["--gateway", f"http://jump.localhost:{place.daemon.port}"], NOWHERE),
        (["--gateway", f"unix:{place.daemon.socket_path}"], NOWHERE),
        ([], {"XDG_RUNTIME_DIR": str(tmp_path)}),
    ):
        ended = await run("url", "db", *argv, **env)
        assert (ended.code, ended.out) == (0, f"{place.page('/c/db')}\n"), ended.err
    nobody = await run("servers", XDG_RUNTIME_DIR="/run/user/nobody")
    assert nobody.code == 69
    assert "neither /run/console-launcher/web.sock nor /run/user/nobody/console-launcher/web.sock" in nobody.err
    assert "systemctl start console-launcher" in nobody.err
    wrong = await run("servers", CONSOLE_LAUNCHER_GATEWAY="jump:6080")
    assert (wrong.code, "CONSOLE_LAUNCHER_GATEWAY" in wrong.err) == (2, True)


async def test_a_gateway_that_hangs_is_given_up_and_ctrl_c_is_quiet(place: Place) -> None:
    async with ScriptedGateway(HANG) as silent:
        ended = await run("servers", "--timeout", "0.3", "--gateway", silent.where)
        assert ended.code == 69
        assert "did not answer within 0.3 s" in ended.err
    async with ScriptedGateway(HANG) as silent:
        ended = await interrupted("servers", "--gateway", silent.where, asked=silent.asked)
        assert (ended.code, ended.out, ended.err) == (130, "", "")


async def test_a_stranger_at_the_gateway_s_place_is_said() -> None:
    async with ScriptedGateway(http("<h1>It works!</h1>", content_type="text/html")) as stranger:
        ended = await run("servers", "--gateway", stranger.where)
    assert (ended.code, ended.out) == (69, "")
    assert f"what answers at {stranger.where} is no console-launcher" in ended.err


async def test_a_page_that_is_no_web_address_reaches_no_browser(tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    server = dict.fromkeys(("cloud", "id", "name", "status", "path"), "x") | {"page": "--version"}
    async with ScriptedGateway(http(json.dumps(server))) as stranger:
        ended = await run("open", "x", "--gateway", stranger.where, BROWSER=f"touch {touched}")
    assert ended.code == 69
    assert not touched.exists()


async def test_a_reader_who_leaves_early_is_no_fault(place: Place) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "launcher", "servers", "--cloud", "prod",
        env=environment(**place.env), stdout=writing, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    os.close(writing)
    async with asyncio.timeout(30):
        _, said = await process.communicate()
    assert (process.returncode, said) == (0, b"")


_AS_ANOTHER = """
import encodings.idna, importlib, os, pkgutil, sys, launcher.cli  # before the right to read them is gone
for module in pkgutil.iter_modules(launcher.cli.__path__):
    importlib.import_module(f"launcher.cli.{module.name}")
os.setgroups([]); os.setgid(int(sys.argv[1])); os.setuid(int(sys.argv[1]))
sys.exit(sys.modules["launcher.cli.main"].main(sys.argv[2:]))
"""


async def _run_as(uid: int, *argv: str, **env: str) -> Ended:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _AS_ANOTHER, str(uid), *argv, env=environment(**env), cwd=ROOT,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(30):
        out, err = await process.communicate()
    assert process.returncode is not None
    return Ended(process.returncode, out.decode(), err.decode())


async def test_a_second_account_is_told_how_to_become_an_operator(place: Place) -> None:
    assert os.geteuid() == 0, "this test asks as another account: run it as root"
    ended = await _run_as(STRANGER, "servers", **place.env)
    assert (ended.code, ended.out) == (77, "")
    assert f'account "uid {STRANGER}" may not open {place.daemon.socket_path}' in ended.err
    assert "usermod -aG console-operators NAME" in ended.err
    assert "sign in anew" in ended.err


async def test_a_second_account_that_reaches_the_gateway_hears_the_gateway_s_own_word(place: Place) -> None:
    ended = await _run_as(STRANGER, "servers", "--gateway", place.daemon.url)
    assert (ended.code, ended.out) == (77, "")
    assert f'Account "uid {STRANGER}" may not use this gateway' in ended.err


async def test_the_doctor_asks_the_gateway_and_names_the_hop_that_fails(place: Place) -> None:
    place.prod.mint = mint_nowhere
    ended = await place.run("doctor", "prod/web-01")
    assert (ended.code, ended.err) == (69, "")
    assert re.search(r"^  ✗ console proxy TCP +[0-9.]+ s  127\.0\.0\.1:1$", ended.out, re.MULTILINE)
    assert "\nFailed: prod at console proxy TCP.\n" in ended.out
    async with FaultyProxy() as proxy:
        place.prod.mint = lambda *_: proxy.url()
        ended = await place.run("doctor", "db")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.endswith("\nAll is well.\n")
    for reference, said in (("prd/web-01", 'There is no cloud "prd"'), ("web-01", "Choose one:")):
        ended = await place.run("doctor", reference)
        assert (ended.code, ended.out) == (1, "")
        assert said in ended.err


@pytest.mark.parametrize("columns", [40, 80])
async def test_the_doctor_s_lines_fit_a_terminal_and_a_plain_one_gets_plain_signs(place: Place, columns: int) -> None:
    ended = await run_on_terminal("doctor", "stage/\x1b[31mred\u202e", columns=columns, env=place.env)
    assert ended.code == 69
    assert "\x1b[31m✗\x1b[0m" in ended.out
    plain = _SGR.sub("", ended.out)
    assert all(char.isprintable() or char == "\n" for char in plain)
    wide = [line for line in plain.splitlines() if width(line) > columns]
    assert all(len(line.removeprefix("    →").split()) == 1 for line in wide), "words alone stay whole"
    plain = (await place.run("doctor", PYTHONIOENCODING="latin-1")).out
    assert "  NO Compute TCP" in plain
    assert plain.isascii()


async def test_the_doctor_goes_on_by_itself_where_no_gateway_runs(place: Place, tmp_path: Path) -> None:
    config = tmp_path / "console-launcher" / "config.yaml"
    config.parent.mkdir()
    config.write_text(f'clouds: {{stage: {{provider: none, endpoint: "{place.stage.endpoint}"}}}}')
    assert not Path("/etc/console-launcher/config.yaml").exists(), "a gateway is set up here: it would be looked at"
    alone = {"XDG_CONFIG_HOME": str(tmp_path), "XDG_RUNTIME_DIR": "/run/user/nobody"}
    report = json.loads((await run("doctor", "--json", **alone)).out)
    assert [(hop["name"], hop["verdict"]) for hop in report["hops"]] == [("gateway", "failed"), ("configuration", "ok")]
    assert "no gateway runs on this machine" in report["hops"][0]["reason"]
    assert [(cloud["cloud"], cloud["well"]) for cloud in report["clouds"]] == [("stage", True)]
    ended = await run("doctor", "--config", str(config))
    assert (ended.code, ended.err) == (0, "")
    ended = await run("doctor", "nowhere/x", "--config", str(config))
    assert (ended.code, ended.out) == (1, "")
    config.write_text("clouds: {stage: {provider: nome}}\nlisten: 5\n")
    ended = await run("doctor", "--config", str(config))
    assert (ended.code, ended.err) == (78, "")
    assert f"→ {config}:1 clouds.stage.provider: " in ended.out
    assert f"→ {config}:2 listen: " in ended.out
    assert ended.out.endswith("\nFailed: configuration.\n")
