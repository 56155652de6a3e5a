"""Runs the loads one after another and prints how long consoles took to open meanwhile: `python -m tests.hostile`."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import pkgutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType

import tests.hostile
from tests.hostile.outcome import Outcome, table
from tests.hostile.world import World


def loads() -> dict[str, ModuleType]:
    """Every load of this package, by its `NAME`."""
    names = [found.name for found in pkgutil.iter_modules(tests.hostile.__path__) if found.name != "__main__"]
    modules = [importlib.import_module(f"tests.hostile.{name}") for name in names if not name.startswith("test_")]
    return {module.NAME: module for module in modules if hasattr(module, "NAME")}


async def run(wanted: Mapping[str, ModuleType]) -> dict[str, Outcome]:
    """The outcome of each load, in turn."""
    outcomes = {}
    with tempfile.TemporaryDirectory(prefix="hostile-") as folder:
        for name, load in wanted.items():
            print(f"{name}: {(load.__doc__ or '').splitlines()[0]}", file=sys.stderr, flush=True)
            async with World(Path(folder)) as world:
                outcomes[name] = await load.run(world)
    return outcomes


def main(arguments: Sequence[str] | None = None) -> int:
    """The command's exit code."""
    known = loads()
    told = "\n".join(f"  {name:24}{(load.__doc__ or '').splitlines()[0]}" for name, load in known.items())
    parser = argparse.ArgumentParser(
        prog="python -m tests.hostile",
        description=f"{(__doc__ or '').partition(': `')[0]}. The loads:\n\n{told}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("loads", nargs="*", metavar="LOAD", help="some of them; all where none is named")
    names = parser.parse_args(arguments).loads or list(known)
    if unknown := set(names) - known.keys():
        parser.error(f"there is no load {', '.join(sorted(unknown))}: there are {', '.join(known)}")
    print(table(asyncio.run(run({name: known[name] for name in names}))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
