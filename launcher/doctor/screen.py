"""One server of a cloud whose Compute API answers: from its state to the first bytes of its screen.

One console is requested, past those that the gateway keeps; the screen is closed as soon as it has greeted.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

from launcher.clock import Clock
from launcher.cloud.compute import Compute
from launcher.cloud.directory import resolve_in
from launcher.config.models import BareEntry, Cloud
from launcher.doctor.advice import (
    console_fault,
    first_bytes_fault,
    server_fault,
    state_fault,
    url_fault,
    websocket_fault,
    xvp_fault,
)
from launcher.doctor.hops import HopName, Limits
from launcher.doctor.masked import shape_of
from launcher.doctor.patient import Patient
from launcher.doctor.places import Place, proxy_place, settings_of
from launcher.doctor.probes import reach
from launcher.doctor.trail import HopFailedError, Trail
from launcher.egress import Gate, Listeners
from launcher.errors import CloudError, KindNotOfferedError, RequestError, UpstreamError
from launcher.model import Carrier, Console, ConsoleKey, Kind, Server, Target
from launcher.opening import dialled
from launcher.relay.upstream import DialLimits, UpstreamEnd, open_upstream

_GREETING = re.compile(rb"RFB \d{3}\.\d{3}")
_CLOSING = 1.0
"""Seconds that a console proxy has to answer our close frame."""


class Screen:
    """The hops of one server."""

    def __init__(
        self,
        patient: Patient,
        cloud: Cloud,
        clock: Clock,
        limits: Limits,
        trail: Trail,
        compute: Compute,
        own: Listeners,
    ) -> None:
        self._cloud = cloud
        self._rules = patient.rules
        self._consoles = patient.consoles
        self._clock = clock
        self._limits = limits
        self._trail = trail
        self._compute = compute
        self._own = own
        self._settings = settings_of(cloud)
        self._bare = isinstance(cloud.entry, BareEntry)
        self.server_id: str | None = None

    async def examine(self, reference: str, may: Callable[[Server], None], frame_limit: int) -> None:
        """To the first bytes. Raises StoppedError, and whatever `may` raises for the server."""
        server = await self._find(reference, may)
        console = await self._request(server)
        target, gate = await self._read(console)
        place = proxy_place(self._settings, target)
        names = (HopName.PROXY_DNS, HopName.PROXY_TCP, HopName.PROXY_TLS)
        await reach(self._trail, names, place, self._limits, tls=self._rules.tls, gate=gate)
        await self._open(server, place, target, gate, frame_limit)

    async def _find(self, reference: str, may: Callable[[Server], None]) -> Server:
        async with self._trail.hop(
            HopName.SERVER, lambda error: server_fault(self._settings, error), self._limits.api
        ) as step:
            server = await resolve_in(self._cloud.name, self._compute, reference)
            self.server_id = server.id
            task = f", {server.task_state}" if server.task_state else ""
            step.seen = f"{server.id} is {server.status}{task}"
            refused = _refused(may, server)
            fault = state_fault(server)
            if fault is not None and refused is None:
                raise HopFailedError(fault)
        if refused is not None:
            raise refused
        return server

    async def _request(self, server: Server) -> Console:
        async with self._trail.hop(
            HopName.CONSOLE,
            lambda error: console_fault(self._settings, error, server, bare=self._bare),
            self._limits.api,
        ) as step:
            try:
                console = await self._some_console(server)
            except CloudError as error:
                step.seen = error.request_id or ""
                raise
            article = "an" if console.key.kind is Kind.XVPVNC else "a"
            step.seen = f"{article} {console.key.kind} console, {console.request_id or 'without a request id'}"
        return console

    async def _some_console(self, server: Server) -> Console:
        """As launches ask: for the other kind where there is none of the first."""
        try:
            return await self._ask(ConsoleKey(self._cloud.name, server.id, Kind.NOVNC))
        except KindNotOfferedError as refused:
            try:
                return await self._ask(ConsoleKey(self._cloud.name, server.id, Kind.XVPVNC))
            except KindNotOfferedError:
                raise refused from None

    async def _ask(self, key: ConsoleKey) -> Console:
        """By the gateway's own broker where there is a gateway: its budget and its patience hold for us too."""
        if self._consoles is None:
            return await self._compute.console(key.server_id, key.kind)
        return (await self._consoles.fresh(key)).console

    async def _read(self, console: Console) -> tuple[Target, Gate]:
        xvp = console.key.kind is Kind.XVPVNC
        async with self._trail.hop(
            HopName.CONSOLE_URL, lambda error: url_fault(self._settings, error, xvp=xvp)
        ) as step:
            step.seen = shape_of(console.url.reveal())
            target, gate = dialled(console, self._rules, await self._compute.egress(), self._own)
            step.seen += f", dialled at {target.origin}"
        return target, gate

    async def _open(self, server: Server, place: Place, target: Target, gate: Gate, frame_limit: int) -> None:
        """The hops WebSocket and first bytes, which one dialling passes together. Raises StoppedError.

        For xvpvnc the first of them is its CONNECT.
        """
        xvp = target.carrier is Carrier.XVP
        yes = "200 (xvpvnc: a CONNECT, no WebSocket)" if xvp else "101"
        limits = DialLimits(self._limits.tcp, self._limits.first_bytes, frame_limit)
        switched: list[float] = []
        began_at = self._clock.monotonic()
        try:
            end, first = await open_upstream(
                target,
                gate=gate,
                tls=self._rules.tls,
                limits=limits,
                switched=lambda: switched.append(self._clock.monotonic()),
            )
        except UpstreamError as error:
            now = self._clock.monotonic()
            if not switched:
                fault = (xvp_fault if xvp else websocket_fault)(self._settings, place, error)
                raise self._trail.fail(HopName.PROXY_WEBSOCKET, now - began_at, fault) from error
            self._trail.passed(HopName.PROXY_WEBSOCKET, switched[0] - began_at, f"{yes}, which proves nothing yet")
            fault = first_bytes_fault(self._settings, place, server, error, xvp=xvp)
            raise self._trail.fail(HopName.FIRST_BYTES, now - switched[0], fault) from error
        self._trail.passed(HopName.PROXY_WEBSOCKET, switched[0] - began_at, yes)
        greeting = _GREETING.search(first)
        shown = greeting[0].decode() if greeting else "RFB"
        self._trail.passed(HopName.FIRST_BYTES, self._clock.monotonic() - switched[0], f'the screen greets: "{shown}"')
        await _close(end)


def _refused(may: Callable[[Server], None], server: Server) -> RequestError | None:
    """Why whoever asks may have no console of the server."""
    try:
        may(server)
    except RequestError as refused:
        return refused
    return None


class _Goodbye:
    """Takes what a console proxy still sends, until it hangs up."""

    def __init__(self) -> None:
        self.said = asyncio.Event()

    def upstream_bytes(self, chunk: bytes | memoryview) -> None:
        """The rest concerns nobody."""

    def holds(self) -> bool:
        return False

    def upstream_finished(self) -> None:
        """As it should."""

    def upstream_lost(self) -> None:
        self.said.set()

    def upstream_full(self) -> None:
        """A close frame is all that is written."""

    def upstream_drained(self) -> None:
        """As above."""


async def _close(end: UpstreamEnd) -> None:
    """As a viewer that leaves: a close frame where there are frames, and time to answer it."""
    goodbye = _Goodbye()
    end.attach(goodbye)
    end.say_goodbye()
    try:
        async with asyncio.timeout(_CLOSING):
            await goodbye.said.wait()
    except TimeoutError:
        pass
    finally:
        end.close()
