"""Bookmarks: the path under which a server's console page is found, today and next year."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote

from launcher.model import Server

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True, slots=True)
class Bookmarks:
    """The paths under which one server is found."""

    by_name: str | None
    """Whoever bears this name in its cloud; None where that is not one server, or the name cannot be a bookmark."""
    by_id: str
    """This very server, whatever it is called."""

    @property
    def path(self) -> str:
        """The better one to keep: a server is often made anew under its name."""
        return self.by_name or self.by_id


def bookmarks_of(server: Server, *, shared: bool) -> Bookmarks:
    """`shared`: another server of its cloud has the same name, or may have it."""
    by_id = page_path(server.cloud, server.id)
    reference = lasting_reference(server, shared=shared)
    return Bookmarks(None if reference == server.id else page_path(server.cloud, reference), by_id)


def candidate(server: Server, public_url: str) -> dict[str, str]:
    """One of several servers that a reference may mean, with the bookmark of this very one; for JSON."""
    path = page_path(server.cloud, server.id)
    return {
        "cloud": server.cloud,
        "id": server.id,
        "name": server.name,
        "status": server.status,
        "page": public_url.rstrip("/") + path,
        "path": path,
    }


def page_path(cloud: str, server: str) -> str:
    """The path of a console page; `server` is a name or a UUID."""
    return f"/c/{segment(cloud)}/{segment(server)}"


def alias_path(alias: str) -> str:
    """The path of an alias, which is a bookmark of its own."""
    return f"/c/{segment(alias)}"


def segment(text: str) -> str:
    """One segment of a path, percent-encoded."""
    return quote(text, safe="")


def lasting_reference(server: Server, *, shared: bool) -> str:
    """What a bookmark calls the server: its name, or its UUID where the name leads elsewhere or nowhere.

    `shared` says that another server of its cloud has the same name. Browsers take `.` and `..` out of a path, even
    percent-encoded; a name that had lone surrogates (now U+FFFD) is not the name the cloud knows; and what looks like
    a UUID is looked up as one first.
    """
    name = server.name
    unusable = shared or not name.strip(".") or "\ufffd" in name or _UUID.fullmatch(name)
    return server.id if unusable else name
