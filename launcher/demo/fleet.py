"""The servers of the simulated cloud, and what becomes of them. Pure: the caller says what time it is.

A server's state changes by what it is told (`reboot`, `power_off`) and by itself when its time has come: one that is
built is done after a while, one that reboots comes back, one that was switched off on its own screen wakes again.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from launcher.model import Kind

PROD, RAX = "prod", "rax"
"""The projects, which the gateway knows as clouds of these names."""
BUILD_TIME: Final = 45.0
"""Seconds; long enough for a newcomer to meet a server that is not ready yet."""
REBOOT_TIME: Final = 8.0
SLEEP_TIME: Final = 30.0
"""Seconds that a server stays off which was switched off on its own screen."""

_NAMESPACE: Final = uuid.UUID("6f1f4f0e-52a5-4a43-8d0c-2f7f5f0b8a11")


@dataclass(frozen=True, slots=True)
class State:
    """What Nova says of a server."""

    status: str
    task: str | None = None

    @property
    def has_host(self) -> bool:
        """Whether it lies on a compute host, so that the API gives a console for it."""
        return self.status not in {"BUILD", "ERROR", "SHELVED_OFFLOADED"}

    @property
    def has_screen(self) -> bool:
        """Whether its VNC server answers."""
        return self.status in {"ACTIVE", "PAUSED"}

    @property
    def power(self) -> int:
        """Nova's number: 0 none, 1 running, 3 paused, 4 shut down."""
        return {"ACTIVE": 1, "REBOOT": 1, "PAUSED": 3, "SHUTOFF": 4, "SHELVED_OFFLOADED": 4}.get(self.status, 0)


ACTIVE, PAUSED, SHUTOFF = State("ACTIVE"), State("PAUSED"), State("SHUTOFF")
BUILDING, REBOOTING = State("BUILD", "spawning"), State("REBOOT", "rebooting")


@dataclass(frozen=True, slots=True)
class Flavor:
    """How large a server is."""

    name: str
    vcpus: int
    ram_gb: int
    disk_gb: int

    def __str__(self) -> str:
        return f"{self.name} · {self.vcpus} vCPU · {self.ram_gb} GB"


@dataclass(frozen=True, slots=True)
class Machine:
    """One server as it was made; its state is the fleet's."""

    project: str
    name: str
    flavor: Flavor
    system: str
    address: str
    accent: tuple[int, int, int]
    """The colour of its screen."""
    kind: Kind = Kind.NOVNC
    """Of the consoles that its host has."""

    @property
    def id(self) -> str:
        """The same in every run, so that a bookmark that names it lasts."""
        return str(uuid.uuid5(_NAMESPACE, f"{self.project}/{self.name}"))


@dataclass(frozen=True, slots=True)
class _Course:
    """A state, and what follows it when."""

    state: State
    until: float = float("inf")

    def at(self, now: float) -> _Course:
        return _Course(ACTIVE) if now >= self.until else self


_SMALL = Flavor("m1.small", 1, 2, 20)
_MEDIUM = Flavor("m1.medium", 2, 4, 40)
_LARGE = Flavor("m1.large", 4, 8, 80)
_GENERAL = Flavor("general1-2", 2, 2, 40)
_MEMORY = Flavor("memory1-15", 2, 15, 0)
_TEAL, _BLUE, _AMBER, _ROSE = (45, 212, 191), (96, 165, 250), (251, 191, 36), (251, 113, 133)
_VIOLET, _GREEN, _ORANGE, _SKY = (167, 139, 250), (74, 222, 128), (251, 146, 60), (56, 189, 248)
_LIME, _FUCHSIA, _INDIGO, _CORAL, _YELLOW = (
    (163, 230, 53),
    (232, 121, 249),
    (129, 140, 248),
    (248, 113, 90),
    (240, 216, 80),
)
_DEBIAN, _UBUNTU, _ALMA = "Debian 12", "Ubuntu 24.04", "AlmaLinux 9"

