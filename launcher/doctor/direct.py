"""One static cloud, and from there one of its servers: from its entry in the configuration to the screen's greeting.

There is nobody to sign in to. What is dialled is the operator's own word, and every advice names the key it stands in.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Protocol

from launcher.clock import Clock
from launcher.cloud.directory import resolve_in
from launcher.cloud.static import StaticServers
from launcher.config.models import StaticCloud
from launcher.doctor.advice import greeting_fault, own_socket_fault, socket_fault, target_fault, tokens_fault
from launcher.doctor.hops import STATIC_HOPS, TARGET_HOPS, CloudReport, HopName, Limits, completed
from launcher.doctor.network import Trouble
from launcher.doctor.places import Place
from launcher.doctor.probes import reach
from launcher.doctor.trail import HopFailedError, StoppedError, Trail
from launcher.egress import Gate, Listeners
from launcher.errors import UpstreamProtocolError
from launcher.model import Server, Target
from launcher.opening import ConsoleRules
from launcher.relay.dial import who
from launcher.relay.security import ASKING, FOREIGN, SignIn
from launcher.relay.upstream import DialLimits, UpstreamEnd, open_upstream

_GREETING = 12
"""Bytes of a ProtocolVersion message (RFC 6143 §7.1.1)."""
_TROUBLES = {
    errno.ENOENT: Trouble.MISSING,
    errno.EACCES: Trouble.FORBIDDEN,
    errno.EPERM: Trouble.FORBIDDEN,
    errno.ECONNREFUSED: Trouble.REFUSED,
}


class Tools(Protocol):
    """What a run works with: `launcher.doctor.cloud.Tools`."""

    @property
    def clock(self) -> Clock: ...
    @property
    def frame_limit(self) -> int: ...
    @property
    def own(self) -> Listeners: ...


class DirectExamination:
    """Of one static cloud, once."""

    def __init__(self, cloud: StaticCloud, rules: ConsoleRules, tools: Tools, limits: Limits, pool: Executor) -> None:
        self._cloud = cloud
        self._rules = rules
        self._limits = limits
        self._frame_limit = tools.frame_limit
        self._gate = Gate(loopback=True, own=tools.own)
        self._trail = Trail(tools.clock)
        self._servers = StaticServers(cloud, pool)
        self._key = f"clouds.{cloud.name}"

    async def run(self, server: str | None, may: Callable[[Server], None]) -> CloudReport:
        """The report. Raises RequestError of `may`."""
        found: Server | None = None
        try:
            await self._configuration()
            await self._tokens(server)
            if server is not None:
                found = await self._find(server)
                may(found)
                await self._reach(await self._servers.target(found.id))
        except StoppedError:
            pass
        names = STATIC_HOPS if server is None else STATIC_HOPS + TARGET_HOPS
        hops = completed(self._trail.hops, names)
        return CloudReport(self._cloud.name, self._cloud.entry.provider, None, hops, found.id if found else None)

    async def _configuration(self) -> None:
        count = len(self._cloud.entry.servers)
        async with self._trail.hop(HopName.CONFIGURATION) as step:
            step.seen = f"{self._key}: {count} server{'' if count == 1 else 's'}"

    async def _tokens(self, server: str | None) -> None:
        """They are looked at for a server that does not stand in the configuration itself."""
        path = self._cloud.entry.websockify_tokens
        if path is None:
            self._trail.skip(HopName.TOKENS, "there are none")
            return
        if server in self._cloud.entry.servers:
            self._trail.skip(HopName.TOKENS, "the server stands in the configuration itself")
            return
        async with self._trail.hop(HopName.TOKENS, lambda error: tokens_fault(self._key, error)) as step:
            step.seen = str(path)
            count, complaints = await self._servers.glance()
            left_out = f"; left out: {complaints[0]}" if complaints else ""
            more = f" (and {len(complaints) - 1} more)" if len(complaints) > 1 else ""
            step.seen = f"{count} in {path}{left_out}{more}"

    async def _find(self, reference: str) -> Server:
        async with self._trail.hop(HopName.TARGET, lambda error: target_fault(self._cloud.name, error)) as step:
            server = await resolve_in(self._cloud.name, self._servers, reference)
            target = await self._servers.target(server.id)
            step.seen = target.origin + (", with a VNC password" if target.password else "")
        return server

    async def _reach(self, target: Target) -> None:
        said_by = self._said_by(target)
        if target.unix is not None:
            self._trail.skip(HopName.TARGET_DNS, "a Unix socket")
            await self._connect(target.unix, said_by)
            self._trail.skip(HopName.TARGET_TLS, "a Unix socket")
        else:
            place = Place(
                "the VNC server",
                target.host,
                target.port,
                target.tls,
                said_by,
                f"{self._key}.cacert in config.yaml",
                plain="tcp:// instead of tls://",
            )
            names = (HopName.TARGET_DNS, HopName.CONNECTION, HopName.TARGET_TLS)
            await reach(
                self._trail,
                names,
                place,
                self._limits,
                tls=self._rules.tls,
                plain="tcp, not tls",
                gate=self._gate,
                named=True,
            )
        password = target.password is not None
        async with self._trail.hop(
            HopName.GREETING, lambda error: greeting_fault(said_by, error, password=password)
        ) as step:
            step.seen = target.origin
            step.seen = await self._greet(target)

    def _said_by(self, target: Target) -> str:
        in_the_entry = any(one.target == target for one in self._cloud.entry.servers.values())
        return f"{self._key}.{'servers' if in_the_entry else 'websockify_tokens'} in config.yaml"

    async def _connect(self, path: str, said_by: str) -> None:
        async with self._trail.hop(HopName.CONNECTION, limit=self._limits.tcp) as step:
            step.seen = path
            if self._gate.own.at_path(path):
                raise HopFailedError(own_socket_fault(path, said_by))
            with socket.socket(socket.AF_UNIX) as sock:
                sock.setblocking(False)
                try:
                    await asyncio.get_running_loop().sock_connect(sock, path)
                except OSError as error:
                    detail = os.strerror(error.errno) if error.errno else ""
                    trouble = _TROUBLES.get(error.errno or 0, Trouble.OTHER)
                    raise HopFailedError(socket_fault(path, said_by, trouble, detail)) from error

    async def _greet(self, target: Target) -> str:
        """What the VNC server shows of itself, as a viewer's launch meets it. Raises UpstreamError."""
        limits = DialLimits(self._limits.tcp, self._limits.first_bytes, self._frame_limit)
        end, first = await open_upstream(target, gate=self._gate, tls=self._rules.tls, limits=limits)
        if end.signed_in:
            end.close()
            return "it takes the gateway's VNC password"
        greeting = f'the screen greets: "{first[:_GREETING].decode("ascii", "replace").strip()}"'
        failure = await _signed_in(end, first, self._limits.first_bytes)
        if failure is None:
            return greeting
        if failure == ASKING:
            return f"{greeting}; it asks each viewer for its password, and none is configured"
        if failure.startswith(FOREIGN):
            return f"{greeting}; each viewer signs in to it by itself"
        raise UpstreamProtocolError(f"{who(target)} {failure}")


