"""`console-launcher help`: what `--help` prints, of a command or of them all."""

from __future__ import annotations

import argparse

from launcher.cli.exits import Exit
from launcher.cli.output import print_line
from launcher.cli.parser import commands_of, no_such_command, parser


def run(options: argparse.Namespace) -> int:
    """Prints it. Raises Failure."""
    top = parser()
    commands = commands_of(top)
    if options.command is not None and options.command not in commands:
        raise no_such_command(options.command, commands)
    shown = top if options.command is None else commands[options.command]
    print_line(shown.format_help().rstrip("\n"))
    return Exit.OK
