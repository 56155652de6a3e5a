from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from launcher.config.environment import surroundings
from tests.fakes.issued import issue


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("OS_", "XDG_", "SUDO_"))]:
        monkeypatch.delenv(name)


def test_without_variables_the_home_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/alice")
    found = surroundings()
    assert found.config_home == Path("/home/alice/.config")
    assert (found.runtime, found.sudo_user, found.sudo_home, found.openstack) == (None, None, None, {})
    assert found.uid == os.geteuid()


def test_the_folders_of_the_desktop_are_heeded_where_they_are_absolute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/alice")
    monkeypatch.setenv("XDG_CONFIG_HOME", "/conf")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/7/")
    assert (surroundings().config_home, surroundings().runtime) == (Path("/conf"), "/run/user/7")
    monkeypatch.setenv("XDG_CONFIG_HOME", "conf")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "run")
    assert (surroundings().config_home, surroundings().runtime) == (Path("/home/alice/.config"), None)


@pytest.mark.parametrize("name", ["root", "", "no-such-account"])
def test_sudo_is_heeded_where_it_names_another_account_than_root(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("SUDO_USER", name)
    assert surroundings().sudo_user is None
    other = next(account for account in pwd.getpwall() if account.pw_uid != 0)
    monkeypatch.setenv("SUDO_USER", other.pw_name)
    assert (surroundings().sudo_user, surroundings().sudo_home) == (other.pw_name, Path(other.pw_dir))


def test_the_password_among_the_variables_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    password = issue()
    monkeypatch.setenv("OS_PASSWORD", password)
    assert surroundings().openstack == {"OS_PASSWORD": password}
    assert password not in repr(surroundings())
