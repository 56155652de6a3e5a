"""`console-launcher serve`: the daemon."""

from __future__ import annotations

import argparse
import asyncio
import faulthandler
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from launcher.audit.log import Log, LogJournal, logging_to
from launcher.cli.exits import Exit
from launcher.cli.failure import told_fault
from launcher.clock import SystemClock
from launcher.config.load import load
from launcher.config.models import Config
from launcher.errors import ConfigError, ListenError
from launcher.process import keep_private


class Serve(Protocol):
    """The daemon: serves until it is told to stop."""

    def __call__(
        self,
        config: Config,
        *,
        read: Callable[[], Config] | None = None,
        ready: Callable[[Sequence[str]], None] | None = None,
        journal: LogJournal | None = None,
    ) -> Awaitable[None]: ...


def run(options: argparse.Namespace, serve: Serve | None = None) -> int:
    """Serves until SIGTERM or Ctrl-C; SIGHUP has the configuration read again. Raises ConfigError."""

    def read() -> Config:
        return _read(options)

    keep_private()
    config = read()
    with logging_to(SystemClock(), config.log_level) as log:
        try:
            asyncio.run(_serve(serve or _daemon(), config, read, log))
        except ListenError as error:
            log.say(f"console-launcher: {error}")
            return Exit.CANNOT_LISTEN
        except ConfigError:
            raise
        except Exception as error:  # noqa: BLE001 -- standard error, where it would be told otherwise, may be unread
            log.say(told_fault(error))
            return Exit.FAULT
        except KeyboardInterrupt:
            return Exit.INTERRUPTED
    return Exit.OK


def _read(options: argparse.Namespace) -> Config:
    """The file's configuration; what the command line says goes before it. Raises ConfigError."""
    config = load(options.config, serving=True)
    return config.model_copy(update={"log_level": options.log_level}) if options.log_level else config


def _daemon() -> Serve:
    """Imported only now: a wrong configuration is told a second earlier."""
    from launcher.daemon import serve

    # Where every thread stood, when the watchdog ends a process whose event loop is blocked: places only, no values.
    faulthandler.enable(sys.__stderr__ or sys.stderr)
    return serve


async def _serve(serve: Serve, config: Config, read: Callable[[], Config], log: Log) -> None:
    await serve(config, read=read, ready=lambda where: _say_ready(config, where, log), journal=LogJournal(log))


def _say_ready(config: Config, where: Sequence[str], log: Log) -> None:
    """For the person at a terminal; the log says the same to everything else."""
    if sys.stderr.isatty():
        log.say(f"console-launcher listens on {', '.join(where)}; its first public URL is {config.public_urls[0]}")
