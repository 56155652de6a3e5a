"""What a server's state means for its console. Pure.

    ready      there is a screen, or nothing is known that speaks against one
    passing    the cloud is at work on it: it is worth waiting, and nobody needs to do anything
    standing   somebody must do something before there is a screen
    gone       it does not come back

Statuses and task states as of Nova (nova/compute/task_states.py, vm_states.py; the status that the API makes of both:
nova/api/openstack/common.py). A task goes before the status: a server that is off and being started is on its way.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from launcher.model import Server


class Outlook(enum.StrEnum):
    """What is to be expected of a server's screen."""

    READY = "ready"
    PASSING = "passing"
    STANDING = "standing"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a state means: `does` completes a sentence that begins with the server's name."""

    outlook: Outlook
    does: str = "runs"
    hint: str = ""
    """For who has the server's page open."""

    @property
    def advice(self) -> str:
        """The same for who asked once, and is answered no."""
        if self.outlook is Outlook.PASSING:
            return "Ask again when that is over."
        return self.hint.replace(_STAY, "then ask again")


_STAY: Final = "or leave this page open: it connects when it runs"

_READY: Final = Reading(Outlook.READY)
_BUILDING: Final = Reading(Outlook.PASSING, "is being built", "The screen appears as soon as it runs.")
_REBUILDING: Final = Reading(Outlook.PASSING, "is being rebuilt", "The screen appears as soon as it runs.")
_REBOOTING: Final = Reading(Outlook.PASSING, "reboots", "The screen comes back by itself.")
_MOVING: Final = Reading(Outlook.PASSING, "moves to another host", "The screen comes back when it has arrived.")
_RESIZING: Final = Reading(Outlook.PASSING, "is being resized", "The screen comes back when it is done.")
_STARTING: Final = Reading(Outlook.PASSING, "is being started", "The screen appears as soon as it runs.")
_OFF: Final = Reading(Outlook.STANDING, "is off", f"Start it, {_STAY}.")
_SHELVED: Final = Reading(Outlook.STANDING, "is shelved", f"Unshelve it, {_STAY}.")
_DELETED: Final = Reading(Outlook.GONE, "is deleted", "Look for its successor in the list of servers.")

_STATUSES: Final[Mapping[str, Reading]] = MappingProxyType(
    {
        "BUILD": _BUILDING,
        "REBUILD": _REBUILDING,
        "REBOOT": _REBOOTING,
        "HARD_REBOOT": _REBOOTING,
        "MIGRATING": _MOVING,
        "RESIZE": _RESIZING,
        "REVERT_RESIZE": _RESIZING,
        "SHUTOFF": _OFF,
        "SUSPENDED": Reading(Outlook.STANDING, "is suspended", f"Resume it, {_STAY}."),
        "PAUSED": Reading(Outlook.STANDING, "is paused", f"Unpause it, {_STAY}."),
        "SHELVED": _SHELVED,
        "SHELVED_OFFLOADED": _SHELVED,
        "ERROR": Reading(
            Outlook.STANDING, "is in error", "Look up its fault at the cloud; a hard reboot or a rebuild may help."
        ),
        "DELETED": _DELETED,
        "SOFT_DELETED": Reading(
            Outlook.GONE, "is deleted", "Restore it, or look for its successor in the list of servers."
        ),
    }
)

_TASKS: Final[Mapping[str, Reading]] = MappingProxyType(
    {
        "scheduling": _BUILDING,
        "block_device_mapping": _BUILDING,
        "networking": _BUILDING,
        "spawning": _BUILDING,
        "rebuilding": _REBUILDING,
        "rebuild_block_device_mapping": _REBUILDING,
        "rebuild_spawning": _REBUILDING,
        "rebooting": _REBOOTING,
        "reboot_pending": _REBOOTING,
        "reboot_started": _REBOOTING,
        "rebooting_hard": _REBOOTING,
        "reboot_pending_hard": _REBOOTING,
        "reboot_started_hard": _REBOOTING,
        "migrating": _MOVING,
        "resize_prep": _RESIZING,
        "resize_migrating": _RESIZING,
        "resize_migrated": _RESIZING,
        "resize_finish": _RESIZING,
        "resize_reverting": _RESIZING,
        "powering-on": _STARTING,
        "unpausing": _STARTING,
        "resuming": _STARTING,
        "unshelving": _STARTING,
        "restoring": _STARTING,
        "rescuing": _REBOOTING,
        "unrescuing": _REBOOTING,
        "deleting": Reading(Outlook.GONE, "is being deleted", "Look for its successor in the list of servers."),
    }
)


def reading(server: Server) -> Reading:
    """What the server's state means; states that nobody knows here are worth a try."""
    if server.status in {"DELETED", "SOFT_DELETED"} and server.task_state != "restoring":
        return _STATUSES[server.status]
    return _TASKS.get(server.task_state or "") or _STATUSES.get(server.status) or _READY


def told(server: Server) -> str:
    """The state in a few words: `web-01 is being built (BUILD, spawning)`."""
    states = server.status if server.task_state is None else f"{server.status}, {server.task_state}"
    return f"{server.name} {reading(server).does} ({states})"
