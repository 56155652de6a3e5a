"""`console-launcher end`: ends a session; its viewer is told who did."""

from __future__ import annotations

import argparse
from urllib.parse import quote

from launcher.cli.answers import only
from launcher.cli.client import client_of
from launcher.cli.exits import Exit
from launcher.cli.output import print_json, print_line
from launcher.cli.sessions import live
from launcher.cli.text import escaped


def run(options: argparse.Namespace) -> int:
    """Ends it and prints which it was."""
    client = client_of(options)
    session = only(live(client), options.session)
    client.delete(f"/api/v1/sessions/{quote(session['id'], safe='')}")
    if options.json:
        print_json(session)
    else:
        ended = f"ended {session['id']}: {session['actor']} on {session['cloud']}/{session['name']}"
        print_line(escaped(ended))
    return Exit.OK
