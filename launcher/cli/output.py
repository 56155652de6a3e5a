"""What a command prints: answers on standard output, everything else on standard error."""

from __future__ import annotations

import io
import json
import shutil
import sys
from collections.abc import Sequence
from typing import TextIO

from launcher.cli.failure import Failure
from launcher.cli.table import Row, Steps, aligned_lines, tab_lines
from launcher.cli.text import cut, escaped
from launcher.config.environment import wants_colour


def print_table(titles: Sequence[str], rows: Sequence[Row], steps: Steps) -> None:
    """Aligned, cut to its width and coloured on a terminal; whole and with tabs in a file or a pipe.

    `steps` say what gives way where the terminal is narrow.
    """
    if sys.stdout.isatty():
        columns = shutil.get_terminal_size().columns
        lines = aligned_lines(titles, rows, columns=columns, colour=wants_colour(sys.stdout), steps=steps)
    else:
        lines = tab_lines(titles, rows)
    for line in lines:
        print_line(line)


def print_json(answer: object) -> None:
    """ASCII only: what a name may hold does nothing to a terminal."""
    print_line(json.dumps(answer, indent=2))


def print_line(text: str) -> None:
    """One line of the answer; what the locale has no letter for is escaped."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    print(text)  # noqa: T201 -- the command's answer


def say(sentence: str, *advice: str) -> None:
    """A sentence to the person, and what to do about it below it."""
    lines = [f"console-launcher: {escaped(sentence)}", *(f"  {escaped(line)}" for line in advice)]
    print("\n".join(lines), file=sys.stderr)  # noqa: T201 -- the command's word to the person


class StatusLine:
    """One line on a terminal that changes and goes again; nothing anywhere else."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._shown = ""

    def show(self, text: str) -> None:
        """This instead of what was there; an empty text leaves nothing."""
        if text != self._shown and self._stream.isatty():
            line = cut(escaped(text), shutil.get_terminal_size().columns - 1)
            self._stream.write(f"\r{line}\x1b[K")
            self._stream.flush()
        self._shown = text


def say_failure(failure: Failure) -> None:
    say(failure.sentence, *failure.advice)