SITE: Final = (
    (Machine(PROD, "web-01", _SMALL, _DEBIAN, "10.20.0.11", _TEAL), ACTIVE),
    (Machine(PROD, "web-02", _SMALL, _DEBIAN, "10.20.0.12", _BLUE), ACTIVE),
    (Machine(PROD, "db-master-01", _LARGE, _DEBIAN, "10.20.0.21", _AMBER), ACTIVE),
    (Machine(PROD, "db-replica-01", _LARGE, _DEBIAN, "10.20.0.22", _ORANGE), SHUTOFF),
    (Machine(PROD, "cache-01", _MEDIUM, _DEBIAN, "10.20.0.31", _ROSE), PAUSED),
    (Machine(PROD, "monitor-01", _MEDIUM, _UBUNTU, "10.20.0.41", _GREEN), ACTIVE),
    (Machine(PROD, "ci-runner-07", _LARGE, _UBUNTU, "10.20.0.57", _VIOLET), BUILDING),
    (Machine(PROD, "backup-01", _MEDIUM, _DEBIAN, "10.20.0.61", _SKY), State("ERROR")),
    (Machine(PROD, "x-<img src=x onerror=alert(1)>", _SMALL, _UBUNTU, "10.20.0.66", _FUCHSIA), ACTIVE),
    (Machine(RAX, "shop-web-01", _GENERAL, _ALMA, "172.24.16.11", _LIME), ACTIVE),
    (Machine(RAX, "shop-db-01", _MEMORY, _ALMA, "172.24.16.21", _INDIGO, Kind.XVPVNC), ACTIVE),
    (Machine(RAX, "mail-01", _GENERAL, _ALMA, "172.24.16.31", _CORAL), State("SHELVED_OFFLOADED")),
    (Machine(RAX, "софия-web-01", _GENERAL, _ALMA, "172.24.16.81", _YELLOW), ACTIVE),
)
"""Every server of the demo, and the state that it starts in."""


class Fleet:
    """Which servers there are now, and in which state."""

    def __init__(self, machines: Iterable[tuple[Machine, State]], now: float) -> None:
        self._machines: dict[str, Machine] = {}
        self._courses: dict[str, _Course] = {}
        for machine, state in machines:
            self._machines[machine.id] = machine
            self._courses[machine.id] = _Course(state, now + BUILD_TIME if state is BUILDING else float("inf"))

    def __iter__(self) -> Iterator[Machine]:
        return iter(tuple(self._machines.values()))

    def of(self, project: str) -> tuple[Machine, ...]:
        """The servers of a project, in their order."""
        return tuple(machine for machine in self._machines.values() if machine.project == project)

    def find(self, server_id: str) -> Machine | None:
        """The server with this id."""
        return self._machines.get(server_id)

    def named(self, name: str) -> Machine:
        """The first server of this name. Raises KeyError."""
        for machine in self._machines.values():
            if machine.name == name:
                return machine
        raise KeyError(name)

    def state(self, machine: Machine, now: float) -> State | None:
        """Its state at this moment; None if it was deleted."""
        course = self._courses.get(machine.id)
        if course is None:
            return None
        self._courses[machine.id] = course = course.at(now)
        return course.state

    def reboot(self, machine: Machine, now: float) -> None:
        """Its console ends, and is back after REBOOT_TIME."""
        self._enter(machine, _Course(REBOOTING, now + REBOOT_TIME))

    def power_off(self, machine: Machine, now: float, sleep: float = float("inf")) -> None:
        """Off for `sleep` seconds, or until it is started."""
        self._enter(machine, _Course(SHUTOFF, now + sleep))

    def start(self, machine: Machine) -> None:
        """On again."""
        self._enter(machine, _Course(ACTIVE))

    def delete(self, machine: Machine) -> None:
        """It is no more."""
        self._machines.pop(machine.id, None)
        self._courses.pop(machine.id, None)

    def _enter(self, machine: Machine, course: _Course) -> None:
        if machine.id in self._courses:
            self._courses[machine.id] = replace(course)
