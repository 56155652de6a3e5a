"""The seam to the person: what is said, and what is asked."""

from __future__ import annotations

from typing import Protocol

from launcher.model import Secret


class Person(Protocol):
    """Whoever runs the command."""

    interactive: bool
    """Whether questions can be asked; else every answer must be an option."""

    def tell(self, text: str) -> None:
        """What was asked for: results and next steps."""
        ...

    def warn(self, text: str) -> None:
        """What went wrong, or is left out."""
        ...

    def ask(self, question: str) -> str:
        """A line of theirs, without space around it. Raises SetupError when there is none."""
        ...

    def ask_secret(self, question: str) -> Secret:
        """The same, typed without echo."""
        ...
