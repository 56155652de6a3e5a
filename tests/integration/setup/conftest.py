"""`init` in the test's own process, between simulated clouds and folders of the test's own."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import stat
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from launcher.clock import SystemClock
from launcher.config.environment import surroundings
from launcher.setup.again import look_again
from launcher.setup.first import set_up
from launcher.setup.places import Target, Way, for_directory, for_system, for_user
from launcher.setup.plan import File
from launcher.setup.scene import Scene, Wishes
from launcher.setup.words import Host
from launcher.setup.write import Disk, exists
from tests.fakes.compute import FakeCompute
from tests.fakes.identity import FakeIdentity
from tests.fakes.person import FakePerson

State = dict[str, tuple[int, int, int, bytes | str | None]]


def state(folder: Path) -> State:
    """Everything below a folder: mode, inode, time of change, and what files hold and links mean."""
    found: State = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        held = str(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else None
        found[str(path.relative_to(folder))] = (
            stat.S_IMODE(status.st_mode),
            status.st_ino,
            status.st_mtime_ns if path.is_file() else 0,
            held,
        )
    return found


class Machine:
    """Where `init` runs: a home, and a folder for each way of setting up."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.home = root / "home"
        self.openstack = self.home / ".config" / "openstack"
        self.openstack.mkdir(parents=True)
        self.sudo_user: str | None = None
        self.sudo_home: Path | None = None
        (root / "here").mkdir()
        (root / "run").mkdir(0o700)

    def target(self, way: Way = Way.DIRECTORY, local_user: str | None = None) -> Target:
        """The places of a way, all of them within the machine's root."""
        if way is Way.SYSTEM:
            return for_system((local_user,) if local_user else (), port=6080, etc=str(self.root / "etc"))
        if way is Way.USER:
            return for_user(str(self.home / ".config"), str(self.root / "run"), port=6080)
        return for_directory(str(self.root / "gw"), port=6080)

    def scene(self, person: FakePerson, target: Target, disk: Disk | None = None) -> Scene:
        """Everything that is around a run."""
        units: Sequence[File] = [File(f"{target.units}/console-launcher.service", 0o644, "[Service]\n")]
        if target.sysusers:
            units = [File(target.sysusers, 0o644, "g console-operators -\n"), *units]
        return Scene(
            person=person,
            around=dataclasses.replace(surroundings(), sudo_user=self.sudo_user, sudo_home=self.sudo_home),
            target=target,
            units=units,
            host=Host("console-launcher", "jump.example.net"),
            clock=SystemClock(),
            command="console-launcher init",
            disk=disk or Disk(),
        )

    async def init(
        self,
        wishes: Wishes,
        person: FakePerson | None = None,
        target: Target | None = None,
        disk: Disk | None = None,
    ) -> FakePerson:
        """A run, as the command itself would do it; what was said. The clouds answer meanwhile."""
        person = person or FakePerson()
        scene = self.scene(person, target or self.target(), disk)
        await asyncio.to_thread(look_again if exists(scene.target.config) else set_up, wishes, scene)
        return person

    def state(self) -> State:
        """Everything that is there now."""
        return state(self.root)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Without any credentials yet."""
    for name in [name for name in os.environ if name.startswith(("OS_", "XDG_", "SUDO_"))]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    machine = Machine(tmp_path)
    monkeypatch.setenv("HOME", str(machine.home))
    monkeypatch.chdir(tmp_path / "here")
    return machine


class Rackspace:
    """An account with servers in two regions."""

    def __init__(self) -> None:
        self.dfw, self.ord = FakeCompute(max_version=""), FakeCompute(max_version="")
        self.identity = FakeIdentity({})

    async def start(self, stack: AsyncExitStack) -> None:
        for compute in (self.dfw, self.ord):
            compute.api_tokens = self.identity.api_tokens
            await stack.enter_async_context(compute)
        self.identity.regions = {"ORD": self.ord.endpoint, "DFW": self.dfw.endpoint}
        await stack.enter_async_context(self.identity)
        self.dfw.add_server("off-01", "SHUTOFF")
        self.dfw.add_server("web-01")
        self.ord.add_server("db-01")


@pytest.fixture
async def rackspace() -> AsyncIterator[Rackspace]:
    async with AsyncExitStack() as stack:
        site = Rackspace()
        await site.start(stack)
        yield site
