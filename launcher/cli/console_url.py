"""`console-launcher console-url`: a console URL of the cloud itself, for a viewer outside the gateway.

The URL goes to standard output and nowhere else: what is said about it may end up in a log.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Iterator

from launcher.cli.answers import Object, check, stranger
from launcher.cli.client import Client, client_of, server_path
from launcher.cli.exits import Exit
from launcher.cli.failure import Failure
from launcher.cli.output import print_json, print_line, say
from launcher.cli.text import escaped
from launcher.cli.url import found
from launcher.model import Kind
from launcher.process import keep_private

_SCHEMES = ("http://", "https://", "ws://", "wss://")
_IN_ITS_PLACE = "'CONSOLE_URL'"
_OF_THE_JAVA_VIEWER = (
    "Only the viewer derived from xvp (nova-xvpvncviewer) understands the word URL; RealVNC's and TightVNC's do not.",
    "Its command line puts the console token into the list of processes, for every account of that machine to read.",
)


def run(options: argparse.Namespace) -> int:
    """Prints it, where the person says that it may be seen."""
    keep_private()
    if not options.reveal:
        raise _unasked(options.reference)
    console = revealed(client_of(options), options.reference, options.kind)
    if options.json:
        print_json(console)
        return Exit.OK
    url, on_terminal = escaped(console["url"]), sys.stdout.isatty()
    print_line(url)
    if on_terminal and console["kind"] == Kind.XVPVNC:
        print_line(_java(shlex.quote(url)))
    say(
        f"this is a {console['kind']} console of {console['cloud']}/{console['name']}: whoever has its URL can open it "
        f"until {console['expires_at']}.",
        *_advice(console, on_terminal=on_terminal),
    )
    return Exit.OK


def revealed(client: Client, reference: str, kind: str) -> Object:
    """A new console: its URL, kind and end, the server that it is of, and the page that outlives it. Raises Failure."""
    server = found(client, reference, view_only=False)
    path = server_path(f"{server['cloud']}/{server['id']}")
    console = client.post(f"{path}/console", {"kind": kind, "reveal": True})
    check(client.gateway, console, "url", "kind", "expires_at")
    if not console["url"].startswith(_SCHEMES):  # it may be handed to a program as an argument
        raise stranger(client.gateway)
    return {
        **{key: console[key] for key in ("url", "kind", "expires_at")},
        "cloud": server["cloud"],
        "server": server["id"],
        "name": server["name"],
        "page": server["page"],
    }


def _unasked(reference: str) -> Failure:
    return Failure(
        Exit.USAGE,
        "console-url prints a console URL with the console token in it: whoever reads it, on this screen, in a log or "
        "in a list of processes, can open that console until it expires. If that is what you want, add --reveal.",
        f"A bookmark holds no secret and does not expire: console-launcher url {shlex.quote(reference)}",
    )


def _java(url: str) -> str:
    return f"java -jar VncViewer.jar URL {url}"


def _advice(console: Object, *, on_terminal: bool) -> Iterator[str]:
    if console["kind"] == Kind.XVPVNC:
        yield (
            "The Java viewer takes it as above." if on_terminal else f"The Java viewer takes it: {_java(_IN_ITS_PLACE)}"
        )
        yield from _OF_THE_JAVA_VIEWER
    else:
        yield "A browser opens it."
    yield f"The bookmark holds no secret and does not expire: {console['page']}"
