"""Arguments that several commands share."""

from __future__ import annotations

import argparse
from pathlib import Path

DEFAULT_FILE = Path("/etc/console-launcher/config.yaml")

Commands = argparse._SubParsersAction  # noqa: SLF001 -- argparse has no public name for what add_subparsers returns


def add_config(parser: argparse.ArgumentParser) -> None:
    """`--config FILE`, as `options.config`."""
    parser.add_argument(
        "-c",
        "--config",
        metavar="FILE",
        type=Path,
        default=DEFAULT_FILE,
        help="the configuration file (default: %(default)s)",
    )


def port_number(text: str) -> int:
    """A TCP port that can be listened on. Raises argparse.ArgumentTypeError."""
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f"a port is a number from 1 to 65535, not {text!r}")
    return int(text)
