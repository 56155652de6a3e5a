"""README's own words, followed by a stranger: its first command in a fresh clone, its configurations, its lists."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import yaml
from playwright.async_api import expect

from launcher.cli.parser import command_names, parser
from tests.process.browser import Profile
from tests.process.daemon import ROOT

README = (ROOT / "README.md").read_text()
_PICTURE = """() => {
  const canvas = document.querySelector("#screen canvas");
  return canvas.toDataURL();
}"""


def section(heading: str) -> str:
    """The text below a heading, to the next one of its level."""
    level = heading.split()[0]
    _, _, rest = README.partition(f"\n{heading}\n")
    assert rest, f"README has no {heading!r}"
    return re.split(rf"\n{level} ", rest)[0]


def commands(text: str) -> list[str]:
    """The lines of its indented blocks."""
    return [line[4:] for line in text.splitlines() if line.startswith("    ")]


def clone(folder: Path) -> Path:
    """The tree as git would give it to a stranger, with what is about to be committed."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True, text=True).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


@asynccontextmanager
async def started(command: str, folder: Path) -> AsyncIterator[asyncio.StreamReader]:
    """The command in a shell of its own; what it prints. It must end well after Ctrl-C."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("VIRTUAL_ENV", "COVERAGE"))
    }
    environment.pop("SSH_CONNECTION", None)
    process = await asyncio.create_subprocess_shell(
        command, cwd=folder, env=environment, stdout=asyncio.subprocess.PIPE, start_new_session=True
    )
    assert process.stdout is not None
    try:
        yield process.stdout
        os.killpg(process.pid, signal.SIGINT)
        async with asyncio.timeout(20):
            assert await process.wait() in {0, 130, -signal.SIGINT}  # the shell, as it ends with its command
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


async def link_in(output: asyncio.StreamReader) -> str:
    async with asyncio.timeout(280):
        async for line in output:
            if found := re.search(rb"http://localhost:\d+/", line):
                return found[0].decode()
    raise AssertionError("no link was printed")


@pytest.mark.timeout(420)
@pytest.mark.asyncio(loop_scope="module")
async def test_the_first_command_leads_from_a_fresh_clone_to_a_bookmark_that_outlives_its_tokens(
    tmp_path: Path, profile: Profile
) -> None:
    (command,) = commands(section("## Try it"))
    left = tmp_path / "tmp"
    left.mkdir()
    async with started(f"export TMPDIR={left}; {command}", clone(tmp_path / "clone")) as output:
        link = await link_in(output)
        tab = await profile.open(link)
        servers = tab.page.locator("#servers tbody a")
        await expect(servers.filter(has_text="web-01")).to_have_count(3)
        assert await servers.count() >= 12
        await servers.get_by_text("web-01", exact=True).click()
        await tab.until_state("connected")
        before = await tab.page.evaluate(_PICTURE)
        await tab.page.keyboard.type("copy it works\n")
        await expect(tab.page.locator("#clipboard-text")).to_have_value("it works")
        assert await tab.page.evaluate(_PICTURE) != before
        await asyncio.sleep(62)  # the console token of this tab is dead now, and the session lives
        assert await tab.states() == ["launching", "connected"]
        again = await profile.open(tab.page.url)
        await again.until_state("connected")
        await tab.page.reload(wait_until="domcontentloaded")
        await tab.until_state("connected")
        await tab.page.keyboard.type("copy and again\n")
        await expect(again.page.locator("#clipboard-text")).to_have_value("and again")
    assert not list(left.glob("console-launcher-demo-*"))


def test_the_second_command_is_the_gates_own() -> None:
    first, *others = commands(section("## Tests"))
    assert first == "bash tests/run"
    assert first in (ROOT / ".ci/run").read_text()
    for line in others:
        program = line.split("#")[0].split()
        target = ROOT / program[1] if program[0] == "bash" else ROOT / program[2].replace(".", "/")
        assert target.exists() or target.with_suffix(".py").exists(), line


def test_every_picture_and_link_of_the_readme_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)]+)\)", README)
    assert len([link for link in links if link.endswith(".png")]) == 2
    assert [link for link in links if "://" not in link and not (ROOT / link).exists()] == []


def test_every_command_of_the_program_is_in_the_readme_and_no_other() -> None:
    listed = set(re.findall(r"^\| `console-launcher ([a-z-]+)", section("## Commands"), re.MULTILINE))
    assert listed == set(command_names(parser()))


def test_every_exit_code_is_in_the_readme() -> None:
    from launcher.cli.exits import Exit

    text = section("## Commands")
    assert [code.name for code in Exit if not re.search(rf"\b{code.value}\b", text)] == []


def test_the_configurations_of_the_readme_are_good(tmp_path: Path) -> None:
    from launcher.config.load import load

    blocks = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    assert len(blocks) == 4
    credentials = tmp_path / "credentials"
    credentials.mkdir(mode=0o700)
    for name, text in {
        "rax-api-key": "a-key",
        "kvm-b-vnc": "a-secret",
        "clouds.yaml": yaml.safe_dump({"clouds": {"prod": {"auth": {"auth_url": "http://127.0.0.1:1/v3"}}}}),
    }.items():
        (credentials / name).write_text(text)
        (credentials / name).chmod(0o600)
    for block in blocks:
        # Some show the keys alone that they are about.
        whole = yaml.safe_load(blocks[1 if "prod/" in block else 0]) | yaml.safe_load(block)
        assert whole["access"] == {"local_users": ["alice"]}
        whole["access"]["local_users"] = ["root"]
        if "kvm-b" in block:
            tokens = whole["clouds"]["rack7"]["websockify_tokens"] = str(tmp_path / "tokens.cfg")
            Path(tokens).write_text("old-one: 127.0.0.1:5901\n")
        (tmp_path / "config.yaml").write_text(yaml.safe_dump(whole))
        load(tmp_path / "config.yaml")
