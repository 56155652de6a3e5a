"""The use case: a reference becomes a live screen.

resolve → authorize → wait until ready → obtain → open → relay → record

A launch begins when the log has room for what it puts on record; until then it waits, and its page says so.
Two branches. The upstream ends before its first bytes: the console is stale, is discarded, and obtained and opened once
more. The cloud refuses a console, or shows no screen: the server's state is looked at again, and where that explains it
the launch waits for the server, or says what it is. The viewer has its 101 already and sees nothing of either.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import Protocol

from launcher.audit.events import Event, LaunchEvent, SessionEvent
from launcher.clock import Clock
from launcher.consoles.broker import Obtained
from launcher.errors import (
    CloudError,
    CloudReplyError,
    ConsoleRefusedError,
    HostSilentError,
    LauncherError,
    ServerNotFoundError,
    UpstreamStaleError,
    UpstreamUnreachableError,
)
from launcher.launches import Launch, Launches, LaunchState, StepName
from launcher.model import Action, Actor, Console, ConsoleKey, EndReason, Server, wanted
from launcher.relay.pump import Pump
from launcher.relay.sessions import Session, Sessions
from launcher.relay.terms import Rules
from launcher.relay.upstream import UpstreamEnd
from launcher.relay.viewer import ViewerEnd, ViewerLeftError
from launcher.states import Outlook, reading
from launcher.waiting import (
    SERVER_PATIENCE,
    Lookout,
    current,
    persist,
    poll_pause,
    refusal,
    unexplained,
    until_ready,
)

_LOG = logging.getLogger(__name__)
_LOG_PAUSE = 0.5
"""Seconds between two looks whether the log has room."""
_TRIES = 2
"""How often a server that is said to run is asked for anew after the cloud has refused or failed."""
_ASKS_FOR_THE_STATE = (
    ConsoleRefusedError,
    CloudReplyError,
    ServerNotFoundError,
    UpstreamStaleError,
    UpstreamUnreachableError,
)
_PASSES_PERHAPS = (ConsoleRefusedError, CloudReplyError, ServerNotFoundError)
"""What a cloud may say while a server that is said to run is just about to be moved, or has just arrived."""


class Resolves(Protocol):
    async def resolve(self, cloud: str, reference: str, *, by: Actor | None) -> Server: ...
    async def current(self, cloud: str, server_id: str) -> Server: ...


class Authorizes(Protocol):
    def authorize(self, actor: Actor | None, action: Action, server: Server | None = None) -> None: ...


class Obtains(Protocol):
    async def obtain(self, key: ConsoleKey) -> Obtained: ...
    def discard(self, console: Console) -> None: ...


class Opens(Protocol):
    async def open(self, console: Console, gateways: Sequence[str] = ()) -> tuple[UpstreamEnd, bytes]: ...


class Journal(Protocol):
    def record(self, event: Event, *, owed: bool = True) -> None:
        """Put the event on record; one that is not `owed` only if there is room."""
        ...

    def has_room(self) -> bool:
        """Whether something may begin that has to be put on record."""
        ...


class Launcher:
    """Launches for all viewers. `farewell` gives the close code and the text of an error."""

    def __init__(
        self,
        *,
        directory: Resolves,
        policy: Authorizes,
        broker: Obtains,
        opener: Opens,
        sessions: Sessions,
        launches: Launches,
        journal: Journal,
        clock: Clock,
        rules: Rules,
        farewell: Callable[[LauncherError], tuple[int, str]],
    ) -> None:
        self._directory = directory
        self._lookout = Lookout(directory, clock)
        self._policy = policy
        self._broker = broker
        self._opener = opener
        self._sessions = sessions
        self._launches = launches
        self._journal = journal
        self._clock = clock
        self._rules = {wish: replace(rules, view_only=wish) for wish in (False, True)}
        self._farewell = farewell

    async def run(self, launch: Launch, session: Session, viewer: ViewerEnd) -> None:
        """One viewer's stay, from its 101 to its end. Raises nothing but cancellation: an end is a value."""
        try:
            pump = await self._launch(launch, session, viewer)
            if pump is not None:
                await self._relay(launch, session, pump)
        except asyncio.CancelledError:
            self._launches.finish(launch, LaunchState.ENDED)
            session.abort()
            raise
        except Exception:  # noqa: BLE001 -- it would cancel every other session
            _LOG.exception("A session ended by a fault of the gateway.")
            if launch.over_at is None and launch.session is None:
                self._record_launch(launch, EndReason.FAULT.value)
            self._launches.finish(launch, LaunchState.FAILED)
            session.end(EndReason.FAULT, 1011, "A fault of the gateway: its log has the place.")
        finally:
            self._sessions.release(session)

    def refuse(self, launch: Launch, viewer: ViewerEnd, error: LauncherError) -> None:
        """The launch ends before it began; the viewer, which has its 101, is told why."""
        self._record_launch(launch, type(error).__name__, error)
        self._launches.finish(launch, LaunchState.FAILED, error)
        viewer.end(EndReason.LAUNCH_FAILED, *self._farewell(error))

    async def _launch(self, launch: Launch, session: Session, viewer: ViewerEnd) -> Pump | None:
        """A viewer joined to its upstream; or None, the viewer being told why, or gone."""
        opened: tuple[UpstreamEnd, bytes] | None = None
        try:
            async with viewer.present():
                await self._until_on_record(launch)
                server = await self._resolve(launch)
                self._authorize(launch, server)
                opened = await self._show(launch, server)
        except ViewerLeftError as left:
            self._record_launch(launch, left.reason.value)
            self._launches.finish(launch, LaunchState.ENDED)
            if opened is not None:
                opened[0].abort()
        except LauncherError as error:
            self.refuse(launch, viewer, error)
        else:
            return self._join(launch, session, viewer, *opened)
        await asyncio.shield(viewer.lost)
        return None

    async def _until_on_record(self, launch: Launch) -> None:
        if not self._journal.has_room():
            with launch.step(StepName.LOG, "Waiting for the log, which is full"):
                while not self._journal.has_room():
                    await self._clock.sleep(_LOG_PAUSE)
        launch.let_in = True

    async def _resolve(self, launch: Launch) -> Server:
        with launch.step(StepName.RESOLVE, f"Looking for {launch.reference} in {launch.cloud}"):
            asked = partial(self._directory.resolve, launch.cloud, launch.reference, by=launch.actor)
            launch.server = await persist(launch, self._clock, asked, retries=True)
        return launch.server

    def _authorize(self, launch: Launch, server: Server) -> None:
        with launch.step(StepName.AUTHORIZE, "Checking that you may open it"):
            self._policy.authorize(launch.actor, wanted(view_only=launch.view_only), server)

    async def _show(self, launch: Launch, server: Server) -> tuple[UpstreamEnd, bytes]:
        """The server's screen, however often its state changes meanwhile."""
        for count in itertools.count():
            server = await until_ready(launch, self._clock, self._lookout, server)
            try:
                return await self._obtain_and_open(launch, server)
            except _ASKS_FOR_THE_STATE as error:
                server = await self._explained(launch, server, error, count)
        raise AssertionError("not reached")

    async def _explained(self, launch: Launch, server: Server, error: LauncherError, count: int) -> Server:
        """The server in its present state, where that explains why there is no screen. Raises `error` where not."""
        if isinstance(error, CloudReplyError) and error.status != HTTPStatus.INTERNAL_SERVER_ERROR:
            raise error
        try:
            server = launch.server = await current(launch, self._clock, self._directory, server)
        except CloudError:
            raise error from None
        outlook = reading(server).outlook
        if outlook is Outlook.PASSING and not launch.anyway and launch.seconds() < SERVER_PATIENCE:
            return server
        if outlook is not Outlook.READY:
            raise refusal(server, error if isinstance(error, CloudError) else None) from error
        if count >= _TRIES or not isinstance(error, _PASSES_PERHAPS) or isinstance(error, HostSilentError):
            raise unexplained(server, error)
        await self._clock.sleep(poll_pause(count))  # its state is fine by now, or Nova has not said yet
        return server

    async def _obtain_and_open(self, launch: Launch, server: Server) -> tuple[UpstreamEnd, bytes]:
        key = ConsoleKey(server.cloud, server.id, launch.kind)
        console = await self._obtain(launch, key)
        try:
            return await self._open(launch, console)
        except UpstreamStaleError:
            launch.stale = True
            self._broker.discard(console)
        console = await self._obtain(launch, key)
        return await self._open(launch, console)

    async def _obtain(self, launch: Launch, key: ConsoleKey) -> Console:
        with launch.step(StepName.OBTAIN, f"Asking {key.cloud} for a console"):
            obtained = await persist(launch, self._clock, partial(self._broker.obtain, key))
        launch.console, launch.cached, launch.kind = obtained.console, obtained.cached, obtained.console.key.kind
        return obtained.console

    async def _open(self, launch: Launch, console: Console) -> tuple[UpstreamEnd, bytes]:
        whom = "the cloud" if console.target is None else "the VNC server"
        with launch.step(StepName.OPEN, f"Waiting for {whom} to show the screen"):
            return await self._opener.open(console, launch.gateways)

    def _join(self, launch: Launch, session: Session, viewer: ViewerEnd, upstream: UpstreamEnd, first: bytes) -> Pump:
        """No await between the open upstream and its owner: a cancellation cannot come between."""
        pump = Pump(viewer, upstream, self._rules[launch.view_only])
        session.server, session.kind, session.opened_at = launch.server, launch.kind, self._clock.now()
        session.pump = pump
        launch.session, launch.state = session.id, LaunchState.OPEN
        self._record_launch(launch, "open")
        pump.start(first)
        return pump

    async def _relay(self, launch: Launch, session: Session, pump: Pump) -> None:
        began_at = self._clock.monotonic()
        request_id = launch.console.request_id if launch.console else None
        reason = EndReason.STOPPING
        try:
            reason = await asyncio.shield(pump.ended)
        finally:
            launch.ending = pump.ending
            self._launches.finish(launch, LaunchState.ENDED)
            self._record_end(launch, session, pump, reason, self._clock.monotonic() - began_at, request_id)

    def _record_launch(self, launch: Launch, outcome: str, error: LauncherError | None = None) -> None:
        request_id = launch.console.request_id if launch.console else None
        if isinstance(error, CloudError | ServerNotFoundError):
            request_id = error.request_id
        self._journal.record(
            LaunchEvent(
                launch=launch.id,
                session=launch.session,
                actor=launch.actor.name,
                uid=launch.actor.uid,
                via=launch.actor.via,
                cloud=launch.cloud,
                server=launch.server.id if launch.server else None,
                name=launch.server.name if launch.server else launch.reference,
                kind=launch.kind,
                view_only=launch.view_only,
                cached=launch.cached,
                stale=launch.stale,
                milliseconds=round(launch.seconds() * 1000),
                outcome=outcome,
                reason=str(error) if error else None,
                request_id=request_id,
            ),
            owed=launch.let_in,
        )

    def _record_end(
        self, launch: Launch, session: Session, pump: Pump, reason: EndReason, seconds: float, request_id: str | None
    ) -> None:
        server = launch.server
        assert server is not None
        self._journal.record(
            SessionEvent(
                session=session.id,
                launch=launch.id,
                actor=launch.actor.name,
                uid=launch.actor.uid,
                via=launch.actor.via,
                cloud=server.cloud,
                server=server.id,
                name=server.name,
                kind=launch.kind,
                view_only=launch.view_only,
                cached=bool(launch.cached),
                milliseconds=round(seconds * 1000),
                bytes_up=pump.bytes_up,
                bytes_down=pump.bytes_down,
                end_reason=reason.value,
                ended_by=session.ended_by if reason is EndReason.ENDED else None,
                request_id=request_id,
            )
        )
