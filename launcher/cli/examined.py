"""What the doctor found, in lines for a person: one a hop, and below the one that failed why, and what to change. Pure.

It is read from the report's JSON, which the gateway or this very process made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from launcher.cli.exits import Exit
from launcher.cli.table import Tone
from launcher.cli.text import escaped, width

Object = Mapping[str, Any]

_TITLE = 18
_SECONDS = 8
_INDENT = 4
_NARROW = 72
"""Columns below which what was seen stands below its hop."""


@dataclass(frozen=True, slots=True)
class Signs:
    """What stands for a verdict."""

    ok: str
    failed: str
    nothing: str
    advice: str


FINE = Signs("✓", "✗", "–", "→")
ASCII = Signs("ok", "NO", "--", "->")


@dataclass(frozen=True, slots=True)
class Look:
    """How the lines are to be."""

    signs: Signs
    columns: int | None
    """Where lines are wrapped; None: nowhere."""
    colour: bool


def signs_for(encoding: str) -> Signs:
    """Those that can be written in it."""
    try:
        "".join((FINE.ok, FINE.failed, FINE.nothing, FINE.advice)).encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return ASCII
    return FINE


def is_report(body: Object) -> bool:
    """Whether it has what a report must have."""
    sections = body.get("clouds")
    if not isinstance(sections, list) or not _are_hops(body.get("hops")) or "well" not in body:
        return False
    return all(
        isinstance(one, dict) and isinstance(one.get("cloud"), str) and _are_hops(one.get("hops")) for one in sections
    )


def _are_hops(value: object) -> bool:
    texts = ("name", "title", "verdict", "seen", "reason")
    return isinstance(value, list) and all(
        isinstance(hop, dict)
        and all(isinstance(hop.get(key), str) for key in texts)
        and isinstance(hop.get("advice"), list)
        and isinstance(hop.get("seconds"), int | float | None)
        for hop in value
    )


def exit_of(body: Object) -> Exit:
    """By the hop that is to be mended first."""
    if body.get("failed") == "configuration":
        return Exit.CONFIG
    return Exit.OK if body["well"] else Exit.NO_GATEWAY


def report_lines(body: Object, look: Look) -> list[str]:
    """All of it."""
    lines = [line for hop in body["hops"] for line in _hop(hop, look)]
    for cloud in body["clouds"]:
        lines += ["", _coloured(escaped(_heading(cloud)), Tone.TITLE, look)]
        lines += [line for hop in cloud["hops"] for line in _hop(hop, look)]
    return [*lines, "", *_wrapped(escaped(_verdict(body)), "", look.columns)]


def _heading(cloud: Object) -> str:
    about = ", ".join(str(cloud[key]) for key in ("provider", "region") if cloud.get(key))
    return f"{cloud['cloud']} ({about})" if about else str(cloud["cloud"])


def _verdict(body: Object) -> str:
    if body["well"]:
        return "All is well."
    failed = [("", body["hops"]), *((f"{cloud['cloud']} at ", cloud["hops"]) for cloud in body["clouds"])]
    return f"Failed: {', '.join(where + hop['title'] for where, hops in failed for hop in hops if _is_failed(hop))}."


def _is_failed(hop: Object) -> bool:
    return bool(hop["verdict"] == "failed")


def _hop(hop: Object, look: Look) -> Iterator[str]:
    seconds = "" if hop["seconds"] is None else f"{hop['seconds']:.3f} s"
    sign, tone = _sign(hop["verdict"], look.signs)
    head = f"{escaped(hop['title']):<{_TITLE}} {seconds:>{_SECONDS}}  "
    seen = escaped(hop["seen"]) if hop["verdict"] != "not reached" else "not reached"
    line = f"  {_coloured(sign, tone, look)} {head}"
    if look.columns is not None and look.columns < _NARROW:
        yield line.rstrip()
        yield from _wrapped(seen, " " * _INDENT, look.columns)
    else:
        indent = " " * (3 + len(look.signs.ok) + len(head))
        first, *more = _wrapped(seen, indent, look.columns) or [""]
        yield f"{line}{first.lstrip()}".rstrip()
        yield from more
    if _is_failed(hop):
        yield from (
            _coloured(line, tone, look) for line in _wrapped(escaped(hop["reason"]), " " * _INDENT, look.columns)
        )
        for advice in hop["advice"]:
            yield from _advised(escaped(str(advice)), look)


def _advised(text: str, look: Look) -> Iterator[str]:
    mark = f"{look.signs.advice} "
    indent = " " * (_INDENT + len(mark))
    first, *more = _wrapped(text, indent, look.columns) or [indent]
    yield " " * _INDENT + mark + first[len(indent) :]
    yield from more


def _sign(verdict: str, signs: Signs) -> tuple[str, Tone]:
    if verdict == "ok":
        return signs.ok, Tone.GOOD
    return (signs.failed, Tone.BAD) if verdict == "failed" else (signs.nothing, Tone.QUIET)


def _coloured(text: str, tone: Tone, look: Look) -> str:
    return f"\x1b[{tone}m{text}\x1b[0m" if look.colour else text


def _wrapped(text: str, indent: str, columns: int | None) -> list[str]:
    """The words in lines behind an indent; a word that is longer than a line stays whole, so that it can be copied."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        longer = f"{line} {word}" if line else word
        if line and columns is not None and len(indent) + width(longer) > columns:
            lines.append(indent + line)
            longer = word
        line = longer
    return [*lines, indent + line] if line else lines
