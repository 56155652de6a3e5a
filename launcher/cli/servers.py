"""`console-launcher servers`: the servers of all clouds."""

from __future__ import annotations

import argparse

from launcher.cli.answers import Object, check, objects, problem_line, stranger
from launcher.cli.client import Client, client_of
from launcher.cli.exits import Exit
from launcher.cli.failure import Failure
from launcher.cli.output import print_json, print_table, say
from launcher.cli.table import NARROWEST, Cell, Row, Tone

_PART = 1000
"""Servers asked for at once; the API's own limit."""
_PARTS_AT_MOST = 1000
"""A million servers; more are a gateway that does not know where its list ends."""
_STEPS = (("ID", 9), ("SERVER", 48), ("ID", 0), ("STATE", NARROWEST), ("SERVER", NARROWEST))
"""Names tell the rows apart, as eight letters of an id do; one name that is long beyond reason hides no other."""
_TONES = {"ACTIVE": Tone.GOOD, "ERROR": Tone.BAD, "SHUTOFF": Tone.QUIET, "DELETED": Tone.QUIET}


def run(options: argparse.Namespace) -> int:
    """Prints them; what is wrong with which cloud goes to standard error, or into the JSON."""
    listing = listed(client_of(options), query=" ".join(options.query), cloud=options.cloud, limit=options.limit)
    servers, errors = listing["servers"], listing["errors"]
    if options.json:
        print_json(listing)
    elif servers:
        print_table(("SERVER", "STATE", "ID"), [_row(server) for server in servers], _STEPS)
    if not options.json:
        _say_rest(options, listing)
    return Exit.TRY_AGAIN if errors or listing["waiting"] else Exit.OK


def listed(client: Client, *, query: str = "", cloud: str | None = None, limit: int | None = None) -> Object:
    """The API's listing, all its parts in one: at most `limit` servers. Raises Failure.

    It ends whatever the gateway says: an empty part is the last, and so is one whose next marker was followed before.
    What a cloud's servers are as of, and which clouds have not answered, is as it was when the first part came.
    """
    servers: list[Object] = []
    errors: dict[object, Object] = {}
    markers: list[str] = []
    known: Object = {}
    while len(markers) < _PARTS_AT_MOST:
        part = _PART if limit is None else min(_PART, limit - len(servers))
        asked = {"q": query, "cloud": cloud, "limit": str(part), "marker": markers[-1] if markers else None}
        body = client.get(
            "/api/v1/servers", {key: value for key, value in asked.items() if value} | client.until_answered
        )
        found = objects(client.gateway, body, "servers", "cloud", "id", "name", "status", "page", "path")
        servers += found
        known = known or _known(client, body)
        errors |= {problem.get("cloud"): problem for problem in objects(client.gateway, body, "errors")}
        marker = body.get("next_marker")
        if not found or not isinstance(marker, str) or marker in markers:
            marker = None
        if marker is None or (limit is not None and len(servers) >= limit):
            return {"servers": servers[:limit], "next_marker": marker, "errors": list(errors.values()), **known}
        markers.append(marker)
    raise Failure(
        Exit.FAULT,
        f"the gateway at {client.gateway} lists more than {len(servers)} servers, or never ends its list.",
        "Part of it is shown with: --limit NUMBER",
    )


def _known(client: Client, body: Object) -> Object:
    as_of, waiting = body.get("as_of", {}), body.get("waiting", [])
    check(client.gateway, as_of, *(as_of if isinstance(as_of, dict) else ()))
    if not isinstance(waiting, list) or not all(isinstance(cloud, str) for cloud in waiting):
        raise stranger(client.gateway)
    return {"as_of": as_of, "waiting": waiting}


def state_of(server: Object) -> str:
    """Its status, and what is being done with it."""
    task = server.get("task_state")
    return f"{server['status']} ({task})" if task else server["status"]


def _row(server: Object) -> Row:
    tone = _TONES.get(server["status"], Tone.PLAIN)
    return (Cell(f"{server['cloud']}/{server['name']}"), Cell(state_of(server), tone), Cell(server["id"]))


def _say_rest(options: argparse.Namespace, listing: Object) -> None:
    servers, errors, as_of = listing["servers"], listing["errors"], listing["as_of"]
    for problem in errors:
        say(problem_line(problem))
    for cloud in listing["waiting"]:
        say(f"{cloud}: it has not answered yet.")
    late = {*listing["waiting"], *(problem.get("cloud") for problem in errors)}
    for cloud in sorted(late & as_of.keys()):
        say(f"{cloud}: its servers are shown as of {as_of[cloud]}.")
    if listing["next_marker"] is not None:
        say(f"there are more than the {len(servers)} shown: a higher --limit shows them.")
    if not servers and not errors and not listing["waiting"]:
        say(_none(" ".join(options.query)))


def _none(query: str) -> str:
    if not query.split():
        return "there are no servers."
    words = " and ".join(f'"{word}"' for word in query.split())
    return f"no server has {words} in its name, cloud, state or UUID."
