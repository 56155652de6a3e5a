"""What the TAB key completes, in the real shells."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.fakes.compute import FakeCompute
from tests.fakes.console_proxy import FaultyProxy
from tests.fakes.scripted_gateway import HANG, ScriptedGateway
from tests.fakes.viewer import Viewer
from tests.process.command import run, run_program
from tests.process.daemon import Daemon

pytestmark = pytest.mark.asyncio(loop_scope="module")

_BASH = """
eval "$(console-launcher completion bash)"
COMP_LINE=$1 COMP_POINT=${#1} COMP_TYPE=9 COMP_WORDS=($1)
$(complete -p console-launcher | sed 's/.*-F \\([^ ]*\\) .*/\\1/') console-launcher
printf '%s\\n' "${COMPREPLY[@]}"
"""
_ZSHRC = """
PS1='READY>'
autoload -Uz compinit; compinit -D -u
eval "$(console-launcher completion zsh)"
show() { print -r -- "<<$BUFFER>>" }
zle -N show
bindkey '^X' show
"""
_ZSH = """
zmodload zsh/zpty
zpty shell zsh -d -i
zpty -r -m shell seen '*READY>*'
zpty -w -n shell "$1"$'\\t\\C-x'
zpty -r -m shell seen '*<<*>>*'
print -rn -- ${${seen##*<<}%%>>*}
zpty -d shell
"""


async def bash(line: str, **env: str) -> set[str]:
    """What bash offers at the end of a line."""
    ended = await run_program("bash", "--norc", "-c", _BASH, "bash", line, **env)
    assert (ended.code, ended.err) == (0, "")
    return {offer.rstrip() for offer in ended.out.splitlines() if offer}


async def fish(line: str, **env: str) -> dict[str, str]:
    """What fish offers at the end of a line, each with its description."""
    script = "console-launcher completion fish | source; complete -C $argv[1]"
    ended = await run_program("fish", "--no-config", "-c", script, line, **env)
    assert (ended.code, ended.err) == (0, "")
    offers = [offer.partition("\t") for offer in ended.out.splitlines()]
    return {offer: about for offer, _, about in offers}


async def zsh(line: str, folder: Path, **env: str) -> str:
    """What stands on the line of an interactive zsh when TAB was pressed at its end."""
    (folder / ".zshrc").write_text(_ZSHRC)
    ended = await run_program("zsh", "-f", "-c", _ZSH, "zsh", line, TERM="dumb", ZDOTDIR=str(folder), **env)
    assert ended.err == ""
    return ended.out


@pytest.fixture(scope="module", autouse=True)
def _shells_are_there() -> None:
    for shell in ("bash", "zsh", "fish"):
        if shutil.which(shell) is None:
            pytest.fail(f"needs Debian's package {shell}")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def compute() -> AsyncIterator[FakeCompute]:
    async with FakeCompute() as compute:
        for name in ("web-01", "web-02", "mail-unique", "$(touch /tmp/owned)", "a b", "new\nline"):
            compute.add_server(name)
        yield compute


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def daemon(compute: FakeCompute, suite_output: Path) -> AsyncIterator[Daemon]:
    clouds = {"prod": {"provider": "none", "endpoint": compute.endpoint}}
    async with Daemon(suite_output / "daemons", clouds) as daemon:
        yield daemon


@pytest.fixture
def env(daemon: Daemon) -> dict[str, str]:
    return {"CONSOLE_LAUNCHER_GATEWAY": f"unix:{daemon.socket_path}"}


async def test_bash_completes_commands_options_and_what_the_gateway_knows(env: dict[str, str]) -> None:
    assert await bash("console-launcher ser", **env) == {"serve", "servers"}
    assert await bash("console-launcher url prod/w", **env) == {"prod/web-01", "prod/web-02"}
    assert await bash("console-launcher url mail", **env) == {"mail-unique"}
    assert await bash("console-launcher open pr", **env) == {"prod/"}
    assert await bash("console-launcher console-url prod/w", **env) == {"prod/web-01", "prod/web-02"}
    assert await bash("console-launcher console-url prod/web-01 --kind ", **env) == {"novnc", "xvpvnc"}
    assert await bash("console-launcher servers --cloud p", **env) == {"prod"}
    assert "--view-only" in await bash("console-launcher url --", **env)
    assert await bash("console-launcher completion ", **env) == {"bash", "zsh", "fish"}


async def test_fish_completes_with_a_word_about_each(env: dict[str, str]) -> None:
    commands = await fish("console-launcher ser", **env)
    assert set(commands) == {"serve", "servers"}
    assert commands["servers"] == "list the servers of all clouds"
    assert await fish("console-launcher url prod/w", **env) == {"prod/web-01": "ACTIVE", "prod/web-02": "ACTIVE"}
    assert await fish("console-launcher servers --cloud p", **env) == {"prod": "a cloud"}


async def test_zsh_completes_at_a_terminal(env: dict[str, str], tmp_path: Path) -> None:
    for typed, completed in (
        ("console-launcher comp", "console-launcher completion "),
        ("console-launcher url mail", "console-launcher url mail-unique "),
        ("console-launcher url prod/w", "console-launcher url prod/web-0"),
        ("console-launcher open pr", "console-launcher open prod/"),
    ):
        assert await zsh(typed, tmp_path, **env) == completed


async def test_sessions_are_completed_by_their_ids(daemon: Daemon, compute: FakeCompute, env: dict[str, str]) -> None:
    async with FaultyProxy() as proxy, Viewer(daemon.port, "/ws/prod/web-01") as viewer:
        compute.mint = lambda *_: proxy.url()
        await viewer.greeted()
        session = (await run("sessions", **env)).out.splitlines()[1].split("\t")[0]
        assert await bash("console-launcher end ", **env) == {session}
        [(offer, about)] = (await fish("console-launcher end ", **env)).items()
        assert (offer, about.endswith(" on prod/web-01")) == (session, True)


async def test_a_hostile_name_is_offered_as_a_uuid(compute: FakeCompute, env: dict[str, str]) -> None:
    odd = {f"prod/{key}" for key, server in compute.servers.items() if not server["name"].replace("-", "").isalnum()}
    assert len(odd) == 3
    everything = {"prod/web-01", "prod/web-02", "prod/mail-unique"} | odd
    assert await bash("console-launcher url prod/", **env) == everything
    assert set(await fish("console-launcher url prod/", **env)) == everything


async def test_without_a_gateway_or_with_one_that_hangs_nothing_is_offered_and_nothing_said() -> None:
    async with ScriptedGateway(HANG) as silent:
        for where in ("unix:/nowhere/web.sock", silent.where, "nonsense"):
            env = {"CONSOLE_LAUNCHER_GATEWAY": where}
            assert await bash("console-launcher url w", **env) == set()
            assert await fish("console-launcher url w", **env) == {}
            assert await bash("console-launcher ur", **env) == {"url"}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
async def test_the_help_names_the_line_for_each_shell_and_the_line_works(shell: str) -> None:
    helped = await run("completion", "--help")
    line = next(line for line in helped.out.splitlines() if line.startswith(f"  {shell} "))
    command = line[line.index("eval") if "eval" in line else line.index("console-launcher") :]
    prelude = "autoload -Uz compinit; compinit -D -u; " if shell == "zsh" else ""
    ended = await run_program(shell, "-c", prelude + command)
    assert (ended.code, ended.out, ended.err) == (0, "", "")
