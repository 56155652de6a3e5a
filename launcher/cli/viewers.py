"""The native viewers that are known, and how each is started. Pure.

Tried: TigerVNC 1.12 takes a Unix socket, and the password of a port from a file. Remmina 1.4.29 crashes on a socket
(`server=unix://…`) and takes a password only as its own settings encrypt it, so the person types it. RealVNC's viewer
knows no sockets, and asks, too.
"""

from __future__ import annotations

import enum
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from launcher.model import Secret


class Brand(enum.StrEnum):
    """A viewer that is known; the values are what `--viewer` takes."""

    TIGERVNC = "tigervnc"
    REMMINA = "remmina"
    REALVNC = "realvnc"


TITLES: Final[Mapping[Brand, str]] = {
    Brand.TIGERVNC: "TigerVNC",
    Brand.REMMINA: "Remmina",
    Brand.REALVNC: "RealVNC",
}
PROGRAMS: Final[Mapping[Brand, tuple[str, ...]]] = {
    Brand.TIGERVNC: ("xtigervncviewer", "vncviewer"),
    Brand.REMMINA: ("remmina",),
    Brand.REALVNC: ("vncviewer",),
}
"""Where each may be, and in this order they are looked for: the first takes a socket, the second is free."""
PASSWORD_FILE: Final = "passwd"  # noqa: S105 -- the name of a file
PROFILE: Final = "console.remmina"
_PLACES: Final = ("{socket}", "{port}")


@dataclass(frozen=True, slots=True)
class Viewer:
    """A viewer that can be started."""

    program: tuple[str, ...]
    """The program, and arguments of the person's own; they may name `{socket}` or `{port}`."""
    brand: Brand | None = None
    """None: the person's own command."""
    takes_socket: bool = False

    @property
    def wants_port(self) -> bool:
        """Whether the person's own command names the place of a port."""
        return any("{port}" in word for word in self.program)

    @property
    def title(self) -> str:
        return TITLES[self.brand] if self.brand else self.program[0]


@dataclass(frozen=True, slots=True)
class SocketPlace:
    """Where the viewer connects: a Unix socket, which lets no other account in."""

    path: str


@dataclass(frozen=True, slots=True)
class PortPlace:
    """Where the viewer connects: a port of loopback, and the password that it must know."""

    port: int
    password: Secret

    def __str__(self) -> str:
        return f"127.0.0.1:{self.port}"


Place = SocketPlace | PortPlace


@dataclass(frozen=True, slots=True)
class Start:
    """How a viewer is started."""

    command: tuple[str, ...]
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """What must lie in the private folder meanwhile."""
    typed: bool = False
    """Whether the viewer will ask the person for the password."""


def recognized(program: str, said: str) -> Viewer | None:
    """Which viewer a program is, by what it answers to `-h`; `vncviewer` is the name of several."""
    if "TigerVNC" in said:
        return Viewer((program,), Brand.TIGERVNC, takes_socket="[unix socket]" in said)
    if "RealVNC" in said:
        return Viewer((program,), Brand.REALVNC)
    return None


def own_command(text: str) -> Viewer:
    """The person's own command line. Raises ValueError for one that a shell would not take either."""
    words = tuple(shlex.split(text))
    if not words:
        raise ValueError("a viewer's name or its command line is expected")
    return Viewer(words, takes_socket=any("{socket}" in word for word in words))


def start(
    viewer: Viewer, place: Place, *, folder: str, name: str, view_only: bool, obfuscated: Callable[[Secret], bytes]
) -> Start:
    """How to start a viewer for this place.

    `folder` is a private one for its files, `name` what is shown (`cloud/name`), `obfuscated` writes a password as
    TigerVNC's files hold it.
    """
    if viewer.brand is Brand.TIGERVNC:
        return _tigervnc(viewer, place, folder, view_only=view_only, obfuscated=obfuscated)
    if viewer.brand is Brand.REMMINA:
        profile = _profile(place, name, view_only=view_only)
        return Start((*viewer.program, "-c", f"{folder}/{PROFILE}"), {PROFILE: profile.encode()}, _asks(place))
    if viewer.brand is Brand.REALVNC:
        more = ("-ViewOnly",) if view_only else ()
        return Start((*viewer.program, *more, _address(place)), typed=_asks(place))
    return Start(tuple(_filled(viewer.program, place)), typed=_asks(place))


def _tigervnc(
    viewer: Viewer, place: Place, folder: str, *, view_only: bool, obfuscated: Callable[[Secret], bytes]
) -> Start:
    """`-Shared`: without it the server would send all its other viewers away."""
    more = ["-Shared", *(["-ViewOnly"] if view_only else [])]
    if isinstance(place, SocketPlace):
        return Start((*viewer.program, *more, place.path))
    more += ["-PasswordFile", f"{folder}/{PASSWORD_FILE}"]
    return Start((*viewer.program, *more, _address(place)), {PASSWORD_FILE: obfuscated(place.password)})


def _profile(place: Place, name: str, *, view_only: bool) -> str:
    """A connection of Remmina's; names are strangers' words, and a line of their own would be a setting."""
    shown = "".join(letter if letter.isprintable() else " " for letter in name)
    server = f"unix://{place.path}" if isinstance(place, SocketPlace) else str(place)
    settings = ("[remmina]", "protocol=VNC", f"name={shown}", f"server={server}", f"viewonly={int(view_only)}")
    return "\n".join((*settings, "quality=9", "ssh_tunnel_enabled=0", ""))


def _address(place: Place) -> str:
    """As TigerVNC, RealVNC and TightVNC write it: one colon would be a display's number."""
    return place.path if isinstance(place, SocketPlace) else f"127.0.0.1::{place.port}"


def _filled(words: Sequence[str], place: Place) -> list[str]:
    """The person's command, its places filled in; where it has none, the address comes last."""
    if not any(mark in word for word in words for mark in _PLACES):
        return [*words, _address(place)]
    if isinstance(place, SocketPlace):
        return [word.replace("{socket}", place.path) for word in words]
    return [word.replace("{port}", str(place.port)) for word in words]


def _asks(place: Place) -> bool:
    return isinstance(place, PortPlace)
