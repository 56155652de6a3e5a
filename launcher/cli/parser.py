"""The arguments of every command, in the order in which `--help` shows them."""

from __future__ import annotations

import argparse

from launcher import __version__
from launcher.cli.arguments import Commands, add_config
from launcher.cli.exits import EXIT_CODES

_LEVELS = ("debug", "info", "warning", "error")


def parser() -> argparse.ArgumentParser:
    """The whole of it. Each command names its module, which is imported only when it runs."""
    top = argparse.ArgumentParser(
        prog="console-launcher",
        description="One local gateway in front of the consoles of all your OpenStack and Rackspace servers.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    serve = _add(
        commands, "serve", "serve", "run the gateway until SIGTERM or Ctrl-C ends it; SIGHUP reloads its configuration"
    )
    add_config(serve)
    serve.add_argument(
        "--log-level",
        choices=_LEVELS,
        help="the least that is logged (default: log_level of the configuration, or info)",
    )
    check = _add(commands, "check-config", "check_config", "tell every problem of a configuration at once")
    add_config(check)
    check.add_argument("--json", action="store_true", help="answer as JSON on standard output")
    _add(commands, "schema", "schema", "print the configuration's JSON Schema, for editors")
    return top


def _add(commands: Commands[argparse.ArgumentParser], name: str, module: str, summary: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(module=module)
    return parser
