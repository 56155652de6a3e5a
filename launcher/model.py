"""The nouns of the project: frozen, slotted, without behaviour that reaches outside.

`Secret` holds what must never be printed: `str`, `repr`, `format` and pickling of it, or of anything that
contains it, show or yield nothing. Moments named `*_at` are seconds of `Clock.monotonic` unless they say otherwise.
"""

from __future__ import annotations

import enum
import hmac
from dataclasses import dataclass
from typing import Final, NamedTuple, NoReturn


class Secret:
    """A text that cannot print itself; `reveal()` is the only way to it, and easy to search for."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The text itself, for the one place that sends it where it belongs."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    def __str__(self) -> str:
        return "***"

    def __format__(self, spec: str) -> str:
        return format("***", spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __bool__(self) -> bool:
        return bool(self._value)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not to be pickled")


class Kind(enum.StrEnum):
    """The kinds of console that are asked for."""

    NOVNC = "novnc"
    XVPVNC = "xvpvnc"
    VNC = "vnc"
    """A direct target: a VNC server that no cloud stands before."""


CLOUD_KINDS: Final = (Kind.NOVNC, Kind.XVPVNC)
"""Those that the Compute API is asked for."""


class Action(enum.StrEnum):
    """What an actor may do; each includes nothing of the others."""

    LIST = "list"
    VIEW = "view"
    CONTROL = "control"
    END = "end"


def wanted(*, view_only: bool) -> Action:
    """What whoever opens a screen wants to be allowed."""
    return Action.VIEW if view_only else Action.CONTROL


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks: a Unix account, known by the kernel's word about the connection's other end."""

    uid: int
    name: str
    via: str
    """`unix` or `tcp`: the kind of listener it came in by."""


@dataclass(frozen=True, slots=True)
class Server:
    """A machine of the Compute API, as the API told it last."""

    cloud: str
    id: str
    name: str
    status: str
    """Nova's status in upper case: ACTIVE, SHUTOFF, BUILD …"""
    task_state: str | None = None
    fault: str | None = None
    """Why it is in ERROR, in the cloud's own words: one line of at most 300 characters."""


@dataclass(frozen=True, slots=True)
class ConsoleKey:
    """What a console is kept and asked for by."""

    cloud: str
    server_id: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Console:
    """The right to view one server until it expires."""

    key: ConsoleKey
    url: Secret
    """The console URL as the API gave it: it holds the console token."""
    asked_at: float
    """When the request was *about* to be sent: the token's life counts from no earlier."""
    expires_at: float
    request_id: str | None
    """The cloud's own id of the request that made it."""
    target: Target | None = None
    """Where a direct target is; it has no console URL (`url` is empty then)."""


class Carrier(enum.StrEnum):
    """How RFB comes to us from an upstream."""

    WEBSOCKET = "websocket"
    """In binary frames: nova-novncproxy and its kin."""
    XVP = "xvp"
    """As it is, behind an HTTP CONNECT: nova-xvpvncproxy."""
    RAW = "raw"
    """As it is, at once: a VNC server."""


_SCHEMES = {
    (Carrier.WEBSOCKET, False): "ws",
    (Carrier.WEBSOCKET, True): "wss",
    (Carrier.XVP, False): "http",
    (Carrier.XVP, True): "https",
    (Carrier.RAW, False): "tcp",
    (Carrier.RAW, True): "tls",
}
_NO_PATH = Secret("")


@dataclass(frozen=True, slots=True)
class Target:
    """Where a console is dialled, and how it is spoken to there."""

    tls: bool
    host: str
    port: int
    path: Secret = _NO_PATH
    """Path and query: they hold the console token. Empty for RAW."""
    carrier: Carrier = Carrier.WEBSOCKET
    unix: str | None = None
    """The path of a Unix socket, in place of host and port."""
    password: Secret | None = None
    """The VNC password that the gateway signs in with; people never see it."""

    @property
    def origin(self) -> str:
        """Scheme, host and port, or the socket's path: all of the address that may be shown."""
        if self.unix is not None:
            return f"unix:{self.unix}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{_SCHEMES[self.carrier, self.tls]}://{host}:{self.port}"


class EndReason(enum.StrEnum):
    """Why a session ended: a value, not an exception."""

    VIEWER_CLOSED = "viewer closed"
    VIEWER_LOST = "viewer lost"
    VIEWER_STALLED = "viewer reads no more"
    VIEWER_PROTOCOL = "viewer broke the protocol"
    VIEWER_FRAME_TOO_LARGE = "viewer's frame too large"
    UPSTREAM_CLOSED = "upstream closed"
    UPSTREAM_LOST = "upstream lost"
    UPSTREAM_PROTOCOL = "upstream broke the protocol"
    UPSTREAM_FRAME_TOO_LARGE = "upstream's frame too large"
    UPSTREAM_STALLED = "upstream reads no more"
    UPSTREAM_SILENT = "upstream answers no more"
    IDLE = "idle"
    TIME_LIMIT = "time limit"
    NOT_VIEW_ONLY = "cannot be kept view-only"
    SCREEN_TOO_LARGE = "screen too large"
    ENDED = "ended by an operator"
    ACCESS_REMOVED = "access removed"
    STOPPING = "gateway stopping"
    LAUNCH_FAILED = "launch failed"
    FAULT = "fault of the gateway"


class Ending(NamedTuple):
    """Why a session ends, and the close frame that its viewer gets."""

    reason: EndReason
    code: int
    text: str
