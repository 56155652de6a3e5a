from __future__ import annotations

import argparse
import errno
import os
import pwd
import socket
import webbrowser
from collections.abc import Callable
from pathlib import Path

import pytest

from launcher.audit.log import LogJournal
from launcher.cli import demo
from launcher.cli.main import main
from launcher.cli.parser import parser
from launcher.config.environment import SshConnection
from launcher.errors import ListenError

ACCOUNT = pwd.getpwuid(os.getuid()).pw_name
SSH = "ssh -o ExitOnForwardFailure=yes -L 127.0.0.1:6080:127.0.0.1:6080 -L '[::1]:6080:127.0.0.1:6080'"


def options(*arguments: str) -> argparse.Namespace:
    return parser().parse_args(["demo", *arguments])


def welcome(port: int = 6080, *arguments: str, ssh: SshConnection | None = None, colour: bool = False) -> str:
    return demo._welcome(port, options(*arguments), ssh, colour=colour)


def test_help_says_what_it_is_and_what_it_takes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    for words in (
        "Needs no account",
        "--port PORT",
        "--open ",
        "--openrc FILE",
        "--log-level",
        "default: 6080",
        "60 s",
    ):
        assert words in shown


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http", "６０８０"])
def test_a_port_that_is_none_is_a_wrong_argument(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", f"--port={port}"]) == 2
    assert "a port is a number from 1 to 65535" in capsys.readouterr().err


def test_the_link_stands_alone_on_its_line_and_three_things_to_try_follow() -> None:
    lines = welcome().splitlines()
    assert "    http://localhost:6080/" in lines
    assert [line[:2] for line in lines if line[:1].isdigit()] == ["1.", "2.", "3."]
    assert lines[0] == "Two simulated clouds run on this machine, with the real gateway in front of them."
    assert "ssh" not in welcome()
    assert "taken" not in welcome()
    assert max(map(len, lines)) <= 100


def test_a_terminal_gets_the_link_in_colour() -> None:
    assert "\x1b[1;36mhttp://localhost:6080/\x1b[0m" in welcome(colour=True)


def test_another_port_than_asked_for_is_said_first() -> None:
    assert welcome(6081).startswith("Port 6080 is taken; this is 6081.\n")


@pytest.mark.parametrize(
    ("ssh", "command"),
    [
        (SshConnection("192.0.2.7", 22), f"{SSH} {ACCOUNT}@192.0.2.7"),
        (SshConnection("2001:db8::7", 2222), f"{SSH} -p 2222 {ACCOUNT}@2001:db8::7"),
    ],
)
def test_over_ssh_the_tunnel_comes_before_the_link(ssh: SshConnection, command: str) -> None:
    lines = welcome(ssh=ssh).splitlines()
    assert lines.index(f"    {command}") < lines.index("    http://localhost:6080/")


def test_openrc_is_named_as_a_shell_takes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert f"    . '{tmp_path}/my rc'\n" in welcome(6080, "--openrc", "my rc")


@pytest.mark.parametrize("fails", [lambda _url: False, lambda _url: (_ for _ in ()).throw(webbrowser.Error())])
def test_where_there_is_no_browser_the_link_is_enough(
    fails: Callable[[str], bool], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(webbrowser, "open", fails)
    demo._open_browser("http://localhost:6080/")
    assert capsys.readouterr().err == (
        "console-launcher: there is no browser here that could be opened; use the link above.\n"
    )


def raising(error: BaseException) -> Callable[[argparse.Namespace, LogJournal], object]:
    async def fail(_options: argparse.Namespace, _journal: LogJournal) -> None:
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (ListenError("127.0.0.1:80 cannot be listened on."), 69, "console-launcher: 127.0.0.1:80 cannot be"),
        (demo._OpenrcError("x is there already."), 2, "console-launcher: x is there already."),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_what_can_go_wrong_is_one_sentence_and_an_exit_code(
    error: BaseException, code: int, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo, "_demo", raising(error))
    assert demo.run(options()) == code
    assert capsys.readouterr().err.startswith(said)


def test_a_file_that_cannot_be_written_is_a_wrong_argument(capsys: pytest.CaptureFixture[str]) -> None:
    assert demo.run(options("--openrc", "/nowhere/rc")) == 2
    assert capsys.readouterr().err == "console-launcher: /nowhere/rc cannot be written: No such file or directory.\n"


def test_when_no_port_is_left_that_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as last:
        last.bind(("127.0.0.1", 65535))
        last.listen()
        assert demo.run(options("--port", "65535")) == 69
    assert capsys.readouterr().err == (
        "console-launcher: No port from 65535 on is free on localhost. Name another with --port.\n"
    )


def test_only_a_port_that_is_taken_leads_to_the_next() -> None:
    taken, forbidden = ListenError("taken"), ListenError("forbidden")
    taken.__cause__ = OSError(errno.EADDRINUSE, "Address already in use")
    forbidden.__cause__ = PermissionError(errno.EACCES, "Permission denied")
    assert [demo._is_taken(one) for one in (taken, forbidden, ListenError("odd"))] == [True, False, False]


def test_ctrl_c_while_a_command_is_imported_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_options: argparse.Namespace) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, "run", interrupted)
    assert main(["demo"]) == 130
