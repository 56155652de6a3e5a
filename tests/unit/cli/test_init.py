from __future__ import annotations

import argparse
import dataclasses
import io
from pathlib import Path

import pytest

from launcher.cli.init import Terminal, require_reach, target_of, units_of, wishes_of
from launcher.cli.main import main
from launcher.cli.parser import parser
from launcher.config.environment import Surroundings
from launcher.errors import SetupError, SetupFault
from launcher.setup.installation import this_installation
from launcher.setup.places import Way
from launcher.setup.units import Installation
from tests.fakes.issued import issue

ALICE = Surroundings(
    uid=1000,
    sudo_user=None,
    sudo_uid=1000,
    sudo_home=None,
    config_home=Path("/h/.config"),
    runtime="/run/user/1000",
    openstack={},
)
ROOT = dataclasses.replace(ALICE, uid=0, sudo_user="alice")


def options(*words: str) -> argparse.Namespace:
    return parser().parse_args(["init", *words])


def stdin(content: bytes = b"") -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(content))


def test_the_machines_service_is_set_up_by_root_for_whoever_called_sudo() -> None:
    target = target_of(options("--port", "7000"), ROOT, "console-launcher")
    assert (target.way, target.local_users, target.public_url) == (
        Way.SYSTEM,
        ("alice",),
        "http://jump.localhost:7000",
    )


def test_further_accounts_are_let_in_by_name() -> None:
    found = target_of(options("--allow", "root", "--allow", "daemon", "--allow", "root"), ROOT, "x")
    assert found.local_users == ("alice", "root", "daemon")
    for words in (["--allow", "no-such-account"], ["--allow", "root", "--user"]):
        with pytest.raises(SetupError) as refused:
            target_of(options(*words), ROOT, "x")
        assert refused.value.fault is SetupFault.USAGE


def test_a_folder_that_would_break_a_line_is_refused() -> None:
    with pytest.raises(SetupError) as refused:
        target_of(options("--directory", "/tmp/a\nExecStartPre=/bin/evil"), ALICE, "x")
    assert refused.value.fault is SetupFault.USAGE
    assert "\n" not in str(refused.value)


def test_another_account_is_told_the_ways_that_it_has() -> None:
    with pytest.raises(SetupError) as refused:
        target_of(options(), ALICE, "console-launcher")
    assert refused.value.fault is SetupFault.REFUSED
    assert refused.value.advice[0] == "sudo console-launcher init"
    assert target_of(options("--user"), ALICE, "x").config == "/h/.config/console-launcher/config.yaml"


def test_a_folder_is_meant_from_here(folder: Path) -> None:
    assert target_of(options("--directory", "gw"), ALICE, "x").config == f"{folder}/gw/config.yaml"


def test_an_installation_that_the_sandbox_hides_is_refused_for_the_machine_only() -> None:
    hidden = Installation(("/home/a/venv/bin/console-launcher",), ("/home/a/venv",), "x")
    with pytest.raises(SetupError) as refused:
        require_reach(target_of(options(), ROOT, "x"), hidden)
    assert "/home/a/venv lies below /home, which the service does not see" in str(refused.value)
    assert "/usr/bin/python3 -m venv /opt/console-launcher" in refused.value.advice
    require_reach(target_of(options("--user"), ALICE, "x"), hidden)
    require_reach(target_of(options(), ROOT, "x"), Installation(("/usr/bin/env",), (), "x"))


def test_the_machine_gets_socket_service_and_group_and_an_account_its_service() -> None:
    here = this_installation()
    names = [Path(file.path).name for file in units_of(target_of(options(), ROOT, "x"), here)]
    assert names == ["console-launcher.conf", "console-launcher.socket", "console-launcher.service"]
    [service] = units_of(target_of(options("--user"), ALICE, "x"), here)
    assert f"ExecStart={here.command[0]} serve" in service.text
    assert {file.mode for file in units_of(target_of(options(), ROOT, "x"), here)} == {0o644}


def test_the_api_key_comes_from_standard_input_or_a_file_that_is_closed_to_others(folder: Path) -> None:
    key = issue()
    wishes = wishes_of(options("--rackspace-user", "ops", "--api-key-file", "-"), stdin(f"{key}\n".encode()))
    assert wishes.api_key is not None
    assert wishes.api_key.reveal() == key
    assert key not in repr(wishes)
    (folder / "key").touch(0o600)
    (folder / "key").write_text(key)
    assert wishes_of(options("--api-key-file", "key"), stdin()).api_key == wishes.api_key
    (folder / "key").chmod(0o644)
    with pytest.raises(
        SetupError, match="--api-key-file: key is open to every account of this machine: chmod g-w,o= key"
    ):
        wishes_of(options("--api-key-file", "key"), stdin())


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--api-key-file", "-"), "--api-key-file: standard input is empty: put the secret into it"),
        (
            ("--identity-url", "http://identity.example.net"),
            "--identity-url: beyond this machine an Identity URL",
        ),
        (("--name", "a b"), "--name: a name begins with a letter or digit"),
    ],
)
def test_options_that_cannot_be_used_are_said(words: tuple[str, ...], told: str) -> None:
    with pytest.raises(SetupError) as refused:
        wishes_of(options(*words), stdin())
    assert str(refused.value).startswith(told)
    assert refused.value.fault is SetupFault.USAGE


@pytest.mark.parametrize("port", ["0", "65536", "x", "٣"])
def test_a_port_that_cannot_be_is_refused(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "--port", port]) == 2
    assert "a port is a number from 1 to 65535" in capsys.readouterr().err


def test_without_credentials_and_terminal_it_says_what_to_do(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(folder))
    for name in ("OS_AUTH_URL", "OS_CLIENT_CONFIG_FILE", "XDG_CONFIG_HOME", "SUDO_USER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.stdin", stdin())
    assert main(["init", "--directory", str(folder / "gw")]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("console-launcher: There is no clouds.yaml that can be used")
    assert "--rackspace-user NAME --api-key-file FILE" in said.err
    assert not (folder / "gw").exists()


class Closed(io.StringIO):
    """A terminal whose person has gone."""

    def isatty(self) -> bool:
        return True


def test_questions_go_to_standard_error_and_answers_lose_their_blanks() -> None:
    out, err = io.StringIO(), Closed()
    terminal = Terminal(Closed(" ops \n"), out, err)
    assert terminal.interactive
    assert terminal.ask("Who? ") == "ops"
    terminal.tell("it")
    terminal.warn("oh")
    assert (out.getvalue(), err.getvalue()) == ("it\n", "Who? oh\n")


def test_a_question_without_an_answer_ends_it() -> None:
    terminal = Terminal(Closed(), io.StringIO(), Closed())
    with pytest.raises(SetupError, match="the question was not answered: nothing was written"):
        terminal.ask("Who? ")
    assert not Terminal(io.StringIO(), io.StringIO(), Closed()).interactive
