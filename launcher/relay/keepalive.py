"""Pings along a session, by the rules of `silence`, and answers the viewer's pings.

Toward the server go pings, ours and the viewer's alike, only when it has been silent for an interval and nothing is on
its way. Its pong passes to the viewer and keeps that hop awake, too. All that is written to the viewer here stands
between two of the server's frames.
"""

from __future__ import annotations

from typing import Final

from launcher.model import Carrier
from launcher.relay.carriage import Carriage
from launcher.relay.silence import Act, Silence
from launcher.relay.upstream import UpstreamEnd
from launcher.relay.viewer import ViewerEnd

_NUDGE: Final = b"\x03\x01\x00\x00\x00\x00\x00\x01\x00\x01"
"""FramebufferUpdateRequest (RFC 6143 §7.5.3), incremental, of one pixel: a server hardly has anything to answer."""


class KeepAlive:
    """One session's pings and pongs, as far as they are the gateway's."""

    __slots__ = ("_answers", "_carriage", "_silence", "_upstream", "_viewer", "owed")

    def __init__(self, viewer: ViewerEnd, upstream: UpstreamEnd, carriage: Carriage) -> None:
        self._viewer = viewer
        self._upstream = upstream
        self._carriage = carriage
        self._silence = Silence()
        self._answers: bool | None = None
        """Whether the upstream has answered a ping of the gateway's; None before it was asked."""
        self.owed: bytes | None = None
        """What the viewer's last ping carried, while the pong to it waits for its place."""

    def look(self, patience: int) -> bool:
        """Ask an upstream that speaks in frames for a sign of life if it is silent; whether it has missed the answer.

        Where no answer has come yet, the viewer is pinged beside it. `patience`: looks that an answer may take.
        """
        self._silence.look(stirred=self._upstream.stirred())
        if self._answers is False:
            self._answers = self._carriage.ponged
        act = self._silence.act(answers=bool(self._answers), patience=patience)
        if act is Act.REST or not self._nothing_waits():
            return False
        if act is Act.ASK:
            self._ask()
        return act is Act.GIVE_UP

    def nudge(self, *, between: bool) -> None:
        """Ping the viewer of an upstream that knows no pings.

        An xvpvnc proxy hangs up on viewers that were silent for 900 s, whatever they see (`[wsgi]client_socket_timeout`
        of its Nova): it gets a request that asks for nothing, `between` two of the viewer's own messages.
        """
        self._viewer.ping()
        if between and self._upstream.carrier is Carrier.XVP:
            self._upstream.message(_NUDGE)

    def pinged(self, payload: bytes) -> None:
        """The viewer's ping goes on where one of ours might, to an upstream that answers; else the answer is ours.

        Of several that wait for their place the last is answered, as RFC 6455 §5.5.3 allows.
        """
        if self._answers and self._silence.lasts and self._nothing_waits():
            self._upstream.ping(payload)
            return
        self.owed = payload
        self.drained()

    def drained(self) -> None:
        """The viewer can take what it is owed, if this is the place for it."""
        if self.owed is not None and self._carriage.at_boundary and not self._viewer.full:
            self._pay(self.owed)

    def pay_within(self, out: bytes | memoryview) -> bytes | memoryview:
        """Write what is owed at the first place between two frames of `out`; returns what is left of that to write."""
        at = self._carriage.boundary
        if self.owed is None or at is None:
            return out
        self._viewer.write(out[:at])
        self._pay(self.owed)
        return out[at:]

    def _ask(self) -> None:
        self._silence.asked()
        self._upstream.ping()
        if self._answers:
            return
        self._answers = self._carriage.ponged = False
        if self._carriage.at_boundary:
            self._viewer.ping()

    def _pay(self, payload: bytes) -> None:
        self.owed = None
        self._viewer.pong(payload)

    def _nothing_waits(self) -> bool:
        """Whether nothing is on its way between the two ends, as far as the gateway can know."""
        return not self._viewer.unsent and self._upstream.still
