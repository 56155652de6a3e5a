"""The exit codes of every command: sysexits.h, as systemd shows them by name."""

from __future__ import annotations

import enum


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
    FAULT = 70
    TRY_AGAIN = 75
    """EX_TEMPFAIL: a cloud did not answer, so something is missing; later it may be there."""
    NOT_ALLOWED = 77
    CONFIG = 78
    INTERRUPTED = 130
    """Ended by Ctrl-C, as a shell tells it."""


EXIT_CODES = """exit codes:
  0   all is well
  1   the gateway says no: there is no such server or session, or several
  2   the arguments are wrong
  69  no gateway answers; or, of serve, an address cannot be listened on
  70  an internal fault of console-launcher
  75  a cloud did not answer or asks for patience; what the others said is shown
  77  you may not do this, or not use this gateway
  78  the configuration has problems; all of them are told
  130 Ctrl-C"""
