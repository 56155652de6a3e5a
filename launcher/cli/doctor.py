"""`console-launcher doctor`: what is wrong between the gateway and a screen, hop by hop."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path

from launcher.cli.answers import Object, stranger
from launcher.cli.arguments import SYSTEM_FILE, default_file
from launcher.cli.client import Client, gateway_for, server_path
from launcher.cli.examined import Look, exit_of, is_report, report_lines, signs_for
from launcher.cli.exits import Exit
from launcher.cli.failure import Failure
from launcher.cli.output import print_json, print_line
from launcher.config.environment import own_config_file, wants_colour, wished_gateway

_PATIENCE = 300.0
"""Seconds for the gateway's answer: every hop has its own limit, and most take no time."""


def run(options: argparse.Namespace) -> int:
    """Prints what was found, on standard output whatever it is. Raises Failure."""
    if options.reference is not None:
        server_path(options.reference)  # what cannot be sent is said before anybody is asked
    body = _alone(options.config, options) if options.config is not None else _asked(options)
    if options.json:
        print_json(body)
    else:
        for line in report_lines(body, _look()):
            print_line(line)
    return exit_of(body)


def _asked(options: argparse.Namespace) -> Object:
    """The running gateway's report; this process's own where there is none in the usual places."""
    try:
        client = Client(gateway_for(options), _PATIENCE)
        body = client.post("/api/v1/doctor", {"reference": options.reference, "timeout": options.timeout})
    except Failure as failure:
        file = default_file(SYSTEM_FILE, own_config_file())
        named = options.gateway is not None or wished_gateway() is not None
        if failure.code != Exit.NO_GATEWAY or named or not os.access(file, os.R_OK):
            raise
        return _alone(file, options, failure)
    if not is_report(body):
        raise stranger(client.gateway)
    return body


def _alone(file: Path, options: argparse.Namespace, failure: Failure | None = None) -> Object:
    from launcher.cli.doctor_alone import examine  # all of the gateway, which nobody needs who asks one that runs

    return examine(file, options.reference, options.timeout, failure)


def _look() -> Look:
    columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    return Look(signs_for(sys.stdout.encoding or "ascii"), columns, wants_colour(sys.stdout))
