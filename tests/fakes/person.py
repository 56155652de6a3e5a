"""Whoever runs `init`: answers from a list, and remembers all that was said."""

from __future__ import annotations

from collections.abc import Sequence

from launcher.model import Secret
from tests.fakes.issued import put_out


class FakePerson:
    """`answers` are given in their order; without any this is no terminal."""

    def __init__(self, *answers: str) -> None:
        self.interactive = bool(answers)
        self.told: list[str] = []
        self.warned: list[str] = []
        self.asked: list[str] = []
        self._answers: Sequence[str] = answers

    @property
    def heard(self) -> str:
        """Everything that a person sees."""
        return "\n".join([*self.told, *self.warned, *self.asked])

    def tell(self, text: str) -> None:
        self.told.append(put_out(text))

    def warn(self, text: str) -> None:
        self.warned.append(put_out(text))

    def ask(self, question: str) -> str:
        assert self.interactive, f"nobody can be asked: {question}"
        self.asked.append(put_out(question))
        answer, *self._answers = self._answers
        return answer

    def ask_secret(self, question: str) -> Secret:
        return Secret(self.ask(question))
