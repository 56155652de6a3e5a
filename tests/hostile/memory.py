"""How much memory a daemon has ever held, by what the kernel tells of its process."""

from __future__ import annotations

from pathlib import Path

from tests.process.daemon import Daemon


def peak(daemon: Daemon) -> int:
    """MiB that it held at most since it started (VmHWM, proc(5))."""
    assert daemon.process is not None
    for line in Path(f"/proc/{daemon.process.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) // 1024
    raise AssertionError("the kernel tells no VmHWM")
