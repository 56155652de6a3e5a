"""The exit codes of every command: sysexits.h, as systemd shows them by name."""

from __future__ import annotations

import enum


class Exit(enum.IntEnum):
    """How a command ended."""

    OK = 0
    USAGE = 2
    """The arguments are wrong; argparse's own code."""
    CANNOT_LISTEN = 69
    FAULT = 70
    CANNOT_WRITE = 73
    NOT_ALLOWED = 77
    CONFIG = 78
    INTERRUPTED = 130
    """Ended by Ctrl-C, as a shell tells it."""


EXIT_CODES = """exit codes:
  0   all is well
  2   the arguments are wrong
  69  an address cannot be listened on
  70  an internal fault of console-launcher
  73  init cannot write its files
  77  init is not let in by any cloud, or by this machine
  78  the configuration has problems; all of them are told
  130 Ctrl-C"""
