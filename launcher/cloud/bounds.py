"""How much of a cloud's list of servers is read and kept, whatever the cloud answers: pure.

Names and states are strangers' words, and a hostile cloud gives pages without end: a listing is cut where it is larger
than any real one, and says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from launcher.model import Server

PAGES: Final = 200
PAGE: Final = 2000
"""Servers that one reply may have; a hundred are asked for, and a cloud that ignores that gives its own maximum."""
SERVERS: Final = 20_000
TEXT: Final = 8 * 1024**2
"""Bytes that their names, states and faults may fill: three times what 20,000 real servers have."""
SECONDS: Final = 600.0
"""How long a listing may take, from its first page to its last."""
CANDIDATES: Final = 100
"""Servers that are told of those that a reference could mean."""


class Gathering:
    """The servers of one listing, page by page."""

    def __init__(self, cloud: str, began: float) -> None:
        """`began`: seconds of a clock that never goes back."""
        self._cloud = cloud
        self._began = began
        self._pages = 0
        self._text = 0
        self._found: dict[str, Server] = {}
        self.cut: str | None = None
        """Why there is no more of it, as a sentence; None: it is whole so far."""

    @property
    def servers(self) -> tuple[Server, ...]:
        """Those that fitted."""
        return tuple(self._found.values())

    def add(self, page: Iterable[Server], now: float, *, overfull: bool, more: bool) -> bool:
        """Take in a page that came at `now`; whether another one is to be asked for.

        `overfull`: it had more servers than PAGE, and these are the first of them; `more`: it tells of a next page.
        """
        before = len(self._found)
        self._pages += 1
        for server in page:
            if not self._fits(server):
                return False
            self._found[server.id] = server
        if overfull:
            self._cut(f"one page of it has more than {PAGE} servers")
        if not more or len(self._found) == before:  # an old cloud may give the same page for ever
            return False
        if self._pages >= PAGES:
            self._cut(f"it has more than {PAGES} pages, or never ends")
        elif now - self._began > SECONDS:
            self._cut(f"reading it takes longer than {SECONDS / 60:.0f} min")
        return self.cut is None

    def _fits(self, server: Server) -> bool:
        if len(self._found) >= SERVERS and server.id not in self._found:
            self._cut(f"it has more than {SERVERS} servers, or never ends")
        self._text += weight_of(server)
        if self._text > TEXT:
            self._cut(f"its names and states fill more than {TEXT // 1024**2} MiB")
        return self.cut is None

    def _cut(self, why: str) -> None:
        self.cut = self.cut or f"{self._cloud}: its list of servers is cut: {why}. The list shows those that fitted."


def weight_of(server: Server) -> int:
    """Bytes that a server's texts take in memory, about."""
    texts = (server.id, server.name, server.status, server.task_state or "", server.fault or "")
    return sum(len(text) if text.isascii() else 4 * len(text) for text in texts)
