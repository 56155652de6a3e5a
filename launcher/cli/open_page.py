"""`console-launcher open`: the page of a server, in a browser."""

from __future__ import annotations

import argparse
import webbrowser
from collections.abc import Callable

from launcher.cli.client import client_of
from launcher.cli.exits import Exit
from launcher.cli.output import print_json, print_line, say
from launcher.cli.text import escaped
from launcher.cli.url import found
from launcher.config.environment import may_open_a_browser


def run(options: argparse.Namespace, browse: Callable[[str], bool] = webbrowser.open) -> int:
    """Opens it, or says where it is: a jump host has no screen."""
    server = found(client_of(options), options.reference, view_only=options.view_only)
    page = escaped(server["page"])
    opened = may_open_a_browser() and browse(page)
    if options.json:
        print_json(server)
    elif not opened:
        print_line(page)
    if opened:
        say(f"opened {page} in the browser.")
    else:
        say("no browser can be opened here: open this address on your own machine, through your tunnel to this one.")
    return Exit.OK
