"""Keeps the key of the static files' path in the service's state directory, and makes it where there is none yet.

The key is 32 random bytes in one file of mode 0600, made at the first start and never changed. A file that another
account may read or has made, that is a link, or that has another length, is not used: the log says so, and the gateway
serves with a key of this run. Nothing here keeps a gateway from starting.
"""

from __future__ import annotations

import logging
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

_LOG = logging.getLogger(__name__)
FILE: Final = "static-path.key"
LENGTH: Final = 32
"""Bytes."""


def static_key(directory: Path | None) -> bytes:
    """The directory's key; a random one, for this run alone, where there is no directory or no good file in it."""
    if directory is None:
        _LOG.debug("no state directory: browsers load the page's files anew after each start")
        return secrets.token_bytes(LENGTH)
    path = directory / FILE
    try:
        with suppress(FileNotFoundError):
            return _read(path)
        _write(path, secrets.token_bytes(LENGTH))
        return _read(path)  # its own, or that of another gateway which was quicker
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        _LOG.warning(
            "%s cannot be used (%s): browsers load the page's files anew after each start. If the file is removed, the"
            " next start makes another",
            path,
            reason,
        )
        return secrets.token_bytes(LENGTH)


def _read(path: Path) -> bytes:
    """Raises OSError, and ValueError for a file that others may read or have made."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        _check(os.fstat(descriptor))
        key = os.read(descriptor, LENGTH + 1)
    finally:
        os.close(descriptor)
    if len(key) != LENGTH:
        raise ValueError(f"it must hold {LENGTH} bytes")
    return key


def _check(found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise ValueError("it must be a plain file")
    if found.st_uid != os.geteuid():
        raise ValueError("it must belong to the account that the gateway runs as")
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise ValueError("only its owner may be able to read it (mode 0600)")


def _write(path: Path, key: bytes) -> None:
    """The file is there whole or not at all; one that is there by now stays. Raises OSError."""
    draft = path.with_name(f".{FILE}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(key)
            file.flush()
            os.fsync(descriptor)
        with suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        draft.unlink()
