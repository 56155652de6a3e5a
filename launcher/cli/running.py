"""Reads the arguments, runs one command, and says what went wrong with it."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from launcher.cli.exits import Exit
from launcher.cli.failure import Failure, told_fault
from launcher.cli.output import say_failure
from launcher.cli.parser import command_names, invitation, no_such_command, parser
from launcher.cli.problems import print_problems
from launcher.config.environment import ensure_home, is_completing
from launcher.errors import ConfigError

_GRACE = 0.5
"""Seconds that worker threads have to end in."""


def run(argv: Sequence[str] | None = None) -> int:
    """Runs the command that `argv` (default: the process's arguments) names; returns the exit code."""
    ensure_home()
    try:
        return _main(argv)
    except ConfigError as error:
        print_problems(error.problems)
        return Exit.CONFIG
    except Failure as failure:
        say_failure(failure)
        return failure.code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except Exception as error:  # noqa: BLE001 -- the last place that can name what nobody expected
        _say_fault(error)
        return Exit.FAULT


def end(code: int) -> NoReturn:
    """Ends the process.

    Python would wait for every worker thread, and one may be held for half a minute by a cloud that does not answer.
    Ctrl-C has no more to say than that it should be soon.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    workers = [thread for thread in threading.enumerate() if thread is not threading.main_thread()]
    for thread in workers:
        thread.join(_GRACE / len(workers))
    if any(thread.is_alive() for thread in workers):
        logging.shutdown()
        sys.stdout.flush()
        os._exit(code)
    sys.exit(code)


def _main(argv: Sequence[str] | None) -> int:
    top = parser()
    if is_completing():
        import_module("launcher.cli.completion").complete(top)
    words = _meant(list(sys.argv[1:] if argv is None else argv), command_names(top))
    try:
        options = top.parse_args(words)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else Exit.USAGE
    if options.module is None:
        print(f"{top.format_usage()}\n{invitation(top)}", file=sys.stderr)  # noqa: T201 -- the command's answer
        return Exit.USAGE
    return _run_command(options)


def _meant(words: list[str], known: Sequence[str]) -> list[str]:
    """The arguments, `help COMMAND` as the option that it means. Raises Failure for a command that there is not."""
    if words[:1] == ["help"]:
        words = [*words[1:2], "--help"]
    if words and not words[0].startswith("-") and words[0] not in known:
        raise no_such_command(words[0], known)
    return words


def _run_command(options: argparse.Namespace) -> int:
    code: int = import_module(f"launcher.cli.{options.module}").run(options)
    sys.stdout.flush()
    return code


def _say_fault(error: Exception) -> None:
    print(told_fault(error), file=sys.stderr)  # noqa: T201 -- the command's answer
