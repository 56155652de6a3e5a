"""Names and user ids."""

from __future__ import annotations

import os
import pwd
import threading

import pytest

from launcher.access import accounts
from launcher.access.accounts import admitted, name_of


def test_root_and_the_daemons_own_account_are_always_let_in() -> None:
    assert admitted([]).allowed_uids == {0, os.geteuid()}


def test_local_users_are_let_in_by_their_user_id() -> None:
    policy = admitted(["daemon"])
    assert pwd.getpwnam("daemon").pw_uid in policy.allowed_uids
    assert policy.awaited == frozenset()
    assert policy.known(pwd.getpwnam("daemon").pw_uid) == "daemon"


def test_root_and_the_daemons_own_account_have_their_names() -> None:
    policy = admitted(["daemon"])
    assert policy.known(0) == "root"
    assert policy.known(os.geteuid()) == pwd.getpwuid(os.geteuid()).pw_name


def test_the_daemons_own_name_is_waited_for_only_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    hang = threading.Event()

    def hanging(uid: int) -> str:
        hang.wait(60)
        return f"late-{uid}"

    monkeypatch.setattr(os, "geteuid", lambda: 4321)
    monkeypatch.setattr(accounts, "name_of", hanging)
    monkeypatch.setattr(accounts, "_PATIENCE", 0.05)
    try:
        policy = admitted([])
    finally:
        hang.set()
    assert (policy.known(4321), policy.known(0)) == ("uid 4321", "root")
    monkeypatch.setattr(accounts, "_PATIENCE", 10)
    assert admitted([]).known(4321) == "late-4321"


def test_an_account_that_does_not_exist_is_awaited_and_keeps_nobody_out() -> None:
    policy = admitted(["no-such-account", "daemon", "no\0account"])
    assert policy.allowed_uids == {0, os.geteuid(), pwd.getpwnam("daemon").pw_uid}
    assert policy.awaited == {"no-such-account", "no\0account"}


def test_the_account_that_unmapped_users_look_like_is_neither_let_in_nor_awaited() -> None:
    policy = admitted(["nobody"])
    assert policy.allowed_uids == {0, os.geteuid()}
    assert policy.awaited == frozenset()
    assert policy.unmapped == 65534


def test_what_a_user_id_without_an_account_is_called_is_not_awaited() -> None:
    assert admitted([name_of(1_999_999_999)]).awaited == frozenset()


@pytest.mark.parametrize(("uid", "name"), [(0, "root"), (1_999_999_999, "uid 1999999999")])
def test_a_user_id_without_an_account_is_shown_as_a_number(uid: int, name: str) -> None:
    assert name_of(uid) == name
