"""`console-launcher serve`: the daemon."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from launcher.audit.log import set_up_logging
from launcher.cli.exits import Exit
from launcher.clock import SystemClock
from launcher.config.load import load
from launcher.config.models import Config
from launcher.errors import ListenError

THREADS = ("sign-in", "names", "peers")
"""How the names of the daemon's worker threads begin."""
_THREADS_GRACE = 0.5


class Serve(Protocol):
    """The daemon: serves until it is told to stop."""

    def __call__(self, config: Config, *, ready: Callable[[Sequence[str]], None] | None = None) -> Awaitable[None]: ...


def run(options: argparse.Namespace, serve: Serve | None = None) -> int:
    """Serves until SIGTERM or Ctrl-C. Raises ConfigError."""
    config = load(options.config)
    set_up_logging(SystemClock(), options.log_level)
    with asyncio.Runner() as runner:
        code = _run(runner, serve or _daemon(), config)
        if serve is None:  # a caller who brings a daemon of its own has a process of its own, too
            _leave_threads_that_are_held(code)
    return code


def _run(runner: asyncio.Runner, serve: Serve, config: Config) -> int:
    try:
        runner.run(_serve(serve, config))
    except ListenError as error:
        _say(f"console-launcher: {error}")
        return Exit.CANNOT_LISTEN
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    return Exit.OK


def _leave_threads_that_are_held(code: int) -> None:
    """End the process without a thread that waits for a cloud or a name server: Python itself would wait for it."""
    held = [thread for thread in threading.enumerate() if thread.name.startswith(THREADS)]
    for thread in held:
        thread.join(_THREADS_GRACE / len(held))
    if any(thread.is_alive() for thread in held):
        logging.shutdown()
        os._exit(code)


def _daemon() -> Serve:
    """Imported only now: a wrong configuration is told a second earlier."""
    from launcher.daemon import serve

    return serve


async def _serve(serve: Serve, config: Config) -> None:
    await serve(config, ready=lambda where: _say_ready(config, where))


def _say_ready(config: Config, where: Sequence[str]) -> None:
    """For the person at a terminal; the log says the same to everything else."""
    if sys.stderr.isatty():
        _say(f"console-launcher listens on {', '.join(where)}; its first public URL is {config.public_urls[0]}")


def _say(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201 -- the command's answer
