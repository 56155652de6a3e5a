"""What the process asks of the kernel for itself: no dumps, no readers, enough files.

It holds the clouds' keys and every console token. A process that may be dumped can be read by every other one of the
same account (/proc/PID/environ, mem and fd, ptrace(2)), and a crash would leave its memory on disk.
"""

from __future__ import annotations

import ctypes
import logging
import os
import resource
from pathlib import Path
from typing import Final

_LOG = logging.getLogger(__name__)

_PR_SET_DUMPABLE: Final = 4
"""prctl(2), linux/prctl.h; Python has no name for it."""
_FILES: Final = Path("/proc/self/fd")


def keep_private() -> None:
    """Let nobody but root read this process, and write no core file of it. Children that run a program start anew.

    /proc/PID is root's from then on; what every account may read there (status, stat) stays so.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        _LOG.warning(
            "other processes of this account may read the gateway's memory: %s", os.strerror(ctypes.get_errno())
        )


def raise_file_limit(wanted: int) -> int:
    """Make the soft limit of open files `wanted`, as far as the hard one allows; the limit that is in force then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft == resource.RLIM_INFINITY or soft >= most:
        return wanted if soft == resource.RLIM_INFINITY else soft
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return most


def open_files() -> int:
    """How many files this process has open."""
    return len(list(_FILES.iterdir())) - 1  # without that by which it is listed
