"""The composition root: builds every part, serves, and takes it down again.

Tasks have one owner, the gateway's TaskGroup: sessions, console requests and the keep-alive live in it;
connections that just arrive are their listener's. To stop: refuse
new connections, end the sessions with 1012, wait a little, cancel what is left. What a reload replaces is
`launcher.parts`; what the service says to systemd, and when it reloads, is `launcher.service`.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import resource
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

from launcher.access.accountnames import AccountNames
from launcher.access.accounts import group_id, name_of
from launcher.access.origin import Names
from launcher.access.peer import Peers
from launcher.audit.log import LogJournal
from launcher.clock import Clock, SystemClock
from launcher.cloud.http import CloudHttp, open_http
from launcher.config.models import Config
from launcher.errors import RequestError
from launcher.launches import Launches
from launcher.listening import OwnListeners
from launcher.model import wanted
from launcher.parts import Gathered, Lasting, Parts, build, gather
from launcher.process import open_files, raise_file_limit
from launcher.relay.sessions import Session, Sessions
from launcher.relay.terms import Rules, Terms
from launcher.relay.upstream import DialLimits
from launcher.service import Service, tell_doubts
from launcher.systemd import Passed, Supervision, take_supervision
from launcher.web.accepting import Reception
from launcher.web.api import api_routes
from launcher.web.app import build_app, build_runner
from launcher.web.connections import Caps, Connections, caps, files_for
from launcher.web.doctor import doctor_routes
from launcher.web.guard import guard
from launcher.web.links import links
from launcher.web.listeners import listen
from launcher.web.novnc import novnc_routes
from launcher.web.pages import page_routes
from launcher.web.refused import RefusalWatch
from launcher.web.serversockets import ServerSockets
from launcher.web.socketkeeper import SocketKeeper
from launcher.web.socketplan import SOCKETS_AT_MOST
from launcher.web.static import StaticFiles
from launcher.web.statickey import static_key
from launcher.web.tls import ViewerTls, read_in_records
from launcher.web.upgrade import token_route, viewer_route

_LOG = logging.getLogger(__name__)
_STATIC = Path(__file__).parent / "web" / "static"
_DRAIN = 2.0
"""Seconds that sessions have to end in. After them aiohttp gives requests under way its time twice, and threads have
half a second: with viewers that do not answer and a cloud that hangs it stays under four, and systemd waits for ten."""
_DISMISSED = "You may no longer use this gateway."
_OPERATORS = "console-operators"
_GROUP_PATIENCE = 5.0
"""Seconds for the look-up of the group; the gateway answers meanwhile, but is not ready."""
_SHARE_OF_FILES = 4
"""Servers' sockets take no more than a quarter of the files that the process may have open."""
_LISTENERS_BESIDE = 16
"""Descriptors that a daemon opens once it listens: its threads' pipes, a socket to the name service, files to read."""
_COLLECTIONS = (700, 10, 30)
"""When garbage is looked for (gc.set_threshold); Python's own third number is 10. To look at all objects of 9,000
sessions holds the event loop, and with it every screen, for a third of a second or more: it is done once for some 3,000
sessions that open, not for every thousand."""
_NAME_THREADS = 32
"""For look-ups of names, which the operating system may hold for half a minute each."""


class Gateway:
    """A gateway that serves."""

    def __init__(self, lasting: Lasting, gathered: Gathered) -> None:
        self._lasting = lasting
        self._parts = build(gathered, lasting, {})
        self.tls = None if gathered.chain is None else ViewerTls(gathered.chain)
        """The viewers' TLS; None: the gateway was started without."""
        self.where: tuple[str, ...] = ()
        """What it listens on: URLs, and paths of Unix sockets."""
        self.stopping = False
        """Whether it begins nothing new."""
        self.keeper: SocketKeeper | None = None
        """Who keeps the servers' own sockets, where they have such."""

    @property
    def sessions(self) -> Sessions:
        return self._lasting.sessions

    @property
    def launches(self) -> Launches:
        return self._lasting.launches

    @property
    def parts(self) -> Parts:
        """What requests that come in now are answered with."""
        return self._parts

    def clouds(self) -> tuple[str, ...]:
        """The names of the clouds."""
        return tuple(self._parts.clouds)

    def replace(self, gathered: Gathered) -> frozenset[str]:
        """Answer from now on by another configuration's clouds, aliases and access, and with its certificate.

        Live sessions do not notice; but those of actors who may no longer have them end, and so do their launches.
        Returned are the names of the clouds that are not as before.
        """
        before = self._parts.clouds
        self._parts = build(gathered, self._lasting, before)
        if self.tls is not None and gathered.chain is not None:
            self.tls.renew(gathered.chain)
        if self.keeper is not None:
            self.keeper.look_again()
        dismissed = self.sessions.dismiss(self._may_stay, _DISMISSED)
        if dismissed:
            whose = ", ".join(sorted({session.actor.name for session in dismissed}))
            _LOG.warning("access was removed: the sessions and launches of %s end (%d)", whose, len(dismissed))
        return frozenset(name for name, part in self._parts.clouds.items() if before.get(name) is not part)

    def _may_stay(self, session: Session) -> bool:
        try:
            self._parts.policy.authorize(session.actor, wanted(view_only=session.view_only), session.server)
        except RequestError:
            return False
        return True


