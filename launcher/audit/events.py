"""The events that are recorded, as plain values; `fields` is what a log line or a journal holds."""

from __future__ import annotations

import dataclasses
import enum
from dataclasses import dataclass
from typing import ClassVar

from launcher.model import Kind


@dataclass(frozen=True, slots=True)
class LaunchEvent:
    """A launch is over: a screen is there, or not."""

    EVENT: ClassVar[str] = "launch"

    launch: str
    session: str | None
    actor: str
    uid: int
    via: str
    cloud: str
    server: str | None
    """The server's UUID, once it is known."""
    name: str
    """The server's name, or what was asked for."""
    kind: Kind
    view_only: bool
    cached: bool | None
    """Whether the console had been there already; None where none was obtained."""
    stale: bool
    """Whether a first console was found stale and replaced."""
    milliseconds: int
    outcome: str
    """`open`, an end reason, or the name of the error."""
    reason: str | None
    request_id: str | None
    """The cloud's id of the request that made the console, or that failed."""


@dataclass(frozen=True, slots=True)
class SessionEvent:
    """A session is over."""

    EVENT: ClassVar[str] = "session-end"

    session: str
    launch: str
    actor: str
    uid: int
    via: str
    cloud: str
    server: str
    name: str
    kind: Kind
    view_only: bool
    cached: bool
    milliseconds: int
    bytes_up: int
    bytes_down: int
    end_reason: str
    ended_by: str | None
    """Who ended it, where an operator did."""
    request_id: str | None


@dataclass(frozen=True, slots=True)
class RevealEvent:
    """A console URL is handed out as it is: whoever reads it can open that console until it expires.

    It is recorded before the answer is sent, and never holds the URL. When that was, the record's own time says.
    """

    EVENT: ClassVar[str] = "reveal"

    actor: str
    uid: int
    via: str
    cloud: str
    server: str
    name: str
    kind: Kind
    request_id: str | None
    """The cloud's id of the request that made the console."""


class RefusalKind(enum.StrEnum):
    """What was not as it must be."""

    HOST = "host"
    """The name that the request calls this gateway by."""
    SITE = "site"
    """The page that asks: another site's."""
    ACCOUNT = "account"
    """The account is not let in."""
    PEER = "peer"
    """The kernel does not tell whose the connection is."""
    RIGHT = "right"
    """The account is let in, and may not do this."""
    CLAIM = "claim"
    """Headers that name an account: ignored, and the request is answered as without them."""


@dataclass(frozen=True, slots=True)
class RefusalEvent:
    """A request is refused, or a part of it is ignored; the line stands for `more` others of the kind, too."""

    EVENT: ClassVar[str] = "refusal"

    kind: RefusalKind
    actor: str | None
    """The account's name, where that had been looked up already."""
    uid: int | None
    via: str
    """`unix`, `tcp` or, where the connection is gone, `unknown`."""
    method: str
    path: str
    """Without its query; or the path of a server's own socket."""
    sent: str | None
    """The header's value that was refused, or the names of those that were ignored."""
    why: str
    more: int = 0
    """How many others there were since the last line of this kind and account."""


Event = LaunchEvent | SessionEvent | RevealEvent | RefusalEvent


def fields(event: Event) -> dict[str, object]:
    """The event as a flat mapping, its kind first."""
    return {"event": event.EVENT, **{field.name: getattr(event, field.name) for field in dataclasses.fields(event)}}
