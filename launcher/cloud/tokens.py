"""Reads websockify's token files with websockify's own reader; blocking, for a worker thread.

    token: host:port
    token: unix_socket:/path

Each file is read by a plugin of its own: one that cannot be read, or a line that is none, hides no other. What
websockify would log at every reading is kept from its log and given back as a complaint, with the line's number.
"""

from __future__ import annotations

import logging
import re
import stat
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from websockify.token_plugins import ReadOnlyTokenFile

from launcher.cloud.reply import clean
from launcher.config.targets import parse_server_name, target_of_words
from launcher.model import Target

FILE_LIMIT: Final = 16 * 1024**2
"""Bytes; some hundred thousand tokens."""
_LINE = re.compile(r"on line (\d+)$")


@dataclass(frozen=True, slots=True)
class Tokens:
    """What was read."""

    targets: Mapping[str, Target]
    """By token."""
    complaints: tuple[str, ...]
    """What could not be used, and where it stands."""


def read_tokens(path: Path) -> Tokens:
    """All tokens of a file, or of the files of a directory. Raises OSError where nothing can be read at all."""
    targets: dict[str, Target] = {}
    complaints: list[str] = []
    alone = not path.is_dir()
    for file in [path] if alone else sorted(one for one in path.iterdir() if one.is_file()):
        try:
            found = _read(file)
        except OSError as error:
            if alone:
                raise
            complaints.append(f"{_shown(file)} cannot be read: {error.strerror}")
        else:
            targets |= found.targets
            complaints += found.complaints
    return Tokens(targets, tuple(complaints))


def _read(file: Path) -> Tokens:
    """Raises OSError."""
    status = file.stat()
    if not stat.S_ISREG(status.st_mode):
        raise OSError(None, "it is neither a file nor a directory")
    if status.st_size > FILE_LIMIT:
        return Tokens({}, (f"{_shown(file)} is larger than {FILE_LIMIT // 1024**2} MiB: it is not read",))
    plugin = ReadOnlyTokenFile(str(file))
    with _complaints() as said:
        try:
            plugin.lookup("")  # which reads; nothing public gives all that was read
        except UnicodeDecodeError:
            return Tokens({}, (f"{_shown(file)} is not UTF-8 text: it is not read",))
    complaints = [f"{_shown(file)}{_line_of(text)}: a line like token: host:port is expected" for text in said]
    targets: dict[str, Target] = {}
    for token, words in plugin._targets.items():  # noqa: SLF001 -- see above
        try:
            targets[parse_server_name(token)] = _target(":".join(words))
        except ValueError as error:
            complaints.append(f'{_shown(file)}: token "{clean(token)}": {error}')
    return Tokens(targets, tuple(complaints))


def _target(value: str) -> Target:
    """Raises ValueError."""
    host, colon, port = value.partition(":") if value.startswith("unix_socket:") else value.rpartition(":")
    if not colon:
        raise ValueError("host:port or unix_socket:/path is expected")
    return target_of_words(host, port)


def _line_of(complaint: str) -> str:
    found = _LINE.search(complaint)
    return f":{found[1]}" if found else ""


def _shown(file: Path) -> str:
    return clean(str(file))


class _Kept(logging.Filter):
    """Keeps websockify's complaints for who reads in this thread; the log does not get them."""

    def __init__(self) -> None:
        super().__init__()
        self.reading = threading.local()

    def filter(self, record: logging.LogRecord) -> bool:
        said: list[str] | None = getattr(self.reading, "said", None)
        if said is None:
            return True
        said.append(record.getMessage())
        return False


_KEPT: Final = _Kept()
logging.getLogger("websockify.token_plugins").addFilter(_KEPT)


@contextmanager
def _complaints() -> Iterator[list[str]]:
    said: list[str] = []
    _KEPT.reading.said = said
    try:
        yield said
    finally:
        _KEPT.reading.said = None
