"""`console-launcher url`: the bookmark of a server."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from launcher.cli.answers import Object, check, objects, stranger
from launcher.cli.client import Client, client_of, server_path
from launcher.cli.exits import Exit
from launcher.cli.failure import Failure, NoSuchServer
from launcher.cli.near import near, word_of
from launcher.cli.output import print_json, print_line
from launcher.cli.text import escaped

_VIEW_ONLY = "?view=only"
_PATIENCE = 5.0
"""Seconds for a hint."""
_AT_MOST = 1000


def run(options: argparse.Namespace) -> int:
    """Prints it."""
    server = found(client_of(options), options.reference, view_only=options.view_only)
    if options.json:
        print_json(server)
    else:
        print_line(escaped(server["page"]))
    return Exit.OK


def found(client: Client, reference: str, *, view_only: bool) -> Object:
    """The API's server; with `view_only` its `page` and `path` lead to a page that sends nothing. Raises Failure."""
    try:
        server = client.get(server_path(reference))
    except NoSuchServer as failure:
        raise _with_near(failure, _near(client, reference)) from failure
    check(client.gateway, server, "cloud", "id", "name", "status", "page", "path")
    if not server["page"].startswith(("http://", "https://")):  # it may be handed to a browser
        raise stranger(client.gateway)
    if not view_only:
        return server
    return {**server, "page": server["page"] + _VIEW_ONLY, "path": server["path"] + _VIEW_ONLY}


def _with_near(failure: Failure, names: Sequence[str]) -> Failure:
    """The same refusal, and what the person may have meant."""
    if not names:
        return failure
    return Failure(failure.code, f"{failure.sentence} Near: {', '.join(names)}.", *failure.advice)


def _near(client: Client, reference: str) -> list[str]:
    """Of the servers that hold the word, else of the first thousand. What goes wrong is no matter: it is but a hint."""
    hurried = client.within(_PATIENCE)
    for query in ({"q": word_of(reference)}, {}):
        try:
            listing = hurried.get("/api/v1/servers", {**query, "limit": str(_AT_MOST)})
            found = near(reference, objects(client.gateway, listing, "servers", "cloud", "name"))
        except Failure:
            return []
        if found:
            return found
    return []
