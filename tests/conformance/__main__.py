"""Prints the rows to be read beside the page: answer, act, what a person reads, close code, log line.

python -m tests.conformance | less
"""

from __future__ import annotations

import signal
import textwrap
from collections.abc import Iterator

from tests.conformance.answers import GRANTED, REFUSED
from tests.conformance.shapes import Answer, Granted

_BODY_SHOWN = 300


def told(row: Answer | Granted) -> Iterator[str]:
    """The lines of one row."""
    body = row.body[:_BODY_SHOWN].decode("latin-1").strip()
    closes, logs, read, hint, api = None, "open", "", "", f"200 {row.kind}"
    if isinstance(row, Answer):
        closes, logs, read, hint = row.closes, row.logs, row.reads or row.sentence, row.hint
        api = f"{row.problem[0]} {row.problem[1]}: {row.sentence}"
    reason = f" ({read})" if closes else ""
    yield row.title
    yield from _wrapped("cloud", f"{row.status} to {row.kind}: {body or 'nothing'}")
    yield from _wrapped("act", f"{row.act.words}: {' · '.join(map(_step, row.act.asks))}")
    yield from _wrapped("reads", read if closes else "the screen")
    yield from _wrapped("", hint)
    yield from _wrapped("closes", str(closes or "not"))
    yield from _wrapped("log", f"launch by …: {row.site.cloud}/web-01: {logs}{reason}, … ms{_request_id(row)}")
    yield from _wrapped("API", api)
    yield ""


def _request_id(row: Answer | Granted) -> str:
    """Of the request that made the console, or that failed."""
    if isinstance(row, Granted):
        return f", {row.request_id}"
    known = "the console's" if row.closes is None else row.holds["request_id"]
    return f", {known}" if known else ""


def _step(step: str | float) -> str:
    return step if isinstance(step, str) else f"{step:g} s"


def _wrapped(name: str, text: str) -> list[str]:
    first, next_ = f"    {name:<8}", " " * 12
    return textwrap.wrap(text, 120, initial_indent=first, subsequent_indent=next_, break_on_hyphens=False)


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `| head` ends it without a word
    for row in (*GRANTED, *REFUSED):
        print("\n".join(told(row)))
