"""Where everything goes: for the system, for an account of its own, or below one folder.

Pure: paths are texts here.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

_SOCKET_PATH_LIMIT = 107
"""Bytes that the path of a Unix socket may have (unix(7))."""


class Way(enum.Enum):
    """For whom the gateway is set up."""

    SYSTEM = "system"
    """A service of the whole machine: people come in by its socket."""
    USER = "user"
    """A service of one account, on its workstation."""
    DIRECTORY = "directory"
    """Everything below one folder."""


@dataclass(frozen=True, slots=True)
class Target:
    """The places of one set-up."""

    way: Way
    folder: str
    """Holds config.yaml and the folder `credentials`."""
    units: str
    sysusers: str | None
    listen: tuple[str, ...]
    socket: str | None
    """The Unix socket by which commands and tunnels reach the gateway."""
    public_url: str
    local_users: tuple[str, ...] = ()

    @property
    def config(self) -> str:
        """The configuration file."""
        return f"{self.folder}/config.yaml"

    @property
    def credentials(self) -> str:
        """Where `{credential: NAME}` lies."""
        return f"{self.folder}/credentials"


def for_system(local_users: tuple[str, ...], *, port: int, etc: str = "/etc") -> Target:
    """The service of the machine; systemd holds its socket. `port` is the laptop's end of a tunnel."""
    return Target(
        way=Way.SYSTEM,
        folder=f"{etc}/console-launcher",
        units=f"{etc}/systemd/system",
        sysusers=f"{etc}/sysusers.d/console-launcher.conf",
        listen=("systemd",),
        socket="/run/console-launcher/web.sock",
        public_url=f"http://jump.localhost:{port}",
        local_users=local_users,
    )


def for_user(config_home: str, runtime: str | None, *, port: int) -> Target:
    """One account's own service; without `runtime`, a folder for sockets, it listens on loopback TCP only."""
    socket = f"{runtime}/console-launcher/web.sock" if runtime else None
    return _on_loopback(Way.USER, f"{config_home}/console-launcher", f"{config_home}/systemd/user", socket, port)


def for_directory(folder: str, *, port: int) -> Target:
    """Everything below `folder`, an absolute path; the socket too, where its path fits."""
    return _on_loopback(Way.DIRECTORY, folder, f"{folder}/systemd", f"{folder}/web.sock", port)


def _on_loopback(way: Way, folder: str, units: str, socket: str | None, port: int) -> Target:
    if socket is not None and len(socket.encode()) > _SOCKET_PATH_LIMIT:
        socket = None
    tcp = f"localhost:{port}"
    return Target(
        way=way,
        folder=folder,
        units=units,
        sysusers=None,
        listen=(tcp, f"unix:{socket}") if socket else (tcp,),
        socket=socket,
        public_url=f"http://localhost:{port}",
    )
