"""`console-launcher url`: the bookmark of a server."""

from __future__ import annotations

import argparse

from launcher.cli.answers import Object, check, stranger
from launcher.cli.client import Client, client_of, server_path
from launcher.cli.exits import Exit
from launcher.cli.output import print_json, print_line
from launcher.cli.text import escaped

_VIEW_ONLY = "?view=only"


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
    server = client.get(server_path(reference))
    check(client.gateway, server, "cloud", "id", "name", "status", "page", "path")
    if not server["page"].startswith(("http://", "https://")):  # it may be handed to a browser
        raise stranger(client.gateway)
    if not view_only:
        return server
    return {**server, "page": server["page"] + _VIEW_ONLY, "path": server["path"] + _VIEW_ONLY}
