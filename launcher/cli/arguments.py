"""Arguments that several commands share, and the groups that commands stand in."""

from __future__ import annotations

import argparse
from pathlib import Path

from launcher.cli.exits import ALWAYS, Ends, exit_codes
from launcher.cli.gateway import Gateway, parse_gateway
from launcher.config.environment import own_config_file

SYSTEM_FILE = Path("/etc/console-launcher/config.yaml")
_PATIENCE = 120.0
"""Seconds: longer than the gateway itself waits for a cloud that is silent."""
_LONGEST = 3600.0

Commands = argparse._SubParsersAction  # noqa: SLF001 -- argparse has no public name for what add_subparsers returns


class Group:
    """Commands that belong together; `--help` shows them below one title."""

    def __init__(self, title: str, commands: Commands[argparse.ArgumentParser]) -> None:
        self._title = title
        self._commands = commands
        self._added: list[tuple[str, str]] = []

    def add(
        self, name: str, summary: str, *, ends: Ends, module: str | None = None, about: str = "", examples: str = ""
    ) -> argparse.ArgumentParser:
        """A command and its own arguments to come. It is run by `launcher.cli.{module}`, its name by default.

        `ends` says how it may end beside what every command may; `about` are further paragraphs of its help, in lines
        as they are to stand; `examples` are command lines, each with what it does above it as a comment.
        """
        self._added.append((name, summary))
        shown = "\n".join(f"  {line}" for line in examples.splitlines())
        parser = self._commands.add_parser(
            name,
            help=summary,
            description="\n\n".join(filter(None, (f"{summary[0].upper()}{summary[1:]}.", about))),
            epilog="\n\n".join(
                filter(None, (f"examples:\n{shown}" if examples else "", exit_codes({**ALWAYS, **ends})))
            ),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        parser.set_defaults(module=module or name.replace("-", "_"))
        return parser

    def __str__(self) -> str:
        return "\n".join([f"{self._title}:", *(f"  {name:<14}{summary}" for name, summary in self._added)])


def default_file(system: Path, own: Path) -> Path:
    """The machine's configuration, or the account's own where there is only that."""
    return own if not _exists(system) and _exists(own) else system


def _exists(path: Path) -> bool:
    """Whether it can be seen: a home may be closed to who has it in $HOME."""
    try:
        return path.exists()
    except OSError:
        return False


def add_config(parser: argparse.ArgumentParser) -> None:
    """`--config FILE`, as `options.config`."""
    parser.add_argument(
        "-c",
        "--config",
        metavar="FILE",
        type=Path,
        default=default_file(SYSTEM_FILE, own_config_file()),
        help=f"the configuration file (default: {SYSTEM_FILE}, or, where there is none, your own: "
        "$XDG_CONFIG_HOME/console-launcher/config.yaml, or in ~/.config)",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """`--json`, as `options.json`."""
    parser.add_argument("--json", action="store_true", help="answer as JSON on standard output")


def add_gateway(parser: argparse.ArgumentParser) -> None:
    """`--gateway WHERE` and `--timeout SECONDS`, for `launcher.cli.client.client_of`."""
    add_where(parser)
    add_patience(parser, "how long to wait for an answer of the gateway (default: %(default)g)", default=_PATIENCE)


def add_where(parser: argparse._ActionsContainer) -> None:
    """`--gateway WHERE` and `--cacert FILE`, as `options.gateway` and `options.cacert`."""
    parser.add_argument(
        "--gateway",
        metavar="WHERE",
        type=_gateway,
        help="the gateway to ask: unix:/path, http://host:port or https://host:port (default: "
        "$CONSOLE_LAUNCHER_GATEWAY, else the first socket that is there: /run/console-launcher/web.sock, "
        "$XDG_RUNTIME_DIR/console-launcher/web.sock)",
    )
    parser.add_argument(
        "--cacert",
        metavar="FILE",
        help="who may vouch for the certificate of an https:// gateway, in PEM (default: $CONSOLE_LAUNCHER_CACERT, "
        "else the authorities that this machine trusts)",
    )


def add_patience(parser: argparse.ArgumentParser, what: str, *, default: float | None) -> None:
    """`--timeout SECONDS`, as `options.timeout`."""
    parser.add_argument("--timeout", metavar="SECONDS", type=_seconds, default=default, help=what)


def _gateway(text: str) -> Gateway:
    try:
        return parse_gateway(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f'"{text}": {error}') from None


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not 0 < seconds <= _LONGEST:
        raise argparse.ArgumentTypeError(f'"{text}": a number of seconds up to {_LONGEST:g} is expected')
    return seconds


def port_number(text: str) -> int:
    """A TCP port that can be listened on. Raises argparse.ArgumentTypeError."""
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f"a port is a number from 1 to 65535, not {text!r}")
    return int(text)
