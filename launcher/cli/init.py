"""`console-launcher init`: from credentials to a configuration, and units, that are known to work."""

from __future__ import annotations

import argparse
import getpass
import io
import platform
import shlex
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from launcher.cli.exits import Exit
from launcher.cli.failure import Failure
from launcher.clock import SystemClock
from launcher.config.document import shown
from launcher.config.environment import Surroundings, is_account, ssh_connection, surroundings
from launcher.config.secrets import read_secret, secret_of
from launcher.config.values import parse_identity_url, parse_name
from launcher.errors import SetupError, SetupFault
from launcher.model import Secret
from launcher.process import keep_private
from launcher.setup.again import look_again
from launcher.setup.first import set_up
from launcher.setup.installation import out_of_reach, shipped_unit, this_installation
from launcher.setup.places import Target, Way, for_directory, for_system, for_user
from launcher.setup.plan import File
from launcher.setup.scene import Scene, Wishes
from launcher.setup.units import Installation, system_service, user_service
from launcher.setup.words import Host
from launcher.setup.write import exists

_CODES = {SetupFault.USAGE: Exit.USAGE, SetupFault.REFUSED: Exit.NOT_ALLOWED, SetupFault.UNWRITABLE: Exit.CANNOT_WRITE}
_KEY_LIMIT = 64 * 1024


