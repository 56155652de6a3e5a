"""`console-launcher schema`: the configuration's JSON Schema."""

from __future__ import annotations

import argparse
import json

from launcher.cli.exits import Exit
from launcher.config.schema import schema


def run(_: argparse.Namespace) -> int:
    """Prints the schema on standard output."""
    print(json.dumps(schema(), indent=2))  # noqa: T201 -- the command's answer
    return Exit.OK
