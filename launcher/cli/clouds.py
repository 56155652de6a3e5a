"""`console-launcher clouds`: the clouds, and how many servers each has."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence

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
    missing = any(_is_late(cloud) for cloud in clouds)
    if options.json:
        print_json(body)
    else:
        print_table(("CLOUD", "PROVIDER", "REGION", "SERVERS"), [_row(cloud) for cloud in clouds], _STEPS)
        for remark in remarks(clouds):
            say(remark)
    return Exit.TRY_AGAIN if missing else Exit.OK


def remarks(clouds: Sequence[Object]) -> Iterator[str]:
    """Why clouds did not answer, and as of when those servers are counted that are known all the same."""
    for cloud in clouds:
        if isinstance(cloud.get("problem"), dict):
            yield problem_line(cloud["problem"])
        elif cloud.get("waiting"):
            yield f"{cloud['name']}: it has not answered yet."
        if _is_late(cloud) and cloud.get("as_of"):
            yield f"{cloud['name']}: its servers are counted as of {cloud['as_of']}."


def _is_late(cloud: Object) -> bool:
    return bool(isinstance(cloud.get("problem"), dict) or cloud.get("waiting"))


def _row(cloud: Object) -> Row:
    count = cloud.get("servers")
    counted = Cell("?", Tone.BAD) if count is None else Cell(str(count))
    return (Cell(cloud["name"]), Cell(cloud["provider"]), Cell(str(cloud.get("region") or "-")), counted)
