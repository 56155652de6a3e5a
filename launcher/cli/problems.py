"""Shows what is wrong with a configuration, one problem a line."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TextIO

from launcher.config.environment import wants_colour
from launcher.errors import ConfigProblem

_BOLD, _RED, _PLAIN = "\x1b[1m", "\x1b[31m", "\x1b[0m"


def print_problems(problems: Sequence[ConfigProblem], stream: TextIO | None = None) -> None:
    """All of them, on standard error unless told otherwise; in colour where a person reads on a terminal."""
    stream = stream or sys.stderr
    colour = wants_colour(stream)
    for problem in problems:
        print(_coloured(problem) if colour else problem, file=stream)


def _coloured(problem: ConfigProblem) -> str:
    place = str(problem).removesuffix(problem.message)
    return f"{_BOLD}{place}{_PLAIN}{_RED}{problem.message}{_PLAIN}"
