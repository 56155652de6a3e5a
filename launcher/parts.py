"""What a configuration's clouds, aliases and access become: one frozen value, which a reload replaces whole.

    gather   configuration → what files and the account database say of it; may block, so it runs in a thread
    build    that → `Parts`; does no I/O

A cloud whose entry and files are as before keeps its own part: API token, servers, consoles, requests under way.
Whatever is under way when the value is replaced finishes with the parts it began with; these are released when the last
of it has. A cloud that has asked for patience is not asked earlier for that: its new part goes on from the old one's.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import ssl
import weakref
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from launcher.access.accounts import admitted
from launcher.access.policy import Policy
from launcher.audit.log import LogJournal
from launcher.clock import Clock
from launcher.cloud.compute import Compute
from launcher.cloud.directory import Directory
from launcher.cloud.http import CloudHttp
from launcher.cloud.identity import identity_of
from launcher.cloud.kept import KeptListing
from launcher.cloud.static import StaticServers, TokenClouds
from launcher.config.clouds_yaml import files_named, files_read
from launcher.config.models import AnyCloud, Cloud, Config, OpenStackEntry, StaticCloud, Tls, clouds_of
from launcher.consoles.broker import Broker, Obtained
from launcher.consoles.budget import Budget, Rate
from launcher.consoles.direct import DirectConsoles
from launcher.doctor.cloud import Tools
from launcher.doctor.doctor import Doctor
from launcher.doctor.patient import Patient
from launcher.egress import Listeners, NoListeners
from launcher.errors import ConfigError, ConfigProblem
from launcher.launch import Launcher
from launcher.launches import Launches
from launcher.model import Console, ConsoleKey
from launcher.opening import ConsoleRules, Opener
from launcher.relay.sessions import Sessions
from launcher.relay.terms import Rules
from launcher.relay.upstream import DialLimits
from launcher.web.api import Api
from launcher.web.doctor import DoctorApi
from launcher.web.nativeroute import NativeRoute, Refused
from launcher.web.problems import farewell
from launcher.web.tls import chain_context
from launcher.web.upgrade import ViewerRoute


@dataclass(frozen=True, slots=True)
class Lasting:
    """What no reload replaces."""

    clock: Clock
    http: CloudHttp
    tasks: asyncio.TaskGroup
    sessions: Sessions
    launches: Launches
    limits: DialLimits
    rules: Rules
    margin: float
    public_url: str
    journal: LogJournal = field(default_factory=LogJournal)
    refused: Refused = lambda _event: None
    """Puts a refusal on record."""
    own: Listeners = field(default_factory=NoListeners)
    """Where this process listens: it never dials itself."""
    node: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    """The gateway's id in `launcher.relay.loops`."""
    pools: weakref.WeakSet[ThreadPoolExecutor] = field(default_factory=weakref.WeakSet)
    """The threads of every cloud that is in use: their owner ends them."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """What stands outside the configuration itself."""

    clouds: tuple[AnyCloud, ...]
    aliases: Mapping[str, str]
    policy: Policy
    links_from: frozenset[str]
    """The origins whose links open consoles at once."""
    digests: Mapping[str, bytes]
    """By cloud: of the files that its entry names, which may change while the entry does not."""
    tls: Mapping[str, ssl.SSLContext]
    """By cloud."""
    chain: ssl.SSLContext | None
    """The gateway's own certificate."""


@dataclass(frozen=True, slots=True)
class CloudPart:
    """One cloud."""

    cloud: AnyCloud
    digest: bytes
    source: Compute | StaticServers
    listing: KeptListing
    broker: Broker | DirectConsoles
    rules: ConsoleRules


@dataclass(frozen=True, slots=True)
class Parts:
    """All that a reload replaces."""

    clouds: Mapping[str, CloudPart]
    directory: Directory
    policy: Policy
    links_from: frozenset[str]
    viewers: ViewerRoute
    natives: NativeRoute
    api: Api
    tokens: TokenClouds
    doctor: Doctor
    doctor_api: DoctorApi


