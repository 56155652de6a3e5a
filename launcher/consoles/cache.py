"""Consoles that are still usable; the caller says what time it is."""

from __future__ import annotations

from launcher.model import Console, ConsoleKey


def usable_until(console: Console, margin: float) -> float:
    """The moment from which a console is not handed out any more.

    That is `margin` seconds before it ends, but at most a quarter of its life.
    """
    life = console.expires_at - console.asked_at
    return console.expires_at - min(margin, life / 4)


class ConsoleCache:
    """The newest console for each server and kind, as long as it is usable."""

    def __init__(self, margin: float) -> None:
        self._margin = margin
        self._consoles: dict[ConsoleKey, Console] = {}
        self._prune_at = 64

    def get(self, key: ConsoleKey, now: float) -> Console | None:
        """A console that is usable now, or None."""
        console = self._consoles.get(key)
        if console is None or now >= usable_until(console, self._margin):
            self._consoles.pop(key, None)
            return None
        return console

    def put(self, console: Console, now: float) -> None:
        """Keep a console in place of an earlier one."""
        self._consoles[console.key] = console
        if len(self._consoles) >= self._prune_at:
            self._prune(now)

    def discard(self, console: Console) -> None:
        """Forget a console found stale, unless a newer one has taken its place."""
        if self._consoles.get(console.key) is console:
            del self._consoles[console.key]

    def __len__(self) -> int:
        return len(self._consoles)

    def _prune(self, now: float) -> None:
        """Drop what has run out; the next time is when the rest has doubled, so that it costs little on average."""
        self._consoles = {
            key: console for key, console in self._consoles.items() if now < usable_until(console, self._margin)
        }
        self._prune_at = max(64, 2 * len(self._consoles))
