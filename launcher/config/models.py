"""The configuration's shape: strict and frozen; what a key means stands beside it.

These models are filled by `launcher.config.load`. A secret is `{credential: NAME}` or `{file: PATH}` in the file and a
`Secret` here; durations are seconds, sizes bytes. The texts below the fields are the descriptions of the JSON Schema.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, PrivateAttr, field_validator

from launcher.config.certificate import CertificateFile, KeyFile
from launcher.config.fields import (
    DAY,
    AccountNumber,
    AliasTarget,
    ApiUrl,
    Directory,
    Duration,
    HostPattern,
    IdentityUrl,
    LinkingSite,
    Listen,
    Model,
    Name,
    PublicUrl,
    Regions,
    ServerName,
    ServerPattern,
    Size,
    Text,
    TokenPath,
    VncAddress,
    between,
    distinct,
    distinct_regions,
    each_socket_once,
)
from launcher.config.listen import Address, UnixAddress, parse_listen
from launcher.config.secrets import Authorities, FilePath, SecretText
from launcher.config.targets import parse_target
from launcher.config.values import parse_base_url
from launcher.errors import ConfigProblem
from launcher.model import Target

SOCKETS_DIRECTORY = "/run/console-launcher"
"""Where servers' own sockets lie, if nothing else is said; the socket unit makes it."""


class ConsoleUrlRewrite(Model):
    """Mends console URLs that name what the gateway cannot reach."""

    from_: str = Field(alias="from")
    """The beginning of the console URLs to mend, as the cloud gives them."""
    to: str
    """What stands there instead: scheme, host, port and perhaps a path."""
    path: str | None = None
    """The path to dial, whatever the console URL says: /websockify for a stock websockify."""

    @field_validator("from_", "to")
    @classmethod
    def _is_base_url(cls, value: str) -> str:
        return parse_base_url(value)

    @field_validator("path")
    @classmethod
    def _is_path(cls, value: str | None) -> str | None:
        if value is not None and (not value.startswith("/") or not value.isprintable() or set(value) & set(" ?#")):
            raise ValueError("a path that begins with / and has no query is expected")
        return value


class Budget(Model):
    """How many consoles a cloud is asked for; whoever comes when it is used up waits, and is told how long."""

    per_minute: int = Field(default=600, ge=1, le=1_000_000)
    """At most so many at once, and as many again in each minute."""
    per_day: int | None = Field(default=None, ge=1, le=1_000_000_000)
    """The same for a day. Empty: no such limit."""
    at_once: int = Field(default=20, ge=1, le=1000)
    """The most requests under way at the same time."""


class RackspaceBudget(Budget):
    """Rackspace's own limits: of its kind of request it takes 100 a minute and 1,000 a day."""

    per_minute: int = Field(default=100, ge=1, le=1_000_000)
    """At most so many at once, and as many again in each minute."""
    per_day: int = Field(default=1000, ge=1, le=1_000_000_000)
    """The same for a day."""


class CloudEntry(Model):
    """What every cloud's entry may say, whatever its provider."""

    console_ttl: Annotated[Duration, between(0.1, 30 * DAY, "a time from 100ms to 30d")] = 600.0
    """How long a console token of this cloud lives: [consoleauth]token_ttl of its Nova. The API never says it."""
    session_ends_with_token: bool = False
    """True where the cloud ends sessions with their token ([consoleauth]enforce_session_timeout of its Nova)."""
    console_url: tuple[ConsoleUrlRewrite, ...] = ()
    """Mends console URLs that name what the gateway cannot reach; the first rule that fits is applied."""
    console_hosts: tuple[HostPattern, ...] = ()
    """The hosts that console URLs of this cloud may name, like "*.example.net". Empty: any but link-local and metadata
    addresses."""
    budget: Budget = Budget()
    """How many consoles this cloud is asked for."""
    plain_console: bool = False
    """True allows unencrypted console URLs (http, ws) although the cloud's own endpoint is https."""
    cacert: Authorities | None = None
    """Certificate authorities (PEM) of this cloud's API and console proxy, instead of the system's."""


class RackspaceEntry(CloudEntry):
    """Rackspace: Identity v2.0 with an API key, or with a password."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["api_key"]}, {"required": ["password"]}]})

    provider: Literal["rackspace"]
    """Rackspace: Identity v2.0 with an API key, or with a password."""
    username: Text
    """The Rackspace account's user name."""
    api_key: SecretText | None = None
    """The API key of that user: {credential: NAME} or {file: PATH}."""
    password: SecretText | None = None
    """The password of that user, in place of the API key: {credential: NAME} or {file: PATH}. It does not do where the
    user signs in with multi-factor authentication."""
    tenant_id: AccountNumber | None = None
    """The account number, where the user may use several accounts; without it, the user's own."""
    regions: Annotated[tuple[Text, ...], Field(min_length=1), AfterValidator(distinct_regions)]
    """The regions, like [DFW, ORD], in any case. Several make one cloud each, named entry-region in lower case:
    rax-dfw, rax-ord."""
    auth_url: IdentityUrl = "https://identity.api.rackspacecloud.com/v2.0"
    """The Identity endpoint."""
    budget: RackspaceBudget = RackspaceBudget()
    """How many consoles Rackspace is asked for."""