class Brokers:
    """Every cloud's broker as one."""

    def __init__(self, brokers: Mapping[str, Broker | DirectConsoles]) -> None:
        self._brokers = brokers

    def keeps(self, cloud: str) -> bool:
        """Whether a console of this cloud serves more than one session."""
        return self._brokers[cloud].keeps

    async def obtain(self, key: ConsoleKey, *, insist: bool = False) -> Obtained:
        """A console that is usable now; of another kind unless one insists. Raises CloudError, ServerNotFoundError."""
        return await self._brokers[key.cloud].obtain(key, insist=insist)

    async def fresh(self, key: ConsoleKey) -> Obtained:
        """A console that nobody else gets. Raises CloudError or ServerNotFoundError."""
        return await self._brokers[key.cloud].fresh(key)

    def discard(self, console: Console) -> None:
        """Forget a console that the console proxy refused."""
        self._brokers[console.key.cloud].discard(console)


def gather(config: Config) -> Gathered:
    """Reads files and looks accounts up. Raises ConfigError."""
    clouds = clouds_of(config)
    usual = ssl.create_default_context()  # shared: one costs some hundred KiB
    return Gathered(
        clouds=clouds,
        aliases=config.aliases,
        policy=admitted(config.access.local_users),
        links_from=frozenset(config.access.links_from),
        digests={cloud.name: _digest(cloud) for cloud in clouds},
        tls={
            cloud.name: ssl.create_default_context(cafile=str(cloud.entry.cacert)) if cloud.entry.cacert else usual
            for cloud in clouds
        },
        chain=None if config.tls is None else _chain(config.tls),
    )


def _chain(tls: Tls) -> ssl.SSLContext:
    """Raises ConfigError: the files were good when the configuration was read, but may be others by now."""
    try:
        return chain_context(tls.certificate, tls.key)
    except OSError as error:  # an SSLError is one
        why = f"{tls.certificate} and {tls.key} cannot be served with: {error.strerror or error}"
        raise ConfigError([ConfigProblem("the configuration", None, "tls", why)]) from error


def build(gathered: Gathered, lasting: Lasting, before: Mapping[str, CloudPart]) -> Parts:
    """The parts; clouds that are in `before` and have not changed are taken over from there."""
    clouds = {
        cloud.name: _kept(cloud, gathered, before) or _new(cloud, gathered, lasting, before.get(cloud.name))
        for cloud in gathered.clouds
    }
    directory = Directory({name: part.listing for name, part in clouds.items()}, gathered.aliases, clock=lasting.clock)
    tokens = TokenClouds(part.source for part in clouds.values() if isinstance(part.source, StaticServers))
    policy = gathered.policy
    brokers = Brokers({name: part.broker for name, part in clouds.items()})
    journal = lasting.journal
    launcher = Launcher(
        directory=directory,
        policy=policy,
        broker=brokers,
        opener=Opener(
            {name: part.rules for name, part in clouds.items()}, lasting.limits, own=lasting.own, node=lasting.node
        ),
        sessions=lasting.sessions,
        launches=lasting.launches,
        journal=journal,
        clock=lasting.clock,
        rules=lasting.rules,
        farewell=farewell,
    )
    viewers = ViewerRoute(
        directory=directory,
        tokens=tokens,
        policy=policy,
        sessions=lasting.sessions,
        launches=lasting.launches,
        launcher=launcher,
        tasks=lasting.tasks,
        frame_limit=lasting.limits.frame,
        node=lasting.node,
    )
    natives = NativeRoute(
        policy=policy,
        sessions=lasting.sessions,
        launches=lasting.launches,
        launcher=launcher,
        tasks=lasting.tasks,
        farewell=farewell,
        refused=lasting.refused,
    )
    api = Api(
        clouds=gathered.clouds,
        directory=directory,
        policy=policy,
        broker=brokers,
        sessions=lasting.sessions,
        launches=lasting.launches,
        journal=journal,
        clock=lasting.clock,
        public_url=lasting.public_url,
    )
    doctor = Doctor(
        {name: Patient(part.cloud, part.rules, part.broker) for name, part in clouds.items()},
        directory,
        Tools(lasting.http, lasting.clock, lasting.limits.frame, lasting.own),
        lasting.tasks,
    )
    return Parts(
        clouds,
        directory,
        policy,
        gathered.links_from,
        viewers,
        natives,
        api,
        tokens,
        doctor,
        DoctorApi(doctor, policy),
    )


def _kept(cloud: AnyCloud, gathered: Gathered, before: Mapping[str, CloudPart]) -> CloudPart | None:
    part = before.get(cloud.name)
    same = part is not None and part.cloud == cloud and part.digest == gathered.digests[cloud.name]
    return part if same else None


