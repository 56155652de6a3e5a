"""A little terminal: a line editor, and commands that show what a console carries. Pure."""

from __future__ import annotations

import unicodedata
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from launcher.demo import keys

COLUMNS: Final = 58
_LINES: Final = 200
_HISTORY: Final = 50
_INPUT: Final = 240

HELP: Final = (
    "help          this list",
    "copy TEXT     put TEXT into your own clipboard",
    "paste         show what you pasted here",
    "echo TEXT     say it again",
    "date          what time it is here",
    "clear         an empty screen",
    "reboot        away for 8 s, and the bookmark comes back",
    "off           switched off; wakes again after 30 s",
)
HINT: Final = "help · copy TEXT · paste · clear · reboot · off"


class Power(StrEnum):
    """What a person does to the server on its own screen."""

    REBOOT = "reboot"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Copy:
    """A text for the viewers' own clipboards."""

    text: str


Effect = Power | Copy | None
"""What a key did beyond the screen."""


@dataclass(frozen=True, slots=True)
class Around:
    """What commands may speak of."""

    date: str = ""
    clipboard: str = ""


@dataclass(slots=True)
class Terminal:
    """Lines, and the one that is being typed."""

    prompt: str
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=_LINES))
    typed: str = ""
    caret: int = 0
    history: deque[str] = field(default_factory=lambda: deque(maxlen=_HISTORY))
    _back: int = 0

    def say(self, *texts: str) -> None:
        """Lines of output, broken where they are too long."""
        for text in texts:
            self.lines.extend(wrapped(text))

    def shown(self, rows: int) -> tuple[tuple[str, ...], int, int]:
        """The last lines that fit, the input among them, and the row and column of the caret."""
        whole = self.prompt + self.typed
        entered = wrapped(whole) or [""]
        row, column = divmod(len(self.prompt) + self.caret, COLUMNS)
        if row == len(entered):
            entered.append("")
        lines = [*self.lines, *entered]
        left_out = max(0, len(lines) - rows)
        return tuple(lines[left_out:]), len(lines) - left_out - len(entered) + row, column

    def key(self, keysym: int, control: bool, around: Around) -> Effect:
        """One key pressed; `control`: while Ctrl is held."""
        char = keys.character(keysym)
        if control:
            self._control((char or "").lower())
        elif keysym in keys.RETURN:
            return self._enter(around)
        elif char is not None:
            self._insert(char)
        else:
            self._edit(keysym)
        return None

    def _insert(self, char: str) -> None:
        if len(self.typed) < _INPUT:
            self.typed = unicodedata.normalize("NFC", self.typed[: self.caret] + char) + self.typed[self.caret :]
            self.caret = min(self.caret + 1, len(self.typed))

    def _edit(self, keysym: int) -> None:
        at = self.caret
        if keysym == keys.BACKSPACE and at:
            self._set(self.typed[: at - 1] + self.typed[at:], at - 1)
        elif keysym == keys.DELETE:
            self._set(self.typed[:at] + self.typed[at + 1 :], at)
        elif keysym in (keys.UP, keys.DOWN):
            self._recall(1 if keysym == keys.UP else -1)
        else:
            moves = {keys.LEFT: max(0, at - 1), keys.RIGHT: at + 1, keys.HOME: 0, keys.END: len(self.typed)}
            self._set(self.typed, moves.get(keysym, at))

    def _set(self, text: str, caret: int) -> None:
        self.typed, self.caret = text, min(caret, len(text))

    def _recall(self, by: int) -> None:
        self._back = max(0, min(len(self.history), self._back + by))
        text = self.history[-self._back] if self._back else ""
        self._set(text, len(text))

    def _control(self, letter: str) -> None:
        if letter == "c":
            self.lines.extend(wrapped(f"{self.prompt}{self.typed}^C"))
            self._set("", 0)
        elif letter == "l":
            self.lines.clear()
        elif letter == "u":
            self._set(self.typed[self.caret :], 0)

    def _enter(self, around: Around) -> Effect:
        self.lines.extend(wrapped(self.prompt + self.typed))
        entered, self._back = self.typed.strip(), 0
        self._set("", 0)
        if not entered:
            return None
        self.history.append(entered)
        word, _, rest = entered.partition(" ")
        command = _COMMANDS.get(word.lower())
        if command is None:
            self.say(f"{word}: there is no such command here; help lists them")
            return None
        return command(self, rest.strip(), around)

    def _help(self, _rest: str, _around: Around) -> Effect:
        self.say(*HELP)
        return None

    def _copy(self, rest: str, _around: Around) -> Effect:
        if not rest:
            self.say("copy what? For example: copy a text from the server")
            return None
        self.say(f"→ your clipboard: {rest}")
        return Copy(rest)

    def _paste(self, _rest: str, around: Around) -> Effect:
        self.say(*(around.clipboard.splitlines() or ["nothing was pasted here yet"])[:_HISTORY])
        return None

    def _echo(self, rest: str, _around: Around) -> Effect:
        self.say(rest)
        return None

    def _date(self, _rest: str, around: Around) -> Effect:
        self.say(around.date)
        return None

    def _clear(self, _rest: str, _around: Around) -> Effect:
        self.lines.clear()
        return None

    def _reboot(self, _rest: str, _around: Around) -> Effect:
        self.say("rebooting …")
        return Power.REBOOT

    def _off(self, _rest: str, _around: Around) -> Effect:
        self.say("powering off …")
        return Power.OFF


_COMMANDS: Final[dict[str, Callable[[Terminal, str, Around], Effect]]] = {
    "help": Terminal._help,  # noqa: SLF001 -- the class's own commands, by the names that a person types
    "copy": Terminal._copy,  # noqa: SLF001 -- as above
    "paste": Terminal._paste,  # noqa: SLF001 -- as above
    "echo": Terminal._echo,  # noqa: SLF001 -- as above
    "date": Terminal._date,  # noqa: SLF001 -- as above
    "clear": Terminal._clear,  # noqa: SLF001 -- as above
    "reboot": Terminal._reboot,  # noqa: SLF001 -- as above
    "off": Terminal._off,  # noqa: SLF001 -- as above
}


def wrapped(text: str) -> list[str]:
    """The text in rows of COLUMNS, control characters made visible; an empty text is one empty row."""
    clean = "".join(char if char.isprintable() else "·" for char in text)
    return [clean[place : place + COLUMNS] for place in range(0, len(clean), COLUMNS)] or [""]