class OpenStackEntry(CloudEntry):
    """Any Keystone, by its name in clouds.yaml."""

    provider: Literal["openstack"]
    """Any Keystone; how to sign in stands in clouds.yaml."""
    cloud: Text
    """The cloud's name in clouds.yaml."""
    regions: Regions = ()
    """Regions, where clouds.yaml names none or several are wanted. Several make one cloud each: prod-one, prod-two."""


class BareEntry(CloudEntry):
    """A Compute endpoint without Identity."""

    provider: Literal["none"]
    """No Identity: a Compute endpoint that asks for no API token, or for one that never changes."""
    endpoint: ApiUrl
    """The Compute API's URL."""
    api_token: SecretText | None = None
    """The API token to send, where the endpoint wants one: {credential: NAME} or {file: PATH}."""


class DirectServer(Model):
    """A server outside any cloud: where its VNC server listens."""

    vnc: VncAddress
    """Where its VNC server listens: tcp://host:port, tls://host:port (5900 where no port is said) or unix:/path."""
    password: SecretText | None = None
    """The VNC password that the gateway signs in with: {credential: NAME} or {file: PATH}. People never see it."""

    @property
    def target(self) -> Target:
        """Both as what is dialled."""
        return parse_target(self.vnc, self.password)


class StaticEntry(Model):
    """Hosts outside any cloud: VNC servers by their addresses."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": ["servers"]}, {"required": ["websockify_tokens"]}]}
    )

    provider: Literal["static"]
    """Hosts outside any cloud: VNC servers by their addresses."""
    servers: dict[ServerName, DirectServer] = Field(default_factory=dict)
    """The servers by their names, which may be any text."""
    websockify_tokens: TokenPath | None = None
    """Path of a token file of websockify's, or of a directory of such files: each token is a server of this name. They
    are read anew whenever somebody asks."""
    cacert: Authorities | None = None
    """Certificate authorities (PEM) of the tls:// addresses, instead of the system's."""


ApiEntry = RackspaceEntry | OpenStackEntry | BareEntry
"""The entries of clouds that have a Compute API."""
Entry = Annotated[ApiEntry | StaticEntry, Field(discriminator="provider")]


class Tls(Model):
    """TLS at the viewers' side."""

    certificate: CertificateFile
    """The gateway's certificate and those that lead from it to its authority, in PEM: a path, or a credential."""
    key: KeyFile
    """Its private key in PEM, without a password: {credential: NAME} or {file: PATH}."""


class Access(Model):
    """Who may come in beside root and the daemon's own account."""

    local_users: tuple[Text, ...] = ()
    """Accounts of this machine that may come in, over Unix sockets and loopback TCP alike."""
    links_from: Annotated[tuple[LinkingSite, ...], AfterValidator(distinct)] = ()
    """The sites whose links open consoles at once, as origins: https://wiki.example.net. Links of all other sites open
    a page that asks first."""


class Consoles(Model):
    """How consoles are kept."""

    margin: Annotated[Duration, between(0, DAY, "a time from 0s to 1d")] = 30.0
    """A console is used again while more than this is left of it (never more than a quarter of console_ttl)."""


class Relay(Model):
    """How sessions are carried."""

    sessions: int = Field(default=10000, ge=1, le=1_000_000)
    """The most sessions at once."""
    frame_limit: Annotated[Size, between(1024, 64 * 1024**2, "a size from 1KiB to 64MiB")] = 1024**2
    """The largest WebSocket message; a larger one ends its session."""
    screen_limit: int = Field(default=70, ge=1, le=4295)
    """The largest screen, in millions of pixels; a larger one ends its session, as it costs a browser gigabytes."""
    ping: Annotated[Duration, between(0.1, 600, "a time from 100ms to 10m")] = 30.0
    """How long a session may be silent before it is kept awake; as long again, and 5 s at least, an answer may take.

    An xvpvnc proxy hangs up after 15 minutes of silence.
    """
    idle_timeout: Annotated[Duration, between(0, 30 * DAY, "a time from 0s to 30d")] = 0.0
    """How long a session may last without its person using keyboard, pointer or clipboard. 0s: for ever."""
    session_limit: Annotated[Duration, between(0, 30 * DAY, "a time from 0s to 30d")] = 0.0
    """How long a session may last in all. 0s: for ever."""
    sockets: Annotated[tuple[ServerPattern, ...], AfterValidator(distinct)] = ()
    """The servers that have a Unix socket of their own for native viewers, as cloud/name or cloud/uuid, with * and ?:
    prod/*. Such a socket is DIRECTORY/cloud/UUID.sock, and DIRECTORY/cloud/NAME.sock leads to it."""
    sockets_directory: Directory | None = None
    """Where these sockets lie. Without it: where the first Unix socket of listen lies, or in /run/console-launcher."""
    sockets_group: Text | None = None
    """The group that may connect to these sockets. Without it: console-operators, where there is such a group."""


