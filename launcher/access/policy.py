"""May this actor do this? One question for all routes, and by default the answer is no."""

from __future__ import annotations

from dataclasses import dataclass

from launcher.errors import ForbiddenError, NotSignedInError
from launcher.model import Action, Actor, Server


@dataclass(frozen=True, slots=True)
class Policy:
    """Local accounts by user id: whoever is let in may do everything, everyone else nothing.

    Names that had no user id when the configuration was read are awaited: an actor whose account is called so is let
    in. An actor's name is the account database's own word, looked up for each connection.
    """

    allowed_uids: frozenset[int]
    awaited: frozenset[str] = frozenset()
    unmapped: int | None = None
    """The user id that stands for every account which the kernel cannot map: nobody's, whatever it is called."""

    def authorize(
        self,
        actor: Actor | None,
        action: Action,  # noqa: ARG002 -- the question names it; accounts that are let in may do everything
        server: Server | None = None,  # noqa: ARG002 -- as above
    ) -> None:
        """Return if the actor may; raise NotSignedInError or ForbiddenError with a sentence for the person if not."""
        if actor is None:
            raise NotSignedInError(
                "This gateway could not find out which account made the connection. Try again; if it stays so, come in "
                "through its Unix socket."
            )
        if not self.lets_in(actor.uid, actor.name):
            raise ForbiddenError(
                f'Account "{actor.name}" may not use this gateway. Ask its operator to add it to access.local_users.'
            )

    def lets_in(self, uid: int, name: str) -> bool:
        """Whether an account may do anything; `name` is empty where it has not been looked up."""
        return uid in self.allowed_uids or (name in self.awaited and uid != self.unmapped)
