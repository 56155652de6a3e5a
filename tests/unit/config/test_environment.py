from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from launcher.config.environment import (
    SshConnection,
    command_words,
    default_config,
    ensure_home,
    own_command,
    ssh_connection,
)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("192.0.2.1 50000 192.0.2.7 22", SshConnection("192.0.2.7", 22)),
        ("2001:db8::1 50000 fe80::7%eth0 2222", SshConnection("fe80::7%eth0", 2222)),
        ("", None),
        ("192.0.2.1 50000 192.0.2.7", None),
        ("192.0.2.1 50000 192.0.2.7 ssh", None),
        ("192.0.2.1 50000 \x1b[31m 22", None),
    ],
)
def test_sshd_says_how_a_person_reached_this_machine(
    monkeypatch: pytest.MonkeyPatch, value: str, found: SshConnection | None
) -> None:
    monkeypatch.setenv("SSH_CONNECTION", value)
    assert ssh_connection() == found


def test_without_ssh_there_is_nothing_to_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_CONNECTION", raising=False)
    assert ssh_connection() is None


def test_an_account_without_a_home_gets_one_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 1_999_999_999)  # no account of this machine
    ensure_home()
    assert os.environ["HOME"] == "/nonexistent"


def test_a_home_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/alice")
    ensure_home()
    assert os.environ["HOME"] == "/home/alice"


@pytest.mark.parametrize(
    ("script", "on_path", "words"),
    [
        ("/venv/bin/console-launcher", True, ("console-launcher",)),
        ("/venv/bin/console-launcher", False, ("/venv/bin/console-launcher",)),
        (None, True, ("console-launcher",)),
        (None, False, ("/venv/bin/python", "-m", "launcher")),
    ],
)
def test_the_command_is_its_name_only_where_that_is_the_same_program(
    script: str | None, on_path: bool, words: tuple[str, ...]
) -> None:
    assert command_words(script, "/venv/bin/python", on_path=on_path) == words


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The command of a virtual environment that is not activated, started in the folder around it."""
    folder = tmp_path / ".venv demo" / "bin"
    folder.mkdir(parents=True)
    program = folder / "console-launcher"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [".venv demo/bin/console-launcher", "demo"])
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    monkeypatch.setenv("PATH", "/nowhere")
    return program


def test_a_program_that_no_path_leads_to_is_called_by_its_place(program: Path) -> None:
    assert own_command() == f"'{program}'"


def test_a_program_that_the_path_leads_to_is_called_by_its_name(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(program.parent))
    assert own_command() == "console-launcher"
    monkeypatch.setattr(sys, "argv", ["/src/launcher/__main__.py"])
    assert own_command() == "console-launcher", "python -m launcher of the same Python"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert own_command() == f"'{program}'"
    (tmp_path / "console-launcher").symlink_to(program)
    assert own_command() == "console-launcher", "a link, as pipx makes it"


def test_another_program_of_the_same_name_is_not_this_one(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "console-launcher").write_text("another")
    (tmp_path / "console-launcher").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert own_command() == f"'{program}'"


def test_without_a_script_python_runs_the_package(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program.unlink()
    monkeypatch.setattr(sys, "argv", ["/src/launcher/__main__.py"])
    assert own_command() == f"'{program.with_name('python')}' -m launcher"


@pytest.mark.parametrize(
    ("system", "own", "taken"),
    [(True, True, "system"), (True, False, "system"), (False, True, "own"), (False, False, "system")],
)
def test_the_account_s_own_configuration_counts_where_the_machine_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: bool, own: bool, taken: str
) -> None:
    places = {"system": tmp_path / "etc.yaml", "own": tmp_path / "home" / "console-launcher" / "config.yaml"}
    places["own"].parent.mkdir(parents=True)
    for name, there in (("system", system), ("own", own)):
        if there:
            places[name].write_text("")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    assert default_config(places["system"]) == places[taken]
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "home").rename(tmp_path / ".config")
    expected = tmp_path / ".config" / "console-launcher" / "config.yaml" if taken == "own" else places[taken]
    assert default_config(places["system"]) == expected


def test_a_configuration_that_may_not_be_looked_at_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(_path: Path) -> object:
        raise PermissionError

    monkeypatch.setattr(Path, "stat", closed)
    assert default_config(tmp_path / "etc.yaml") == tmp_path / "etc.yaml"
