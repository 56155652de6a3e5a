"""Why an account cannot be let in."""

from __future__ import annotations

import pwd
from pathlib import Path

import pytest

from launcher.config import accounts
from launcher.config.accounts import overflow_uid, uid_of, why_not


def test_an_account_that_is_there_has_a_user_id_and_no_fault() -> None:
    assert uid_of("daemon") == pwd.getpwnam("daemon").pw_uid
    assert why_not("daemon") is None


def test_one_that_is_not_there_is_said_with_what_was_probably_meant() -> None:
    assert why_not("daemno") == 'there is no account "daemno" on this machine. Did you mean "daemon"?'
    assert why_not("no-such-account") == 'there is no account "no-such-account" on this machine'
    assert uid_of("no-such-account") is None


@pytest.mark.parametrize("name", ["\0", "\ud800", "x" * 100_000, ""])
def test_a_name_that_no_account_can_have_is_no_error(name: str) -> None:
    assert uid_of(name) is None
    assert str(why_not(name)).startswith("there is no account ")


def test_the_account_that_unmapped_users_look_like_cannot_be_let_in_and_is_not_suggested() -> None:
    assert str(why_not("nobody")).endswith("the kernel shows every account that it cannot map as user id 65534")
    assert "Did you mean" not in str(why_not("nobodi"))


def test_a_sandbox_that_hides_what_unmapped_users_look_like_has_the_usual(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "_OVERFLOW", Path("/nowhere"))
    assert overflow_uid() == 65534
