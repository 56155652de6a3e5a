"""`python -m launcher` is `console-launcher`."""

from __future__ import annotations

from launcher.cli.main import entry

if __name__ == "__main__":
    entry()