class _StoppingError(Exception):
    """Ends the TaskGroup's tasks when the gateway goes down."""


async def serve(
    config: Config,
    *,
    read: Callable[[], Config] | None = None,
    ready: Callable[[Sequence[str]], None] | None = None,
    journal: LogJournal | None = None,
    supervision: Supervision | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT; SIGHUP reloads what `read` gives. Raises ListenError, ConfigError.

    `journal` is where events go on record; what begins waits for it. `supervision` is systemd's, as the environment
    has it unless it is given.
    """
    given = supervision or take_supervision()
    stop, reload = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, _on_hangup(reload, stop))
    tell_doubts(config)
    async with open_gateway(config, passed=given.passed, journal=journal, state=given.state) as gateway:
        again = read or (lambda: config)
        service = Service(gateway, config, read=again, asked=reload, given=given, clock=SystemClock())
        gc.freeze()  # what start-up made stays: each look at it cost some 50 ms of the loop
        gc.set_threshold(*_COLLECTIONS)
        async with service.running():
            if ready is not None:
                ready(gateway.where)
            _LOG.info("ready, listening on %s", ", ".join(gateway.where))
            await stop.wait()
        given.notifier.stopping()
        _LOG.info("stopping, %d sessions", len(gateway.sessions))


def _on_hangup(reload: asyncio.Event, stop: asyncio.Event) -> Callable[[], None]:
    """SIGHUP asks for a reload; from a terminal that is gone it means what it says."""
    on_terminal = os.isatty(2)

    def hung_up() -> None:
        if on_terminal and not os.isatty(2):
            stop.set()
        else:
            reload.set()

    return hung_up


@asynccontextmanager
async def open_gateway(
    config: Config,
    *,
    clock: Clock | None = None,
    dial: DialLimits | None = None,
    passed: Sequence[Passed] = (),
    journal: LogJournal | None = None,
    state: Path | None = None,
    name_of: Callable[[int], str] = name_of,
) -> AsyncIterator[Gateway]:
    """A gateway that serves as long as the context lasts; `state` is the directory of what outlives it, if any.

    `name_of` gives a user id's account name; it may hang, and is called in threads. Raises ListenError, ConfigError.
    """
    read_in_records()
    gathered = gather(config)
    names = ThreadPoolExecutor(_NAME_THREADS, thread_name_prefix="names")
    asyncio.get_running_loop().set_default_executor(names)
    failure: Exception | None = None
    clock = clock or SystemClock()
    lasting: Lasting | None = None
    own = OwnListeners()
    try:
        async with open_http(own) as http, asyncio.TaskGroup() as tasks:
            journal = journal or LogJournal()
            watch = RefusalWatch(journal, clock)
            limits = dial or DialLimits(frame=config.relay.frame_limit)
            lasting = _lasting(config, clock, limits, http, tasks, own, journal, watch)
            tasks.create_task(watch.keep(), name="refusals")
            try:
                async with _serving(
                    config, Gateway(lasting, gathered), passed, lasting, own, watch, name_of, state
                ) as gateway:
                    tasks.create_task(lasting.sessions.keep_awake(config.relay.ping), name="keep-alive")
                    yield gateway
            except Exception as error:  # noqa: BLE001 -- raised again below, outside the group that would wrap it
                failure = error
            watch.close()
            raise _StoppingError  # noqa: TRY301 -- this is how a TaskGroup is told to end its tasks
    except* _StoppingError:
        pass
    finally:
        # Closing, the event loop waits for its threads: it gets one without any.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
        for threads in (names, *(lasting.pools if lasting else ())):
            threads.shutdown(wait=False, cancel_futures=True)
    if failure is not None:
        raise failure


def _lasting(
    config: Config,
    clock: Clock,
    limits: DialLimits,
    http: CloudHttp,
    tasks: asyncio.TaskGroup,
    own: OwnListeners,
    journal: LogJournal,
    watch: RefusalWatch,
) -> Lasting:
    return Lasting(
        clock=clock,
        http=http,
        tasks=tasks,
        sessions=Sessions(config.relay.sessions),
        launches=Launches(clock),
        limits=limits,
        rules=Rules(
            frame_limit=limits.frame,
            screen_limit=config.relay.screen_limit,
            terms=Terms(idle=config.relay.idle_timeout, total=config.relay.session_limit),
        ),
        margin=config.consoles.margin,
        public_url=config.public_urls[0],
        journal=journal,
        refused=watch.saw,
        own=own,
    )


@asynccontextmanager
async def _serving(
    config: Config,
    gateway: Gateway,
    passed: Sequence[Passed],
    lasting: Lasting,
    own: OwnListeners,
    watch: RefusalWatch,
    name_of: Callable[[int], str],
    state: Path | None,
) -> AsyncIterator[Gateway]:
    """Puts the web application before the gateway, listens, and drains at the end."""
    static = StaticFiles.load(_STATIC, static_key(state))
    peers = Peers(names=AccountNames(lambda: gateway.parts.policy, name_of, lasting.clock))
    reception = Reception(Connections(_caps(config)), peers, lambda uid, name: gateway.parts.policy.lets_in(uid, name))
    app = build_app(
        guard=guard(Names(config.public_urls), lambda: gateway.parts.policy, peers, counts=reception, watch=watch),
        links=links(static, lambda: gateway.parts.links_from),
        public_url=config.public_urls[0],
        routes=[
            viewer_route(lambda: gateway.parts.viewers),
            token_route(lambda: gateway.parts.viewers),
            *api_routes(lambda: gateway.parts.api),
            *doctor_routes(lambda: gateway.parts.doctor_api, ready=lambda: not gateway.stopping),
            *page_routes(lambda: gateway.parts.directory, static, config.relay.screen_limit),
            *novnc_routes(lambda: gateway.parts.tokens),
        ],
    )
    runner = build_runner(app)
    await runner.setup()
    try:
        tls = None if gateway.tls is None else gateway.tls.context
        listening = await listen(runner, config.addresses, passed=passed, tls=tls, reception=reception)
        for one in listening:
            own.add(one.sock)
        gateway.where = tuple(one.where for one in listening)
        try:
            async with _server_sockets(config, gateway, peers, reception, lasting, own):
                yield gateway
        finally:
            gateway.stopping = True
            for one in listening:
                one.close()
            await gateway.sessions.drain(_DRAIN)
    finally:
        await runner.cleanup()
        peers.close()


async def _sockets_group(wanted: str | None) -> int | None:
    """The id of the group that the servers' own sockets are for, looked up in a thread: a directory may hang."""
    name = wanted or _OPERATORS
    try:
        async with asyncio.timeout(_GROUP_PATIENCE):
            group = await asyncio.to_thread(group_id, name)
    except TimeoutError:
        _LOG.warning(
            'relay.sockets_group: the system\'s name service did not say within %g s whether there is a group "%s". '
            "Until the gateway starts again, its servers' sockets are given to no group.",
            *(_GROUP_PATIENCE, name),
        )
        return None
    if group is None and wanted:
        _LOG.warning('relay.sockets_group: there is no group "%s" on this machine', wanted)
    return group


def _caps(config: Config) -> Caps:
    """How many connections there may be; as many files as the configured sessions need are asked for.

    Servers' own sockets take their share of whatever there is.
    """
    held = open_files() + len(config.addresses) + _LISTENERS_BESIDE
    wanted = files_for(config.relay.sessions, held)
    share = _SHARE_OF_FILES if config.relay.sockets else 0
    files = raise_file_limit(wanted + (wanted // (share - 1) if share else 0))
    allowed = caps(files, held + (min(SOCKETS_AT_MOST, files // share) if share else 0))
    if allowed.account < config.relay.sessions:
        is_wanted = "sessions" in config.relay.model_fields_set
        _LOG.log(
            logging.WARNING if is_wanted else logging.INFO,
            "relay.sessions allows %d sessions, but this process may open %d files, enough for %d: "
            "raise its limit (LimitNOFILE= of the service, or ulimit -Hn) to %d, or lower relay.sessions",
            *(config.relay.sessions, files, allowed.account, wanted),
        )
    return allowed


@asynccontextmanager
async def _server_sockets(
    config: Config, gateway: Gateway, peers: Peers, reception: Reception, lasting: Lasting, own: OwnListeners
) -> AsyncIterator[None]:
    """Servers' own sockets, where the configuration wants such; nobody comes in by them afterwards."""
    relay, directory = config.relay, config.sockets_directory
    if not relay.sockets:
        yield
        return
    group = await _sockets_group(relay.sockets_group)
    sockets = ServerSockets(directory, group, lambda: gateway.parts.natives, peers, lasting.tasks, reception, own)
    most = min(SOCKETS_AT_MOST, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // _SHARE_OF_FILES)
    gateway.keeper = SocketKeeper(
        sockets,
        lambda: {name: part.listing for name, part in gateway.parts.clouds.items()},
        patterns=relay.sockets,
        directory=directory,
        most=most,
        clock=lasting.clock,
    )
    keeping = lasting.tasks.create_task(gateway.keeper.keep(), name="servers' sockets")
    try:
        yield
    finally:
        keeping.cancel()
        await asyncio.wait([keeping])
