"""The arguments of every command, in the order in which `--help` shows them."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Iterable
from pathlib import Path

from launcher import __version__
from launcher.cli.arguments import Commands, Group, add_config, add_json, port_number
from launcher.cli.asking import add_asking, add_completion
from launcher.cli.exits import ALL, Exit, exit_codes
from launcher.cli.failure import Failure

_LEVELS = ("debug", "info", "warning", "error")
_ABOUT = "One local gateway in front of the consoles of all your OpenStack and Rackspace servers."
_INVITATIONS = {
    "demo": "tries it all on this machine: two simulated clouds with screens, no account needed",
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
    commands = top.add_subparsers(title="commands", metavar="COMMAND")
    start, use, set_up = (Group(title, commands) for title in ("start", "use, while it runs", "set up"))
    _add_demo(start)
    _add_serve(start)
    add_asking(use)
    _add_init(set_up)
    _add_check_config(set_up)
    set_up.add(
        "schema",
        "print the configuration's JSON Schema, for editors",
        ends={},
        examples="""# for the YAML language server of your editor
console-launcher schema > ~/.config/console-launcher.schema.json""",
    )
    add_completion(set_up)
    top.description = "\n\n".join([_ABOUT, *(str(group) for group in (start, use, set_up))])
    top.epilog = f"{exit_codes(ALL)}\n\n`console-launcher help COMMAND` tells all about a command, with examples."
    return top


def invitation(top: argparse.ArgumentParser) -> str:
    """What to run first, for a person who named no command."""
    known = command_names(top)
    lines = [f"  console-launcher {name:<14}{what}" for name, what in _INVITATIONS.items() if name in known]
    return "\n".join(["New here?", *lines, "", "`console-launcher --help` lists every command."])


def command_names(top: argparse.ArgumentParser) -> tuple[str, ...]:
    """Every command of a parser that `parser` made."""
    actions = top._actions  # noqa: SLF001 -- argparse has no public way to its own commands
    return tuple(name for action in actions if isinstance(action, Commands) for name in action.choices)


def no_such_command(name: str, known: Iterable[str]) -> Failure:
    """With the command that may be meant."""
    close = difflib.get_close_matches(name, known, 1)
    meant = f' Did you mean "{close[0]}"?' if close else ""
    return Failure(Exit.USAGE, f'there is no command "{name}".{meant}', "console-launcher --help lists every command.")


def _add_serve(group: Group) -> None:
    parser = group.add(
        "serve",
        "run the gateway until SIGTERM or Ctrl-C ends it; SIGHUP reloads its configuration",
        ends={Exit.CANNOT_LISTEN: "an address cannot be listened on", Exit.CONFIG: ALL[Exit.CONFIG]},
        examples="""# with a configuration of your own
console-launcher serve --config config.yaml""",
    )
    add_config(parser)
    parser.add_argument(
        "--log-level",
        choices=_LEVELS,
        help="the least that is logged (default: log_level of the configuration, or info)",
    )


def _add_demo(group: Group) -> None:
    parser = group.add(
        "demo",
        "try it out: two simulated clouds on this machine, behind the real gateway",
        ends={Exit.CANNOT_LISTEN: "no port can be listened on"},
        about="""Needs no account: it starts two simulated clouds, their console proxy and the screens of a
dozen servers on this machine's loopback, puts the real gateway in front of them, and prints
a link. Console tokens of these clouds live for 60 s, so that you can see a bookmark outlive
them. Ctrl-C ends it and leaves nothing behind.""",
        examples="""# and open it in your browser
console-launcher demo --open
# with accounts for the openstack command, and for `console-launcher init`
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
        help="write the accounts of the simulated clouds to a new file, for the openstack command and init",
    )
    parser.add_argument(
        "--log-level", choices=_LEVELS, default="warning", help="the least that is logged (default: %(default)s)"
    )


def _add_init(group: Group) -> None:
    parser = group.add(
        "init",
        "find credentials, try them, and write a configuration and systemd units for them",
        ends={
            Exit.CANNOT_WRITE: "its files cannot be written; none of them is there",
            Exit.NOT_ALLOWED: "no cloud lets it in, or this account may not set it up",
            Exit.CONFIG: "the configuration that is there has problems; all of them are told",
        },
        about="""Finds credentials (clouds.yaml where the openstack command looks, OS_* variables) or asks
for a Rackspace user name and API key, and tries them: it signs in and counts servers, which
costs no console. What works is written, with the exact commands that come next. Nothing is
overwritten, and nothing is written unless a cloud lets it in. A second run changes nothing
and tells whether what is there still works.""",
        examples="""# a service of this machine, as root
sudo console-launcher init --allow alice
# on your own workstation
console-launcher init --user
# see what it would do
console-launcher init --directory ~/gateway --dry-run
# without a terminal
console-launcher init --rackspace-user ops --api-key-file - --region DFW < key""",
    )
    where = parser.add_argument_group(
        "where it goes (without any: a service of the whole machine, in /etc; needs root)"
    )
    only = where.add_mutually_exclusive_group()
    only.add_argument("--user", action="store_true", help="a service of your own account, on your workstation")
    only.add_argument("--directory", metavar="DIR", help="everything below DIR, to try it out")
    where.add_argument(
        "-p",
        "--port",
        type=port_number,
        default=6080,
        metavar="PORT",
        help="what browsers open on the machine that they run on (default: %(default)s)",
    )
    where.add_argument(
        "--allow",
        metavar="NAME",
        action="append",
        default=[],
        help="an account of this machine that may come in, beside root and who called sudo; may be repeated",
    )
    _add_credentials(parser.add_argument_group("which clouds (without any: all that are found, or a question)"))
    parser.add_argument(
        "--dry-run", action="store_true", help="try the credentials, say what would be written, write nothing"
    )


def _add_credentials(group: argparse._ArgumentGroup) -> None:
    """No secret is an argument: those are for all to see in the list of processes."""
    group.add_argument(
        "--cloud", metavar="NAME", action="append", default=[], help="this one of clouds.yaml, or all; may be repeated"
    )
    group.add_argument("--rackspace-user", metavar="NAME", help="a Rackspace account")
    group.add_argument(
        "--api-key-file", metavar="FILE", help="the file with its API key, - for standard input (without: a question)"
    )
    group.add_argument(
        "--region", metavar="NAME", action="append", default=[], help="this region only; may be repeated"
    )
    group.add_argument("--identity-url", metavar="URL", help="its Identity endpoint, where that is not Rackspace's own")
    group.add_argument(
        "--name", help="what bookmarks call the Rackspace account (without: rax) or the cloud of the OS_* variables"
    )


def _add_check_config(group: Group) -> None:
    parser = group.add(
        "check-config",
        "tell every problem of a configuration at once",
        ends={Exit.CONFIG: ALL[Exit.CONFIG]},
        examples="""# before the service is started anew
console-launcher check-config && systemctl restart console-launcher""",
    )
    add_config(parser)
    add_json(parser)
