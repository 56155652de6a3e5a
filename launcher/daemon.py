"""The composition root: builds every part once, serves, and takes it down again.

Tasks have one owner, the gateway's TaskGroup: sessions, console requests and the keep-alive live in it. To stop: refuse
new connections, end the sessions with 1012, wait a little, cancel what is left.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from launcher.access.accounts import allowed_uids
from launcher.access.origin import Names
from launcher.access.peer import Peers
from launcher.access.policy import Policy
from launcher.audit.log import LogJournal
from launcher.clock import Clock, SystemClock
from launcher.cloud.compute import Compute, open_http
from launcher.cloud.directory import Directory
from launcher.cloud.identity import identity_of
from launcher.config.models import Cloud, Config, clouds_of
from launcher.consoles.broker import Broker
from launcher.launch import Launcher
from launcher.launches import Launches
from launcher.opening import ConsoleRules, Opener
from launcher.relay.sessions import Sessions
from launcher.relay.upstream import DialLimits
from launcher.web.api import Api
from launcher.web.app import build_app, build_runner
from launcher.web.guard import guard
from launcher.web.listeners import listen
from launcher.web.pages import page_routes
from launcher.web.problems import farewell
from launcher.web.static import StaticFiles
from launcher.web.upgrade import ViewerRoute

_LOG = logging.getLogger(__name__)
_STATIC = Path(__file__).parent / "web" / "static"
_DRAIN = 3.0
"""Seconds that sessions have to end in; with the rest of the way down it stays under five."""
_NAME_THREADS = 32
"""For look-ups of names, which the operating system may hold for half a minute each."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway that serves."""

    where: tuple[str, ...]
    """What it listens on: URLs, and paths of Unix sockets."""
    sessions: Sessions
    launches: Launches
    broker: Broker


class _StoppingError(Exception):
    """Ends the TaskGroup's tasks when the gateway goes down."""


async def serve(config: Config, *, ready: Callable[[Sequence[str]], None] | None = None) -> None:
    """Serve until SIGTERM, SIGINT or SIGHUP. Raises ListenError, ConfigError."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    async with open_gateway(config) as gateway:
        if ready is not None:
            ready(gateway.where)
        _LOG.info("ready, listening on %s", ", ".join(gateway.where))
        await stop.wait()
        _LOG.info("stopping, %d sessions", len(gateway.sessions))


@asynccontextmanager
async def open_gateway(
    config: Config, *, clock: Clock | None = None, dial: DialLimits | None = None
) -> AsyncIterator[Gateway]:
    """A gateway that serves as long as the context lasts. Raises ListenError, ConfigError."""
    limits = dial or DialLimits(frame=config.relay.frame_limit)
    # A thread for each cloud: one that does not answer keeps no other waiting.
    pool = ThreadPoolExecutor(max(1, len(clouds_of(config))), thread_name_prefix="sign-in")
    names = ThreadPoolExecutor(_NAME_THREADS, thread_name_prefix="names")
    asyncio.get_running_loop().set_default_executor(names)
    failure: Exception | None = None
    try:
        async with open_http() as http, asyncio.TaskGroup() as tasks:
            try:
                async with _serving(config, clock or SystemClock(), limits, http, pool, tasks) as gateway:
                    yield gateway
            except Exception as error:  # noqa: BLE001 -- raised again below, outside the group that would wrap it
                failure = error
            raise _StoppingError  # noqa: TRY301 -- this is how a TaskGroup is told to end its tasks
    except* _StoppingError:
        pass
    finally:
        # Closing, the event loop waits for its threads: it gets one without any.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
        for threads in (pool, names):
            threads.shutdown(wait=False, cancel_futures=True)
    if failure is not None:
        raise failure


@asynccontextmanager
async def _serving(
    config: Config,
    clock: Clock,
    limits: DialLimits,
    http: aiohttp.ClientSession,
    pool: ThreadPoolExecutor,
    tasks: asyncio.TaskGroup,
) -> AsyncIterator[Gateway]:
    """Builds from the clouds up to the web application, listens, and drains at the end."""
    clouds = clouds_of(config)
    computes = {cloud.name: Compute(cloud, identity_of(cloud, clock, pool), http, clock) for cloud in clouds}
    directory = Directory(computes, config.aliases, clock)
    policy = Policy(allowed_uids(config.access.local_users))
    sessions, launches = Sessions(config.relay.sessions), Launches(clock)
    broker = Broker(
        computes,
        margin=config.consoles.margin,
        single_use=[cloud.name for cloud in clouds if cloud.entry.session_ends_with_token],
        clock=clock,
        tasks=tasks,
    )
    launcher = Launcher(
        directory=directory,
        policy=policy,
        broker=broker,
        opener=Opener(_rules(clouds, computes), limits),
        sessions=sessions,
        launches=launches,
        journal=LogJournal(),
        clock=clock,
        frame_limit=limits.frame,
        farewell=farewell,
    )
    viewers = ViewerRoute(
        directory=directory,
        policy=policy,
        sessions=sessions,
        launches=launches,
        launcher=launcher,
        tasks=tasks,
        frame_limit=limits.frame,
    )
    api = Api(
        clouds=clouds,
        directory=directory,
        policy=policy,
        broker=broker,
        sessions=sessions,
        launches=launches,
        clock=clock,
        public_url=config.public_urls[0],
    )
    static = StaticFiles.load(_STATIC)
    peers = Peers()
    app = build_app(
        guard=guard(Names(config.public_urls), policy, peers),
        static=static,
        routes=[*viewers.routes(), *api.routes(), *page_routes(directory, static)],
    )
    runner = build_runner(app)
    await runner.setup()
    try:
        listening = await listen(runner, config.addresses)
        tasks.create_task(sessions.keep_awake(config.relay.ping), name="keep-alive")
        try:
            yield Gateway(tuple(one.where for one in listening), sessions, launches, broker)
        finally:
            for one in listening:
                one.close()
            await sessions.drain(_DRAIN)
    finally:
        await runner.cleanup()
        peers.close()


def _rules(clouds: Sequence[Cloud], computes: Mapping[str, Compute]) -> dict[str, ConsoleRules]:
    """How each cloud's consoles are dialled; clouds without a CA of their own share one TLS context."""
    usual = ssl.create_default_context()
    return {
        cloud.name: ConsoleRules(
            endpoint=computes[cloud.name],
            rewrites=cloud.entry.console_url,
            hosts=cloud.entry.console_hosts,
            plain=cloud.entry.plain_console,
            tls=ssl.create_default_context(cafile=str(cloud.entry.cacert)) if cloud.entry.cacert else usual,
        )
        for cloud in clouds
    }
