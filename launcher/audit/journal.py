"""Log records as entries of the journal: its native protocol, and sentences that a terminal can be trusted with.

The protocol (systemd's "Native Journal Protocol") has each field as `NAME=value` in a line, or, for a value with a
newline in it, with the value's length before it: no value can begin another field or another entry.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Final

IDENTIFIER: Final = "console-launcher"

_VALUE_LIMIT = 16 * 1024
"""Bytes; a whole entry must fit a datagram, and nothing that we log is as long."""
_PRIORITIES = ((40, 3), (30, 4), (20, 6), (0, 7))
"""Levels of `logging` from the highest on, and the journal's word for them (syslog(3))."""
_LENGTH = struct.Struct("<Q")


def entry(fields: Mapping[str, str]) -> bytes:
    """One datagram for the journal; names are upper case letters, digits and underscores."""
    return b"".join(_field(name, value) for name, value in fields.items())


def priority(level: int) -> int:
    """syslog's priority for a level of `logging`."""
    return next((found for least, found in _PRIORITIES if level >= least), 7)


def event_fields(event: Mapping[str, object]) -> dict[str, str]:
    """An event as fields of their own: `server` → `LAUNCHER_SERVER`; what is not known has none."""
    return {f"LAUNCHER_{name.upper()}": _text(value) for name, value in event.items() if value is not None}


def loss_sentence(counts: Mapping[str, int]) -> str:
    """How many lines are missing in the log, and of which kinds, the most frequent first."""
    total = sum(counts.values())
    lost = "1 entry of this log is lost" if total == 1 else f"{total} entries of this log are lost"
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items(), key=lambda one: (-one[1], one[0])))
    return f"{lost}, for want of room or form: {kinds}"


def sentence(event: Mapping[str, object]) -> str:
    """An event in one line for people."""
    kind, where = event.get("event"), f"{event.get('cloud')}/{event.get('name')}"
    who = f"{event.get('actor')}: {where}"
    if kind == "launch":
        reason = f" ({event['reason']})" if event.get("reason") else ""
        request_id = f", {event['request_id']}" if event.get("request_id") else ""
        return f"launch by {who}: {event.get('outcome')}{reason}, {event.get('milliseconds')} ms{request_id}"
    if kind == "session-end":
        seconds = int(str(event.get("milliseconds") or 0)) / 1000
        by = f" ({event['ended_by']})" if event.get("ended_by") else ""
        return f"session of {who}: {event.get('end_reason')}{by}, after {seconds:.1f} s"
    if kind == "reveal":
        return f"console URL ({event.get('kind')}) revealed to {who}"
    if kind == "refusal":
        return _refusal(event)
    return f"{kind}: {who}"


def _refusal(event: Mapping[str, object]) -> str:
    who = event.get("actor") or ("an unknown account" if event.get("uid") is None else f"user id {event.get('uid')}")
    sent = f" ({event['sent']})" if event.get("sent") else ""
    more = f", and {event['more']} more since the last such line" if event.get("more") else ""
    what = f"{event.get('method')} {event.get('path')}"
    verb = "ignored" if event.get("kind") == "claim" else "refused"
    return f"{event.get('kind')} {verb}: {who} by {event.get('via')}: {what}{sent}{more}: {event.get('why')}"


def visible(text: str) -> str:
    """The text with controls, line separators and direction overrides as escapes: one line, read as it is written."""
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _field(name: str, value: str) -> bytes:
    data = value.encode(errors="backslashreplace")[:_VALUE_LIMIT].decode(errors="ignore").encode()
    if b"\n" in data:
        return name.encode() + b"\n" + _LENGTH.pack(len(data)) + data + b"\n"
    return name.encode() + b"=" + data + b"\n"
