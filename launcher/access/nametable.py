"""Decides which account names are kept, looked up, waited for or done without; the caller says what time it is.

Times are seconds of a monotonic clock. A directory service (LDAP, SSSD, nscd) may hang for as long as it likes, and
each look-up that hangs holds a thread: so there are few, one for each user id, and nobody waits long for any of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

LIMIT: Final = 1.5
"""Seconds that a look-up is waited for."""
KEPT_FOR: Final = 60.0
"""Seconds that a name is used without another look-up."""
KEPT_AT_MOST: Final = 1024
UNDER_WAY_AT_MOST: Final = 8
"""Look-ups at a time, those included for which nobody waits any more."""
NAMELESS: Final = "uid "
"""How a user id without an account's name is called; no account that is awaited may be called so."""


def nameless(uid: int) -> str:
    """What a user id is called whose account has no name, or none in time: `uid 1234`."""
    return f"{NAMELESS}{uid}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What is to be done for a user id's name."""

    name: str
    """The name; while a look-up is waited for, the one that is good if it does not end in time."""
    wait: float = 0.0
    """Seconds to wait for the look-up that is under way; 0: take `name` now."""
    begin: bool = False
    """Whether the caller is to begin that look-up, and to call `ended` once it is over, however late."""


@dataclass(slots=True)
class NameTable:
    """Names of user ids, oldest first, and the look-ups under way with the moment at which each began."""

    _kept: dict[int, tuple[str, float]] = field(default_factory=dict)
    _begun: dict[int, float] = field(default_factory=dict)

    def ask(self, uid: int, now: float, *, decides: Callable[[str], bool]) -> Answer:
        """What to do for this user id; a kept name that `decides` who is let in is looked up anew all the same.

        Where that look-up does not end in time, the kept name is good until its minute is over.
        """
        kept = self._fresh(uid, now)
        if kept is not None and not decides(kept):
            return Answer(kept)
        name = nameless(uid) if kept is None else kept
        begun = self._begun.get(uid)
        if begun is not None:
            return Answer(name, max(0.0, begun + LIMIT - now))
        if len(self._begun) >= UNDER_WAY_AT_MOST:
            return Answer(name)
        self._begun[uid] = now
        return Answer(name, LIMIT, begin=True)

    def ended(self, uid: int, name: str, now: float) -> None:
        """The look-up is over. That there is no name is not kept: the account may be made at any moment."""
        del self._begun[uid]
        self._kept.pop(uid, None)
        if name != nameless(uid):
            self._kept[uid] = (name, now + KEPT_FOR)
        if len(self._kept) > KEPT_AT_MOST:
            del self._kept[next(iter(self._kept))]

    @property
    def under_way(self) -> int:
        """How many look-ups are not over."""
        return len(self._begun)

    def __len__(self) -> int:
        """How many names are kept, be it that their time is over."""
        return len(self._kept)

    def _fresh(self, uid: int, now: float) -> str | None:
        name, until = self._kept.get(uid, ("", 0.0))
        return name if now < until else None
