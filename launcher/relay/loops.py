"""The header that ends loops: a session that comes back to a gateway which it has passed is refused there.

Each gateway that asks a console proxy for a WebSocket says in `Console-Launcher-Via` which gateways the session has
passed, itself last: ids of chance, one a process. Browsers cannot send it, console proxies do not know it. It ends also
loops that no address shows, through other gateways, forwarded ports and names. Raw VNC and an xvpvnc CONNECT have no
place for a header: there the gateway's own addresses are refused, and the limit on sessions ends what remains.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

HEADER: Final = "Console-Launcher-Via"
MOST: Final = 8
"""Gateways that a session may have passed; more than two are a mistake already."""
_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")


def passed(values: Sequence[str]) -> tuple[str, ...]:
    """The ids in the header's values, in their order. Raises ValueError for what is no list of ids."""
    ids = tuple(one.strip() for value in values for one in value.split(","))
    if not all(_ID.fullmatch(one) for one in ids):
        raise ValueError(f"{HEADER} is a list of gateways' ids, with commas between.")
    return ids


def loop(own: str, gateways: Sequence[str]) -> str | None:
    """Why a session that has passed these gateways goes no further at the one with the id `own`, or None."""
    if own in gateways:
        return (
            "This session has come back to a gateway that it has passed already: a console URL leads to a gateway "
            "instead of to a console proxy. Correct the cloud's console URLs, or mend them with console_url."
        )
    if len(gateways) >= MOST:
        return (
            f"This session has passed {len(gateways)} gateways, and {MOST} is the most: console URLs lead from one "
            "gateway to the next. Let them name the console proxy itself."
        )
    return None
