"""`console-launcher sessions`: who views what now."""

from __future__ import annotations

import argparse

from launcher.cli.answers import Object, objects
from launcher.cli.client import Client, client_of
from launcher.cli.exits import Exit
from launcher.cli.output import print_json, print_table, say
from launcher.cli.table import NARROWEST, Cell, Row
from launcher.cli.text import size

TEXTS = ("id", "actor", "via", "cloud", "server", "name", "kind", "opened_at")
"""What a session of the API says in words."""

_TITLES = ("SESSION", "WHO", "SERVER", "SINCE", "SENT", "RECEIVED")
_STEPS = (
    ("SERVER", 24), ("RECEIVED", 0), ("SENT", 0), ("SINCE", 0),
    ("WHO", NARROWEST), ("SERVER", NARROWEST), ("SESSION", NARROWEST),
)  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Prints them, oldest first."""
    client = client_of(options)
    body = client.get("/api/v1/sessions")
    sessions = objects(client.gateway, body, "sessions", *TEXTS)
    if options.json:
        print_json(body)
    elif sessions:
        print_table(_TITLES, [_row(one) for one in sessions], _STEPS)
    else:
        say("no session is open.")
    return Exit.OK


def live(client: Client) -> list[Object]:
    """The sessions that are open. Raises Failure."""
    return objects(client.gateway, client.get("/api/v1/sessions"), "sessions", *TEXTS)


def _row(session: Object) -> Row:
    server = f"{session['cloud']}/{session['name']}"
    counts = [_size(session.get(key)) for key in ("bytes_up", "bytes_down")]
    who = f"{session['actor']} (view only)" if session.get("view_only") is True else session["actor"]
    return tuple(Cell(text) for text in (session["id"], who, server, session["opened_at"], *counts))


def _size(count: object) -> str:
    return size(count) if isinstance(count, int) else "?"
