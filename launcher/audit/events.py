"""The events that are recorded, as plain values; `fields` is what a log line or a journal holds."""

from __future__ import annotations

import dataclasses
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


Event = LaunchEvent | SessionEvent | RevealEvent


def fields(event: Event) -> dict[str, object]:
    """The event as a flat mapping, its kind first."""
    return {"event": event.EVENT, **{field.name: getattr(event, field.name) for field in dataclasses.fields(event)}}