class Config(Model):
    """The configuration of console-launcher."""

    listen: Annotated[tuple[Listen, ...], AfterValidator(distinct), AfterValidator(each_socket_once)] = Field(
        default=("unix:/run/console-launcher/web.sock",), min_length=1
    )
    """Where the gateway listens: unix:/path, localhost:6080 (127.0.0.1 and [::1]), systemd (the sockets that it passes)
    or systemd:NAME (one of these). Nothing beyond loopback."""
    public_urls: Annotated[tuple[PublicUrl, ...], AfterValidator(distinct)] = Field(
        default=("http://jump.localhost:6080",), min_length=1
    )
    """The gateway's own addresses as browsers write them; the first is printed."""
    tls: Tls | None = None
    """The certificate with which TCP ports speak TLS; Unix sockets stay plain. Empty: no TLS."""
    clouds_yaml: FilePath | None = None
    """Path of clouds.yaml, or a credential. Without it: where the openstack command looks."""
    secure_yaml: FilePath | None = None
    """Path of secure.yaml (the secrets of clouds.yaml), or a credential. Without it: the same places."""
    clouds: dict[Name, Entry] = Field(min_length=1)
    """The clouds, by the short names that stand in bookmarks."""
    aliases: dict[Name, AliasTarget] = Field(default_factory=dict)
    """Bookmarks of their own: a short name for cloud/server."""
    access: Access = Access()
    """Who may come in beside root and the daemon's own account."""
    consoles: Consoles = Consoles()
    """How consoles are kept."""
    relay: Relay = Relay()
    """How sessions are carried."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least that is logged; serve --log-level goes before it."""

    _doubts: tuple[ConfigProblem, ...] = PrivateAttr(())

    @property
    def doubts(self) -> tuple[ConfigProblem, ...]:
        """What is wrong outside the file, or in it, and yet keeps the gateway from nothing: it goes to the log."""
        return self._doubts

    def doubted(self, doubts: Iterable[ConfigProblem]) -> Self:
        """The same with these doubts."""
        copy = self.model_copy()
        copy._doubts = tuple(doubts)  # noqa: SLF001 -- a copy of ourselves
        return copy

    @property
    def sockets_directory(self) -> str:
        """Where the servers' own sockets lie."""
        unix = (address.path for address in self.addresses if isinstance(address, UnixAddress))
        first = next(unix, f"{SOCKETS_DIRECTORY}/")
        return self.relay.sockets_directory or first.rpartition("/")[0] or "/"

    @cached_property
    def addresses(self) -> tuple[Address, ...]:
        """`listen`, parsed."""
        return tuple(parse_listen(text) for text in self.listen)


class Cloud(Model):
    """One cloud with a Compute API as the rest of the daemon knows it: an entry, and one of its regions."""

    name: str
    region: str | None
    entry: ApiEntry
    clouds_yaml: Path | None
    secure_yaml: Path | None


class StaticCloud(Model):
    """Hosts outside any cloud, which the gateway shows as one."""

    name: str
    entry: StaticEntry
    region: None = None


AnyCloud = Cloud | StaticCloud


def cloud_names(entry: str, regions: Sequence[str]) -> tuple[str, ...]:
    """The clouds that an entry stands for: `entry-region` (lower case) for each of several regions, else `entry`."""
    if len(regions) < 2:
        return (entry,)
    return tuple(f"{entry}-{region.lower()}" for region in regions)


def clouds_of(config: Config) -> tuple[AnyCloud, ...]:
    """Every cloud of the configuration, in its order."""
    found: list[AnyCloud] = []
    for entry_name, entry in config.clouds.items():
        if isinstance(entry, StaticEntry):
            found.append(StaticCloud(name=entry_name, entry=entry))
            continue
        regions = () if isinstance(entry, BareEntry) else entry.regions
        for name, region in zip(cloud_names(entry_name, regions), regions or (None,), strict=True):
            found.append(
                Cloud(
                    name=name,
                    region=region,
                    entry=entry,
                    clouds_yaml=config.clouds_yaml,
                    secure_yaml=config.secure_yaml,
                )
            )
    return tuple(found)


def api_clouds_of(config: Config) -> tuple[Cloud, ...]:
    """Those of them that have a Compute API."""
    return tuple(cloud for cloud in clouds_of(config) if isinstance(cloud, Cloud))
