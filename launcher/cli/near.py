"""What a person may have meant who named a server that is not there. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Final

from launcher.cli.answers import Object

_SAID: Final = 5
_ALIKE: Final = 0.7
"""How much of two names must be the same: `wbe-01` means web-01, `db` does not."""


def word_of(reference: str) -> str:
    """What of `cloud/name`, or of a plain name, is the server's."""
    cloud, slash, name = reference.partition("/")
    return name if slash else cloud


def near(reference: str, servers: Sequence[Object]) -> list[str]:
    """The first few, as `cloud/name`: those whose names hold the word, else read alike, else those of such a cloud.

    Servers of the cloud that the reference names come first.
    """
    word = word_of(reference).lower()
    names = {f"{server['cloud']}/{server['name']}": server["name"].lower() for server in servers}
    alike = difflib.get_close_matches(word, set(names.values()), _SAID, _ALIKE)
    found = (
        [whole for whole, name in names.items() if word in name]
        or [whole for close in alike for whole, name in names.items() if name == close]
        or [whole for whole in names if word in whole.lower()]
    )
    cloud = reference.removesuffix(word_of(reference))
    return sorted(found, key=lambda whole: not whole.startswith(cloud))[:_SAID]
