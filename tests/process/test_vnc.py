"""`console-launcher vnc`: TigerVNC's viewer shows the picture, and a second local account gets nothing."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import stat
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from launcher.cli.vnc_security import obfuscated
from launcher.model import Secret
from tests.fakes.display import Display
from tests.fakes.screens import Screen
from tests.fakes.sshd import need_root
from tests.fakes.stranger import STRANGER
from tests.process.command import environment
from tests.process.site import Site, start_screens

pytestmark = pytest.mark.asyncio(loop_scope="module")

_KNOCK = """
import socket, sys
where = sys.argv[1]
door = socket.socket(socket.AF_UNIX if where.startswith("/") else socket.AF_INET)
door.settimeout(10)
try:
    door.connect(where if where.startswith("/") else ("127.0.0.1", int(where)))
    print("heard", door.recv(4096))
except OSError as error:
    print(type(error).__name__)
"""


@pytest.fixture(scope="module", autouse=True)
def _viewer_is_there() -> None:
    need_viewer()


def need_viewer() -> None:
    """Fail, with a sentence, where there is no viewer, no display for it, or no second account to try with."""
    for program, package in (("xtigervncviewer", "tigervnc-viewer"), ("Xvfb", "xvfb")):
        if not shutil.which(program):
            pytest.fail(f"needs Debian's package {package}")
    need_root()


@pytest.fixture
def runtime() -> Iterator[Path]:
    """An account's folder for sockets; short, and open to looks so that it is no reason why another gets nothing."""
    folder = Path(tempfile.mkdtemp(prefix="run-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


class Command:
    """`async with Command(…) as command:` runs `console-launcher vnc …` until it ends, or the context does."""

    def __init__(self, *argv: str, runtime: Path, **env: str) -> None:
        self._command = [sys.executable, "-m", "launcher", "vnc", *argv]
        self._environment = environment(XDG_RUNTIME_DIR=str(runtime), **env)
        self.runtime = runtime

    async def __aenter__(self) -> Command:
        self.process = await asyncio.create_subprocess_exec(
            *self._command,
            env=self._environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.process.returncode is None:
            self.process.terminate()
            await self.ended()

    async def line(self) -> str:
        """The next line of its answer."""
        assert self.process.stdout is not None
        async with asyncio.timeout(20):
            return (await self.process.stdout.readline()).decode().rstrip("\n")

    async def ended(self) -> tuple[int, str]:
        """Its exit code, and what it said on standard error."""
        async with asyncio.timeout(20):
            _, said = await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode, said.decode()

    def files(self) -> dict[str, int]:
        """What it keeps in its private folders, with their modes; these folders, too."""
        return {
            path.name: stat.S_IMODE(path.lstat().st_mode)
            for path in self.runtime.rglob("*")
            if path.name != "viewer.log"
        }

    def viewer(self) -> int:
        """The process id of the viewer that it started."""
        (child,) = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return int(child)


async def knock_as(uid: int, where: str) -> str:
    """What another account gets at this path or port."""
    process = await asyncio.create_subprocess_exec(
        "/usr/bin/python3", "-c", _KNOCK, where, user=uid, group=uid, extra_groups=[],
        stdout=asyncio.subprocess.PIPE, cwd="/",
    )  # fmt: skip
    async with asyncio.timeout(20):
        answer, _ = await process.communicate()
    return answer.decode().strip()


async def tigervnc(display: Display, address: str, file: Path, password: str) -> asyncio.subprocess.Process:
    """A viewer that a person starts, with a password in a file."""
    file.write_bytes(obfuscated(Secret(password)))
    return await asyncio.create_subprocess_exec(
        "xtigervncviewer", "-display", display.name, "-AlertOnFatalError=0", "-ReconnectOnError=0",
        "-PasswordFile", str(file), address.replace(":", "::"), stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def screens(_tigervnc_is_there: None, suite_output: Path) -> AsyncIterator[list[Screen]]:
    """One is enough here."""
    async with AsyncExitStack() as stack:
        yield await start_screens(stack, suite_output, "picture-1")


async def test_the_viewer_shows_the_picture_through_a_socket_that_is_gone_at_once(
    site: Site, screen: Screen, runtime: Path, suite_output: Path
) -> None:
    site.add_server("web-01", screen)
    async with site.daemon() as daemon, Display(suite_output / "display") as display:
        where = f"unix:{daemon.socket_path}"
        async with Command("lab/web-01", "--gateway", where, runtime=runtime, DISPLAY=display.name) as command:
            await display.until_shows(screen.picture)
            assert "vnc.sock" not in command.files()
            os.kill(command.viewer(), signal.SIGTERM)
            code, said = await command.ended()
            assert (code, said) == (0, "")
            assert command.files() == {}
    (end,) = daemon.log_events("session-end")
    assert end["end_reason"] == "viewer closed"


async def test_the_viewer_shows_the_picture_through_a_port_by_a_password_that_nobody_sees(
    site: Site, screen: Screen, runtime: Path, suite_output: Path
) -> None:
    site.add_server("web-01", screen)
    async with site.daemon() as daemon, Display(suite_output / "display") as display:
        where = f"unix:{daemon.socket_path}"
        async with Command(
            "lab/web-01", "--port", "0", "--gateway", where, runtime=runtime, DISPLAY=display.name
        ) as command:
            await display.until_shows(screen.picture)
            words = Path(f"/proc/{command.viewer()}/cmdline").read_text().split("\0")
            assert words[-2].startswith("127.0.0.1::")
            assert "passwd" not in command.files(), "it was read, and is to be removed"
            assert await knock_as(STRANGER, words[-2].rpartition(":")[2]) == "ConnectionRefusedError"
            os.kill(command.viewer(), signal.SIGTERM)
            assert await command.ended() == (0, "")
            assert command.files() == {}


async def test_case_27_another_account_is_hung_up_on_at_the_port_of_a_native_viewer_and_told_of(
    site: Site, screen: Screen, runtime: Path, suite_output: Path, tmp_path: Path
) -> None:
    site.add_server("web-01", screen)
    async with site.daemon() as daemon, Display(suite_output / "display") as display:
        where = f"unix:{daemon.socket_path}"
        async with Command("lab/web-01", "--print", "--port", "0", "--gateway", where, runtime=runtime) as command:
            address, password = await command.line(), await command.line()
            assert await knock_as(STRANGER, address.rpartition(":")[2]) == "heard b''"
            assert site.console_requests() == 0
            wrong = await tigervnc(display, address, tmp_path / "wrong", "guessed")
            async with asyncio.timeout(20):
                await wrong.wait()
            assert site.console_requests() == 0
            viewer = await tigervnc(display, address, tmp_path / "right", password)
            await display.until_shows(screen.picture)
            viewer.terminate()
            await viewer.wait()
            code, said = await command.ended()
    assert code == 0
    assert f'account "uid {STRANGER}" tried to connect, and was not let in.' in said
    assert "a viewer did not know the password" in said


async def test_a_signal_leaves_nothing_behind(site: Site, screen: Screen, runtime: Path) -> None:
    site.add_server("web-01", screen)
    async with site.daemon() as daemon:
        where = f"unix:{daemon.socket_path}"
        for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
            async with Command("lab/web-01", "--print", "--gateway", where, runtime=runtime) as command:
                assert Path(await command.line()).is_socket()
                command.process.send_signal(number)
                code, said = await command.ended()
                assert (code, command.files()) == (130, {})
                assert "Traceback" not in said


async def test_another_account_cannot_open_the_socket_that_print_tells(
    site: Site, screen: Screen, runtime: Path, suite_output: Path
) -> None:
    site.add_server("web-01", screen)
    async with site.daemon() as daemon, Display(suite_output / "display") as display:
        where = f"unix:{daemon.socket_path}"
        async with Command("lab/web-01", "--print", "--gateway", where, runtime=runtime) as command:
            path = await command.line()
            assert await knock_as(STRANGER, path) == "PermissionError"
            assert sorted(command.files().values()) == [0o600, 0o700]
            assert site.console_requests() == 0
            viewer = await asyncio.create_subprocess_exec(
                "xtigervncviewer", "-display", display.name, path, stderr=asyncio.subprocess.DEVNULL
            )
            await display.until_shows(screen.picture)
            viewer.terminate()
            await viewer.wait()
            assert (await command.ended())[0] == 0
