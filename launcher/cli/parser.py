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
    _add_init(commands)
    serve = _add(commands, "serve", "serve", "run the gateway until SIGTERM, SIGHUP or Ctrl-C ends it")
    add_config(serve)
    serve.add_argument(
        "--log-level", choices=_LEVELS, default="info", help="the least that is logged (default: %(default)s)"
    )
    check = _add(commands, "check-config", "check_config", "tell every problem of a configuration at once")
    add_config(check)
    check.add_argument("--json", action="store_true", help="answer as JSON on standard output")
    _add(commands, "schema", "schema", "print the configuration's JSON Schema, for editors")
    return top


def _add_init(commands: Commands[argparse.ArgumentParser]) -> None:
    init = _add(
        commands, "init", "init", "find credentials, try them, and write a configuration and systemd units for them"
    )
    init.description = (
        "Finds credentials (clouds.yaml, OS_* variables) or asks for a Rackspace user name and API key, tries them, "
        "and writes config.yaml, credentials and systemd units. Nothing is overwritten, and nothing is written unless a "
        "cloud lets the gateway in. Says what it did and what comes next."
    )
    where = init.add_argument_group("where it goes (default: a service of the whole machine, in /etc; needs root)")
    only = where.add_mutually_exclusive_group()
    only.add_argument("--user", action="store_true", help="a service of your own account, on your workstation")
    only.add_argument("--directory", metavar="DIR", help="everything below DIR, to try it out")
    where.add_argument(
        "--port",
        type=_port,
        default=6080,
        help="the port that browsers open, on the machine they run on (default: 6080)",
    )
    what = init.add_argument_group("which clouds (default: all that clouds.yaml and OS_* name; asks if there are none)")
    what.add_argument(
        "--cloud", metavar="NAME", action="append", default=[], help="this one of clouds.yaml; repeatable; or all"
    )
    what.add_argument("--rackspace-user", metavar="NAME", help="a Rackspace account")
    what.add_argument("--api-key-file", metavar="FILE", help="holds its API key; - for standard input (default: asks)")
    what.add_argument("--region", metavar="NAME", action="append", default=[], help="only this region; repeatable")
    what.add_argument(
        "--identity-url", metavar="URL", help="the Rackspace account's Identity endpoint, if not Rackspace's"
    )
    what.add_argument(
        "--name", help="what to call the Rackspace account (default: rax), or the cloud of OS_*, in bookmarks"
    )
    init.add_argument(
        "--dry-run", action="store_true", help="try the credentials, say what would be written, write nothing"
    )


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError("a port is a number from 1 to 65535")
    return int(text)


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
