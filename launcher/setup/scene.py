"""What a set-up begins with: the wishes of the one who runs it, and everything that is around."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from launcher.clock import Clock
from launcher.config.environment import Surroundings
from launcher.model import Secret
from launcher.setup.asking import Person
from launcher.setup.places import Target
from launcher.setup.plan import File
from launcher.setup.words import Host
from launcher.setup.write import Disk


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the options say."""

    clouds: tuple[str, ...] = ()
    """Of clouds.yaml, by their names there; or `all`."""
    rackspace_user: str | None = None
    api_key: Secret | None = None
    identity_url: str | None = None
    regions: tuple[str, ...] = ()
    name: str | None = None
    """The short name for the cloud of `OS_*`, or for the Rackspace account."""
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Scene:
    """Where all this happens."""

    person: Person
    around: Surroundings
    target: Target
    units: Sequence[File]
    """systemd's, as they are to be."""
    host: Host
    clock: Clock
    command: str
    """What was typed, without secrets: to be typed again."""
    disk: Disk = field(default_factory=Disk)
