"""Every secret that the suite's fakes hand out, so that one test can look for them in all output of the suite."""

from __future__ import annotations

import uuid

ISSUED: set[str] = set()


def note(value: str) -> str:
    """Remember a secret that a test made up itself."""
    ISSUED.add(value)
    return value


def issue() -> str:
    """A new secret in the form of Nova's console tokens: a UUID4."""
    return note(str(uuid.uuid4()))