def _new(cloud: AnyCloud, gathered: Gathered, lasting: Lasting, before: CloudPart | None) -> CloudPart:
    if isinstance(cloud, StaticCloud):
        return _static(cloud, gathered, lasting)
    pool = _thread(f"sign-in {cloud.name}", lasting)
    compute = Compute(cloud, identity_of(cloud, lasting.clock, pool, lasting.own), lasting.http, lasting.clock)
    # After a reload, requests under way may still sign in: the thread goes with the last who can ask.
    weakref.finalize(compute, pool.shutdown, wait=False)
    broker = Broker(
        cloud.name,
        compute,
        margin=lasting.margin,
        keeps=not cloud.entry.session_ends_with_token,
        budget=_budget(cloud),
        at_once=cloud.entry.budget.at_once,
        clock=lasting.clock,
        tasks=lasting.tasks,
    )
    if before is not None:
        _go_on(broker, cloud, before)
    rules = ConsoleRules(
        endpoint=compute,
        rewrites=cloud.entry.console_url,
        hosts=cloud.entry.console_hosts,
        plain=cloud.entry.plain_console,
        tls=gathered.tls[cloud.name],
    )
    listing = KeptListing(cloud.name, compute, lasting.clock, lasting.tasks)
    return CloudPart(cloud, gathered.digests[cloud.name], compute, listing, broker, rules)


def _thread(name: str, lasting: Lasting) -> ThreadPoolExecutor:
    """A cloud's own: one that does not answer keeps no other waiting."""
    pool = ThreadPoolExecutor(1, thread_name_prefix=name)
    lasting.pools.add(pool)
    return pool


def _static(cloud: StaticCloud, gathered: Gathered, lasting: Lasting) -> CloudPart:
    """Where its servers are is the operator's own word: no address is refused, and none need be encrypted."""
    pool = _thread(f"tokens {cloud.name}", lasting)
    servers = StaticServers(cloud, pool)
    weakref.finalize(servers, pool.shutdown, wait=False)
    rules = ConsoleRules(endpoint=servers, rewrites=(), hosts=(), plain=True, tls=gathered.tls[cloud.name])
    consoles = DirectConsoles(cloud.name, servers, lasting.clock)
    listing = KeptListing(cloud.name, servers, lasting.clock, lasting.tasks)
    return CloudPart(cloud, gathered.digests[cloud.name], servers, listing, consoles, rules)


def _go_on(broker: Broker, cloud: Cloud, before: CloudPart) -> None:
    """Take over what is known of the cloud's patience, where it is the same one."""
    if not isinstance(before.cloud, Cloud) or not isinstance(before.broker, Broker):
        return
    if _asked_as(before.cloud) == _asked_as(cloud):
        broker.go_on_from(before.broker, budget=before.cloud.entry.budget == cloud.entry.budget)


def _asked_as(cloud: Cloud) -> object:
    """Who is asked, and by which account, as far as the entry says it."""
    named = {"provider", "endpoint", "auth_url", "cloud", "username", "tenant_id"}
    return cloud.region, cloud.entry.model_dump(include=named)


def _budget(cloud: Cloud) -> Budget:
    budget = cloud.entry.budget
    rates = [Rate(budget.per_minute, 60.0)]
    return Budget(rates if budget.per_day is None else [*rates, Rate(budget.per_day, 86400.0)])


def _digest(cloud: AnyCloud) -> bytes:
    """Of the contents of the files behind the cloud's entry, those that clouds.yaml names in turn among them.

    Secrets stand in the entry itself.
    """
    paths = [cloud.entry.cacert] if cloud.entry.cacert else []
    if isinstance(cloud, Cloud) and isinstance(cloud.entry, OpenStackEntry):
        paths += files_read(cloud.clouds_yaml, cloud.secure_yaml)
        paths += files_named(cloud.clouds_yaml, cloud.secure_yaml, cloud.entry.cloud)
    found = hashlib.sha256()
    for path in paths:
        found.update(hashlib.sha256(f"{path}\0".encode() + _content(path)).digest())
    return found.digest()


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (OSError, ValueError):  # not there, or a path that cannot be; signing in says what is wrong with it
        return b""
