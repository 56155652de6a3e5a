from __future__ import annotations

import os

import pytest

from launcher.config.environment import SshConnection, ensure_home, ssh_connection


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
