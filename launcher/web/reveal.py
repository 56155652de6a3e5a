"""Who is shown a console URL as it is, and what of it is recorded.

It holds the console token, so it goes by the Unix socket alone, and never to a browser. A browser comes by that socket
too, through `ssh -L`, and a page in it could keep the URL or show it to others. (A command behind such a tunnel asks as
the account that signed in, like one on the gateway's own machine.)
What makes a request a browser's are headers that no script can leave out: `Origin`, which goes with every POST that a
page sends, and whatever begins with `Sec-` (Fetch §2.2.2 keeps that prefix for browsers; `Sec-Fetch-*` is of it).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from launcher.audit.events import RevealEvent
from launcher.errors import CloudReplyError, ForbiddenError, KindNotOfferedError
from launcher.model import Actor, Console, Server

_PLAIN: Final = re.compile(r"(?:https?|wss?)://[!-~]+", re.IGNORECASE)


def check_asker(actor: Actor, headers: Iterable[str]) -> None:
    """Raises ForbiddenError for whoever comes by TCP or with the names of a browser's headers."""
    if actor.via != "unix":
        raise ForbiddenError(
            "A console URL is revealed through the gateway's Unix socket alone, not over TCP.",
            hint="On the gateway's machine: console-launcher console-url, with --gateway unix:/path where that is not "
            "/run/console-launcher/web.sock.",
        )
    if any(name.lower() == "origin" or name.lower().startswith("sec-") for name in headers):
        raise ForbiddenError(
            "A console URL is never revealed to a browser.",
            hint="On the gateway's machine: console-launcher console-url.",
        )


def plain_url(console: Console) -> str:
    """The console URL itself.

    Raises KindNotOfferedError where there is none, CloudReplyError for what nobody should paste anywhere.
    """
    if console.target is not None:
        cloud = console.key.cloud
        raise KindNotOfferedError(
            f"{cloud} has no console URLs: its servers are VNC servers, which the gateway dials itself.",
            cloud=cloud,
            kind=console.key.kind,
            everywhere=True,
            hint="Open the server's page, or connect a viewer to the gateway.",
        )
    url = console.url.reveal()
    if not _PLAIN.fullmatch(url):
        cloud = console.key.cloud
        raise CloudReplyError(
            f"{cloud}: its console URL cannot be shown: it is no http, https, ws or wss address in plain ASCII.",
            cloud=cloud,
            request_id=console.request_id,
        )
    return url


def event_of(actor: Actor, server: Server, console: Console) -> RevealEvent:
    """What is recorded."""
    return RevealEvent(
        actor=actor.name,
        uid=actor.uid,
        via=actor.via,
        cloud=server.cloud,
        server=server.id,
        name=server.name,
        kind=console.key.kind,
        request_id=console.request_id,
    )
