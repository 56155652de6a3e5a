"""The exit codes of every command: sysexits.h, as systemd shows them by name; and what help says of them."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final


class Exit(enum.IntEnum):
    """How a command ended."""

    OK = 0
    REFUSED = 1
    """The gateway answered, and it is a no: there is no such server, or several."""
    USAGE = 2
    """The arguments are wrong; argparse's own code."""
    CANNOT_LISTEN = 69
    """EX_UNAVAILABLE, of the daemon."""
    NO_GATEWAY = 69
    """EX_UNAVAILABLE, of a command that asks the daemon."""
    NO_VIEWER = 69
    """EX_UNAVAILABLE, of `vnc`: there is no viewer to show a screen with."""
    FAULT = 70
    CANNOT_WRITE = 73
    TRY_AGAIN = 75
    """EX_TEMPFAIL: a cloud did not answer, or not with what was asked for: later it may be there."""
    NOT_ALLOWED = 77
    CONFIG = 78
    INTERRUPTED = 130
    """Ended by Ctrl-C, as a shell tells it."""


Ends = Mapping[Exit, str]
"""How something may end, in words."""

ALWAYS: Final[Ends] = {
    Exit.OK: "all is well",
    Exit.USAGE: "the arguments are wrong",
    Exit.FAULT: "an internal fault of console-launcher",
    Exit.INTERRUPTED: "Ctrl-C",
}
"""Every command may."""
ASKING: Final[Ends] = {
    Exit.REFUSED: "the gateway says no",
    Exit.NO_GATEWAY: "no gateway answers",
    Exit.NOT_ALLOWED: "you may not do this, or not use this gateway",
}
"""Every command that asks a running gateway may."""
ALL: Final[Ends] = {
    **ALWAYS,
    Exit.REFUSED: "the gateway says no: there is no such server or session, or several",
    Exit.NO_GATEWAY: "no gateway answers; or, of serve, an address cannot be listened on; of doctor, a hop failed; "
    "of vnc, no viewer is here",
    Exit.CANNOT_WRITE: "init cannot write its files; none of them is there",
    Exit.TRY_AGAIN: "a cloud did not answer or asks for patience; what the others said is shown",
    Exit.NOT_ALLOWED: "you may not do this, or not use this gateway; or, of init, no cloud lets it in",
    Exit.CONFIG: "the configuration has problems; all of them are told",
}


def exit_codes(ends: Ends) -> str:
    """A section of a help text."""
    return "\n".join(["exit codes:", *(f"  {code.value:<4}{ends[code]}" for code in sorted(ends))])
