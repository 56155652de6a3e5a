"""How a command says that it cannot go on."""

from __future__ import annotations

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
