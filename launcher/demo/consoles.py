"""Console tokens of the simulated cloud: each lives for a minute, in memory only."""

from __future__ import annotations

import uuid
from typing import Final
from urllib.parse import quote

from launcher.clock import Clock
from launcher.model import Kind

CONSOLE_TTL: Final = 60.0
_MOST = 10_000
"""Tokens kept; the oldest make way."""


class ConsoleTokens:
    """Which console token leads to which server, and until when. A token may be used any number of times."""

    def __init__(self, clock: Clock, ttl: float = CONSOLE_TTL) -> None:
        self._clock = clock
        self._ttl = ttl
        self._tokens: dict[str, tuple[str, float]] = {}

    def mint(self, server_id: str) -> str:
        """A new token: every request makes one, and the older ones stay good."""
        self._forget()
        token = str(uuid.uuid4())
        self._tokens[token] = (server_id, self._clock.monotonic() + self._ttl)
        return token

    def server_of(self, token: str) -> str | None:
        """The server's id; None for a token that is wrong, or dead."""
        server_id, dies_at = self._tokens.get(token, ("", 0.0))
        return server_id if dies_at > self._clock.monotonic() else None

    def _forget(self) -> None:
        now = self._clock.monotonic()
        alive = [(token, kept) for token, kept in self._tokens.items() if kept[1] > now]
        self._tokens = dict(alive[-_MOST + 1 :])


def console_url(base: str, token: str, kind: Kind = Kind.NOVNC) -> str:
    """A console URL in Nova's shape; that of a novnc console holds the token in the page's `path`."""
    if kind is Kind.XVPVNC:
        return f"{base}/console?token={token}"
    return f"{base}/vnc_lite.html?path={quote('?token=' + token, safe='')}"
