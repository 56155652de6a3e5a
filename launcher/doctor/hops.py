"""The hops between the gateway and a screen, and what was found at each: frozen values, and JSON. Pure."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace


class HopName(enum.StrEnum):
    """The hops in their order; the value is their name in JSON."""

    GATEWAY = "gateway"
    CONFIGURATION = "configuration"
    IDENTITY_DNS = "identity-dns"
    IDENTITY_TCP = "identity-tcp"
    IDENTITY_TLS = "identity-tls"
    IDENTITY = "identity"
    CATALOG = "catalog"
    COMPUTE_DNS = "compute-dns"
    COMPUTE_TCP = "compute-tcp"
    COMPUTE_TLS = "compute-tls"
    ROLE = "role"
    SERVER = "server"
    CONSOLE = "console"
    CONSOLE_URL = "console-url"
    PROXY_DNS = "proxy-dns"
    PROXY_TCP = "proxy-tcp"
    PROXY_TLS = "proxy-tls"
    PROXY_WEBSOCKET = "proxy-websocket"
    FIRST_BYTES = "first-bytes"
    TOKENS = "tokens"
    TARGET = "target"
    TARGET_DNS = "target-dns"
    CONNECTION = "connection"
    TARGET_TLS = "target-tls"
    GREETING = "greeting"


TITLES = {
    HopName.GATEWAY: "gateway",
    HopName.CONFIGURATION: "configuration",
    HopName.IDENTITY_DNS: "Identity DNS",
    HopName.IDENTITY_TCP: "Identity TCP",
    HopName.IDENTITY_TLS: "Identity TLS",
    HopName.IDENTITY: "Identity sign-in",
    HopName.CATALOG: "catalog",
    HopName.COMPUTE_DNS: "Compute DNS",
    HopName.COMPUTE_TCP: "Compute TCP",
    HopName.COMPUTE_TLS: "Compute TLS",
    HopName.ROLE: "Compute API, role",
    HopName.SERVER: "server",
    HopName.CONSOLE: "console request",
    HopName.CONSOLE_URL: "console URL",
    HopName.PROXY_DNS: "console proxy DNS",
    HopName.PROXY_TCP: "console proxy TCP",
    HopName.PROXY_TLS: "console proxy TLS",
    HopName.PROXY_WEBSOCKET: "WebSocket",
    HopName.FIRST_BYTES: "first bytes",
    HopName.TOKENS: "token files",
    HopName.TARGET: "target",
    HopName.TARGET_DNS: "target DNS",
    HopName.CONNECTION: "connection",
    HopName.TARGET_TLS: "target TLS",
    HopName.GREETING: "greeting",
}
"""As people read them."""

CLOUD_HOPS = tuple(HopName)[tuple(HopName).index(HopName.CONFIGURATION) : tuple(HopName).index(HopName.SERVER)]
"""Of every cloud."""
SCREEN_HOPS = tuple(HopName)[tuple(HopName).index(HopName.SERVER) : tuple(HopName).index(HopName.TOKENS)]
"""Behind them, where a server is named."""
STATIC_HOPS = (HopName.CONFIGURATION, HopName.TOKENS)
"""Of a static cloud, which nobody signs in to."""
TARGET_HOPS = tuple(HopName)[tuple(HopName).index(HopName.TARGET) :]
"""Behind them, where a server is named."""


class Verdict(enum.StrEnum):
    """What was found at a hop."""

    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"
    """There is nothing to look at: no TLS where the URL is plain http."""
    NOT_REACHED = "not reached"
    """A hop before it failed."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds that each hop may take."""

    dns: float = 5.0
    tcp: float = 5.0
    tls: float = 10.0
    sign_in: float = 30.0
    """Also for what the sign-in reads: the files of a cloud."""
    api: float = 30.0
    """For each request to the Compute API."""
    first_bytes: float = 30.0
    """From dialling the console proxy to the screen: a busy compute host greets late."""

    def within(self, seconds: float | None) -> Limits:
        """The same, none of them longer than this."""
        if seconds is None:
            return self
        return Limits(
            dns=min(self.dns, seconds),
            tcp=min(self.tcp, seconds),
            tls=min(self.tls, seconds),
            sign_in=min(self.sign_in, seconds),
            api=min(self.api, seconds),
            first_bytes=min(self.first_bytes, seconds),
        )


@dataclass(frozen=True, slots=True)
class Hop:
    """What was found at one hop. No text of it holds a secret."""

    name: HopName
    verdict: Verdict
    seconds: float | None = None
    """None where nothing was done."""
    seen: str = ""
    reason: str = ""
    """Of a failure: one sentence."""
    advice: tuple[str, ...] = ()
    """Of a failure: what to change, most likely first."""

    def as_json(self) -> dict[str, object]:
        """The members of a JSON object."""
        return {
            "name": self.name,
            "title": TITLES[self.name],
            "verdict": self.verdict,
            "seconds": None if self.seconds is None else round(self.seconds, 4),
            "seen": self.seen,
            "reason": self.reason,
            "advice": list(self.advice),
        }


def first_failed(hops: Iterable[Hop]) -> Hop | None:
    """The hop that is to be mended first."""
    return next((hop for hop in hops if hop.verdict is Verdict.FAILED), None)


def completed(hops: Sequence[Hop], names: Sequence[HopName]) -> tuple[Hop, ...]:
    """All the hops of `names` in their order: those that were not come to are not reached."""
    found = {hop.name: hop for hop in hops}
    return tuple(found.get(name) or Hop(name, Verdict.NOT_REACHED) for name in names)


@dataclass(frozen=True, slots=True)
class CloudReport:
    """One cloud, and the server that was asked for in it."""

    cloud: str
    provider: str
    region: str | None
    hops: tuple[Hop, ...]
    server: str | None = None
    """The id of the server, once it is known."""

    @property
    def failed(self) -> Hop | None:
        """The hop that is to be mended."""
        return first_failed(self.hops)

    def as_json(self) -> dict[str, object]:
        """The members of a JSON object."""
        failed = self.failed
        return {
            "cloud": self.cloud,
            "provider": self.provider,
            "region": self.region,
            "server": self.server,
            "well": failed is None,
            "failed": failed.name if failed else None,
            "seconds": round(sum(hop.seconds or 0.0 for hop in self.hops), 4),
            "hops": [hop.as_json() for hop in self.hops],
        }


@dataclass(frozen=True, slots=True)
class Report:
    """One run: what comes before all clouds, and each cloud."""

    reference: str | None
    hops: tuple[Hop, ...]
    """Before all clouds: the gateway, where the command had to do without it, and its configuration."""
    clouds: tuple[CloudReport, ...]

    @property
    def failed(self) -> Hop | None:
        """The hop that is to be mended first."""
        return first_failed((*self.hops, *(hop for cloud in self.clouds for hop in cloud.hops)))

    @property
    def well(self) -> bool:
        return self.failed is None

    def behind(self, *hops: Hop) -> Report:
        """The same with these hops before all others."""
        return replace(self, hops=(*hops, *self.hops))

    def as_json(self) -> dict[str, object]:
        """A JSON object."""
        failed = self.failed
        return {
            "well": self.well,
            "failed": failed.name if failed else None,
            "reference": self.reference,
            "hops": [hop.as_json() for hop in self.hops],
            "clouds": [cloud.as_json() for cloud in self.clouds],
        }
