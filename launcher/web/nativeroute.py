"""A native viewer at a server's own socket: from its connection to a launch, as `ViewerRoute` has it for a page."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import Protocol

from launcher.audit.events import RefusalEvent, RefusalKind
from launcher.errors import GatewayStoppingError, LauncherError, RequestError, TooManySessionsError
from launcher.launch import Launcher
from launcher.launches import Launches
from launcher.model import Action, Actor, EndReason, Kind, Server, wanted
from launcher.relay.nativeviewer import NativeViewer
from launcher.relay.sessions import Sessions


class Authorizes(Protocol):
    def authorize(self, actor: Actor | None, action: Action, server: Server | None = None) -> None: ...


Refused = Callable[[RefusalEvent], None]


class NativeRoute:
    """Admits native viewers and hands them to the launcher.

    `farewell` gives a close code and the text of an error; `refused` puts it on record that a viewer is not let in.
    """

    def __init__(
        self,
        *,
        policy: Authorizes,
        sessions: Sessions,
        launches: Launches,
        launcher: Launcher,
        tasks: asyncio.TaskGroup,
        farewell: Callable[[LauncherError], tuple[int, str]],
        refused: Refused,
    ) -> None:
        self._policy = policy
        self._sessions = sessions
        self._launches = launches
        self._launcher = launcher
        self._tasks = tasks
        self._farewell = farewell
        self._refused = refused

    def open(self, viewer: NativeViewer, actor: Actor | None, cloud: str, server_id: str) -> None:
        """Begin the launch of this server, or tell the viewer why not, in RFB's words; it hangs up then."""
        try:
            self._policy.authorize(actor, wanted(view_only=False))
        except RequestError as error:
            self._refused(_refusal(actor, f"{cloud}/{server_id}.sock", error))
            viewer.end(EndReason.LAUNCH_FAILED, *self._farewell(error))
            return
        assert actor is not None  # or it would not be let in
        launch = self._launches.begin(secrets.token_urlsafe(16), actor, cloud, server_id, Kind.NOVNC)
        try:
            session = self._sessions.admit(secrets.token_hex(6), actor)
        except (TooManySessionsError, GatewayStoppingError) as error:
            self._launcher.refuse(launch, viewer, error)
            return
        session.viewer = viewer
        self._tasks.create_task(self._launcher.run(launch, session, viewer), name=f"session {session.id}")


def _refusal(actor: Actor | None, path: str, error: RequestError) -> RefusalEvent:
    return RefusalEvent(
        kind=RefusalKind.PEER if actor is None else RefusalKind.ACCOUNT,
        actor=actor.name if actor else None,
        uid=actor.uid if actor else None,
        via=actor.via if actor else "unix",
        method="connect",
        path=path,
        sent=None,
        why=str(error),
    )
