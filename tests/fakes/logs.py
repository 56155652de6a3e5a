"""Logging, as a test found it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def as_before() -> Iterator[None]:
    """Put handlers and levels back at the end: the suite searches all that is logged for secrets, at INFO."""
    root, ours = logging.getLogger(), logging.getLogger("launcher")
    handlers, levels = root.handlers[:], (root.level, ours.level)
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(levels[0])
        ours.setLevel(levels[1])
