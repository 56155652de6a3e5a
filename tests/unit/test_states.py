from __future__ import annotations

import pytest

from launcher.model import Server
from launcher.states import Outlook, reading, told


def server(status: str, task: str | None = None) -> Server:
    return Server("prod", "9168b536-cd40-4630-b43f-b259807c6e87", "web-01", status, task)


@pytest.mark.parametrize(
    ("status", "task", "outlook", "does"),
    [
        ("ACTIVE", None, Outlook.READY, "runs"),
        ("VERIFY_RESIZE", None, Outlook.READY, "runs"),
        ("RESCUE", None, Outlook.READY, "runs"),
        ("PASSWORD", None, Outlook.READY, "runs"),
        ("UNKNOWN", None, Outlook.READY, "runs"),
        ("ACTIVE", "image_snapshot", Outlook.READY, "runs"),
        ("ACTIVE", "powering-off", Outlook.READY, "runs"),
        ("BUILD", "spawning", Outlook.PASSING, "is being built"),
        ("BUILD", None, Outlook.PASSING, "is being built"),
        ("REBUILD", "rebuild_spawning", Outlook.PASSING, "is being rebuilt"),
        ("REBOOT", "rebooting", Outlook.PASSING, "reboots"),
        ("HARD_REBOOT", "reboot_started_hard", Outlook.PASSING, "reboots"),
        ("MIGRATING", "migrating", Outlook.PASSING, "moves to another host"),
        ("ACTIVE", "migrating", Outlook.PASSING, "moves to another host"),
        ("RESIZE", "resize_migrating", Outlook.PASSING, "is being resized"),
        ("REVERT_RESIZE", "resize_reverting", Outlook.PASSING, "is being resized"),
        ("SHUTOFF", "powering-on", Outlook.PASSING, "is being started"),
        ("SHELVED_OFFLOADED", "unshelving", Outlook.PASSING, "is being started"),
        ("SOFT_DELETED", "restoring", Outlook.PASSING, "is being started"),
        ("SHUTOFF", None, Outlook.STANDING, "is off"),
        ("SUSPENDED", None, Outlook.STANDING, "is suspended"),
        ("PAUSED", None, Outlook.STANDING, "is paused"),
        ("SHELVED", None, Outlook.STANDING, "is shelved"),
        ("SHELVED_OFFLOADED", None, Outlook.STANDING, "is shelved"),
        ("ERROR", None, Outlook.STANDING, "is in error"),
        ("ACTIVE", "deleting", Outlook.GONE, "is being deleted"),
        ("DELETED", None, Outlook.GONE, "is deleted"),
        ("SOFT_DELETED", None, Outlook.GONE, "is deleted"),
    ],
)
def test_a_state_says_what_is_to_be_expected_of_the_screen(
    status: str, task: str | None, outlook: Outlook, does: str
) -> None:
    found = reading(server(status, task))
    assert (found.outlook, found.does) == (outlook, does)
    assert bool(found.hint) is (outlook is not Outlook.READY)


@pytest.mark.parametrize(
    ("status", "task", "advice"),
    [
        ("SHUTOFF", None, "Start it, then ask again."),
        ("SHELVED_OFFLOADED", None, "Unshelve it, then ask again."),
        ("BUILD", "spawning", "Ask again when that is over."),
        ("ERROR", None, "Look up its fault at the cloud; a hard reboot or a rebuild may help."),
        ("DELETED", None, "Look for its successor in the list of servers."),
        ("ACTIVE", None, ""),
    ],
)
def test_who_has_no_page_open_is_not_told_to_leave_it_open(status: str, task: str | None, advice: str) -> None:
    assert reading(server(status, task)).advice == advice


def test_a_state_is_told_in_a_sentence() -> None:
    assert told(server("SHUTOFF")) == "web-01 is off (SHUTOFF)"
    assert told(server("BUILD", "spawning")) == "web-01 is being built (BUILD, spawning)"
