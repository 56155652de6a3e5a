"""One reply of a cloud, and what it says: its JSON, its message, its request id. Pure.

Nothing of a reply is believed unseen: ids are checked, messages become one short line without any URL's query.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

REPLY_LIMIT: Final = 4 * 1024**2

_FAULT_LIMIT = 64 * 1024
_MESSAGE_LIMIT = 300
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,80}")
_REQUEST_ID_HEADERS = ("x-compute-request-id", "x-openstack-request-id")
_URL = re.compile(r"((?:https?|wss?)://)(?:[^\s/?#@]*@)?([^\s?#]*)([?#]\S*)?")
_LINE_BREAK = re.compile(r"<br ?/?>")


@dataclass(frozen=True, slots=True)
class Reply:
    """One whole reply; `headers` by lower-case name, those sent twice joined by a comma."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    asked_at: float
    """When its request was about to be sent."""

    @property
    def good(self) -> bool:
        """200, or 203 from a cache in front of the cloud."""
        return self.status in {200, 203}

    @property
    def request_id(self) -> str | None:
        """The cloud's own id of the request, by either of its headers; the first, where one was sent twice."""
        values = (self.headers.get(name, "").partition(",")[0].strip() for name in _REQUEST_ID_HEADERS)
        return next((value for value in values if _REQUEST_ID.fullmatch(value)), None)

    @property
    def media_type(self) -> str:
        """What it says its body is, without parameters; empty where it does not say."""
        return clean(self.headers.get("content-type", "").partition(";")[0])

    @property
    def document(self) -> dict[str, Any]:
        """Its JSON object; empty for whatever is none (HTML, a fragment, a list, nothing) and for an endless fault."""
        if not self.good and len(self.body) > _FAULT_LIMIT:
            return {}
        try:
            document = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return document if isinstance(document, dict) else {}

    @property
    def fault(self) -> dict[str, Any]:
        """The object that tells the fault: Nova's under its name, keystonemiddleware's `error`, webob's bare one."""
        document = self.document
        objects = (value for value in (*document.values(), document) if isinstance(value, dict))
        return next((value for value in objects if isinstance(value.get("message"), str)), {})


def said(reply: Reply) -> str:
    """The cloud's own message, cleaned and without a full stop; empty if there is none.

    Of plain text, which keystonemiddleware's faults once were, the first line counts, unless it is none after all.
    """
    message = reply.fault.get("message")
    if message is None and reply.media_type == "text/plain":
        line = reply.body[: 4 * _MESSAGE_LIMIT].decode("utf-8", "replace").strip().partition("\n")[0]
        message = line if not line.startswith(("<", "{", "[")) else ""
    return clean(_LINE_BREAK.sub(" ", message or "")).rstrip(".")


def clean(text: str) -> str:
    """One line fit for logs and pages: no control or bidi characters, no URL's query, 300 characters at most."""
    cut = _URL.sub(lambda url: url[1] + url[2] + ("?…" if url[3] else ""), text[: 4 * _MESSAGE_LIMIT])
    printable = (" " if unicodedata.category(sign)[0] in "CZ" else sign for sign in cut)
    line = " ".join("".join(printable).split())
    return line if len(line) <= _MESSAGE_LIMIT else line[: _MESSAGE_LIMIT - 1] + "…"
