"""Opens a console: console URL → target → upstream, under the rules of the console's cloud.

A direct target has no console URL: it is the operator's own word, and dialled as it is.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from launcher.cloud.hostsfile import on_loopback
from launcher.consoles.url import Rewrite, names, target_of
from launcher.egress import Egress, Gate, Listeners
from launcher.model import Console, Target
from launcher.relay.upstream import DialLimits, UpstreamEnd, open_upstream


class KnowsEgress(Protocol):
    async def egress(self) -> Egress:
        """What is allowed to the cloud's console proxies. Raises CloudError."""
        ...


@dataclass(frozen=True, slots=True)
class ConsoleRules:
    """How consoles of one cloud are dialled."""

    endpoint: KnowsEgress
    rewrites: Sequence[Rewrite]
    hosts: Sequence[str]
    plain: bool
    tls: ssl.SSLContext


class Opener:
    """Opens consoles of any cloud; `own` is where this process listens, `node` the id of this gateway."""

    def __init__(self, rules: Mapping[str, ConsoleRules], limits: DialLimits, *, own: Listeners, node: str) -> None:
        self._rules = rules
        self._limits = limits
        self._own = own
        self._node = node

    async def open(self, console: Console, gateways: Sequence[str] = ()) -> tuple[UpstreamEnd, bytes]:
        """The upstream and the bytes that proved it, for a session that has passed these gateways.

        Raises CloudError or UpstreamError.
        """
        rules = self._rules[console.key.cloud]
        target, gate = dialled(console, rules, await rules.endpoint.egress(), self._own)
        return await open_upstream(
            target, gate=gate, tls=rules.tls, limits=self._limits, gateways=(*gateways, self._node)
        )


def dialled(console: Console, rules: ConsoleRules, egress: Egress, own: Listeners) -> tuple[Target, Gate]:
    """Where a console is dialled, and which of the addresses there may be. Raises CloudReplyError."""
    if console.target is not None:
        return console.target, Gate(egress.loopback, own)
    target = target_of(
        console.url,
        cloud=console.key.cloud,
        kind=console.key.kind,
        rewrites=rules.rewrites,
        hosts=rules.hosts,
        plain=rules.plain or egress.plain,
    )
    meant = names(rules.rewrites, target) and on_loopback([target.origin])
    return target, Gate(egress.loopback or meant, own)
