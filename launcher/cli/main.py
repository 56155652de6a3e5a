"""`console-launcher`: the way in, where Ctrl-C is answered from the first moment on.

Nothing but `sys` is imported before: a person may think better of it while Python still reads all the rest.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # the module `typing` has to be read, too
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

_INTERRUPTED = 130
"""`Exit.INTERRUPTED`, as long as that is not there."""


def entry() -> NoReturn:
    """The command itself, and the end of the process."""
    try:
        from launcher.cli.running import end

        end(main())
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command that `argv` (default: the process's arguments) names; returns the exit code."""
    try:
        from launcher.cli.running import run

        return run(argv)
    except KeyboardInterrupt:
        return _INTERRUPTED
