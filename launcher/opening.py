"""Opens a console: console URL → target → upstream, under the rules of the console's cloud.

A direct target has no console URL: it is the operator's own word, and dialled as it is.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from launcher.consoles.url import Rewrite, target_of
from launcher.model import Console
from launcher.relay.upstream import DialLimits, UpstreamEnd, open_upstream


class Egress(Protocol):
    """What a cloud's own endpoint tells of where its console proxy may be."""

    @property
    def loopback(self) -> bool: ...
    @property
    def plain(self) -> bool: ...


class KnowsEgress(Protocol):
    async def egress(self) -> Egress: ...


@dataclass(frozen=True, slots=True)
class ConsoleRules:
    """How consoles of one cloud are dialled."""

    endpoint: KnowsEgress
    rewrites: Sequence[Rewrite]
    hosts: Sequence[str]
    plain: bool
    tls: ssl.SSLContext


class Opener:
    """Opens consoles of any cloud."""

    def __init__(self, rules: Mapping[str, ConsoleRules], limits: DialLimits) -> None:
        self._rules = rules
        self._limits = limits

    async def open(self, console: Console) -> tuple[UpstreamEnd, bytes]:
        """The upstream and the bytes that proved it. Raises CloudError or UpstreamError."""
        rules = self._rules[console.key.cloud]
        egress = await rules.endpoint.egress()
        target = console.target or target_of(
            console.url,
            cloud=console.key.cloud,
            kind=console.key.kind,
            rewrites=rules.rewrites,
            hosts=rules.hosts,
            plain=rules.plain or egress.plain,
        )
        return await open_upstream(target, loopback=egress.loopback, tls=rules.tls, limits=self._limits)
