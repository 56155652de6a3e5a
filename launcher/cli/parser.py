"""The arguments of every command, in the order in which `--help` shows them."""

from __future__ import annotations

import argparse
from pathlib import Path

from launcher import __version__
from launcher.cli.arguments import Commands, add_config, port_number
from launcher.cli.exits import EXIT_CODES

_LEVELS = ("debug", "info", "warning", "error")
_DEMO = """\
Try it out without any account: starts a simulated cloud, its console proxy and the
screens of a dozen servers on this machine's loopback, puts the real gateway in front
of them, and prints a link. Console tokens of this cloud live for 60 s, so that you can
see a bookmark outlive them. Ctrl-C ends it and leaves nothing behind."""


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
    serve = _add(commands, "serve", "serve", "run the gateway until SIGTERM, SIGHUP or Ctrl-C ends it")
    add_config(serve)
    serve.add_argument(
        "--log-level", choices=_LEVELS, default="info", help="the least that is logged (default: %(default)s)"
    )
    check = _add(commands, "check-config", "check_config", "tell every problem of a configuration at once")
    add_config(check)
    check.add_argument("--json", action="store_true", help="answer as JSON on standard output")
    _add(commands, "schema", "schema", "print the configuration's JSON Schema, for editors")
    _add_demo(commands)
    return top


def _add_demo(commands: Commands[argparse.ArgumentParser]) -> None:
    demo = _add(commands, "demo", "demo", "try it out: a simulated cloud on this machine, behind the real gateway")
    demo.description = _DEMO
    demo.add_argument(
        "-p",
        "--port",
        type=port_number,
        default=6080,
        metavar="PORT",
        help="where the gateway listens on localhost; if it is taken, the next free one (default: %(default)s)",
    )
    demo.add_argument("--open", action="store_true", help="open the link in your browser")
    demo.add_argument(
        "--openrc",
        type=Path,
        metavar="FILE",
        help="write the account of the simulated cloud to a new file, as OS_* variables for the openstack command",
    )
    demo.add_argument(
        "--log-level", choices=_LEVELS, default="warning", help="the least that is logged (default: %(default)s)"
    )


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
