from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from launcher.audit.log import LogJournal
from launcher.cli.serve import run
from launcher.config.models import Config
from launcher.errors import ConfigError, ListenError
from tests.fakes.issued import issue
from tests.unit.cli.test_problems import Terminal

Ready = Callable[[Sequence[str]], None]


class Daemon:
    """A daemon that does as it is told, and remembers its configuration."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error
        self.config: Config | None = None
        self.again: Config | None = None

    async def __call__(
        self,
        config: Config,
        *,
        read: Callable[[], Config] | None = None,
        ready: Ready | None = None,
        journal: LogJournal | None = None,
    ) -> None:
        self.config = config
        self.again = read() if read else None
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        assert ready is not None
        ready(["unix:/x", "http://127.0.0.1:6080"])


def options(file: str = "good.yaml", log_level: str | None = "warning") -> argparse.Namespace:
    return argparse.Namespace(config=Path(file), log_level=log_level)


def test_the_daemon_gets_the_configuration_and_the_log_its_level() -> None:
    daemon = Daemon()
    assert run(options(), daemon) == 0
    assert daemon.config is not None
    assert list(daemon.config.clouds) == ["bare"]
    assert logging.getLogger("launcher").level == logging.WARNING


def test_without_the_option_the_configuration_says_what_is_logged(folder: Path) -> None:
    (folder / "quiet.yaml").write_text((folder / "good.yaml").read_text() + "log_level: error\n")
    assert run(options("quiet.yaml", None), Daemon()) == 0
    assert logging.getLogger("launcher").level == logging.ERROR


def test_a_configuration_that_is_read_again_is_still_overruled_by_the_option(folder: Path) -> None:
    (folder / "quiet.yaml").write_text((folder / "good.yaml").read_text() + "log_level: error\n")
    daemon = Daemon()
    assert run(options("quiet.yaml", "debug"), daemon) == 0
    assert daemon.again is not None
    assert daemon.again == daemon.config
    assert daemon.again.log_level == "debug"


def test_an_account_that_does_not_exist_keeps_nobody_from_the_gateway(folder: Path) -> None:
    text = (folder / "good.yaml").read_text() + "access: {local_users: [root, no-such-account]}\n"
    (folder / "left.yaml").write_text(text)
    daemon = Daemon()
    assert run(options("left.yaml"), daemon) == 0
    assert daemon.config is not None
    assert daemon.again is not None
    line = text.splitlines().index("access: {local_users: [root, no-such-account]}") + 1
    for config in (daemon.config, daemon.again):
        assert [str(doubt) for doubt in config.doubts] == [
            f'left.yaml:{line} access.local_users[1]: there is no account "no-such-account" on this machine'
        ]


def test_a_terminal_is_told_where_to_go(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert run(options(), Daemon()) == 0
    assert terminal.getvalue() == (
        "console-launcher listens on unix:/x, http://127.0.0.1:6080; its first public URL is "
        "http://jump.localhost:6080\n"
    )


def test_an_address_that_is_taken_is_said_in_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(options(), Daemon(ListenError("127.0.0.1:6080 is taken by another program."))) == 69
    assert capsys.readouterr().err == "console-launcher: 127.0.0.1:6080 is taken by another program.\n"


def test_ctrl_c_ends_without_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(options(), Daemon(KeyboardInterrupt())) == 130
    assert capsys.readouterr().err == ""


def test_a_wrong_configuration_never_reaches_the_daemon() -> None:
    daemon = Daemon()
    with pytest.raises(ConfigError):
        run(options("bad.yaml"), daemon)
    assert daemon.config is None


def test_without_another_it_is_the_real_daemon(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "taken").mkdir()
    (folder / "real.yaml").write_text((folder / "good.yaml").read_text() + f"listen: ['unix:{folder}/taken']\n")
    assert run(options("real.yaml")) == 69
    assert "taken" in capsys.readouterr().err


def test_a_fault_is_told_by_its_place_and_never_by_its_text(capsys: pytest.CaptureFixture[str]) -> None:
    secret = issue()
    assert run(options(), Daemon(RuntimeError(secret))) == 70
    said = capsys.readouterr().err
    assert "an internal fault (RuntimeError): please report it with the lines above" in said
    assert secret not in said
