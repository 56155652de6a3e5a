"""Every secret that the suite's fakes hand out, so that all output of the suite can be searched for them.

That is done at the end of the suite (`tests/conftest.py`), in the files under `suite_output` and in `PUT_OUT`.
"""

from __future__ import annotations

import re
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


_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_EVERY_UUID = re.compile(f"(?=({_UUID}))")
"""Even where one begins within another."""
_SHAPES = re.compile(
    rf"token['\"]?\s?(?:=|:|%3D|%253D|\\u003d|&#61;|&#x3d;)\s?['\"]?{_UUID}"  # Nova's console tokens
    r"|gAAAA[\w-]{60,}"  # Keystone's API tokens
    r"|X-(?:Auth|Subject)-Token\W{1,4}[\w-]{16,}",
    re.IGNORECASE,
)
"""Secrets that processes made among themselves, so that no fake could note them: the demo's, a real Keystone's."""


def found_in(text: str) -> set[str]:
    """What of it is secret. Most secrets are UUIDs, and are looked for all at once."""
    uuids = {secret for secret in ISSUED if re.fullmatch(_UUID, secret)}
    others = {secret for secret in ISSUED - uuids if secret in text}
    return others | (uuids & set(_EVERY_UUID.findall(text))) | set(_SHAPES.findall(text))
