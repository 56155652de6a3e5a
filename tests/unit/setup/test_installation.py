from __future__ import annotations

import sys
from pathlib import Path

import pytest

from launcher.setup.installation import HIDDEN, PACKAGE, installation_of, out_of_reach, shipped_unit, this_installation
from launcher.setup.units import Installation


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    """A virtual environment's programs: a Python and the command."""
    programs = tmp_path / "venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "python").symlink_to(sys.executable)
    (programs / "console-launcher").write_text("#!/bin/sh\n")
    (programs / "console-launcher").chmod(0o755)
    return programs


def test_the_command_is_the_script_beside_python(venv: Path) -> None:
    found = installation_of(str(venv / "python"), None)
    assert found.command == (str(venv / "console-launcher"),)
    assert found.short == str(venv / "console-launcher")


def test_a_person_types_the_short_name_where_their_shell_means_the_same(venv: Path, tmp_path: Path) -> None:
    link = tmp_path / "console-launcher"
    link.symlink_to(venv / "console-launcher")
    assert installation_of(str(venv / "python"), str(link)).short == "console-launcher"
    link.unlink()
    link.write_text("another one")
    assert installation_of(str(venv / "python"), str(link)).short == str(venv / "console-launcher")


def test_a_script_that_lies_elsewhere_is_found_and_else_python_runs_the_package(venv: Path, tmp_path: Path) -> None:
    (venv / "console-launcher").rename(tmp_path / "console-launcher")
    python, elsewhere = str(venv / "python"), str(tmp_path / "console-launcher")
    assert installation_of(python, elsewhere).command == (elsewhere,)
    assert installation_of(python, None).command == (python, "-m", "launcher")
    assert installation_of(python, None).short == f"{python} -m launcher"


def test_programs_may_run_from_every_folder_that_python_needs() -> None:
    roots = [Path(root) for root in this_installation().roots]
    for place in (Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable).resolve(), PACKAGE):
        assert place.is_relative_to("/usr") or any(place.is_relative_to(root) for root in roots), place


@pytest.mark.parametrize("folder", HIDDEN)
def test_what_the_sandbox_hides_is_out_of_reach(folder: str) -> None:
    place = f"{folder}/x/console-launcher"
    assert out_of_reach(Installation((place,), (), place)) == [
        f"{place} lies below {folder}, which the service does not see"
    ]


def test_the_systems_own_programs_are_in_reach() -> None:
    assert out_of_reach(Installation(("/usr/bin/env", "-m"), ("/usr",), "env")) == []


def test_what_is_closed_to_other_accounts_is_out_of_reach(tmp_path: Path) -> None:
    closed = tmp_path / "my venv"
    closed.mkdir(mode=0o700)
    tmp_path.chmod(0o711)
    for parent in tmp_path.parents:
        if parent.stat().st_mode & 0o001 == 0:
            closed = parent  # pytest's own folders are closed as well, and come first
    quoted = f"'{closed}'" if " " in str(closed) else closed
    assert out_of_reach(Installation((), (str(tmp_path / "my venv"),), ""), hidden=()) == [
        f"{closed} is not open to every account (chmod o+rx {quoted})"
    ]


def test_what_is_not_there_is_out_of_reach() -> None:
    assert out_of_reach(Installation(("/nowhere/x",), (), "")) == [
        "/nowhere cannot be looked at (No such file or directory)"
    ]


def test_units_come_from_the_package_or_from_the_checkout_around_it(tmp_path: Path) -> None:
    package = tmp_path / "launcher"
    (tmp_path / "systemd").mkdir()
    (tmp_path / "systemd" / "it.service").write_text("checkout")
    assert shipped_unit("it.service", package) == "checkout"
    (package / "units").mkdir(parents=True)
    (package / "units" / "it.service").write_text("package")
    assert shipped_unit("it.service", package) == "package"


@pytest.mark.parametrize("name", ["console-launcher.service", "console-launcher.socket", "console-launcher.sysusers"])
def test_every_unit_that_init_writes_is_shipped(name: str) -> None:
    assert "onsole" in shipped_unit(name)
