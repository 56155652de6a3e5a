"""`console-launcher`: reads the arguments and runs one command."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import threading
import traceback
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from launcher import __version__
from launcher.cli.arguments import Commands, add_config
from launcher.cli.exits import EXIT_CODES, Exit
from launcher.cli.problems import print_problems
from launcher.errors import ConfigError

_GRACE = 0.5
"""Seconds that worker threads have to end in."""
_LEVELS = ("debug", "info", "warning", "error")


def entry() -> NoReturn:
    """The command itself: `main`, and the end of the process.

    Python would wait for every worker thread, and one may be held for half a minute by a cloud that does not answer.
    """
    code = main()
    workers = [thread for thread in threading.enumerate() if thread is not threading.main_thread()]
    for thread in workers:
        thread.join(_GRACE / len(workers))
    if any(thread.is_alive() for thread in workers):
        logging.shutdown()
        sys.stdout.flush()
        os._exit(code)
    sys.exit(code)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command that `argv` (default: the process's arguments) names; returns the exit code."""
    try:
        options = _parser().parse_args(argv)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else Exit.USAGE
    try:
        return _run(options)
    except ConfigError as error:
        print_problems(error.problems)
        return Exit.CONFIG
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK
    except Exception as error:  # noqa: BLE001 -- the last place that can name what nobody expected
        _say_fault(error)
        return Exit.FAULT


def _run(options: argparse.Namespace) -> int:
    code: int = import_module(f"launcher.cli.{options.module}").run(options)
    sys.stdout.flush()
    return code


def _say_fault(error: Exception) -> None:
    """Where it happened and what kind it is, never its text: that may hold what must not be shown."""
    places = "".join(traceback.format_tb(error.__traceback__))
    sentence = f"console-launcher: an internal fault ({type(error).__name__}): please report it with the lines above"
    print(f"{places}{sentence}", file=sys.stderr)  # noqa: T201 -- the command's answer


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="console-launcher",
        description="One local gateway in front of the consoles of all your OpenStack and Rackspace servers.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    serve = _add(commands, "serve", "serve", "run the gateway until SIGTERM, SIGHUP or Ctrl-C ends it")
    add_config(serve)
    serve.add_argument(
        "--log-level", choices=_LEVELS, default="info", help="the least that is logged (default: %(default)s)"
    )
    check = _add(commands, "check-config", "check_config", "tell every problem of a configuration at once")
    add_config(check)
    check.add_argument("--json", action="store_true", help="answer as JSON on standard output")
    _add(commands, "schema", "schema", "print the configuration's JSON Schema, for editors")
    return parser


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
