"""`console-launcher completion`: teaches a shell what the TAB key completes."""

from __future__ import annotations

import argparse

from argcomplete import autocomplete
from argcomplete.shell_integration import shellcode

from launcher.cli.exits import Exit
from launcher.cli.output import print_line


def run(options: argparse.Namespace) -> int:
    """Prints the lines for the shell to read."""
    print_line(shellcode(["console-launcher"], use_defaults=False, shell=options.shell).strip("\n"))
    return Exit.OK


def complete(parser: argparse.ArgumentParser) -> None:
    """Answers the shell that asks; ends the process."""
    autocomplete(parser, always_complete_options=False)