class Terminal:
    """The person at the process's own streams; questions go to standard error, so that output can be kept."""

    def __init__(self, stdin: TextIO, stdout: TextIO, stderr: TextIO) -> None:
        self._stdin, self._stdout, self._stderr = stdin, stdout, stderr
        self.interactive = stdin.isatty() and stderr.isatty()
        for stream in (stdout, stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")  # for names that the locale has no letters for

    def tell(self, text: str) -> None:
        """On standard output."""
        print(text, file=self._stdout, flush=True)

    def warn(self, text: str) -> None:
        """On standard error."""
        print(text, file=self._stderr, flush=True)

    def ask(self, question: str) -> str:
        """Raises SetupError at the end of input."""
        print(question, end="", file=self._stderr, flush=True)
        line = self._stdin.readline()
        if not line:
            raise SetupError("the question was not answered: nothing was written.", SetupFault.USAGE)
        return line.strip()

    def ask_secret(self, question: str) -> Secret:
        """Raises SetupError at the end of input."""
        try:
            return Secret(getpass.getpass(question, stream=self._stderr).strip())
        except EOFError:
            raise SetupError("the question was not answered: nothing was written.", SetupFault.USAGE) from None


def run(options: argparse.Namespace, argv: Sequence[str] | None = None) -> int:
    """Sets up, or looks again at what is set up. Raises ConfigError, Failure."""
    keep_private()
    person = Terminal(sys.stdin, sys.stdout, sys.stderr)
    try:
        with _ended_like_ctrl_c():
            _run(options, person, sys.argv[1:] if argv is None else argv)
    except SetupError as error:
        raise Failure(_CODES[error.fault], str(error), *error.advice) from error
    except KeyboardInterrupt:
        raise Failure(Exit.INTERRUPTED, "interrupted: nothing was written.") from None
    return Exit.OK


@contextmanager
def _ended_like_ctrl_c() -> Iterator[None]:
    """SIGTERM and SIGHUP too let everything be taken away that is not finished, above all what was laid out to try."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _run(options: argparse.Namespace, person: Terminal, argv: Sequence[str]) -> None:
    around, installation = surroundings(), this_installation()
    target = target_of(options, around, installation.short)
    wishes = wishes_of(options, sys.stdin)
    require_reach(target, installation)
    command = shlex.join(argv)
    here = ssh_connection()
    scene = Scene(
        person=person,
        around=around,
        target=target,
        units=units_of(target, installation),
        host=Host(installation.short, here.host if here else platform.node()),
        clock=SystemClock(),
        command=f"{'sudo ' if around.sudo_user else ''}{installation.short} {command}",
    )
    (look_again if exists(target.config) else set_up)(wishes, scene)


def target_of(options: argparse.Namespace, around: Surroundings, command: str) -> Target:
    """Where it all goes. Raises SetupError."""
    if options.allow and (options.user or options.directory is not None):
        message = "--allow is for the service of the whole machine; the others are their account's own."
        raise SetupError(message, SetupFault.USAGE)
    for name in options.allow:
        if not is_account(name):
            raise SetupError(f'--allow: there is no account "{shown(name)}" on this machine.', SetupFault.USAGE)
    if options.directory is not None:
        return for_directory(_plain(Path(options.directory).absolute()), port=options.port)
    if options.user:
        return for_user(_plain(around.config_home), around.runtime, port=options.port)
    if around.uid != 0:
        raise SetupError(
            "only root sets up the service of the whole machine.",
            SetupFault.REFUSED,
            f"sudo {command} init",
            f"{command} init --user             for a service of your own account",
            f"{command} init --directory DIR    to try it out",
        )
    allowed = dict.fromkeys([*([around.sudo_user] if around.sudo_user else []), *options.allow])
    return for_system(tuple(allowed), port=options.port)


def _plain(folder: Path) -> str:
    """A path that is one line of a unit and of a configuration. Raises SetupError."""
    text = str(folder)
    if not text.isprintable():
        raise SetupError(f"{text!r} holds signs that cannot be seen: name another folder.", SetupFault.USAGE)
    return text


def require_reach(target: Target, installation: Installation) -> None:
    """Raises SetupError if the system's service could not start this installation."""
    reasons = out_of_reach(installation) if target.way is Way.SYSTEM else []
    if reasons:
        raise SetupError(
            f"a sandboxed service cannot start this installation: {'; '.join(reasons)}.",
            SetupFault.REFUSED,
            "Install it in a place of its own, with the Python of the system, and run that one:",
            "/usr/bin/python3 -m venv /opt/console-launcher",
            "/opt/console-launcher/bin/pip install .    # in the clone that you began with",
            "/opt/console-launcher/bin/console-launcher init",
            "(Or `console-launcher init --user`: a service of your own account.)",
        )


def units_of(target: Target, installation: Installation) -> list[File]:
    """systemd's files, with the true paths."""
    shipped = shipped_unit("console-launcher.service")
    if target.way is not Way.SYSTEM:
        return [File(f"{target.units}/console-launcher.service", 0o644, user_service(shipped, installation, target))]
    found = [
        File(f"{target.units}/console-launcher.socket", 0o644, shipped_unit("console-launcher.socket")),
        File(f"{target.units}/console-launcher.service", 0o644, system_service(shipped, installation, target)),
    ]
    if target.sysusers is not None:
        found.insert(0, File(target.sysusers, 0o644, shipped_unit("console-launcher.sysusers")))
    return found


def wishes_of(options: argparse.Namespace, stdin: TextIO) -> Wishes:
    """The options, read and checked. Raises SetupError."""
    return Wishes(
        clouds=tuple(options.cloud),
        rackspace_user=options.rackspace_user,
        api_key=_api_key(options.api_key_file, stdin) if options.api_key_file else None,
        identity_url=_checked("--identity-url", parse_identity_url, options.identity_url),
        regions=tuple(options.region),
        name=_checked("--name", parse_name, options.name),
        dry_run=options.dry_run,
    )


def _api_key(file: str, stdin: TextIO) -> Secret:
    try:
        if file == "-":
            return secret_of(stdin.buffer.read(_KEY_LIMIT + 1), "standard input")
        return read_secret({"file": file})
    except ValueError as error:
        raise SetupError(f"--api-key-file: {error}", SetupFault.USAGE) from error


def _checked(option: str, parse: Callable[[str], str], value: str | None) -> str | None:
    try:
        return None if value is None else parse(value)
    except ValueError as error:
        raise SetupError(f"{option}: {error}", SetupFault.USAGE) from error
