"""`console-launcher clouds`: the clouds, and how many servers each has."""

from __future__ import annotations

import argparse

from launcher.cli.answers import Object, objects, problem_line
from launcher.cli.client import client_of
from launcher.cli.exits import Exit
from launcher.cli.output import print_json, print_table, say
from launcher.cli.table import NARROWEST, Cell, Row, Tone

_STEPS = (("PROVIDER", 0), ("REGION", 0), ("CLOUD", NARROWEST))


def run(options: argparse.Namespace) -> int:
    """Prints them; why a cloud does not answer goes to standard error, or into the JSON."""
    client = client_of(options)
    body = client.get("/api/v1/clouds", {"count": "true", **client.until_answered})
    clouds = objects(client.gateway, body, "clouds", "name", "provider")
    problems = [cloud["problem"] for cloud in clouds if isinstance(cloud.get("problem"), dict)]
    waiting = [cloud["name"] for cloud in clouds if cloud.get("waiting")]
    if options.json:
        print_json(body)
    else:
        print_table(("CLOUD", "PROVIDER", "REGION", "SERVERS"), [_row(cloud) for cloud in clouds], _STEPS)
        for problem in problems:
            say(problem_line(problem))
        for name in waiting:
            say(f"{name}: it has not answered yet.")
    return Exit.TRY_AGAIN if problems or waiting else Exit.OK


def _row(cloud: Object) -> Row:
    count = cloud.get("servers")
    counted = Cell("?", Tone.BAD) if count is None else Cell(str(count))
    return (Cell(cloud["name"]), Cell(cloud["provider"]), Cell(str(cloud.get("region") or "-")), counted)
