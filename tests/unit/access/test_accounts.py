"""Names and user ids."""

from __future__ import annotations

import os
import pwd

import pytest

from launcher.access.accounts import allowed_uids, name_of
from launcher.errors import ConfigError


def test_root_and_the_daemons_own_account_are_always_let_in() -> None:
    assert allowed_uids([]) == {0, os.geteuid()}


def test_local_users_are_let_in_by_their_user_id() -> None:
    assert pwd.getpwnam("daemon").pw_uid in allowed_uids(["daemon"])


def test_every_unknown_account_is_named_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        allowed_uids(["daemno", "root", "no-such-account-at-all-here"], file="config.yaml")
    first, second = caught.value.problems
    assert str(first) == (
        'config.yaml access.local_users: there is no account "daemno" on this host. Did you mean "daemon"?'
    )
    assert str(second).endswith('there is no account "no-such-account-at-all-here" on this host.')


def test_the_account_that_unmapped_users_look_like_is_not_let_in() -> None:
    with pytest.raises(ConfigError, match="cannot map as user id 65534"):
        allowed_uids(["nobody"])


def test_a_user_id_without_an_account_is_shown_as_a_number() -> None:
    assert name_of(0) == "root"
    assert name_of(1_999_999_999) == "uid 1999999999"