class _SignsIn:
    """Goes through version and security as a viewer does.

    Whoever leaves before has failed to sign in, as TigerVNC counts it, and after some of these it takes nobody from the
    gateway's address for a while.
    """

    def __init__(self, end: UpstreamEnd) -> None:
        self.sign_in = SignIn(None)
        self.over = asyncio.Event()
        self._end = end

    def upstream_bytes(self, chunk: bytes | memoryview) -> None:
        reply = self.sign_in.answer(bytes(chunk))
        if reply:
            self._end.message(reply)
        if self.sign_in.over:
            self.over.set()

    def holds(self) -> bool:
        return False

    def upstream_finished(self) -> None:
        """It hangs up next."""

    def upstream_lost(self) -> None:
        self.sign_in.hang_up()
        self.over.set()

    def upstream_full(self) -> None:
        """Some bytes are all that is written."""

    def upstream_drained(self) -> None:
        """As above."""


async def _signed_in(end: UpstreamEnd, first: bytes, limit: float) -> str | None:
    """Why a server that has greeted takes no viewer that has no password; None: it takes one. The end is closed."""
    viewer = _SignsIn(end)
    end.attach(viewer)
    viewer.upstream_bytes(first)
    try:
        async with asyncio.timeout(limit):
            await viewer.over.wait()
    except TimeoutError:
        return f"greeted, and then said nothing for {limit:g} s."
    finally:
        end.close()
    return viewer.sign_in.failure
