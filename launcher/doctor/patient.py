"""A cloud that may be looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from launcher.config.models import AnyCloud
from launcher.consoles.broker import Obtained
from launcher.model import ConsoleKey
from launcher.opening import ConsoleRules


class GivesConsoles(Protocol):
    async def fresh(self, key: ConsoleKey) -> Obtained:
        """A console that nobody else gets. Raises CloudError, ServerNotFoundError."""
        ...


@dataclass(frozen=True, slots=True)
class Patient:
    """A cloud, the rules for dialling its consoles, and who asks for them where a gateway runs."""

    cloud: AnyCloud
    rules: ConsoleRules
    consoles: GivesConsoles | None = None
