"""Every secret that the suite's fakes hand out, so that one test can look for them in all output of the suite.

`tests/test_no_secret.py` is that test. It searches the files under `suite_output` and `PUT_OUT`.
"""

from __future__ import annotations

import uuid

ISSUED: set[str] = set()

PUT_OUT: list[str] = []
"""What reached anybody otherwise than by a file: log records, what commands and tests print, answers of the gateway."""


def note(value: str) -> str:
    """Remember a secret that a test made up itself."""
    ISSUED.add(value)
    return value


def issue() -> str:
    """A new secret in the form of Nova's console tokens: a UUID4."""
    return note(str(uuid.uuid4()))


def put_out(text: str) -> str:
    """Remember what a person or a program got to read."""
    PUT_OUT.append(text)
    return text
