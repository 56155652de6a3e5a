"""How a command says that it cannot go on."""

from __future__ import annotations

import traceback

from launcher.cli.exits import Exit


class Failure(Exception):  # noqa: N818 -- not an error of the program: its word to the person
    """A sentence, what to do about it in lines of their own, and the exit code; `main` prints them."""

    def __init__(self, code: Exit, sentence: str, *advice: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.advice = advice


class NoSuchServer(Failure):
    """The gateway knows no server by what it was asked for."""


def told_fault(error: Exception) -> str:
    """Where an unforeseen error happened and what kind it is, never its text: that may hold what must not be shown."""
    places = "".join(traceback.format_tb(error.__traceback__))
    return (
        f"{places}console-launcher: an internal fault ({type(error).__name__}): please report it with the lines above"
    )
