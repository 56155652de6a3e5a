"""systemd itself has nothing to say against the units that `init` writes."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from launcher.cli.init import units_of
from launcher.setup.installation import this_installation
from launcher.setup.places import Target, Way
from launcher.setup.units import Installation
from tests.integration.setup.conftest import Machine


def verdict(manager: str, target: Target, installation: Installation, runtime: Path) -> str:
    """What `systemd-analyze verify` says of the units."""
    paths = []
    for file in units_of(target, installation):
        path = Path(file.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.text)
        if path.suffix in (".service", ".socket"):
            paths.append(str(path))
    done = subprocess.run(
        ["systemd-analyze", "verify", manager, "--man=no", *paths],
        env={**os.environ, "XDG_RUNTIME_DIR": str(runtime)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return f"{done.stdout}{done.stderr}"


@pytest.fixture(autouse=True)
def _systemd_is_there() -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.fail("needs Debian's package systemd")


@pytest.mark.parametrize(
    ("way", "manager"), [(Way.SYSTEM, "--system"), (Way.USER, "--user"), (Way.DIRECTORY, "--user")]
)
def test_systemd_has_nothing_to_say_against_them(machine: Machine, way: Way, manager: str) -> None:
    assert verdict(manager, machine.target(way), this_installation(), machine.root / "run") == ""


def test_nor_where_the_installation_has_an_odd_path(machine: Machine, tmp_path: Path) -> None:
    odd = tmp_path / "50% off $HOME"
    odd.mkdir()
    (odd / "console-launcher").symlink_to("/bin/true")
    installation = Installation((str(odd / "console-launcher"),), (str(odd),), "x")
    assert verdict("--system", machine.target(Way.SYSTEM), installation, machine.root / "run") == ""


def test_it_would_say_that_a_command_is_missing(machine: Machine) -> None:
    nowhere = Installation(("/nowhere/console-launcher",), ("/nowhere",), "x")
    assert "/nowhere/console-launcher" in verdict("--system", machine.target(Way.SYSTEM), nowhere, machine.root)
