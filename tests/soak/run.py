"""The command lines: one for all parts, and one for each."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from tests.benchmarks.processes import BenchmarkError
from tests.benchmarks.relay import machine, raise_file_limit
from tests.soak.figures import Figure, markdown, missed


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a run."""

    name: str
    add_options: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], Awaitable[list[Figure]]]
    descriptors: Callable[[argparse.Namespace], int]
    """How many one process needs."""


def say_progress(text: str) -> None:
    """For whoever waits."""
    print(text, file=sys.stderr, flush=True)


def together(parts: Sequence[Part], doc: str | None, arguments: Sequence[str] | None = None) -> int:
    """`python -m tests.soak`: all parts, or some. 0: all targets held; 1: some missed, or it came to nothing."""
    parser = _parser("tests.soak", doc, parts)
    parser.add_argument("--only", help=f"some of the parts, with commas: {','.join(part.name for part in parts)}")
    options = parser.parse_args(arguments)
    names = options.only.split(",") if options.only else [part.name for part in parts]
    unknown = set(names) - {part.name for part in parts}
    if unknown:
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    return _run([part for part in parts if part.name in names], options)


def alone(part: Part, doc: str | None, arguments: Sequence[str] | None = None) -> int:
    """`python -m tests.soak.PART`."""
    return _run([part], _parser(f"tests.soak.{part.name}", doc, [part]).parse_args(arguments))


def _parser(name: str, doc: str | None, parts: Sequence[Part]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m {name}", description=(doc or "").partition(": `")[0])
    for part in parts:
        part.add_options(parser)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON instead of a table")
    return parser


def _run(parts: Sequence[Part], options: argparse.Namespace) -> int:
    figures: list[Figure] = []
    try:
        raise_file_limit(max(part.descriptors(options) for part in parts) // 2)
        asyncio.run(_until_stopped(parts, options, figures))
    except BenchmarkError as error:
        say_progress(f"soak: {error}")
        whole = False
    except (KeyboardInterrupt, asyncio.CancelledError):
        say_progress("soak: stopped")
        whole = False
    else:
        whole = True
    finally:
        _tell(figures, as_json=options.json)
    return 0 if whole and not missed(figures) else 1


def _tell(figures: Sequence[Figure], *, as_json: bool) -> None:
    """Also those of the parts before one that failed."""
    facts = {key: value for key, value in machine().items() if key not in ("nginx", "websockify")}
    if as_json:
        print(json.dumps({"machine": facts, "figures": [dataclasses.asdict(one) for one in figures]}, indent=2))
    else:
        print(markdown(figures), "", ", ".join(f"{key} {value}" for key, value in facts.items()), sep="\n")


async def _until_stopped(parts: Sequence[Part], options: argparse.Namespace, figures: list[Figure]) -> None:
    """Run the parts, and add their figures. SIGTERM ends the run as Ctrl-C does: in order."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    for part in parts:
        figures += await part.run(options)
