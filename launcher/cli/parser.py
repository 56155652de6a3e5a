"""The arguments of every command, in the order in which `--help` shows them."""

from __future__ import annotations

import argparse
from pathlib import Path

from launcher import __version__
from launcher.cli.arguments import Commands, Group, add_config, add_json, port_number
from launcher.cli.asking import add_asking, add_completion
from launcher.cli.exits import EXIT_CODES

_LEVELS = ("debug", "info", "warning", "error")
_ABOUT = "One local gateway in front of the consoles of all your OpenStack and Rackspace servers."
_INVITATIONS = {
    "demo": "tries it all on this machine: a simulated cloud with screens, no account needed",
    "init": "writes a first configuration for your clouds",
    "check-config": "tells what is wrong with a configuration",
    "servers": "lists your servers where a gateway runs already",
}
"""What a newcomer may want first, by command."""


class _TopFormatter(argparse.RawDescriptionHelpFormatter):
    """Leaves out argparse's list of the commands: it knows no groups, and the description has them."""

    def _format_action(self, action: argparse.Action) -> str:
        return "" if isinstance(action, Commands) else super()._format_action(action)


def parser() -> argparse.ArgumentParser:
    """The whole of it. `options.module` names the command's module, imported only when it runs; None: no command."""
    top = argparse.ArgumentParser(prog="console-launcher", formatter_class=_TopFormatter)
    top.set_defaults(module=None)
    top.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
<<<<<<< HEAD
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_init(commands)
    serve = _add(commands, "serve", "serve", "run the gateway until SIGTERM, SIGHUP or Ctrl-C ends it")
    add_config(serve)
    serve.add_argument(
        "--log-level", choices=_LEVELS, default="info", help="the least that is logged (default: %(default)s)"
=======
    commands = top.add_subparsers(title="commands", metavar="COMMAND")
    start, use, set_up = (Group(title, commands) for title in ("start", "use, while it runs", "set up"))
    _add_demo(start)
    _add_serve(start)
    add_asking(use)
    _add_check_config(set_up)
    set_up.add(
        "schema",
        "print the configuration's JSON Schema, for editors",
        examples="""# for the YAML language server of your editor
console-launcher schema > ~/.config/console-launcher.schema.json""",
>>>>>>> main
    )
    add_completion(set_up)
    top.description = "\n\n".join([_ABOUT, *(str(group) for group in (start, use, set_up))])
    top.epilog = f"{EXIT_CODES}\n\n`console-launcher COMMAND --help` tells all about a command, with examples."
    return top


<<<<<<< HEAD
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
=======
def invitation(top: argparse.ArgumentParser) -> str:
    """What to run first, for a person who named no command."""
    known = command_names(top)
    lines = [f"  console-launcher {name:<14}{what}" for name, what in _INVITATIONS.items() if name in known]
    return "\n".join(["New here?", *lines, "", "`console-launcher --help` lists every command."])


def command_names(top: argparse.ArgumentParser) -> tuple[str, ...]:
    """Every command of a parser that `parser` made."""
    actions = top._actions  # noqa: SLF001 -- argparse has no public way to its own commands
    return tuple(name for action in actions if isinstance(action, Commands) for name in action.choices)


def _add_serve(group: Group) -> None:
    parser = group.add(
        "serve",
        "run the gateway until SIGTERM, SIGHUP or Ctrl-C ends it",
        examples="""# with a configuration of your own
console-launcher serve --config config.yaml""",
>>>>>>> main
    )
    add_config(parser)
    parser.add_argument(
        "--log-level", choices=_LEVELS, default="info", help="the least that is logged (default: %(default)s)"
    )


def _add_demo(group: Group) -> None:
    parser = group.add(
        "demo",
        "try it out: a simulated cloud on this machine, behind the real gateway",
        about="""Needs no account: it starts a simulated cloud, its console proxy and the screens of a dozen
servers on this machine's loopback, puts the real gateway in front of them, and prints a
link. Console tokens of this cloud live for 60 s, so that you can see a bookmark outlive
them. Ctrl-C ends it and leaves nothing behind.""",
        examples="""# and open it in your browser
console-launcher demo --open
# with an account for the openstack command, or for `console-launcher init`
console-launcher demo --openrc demo.openrc""",
    )
    parser.add_argument(
        "-p",
        "--port",
        type=port_number,
        default=6080,
        metavar="PORT",
        help="where the gateway listens on localhost; if it is taken, the next free one (default: %(default)s)",
    )
    parser.add_argument("--open", action="store_true", help="open the link in your browser")
    parser.add_argument(
        "--openrc",
        type=Path,
        metavar="FILE",
        help="write the account of the simulated cloud to a new file, as OS_* variables for the openstack command",
    )
    parser.add_argument(
        "--log-level", choices=_LEVELS, default="warning", help="the least that is logged (default: %(default)s)"
    )


def _add_check_config(group: Group) -> None:
    parser = group.add(
        "check-config",
        "tell every problem of a configuration at once",
        examples="""# before the service is started anew
console-launcher check-config && systemctl restart console-launcher""",
    )
    add_config(parser)
    add_json(parser)
