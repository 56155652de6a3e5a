"""What one screen shows, apart from how: the terminal, the pointer, the keys held, the clipboard. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from launcher.demo import keys
from launcher.demo.fleet import Machine
from launcher.demo.terminal import Around, Effect, Terminal

_CLIPBOARD: Final = 64 * 1024
_REMEMBERED: Final = 256
_CTRL_ALT_DEL: Final = frozenset({"Ctrl", "Alt"})


@dataclass(frozen=True, slots=True)
class KeyPress:
    """One key event, as it came in."""

    keysym: int
    down: bool


@dataclass(slots=True)
class Received:
    """What a screen got from its viewers, the latest last: for whoever checks that it arrived."""

    keys: deque[KeyPress] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    clipboards: deque[str] = field(default_factory=lambda: deque(maxlen=16))
    clicks: deque[tuple[int, int, int]] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    """Where, and which buttons (bits as in RFB)."""
    commands: deque[str] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    ctrl_alt_dels: int = 0


class Scene:
    """One screen's state; the caller says what time it is."""

    def __init__(self, machine: Machine, since: datetime, received: Received | None = None) -> None:
        self.machine = machine
        self.since = since
        self.terminal = Terminal(f"{_prompt_name(machine.name)}:~# ")
        self.terminal.say(
            f"{machine.system} {_prompt_name(machine.name)} tty1",
            "Type here; help and Enter shows what this screen can do.",
            "",
        )
        self.pointer: tuple[int, int] | None = None
        self.buttons = 0
        self.held: frozenset[str] = frozenset()
        self.last_key = ""
        self.clipboard = ""
        self.ctrl_alt_del_at: datetime | None = None
        self.viewers = 0
        self.received = received or Received()
        self._down: frozenset[int] = frozenset()

    def key(self, keysym: int, down: bool, now: datetime) -> Effect:
        """A key goes down or comes up."""
        self.received.keys.append(KeyPress(keysym, down))
        if keysym in keys.MODIFIERS:
            self._down = self._down | {keysym} if down else self._down - {keysym}
            self.held = frozenset(keys.MODIFIERS[one] for one in self._down)
            return None
        if not down:
            return None
        self.last_key = keys.name(keysym)
        if keysym == keys.DELETE and self.held >= _CTRL_ALT_DEL:
            self.received.ctrl_alt_dels += 1
            self.ctrl_alt_del_at = now
            return None
        return self._type(keysym, now)

    def _type(self, keysym: int, now: datetime) -> Effect:
        if keysym in keys.RETURN:
            self.received.commands.append(self.terminal.typed)
        around = Around(now.strftime("%a %d %b %Y %H:%M:%S %Z"), self.clipboard)
        return self.terminal.key(keysym, bool(self.held & {"Ctrl", "Super"}), around)

    def point(self, x: int, y: int, buttons: int) -> None:
        """The pointer moves, or a button of it."""
        if buttons != self.buttons:
            self.received.clicks.append((x, y, buttons))
        self.pointer, self.buttons = (x, y), buttons

    def paste(self, text: str) -> None:
        """A viewer's clipboard arrives."""
        self.clipboard = text[:_CLIPBOARD]
        self.received.clipboards.append(self.clipboard)

    def nobody_looks(self) -> None:
        """The last viewer has left: no key stays held."""
        self._down, self.held = frozenset(), frozenset()
        self.pointer, self.buttons = None, 0


def _prompt_name(name: str) -> str:
    """The server's name as its prompt says it."""
    clean = "".join(char if char.isprintable() else "·" for char in name)
    return clean if len(clean) <= 30 else clean[:29] + "…"
