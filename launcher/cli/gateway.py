"""Which gateway a command asks, and what it is called there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from launcher.cli.exits import Exit
from launcher.cli.failure import Failure

SERVICE_SOCKET = "/run/console-launcher/web.sock"
_OWN_SOCKET = "console-launcher/web.sock"
_URL = re.compile(
    r"(?P<scheme>https?)://(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<host>[A-Za-z0-9._-]+))(?::(?P<port>[0-9]{1,5}))?/?"
)
_EXPECTED = "http://127.0.0.1:6080 or unix:/run/console-launcher/web.sock"
_PORTS = {"http": 80, "https": 443}
_SYSTEM, _OWN = "systemctl", "systemctl --user"


@dataclass(frozen=True, slots=True)
class UnixGateway:
    """A gateway on a Unix socket."""

    path: str

    host_header = "localhost"
    """Every gateway answers to it on such a socket."""

    def __str__(self) -> str:
        return f"unix:{self.path}"


@dataclass(frozen=True, slots=True)
class TcpGateway:
    """A gateway on a TCP port of this machine, or at the end of a tunnel that begins here."""

    host: str
    port: int
    tls: bool = False
    authorities: str | None = None
    """The file with those that may vouch for its certificate; None: the machine's."""

    @property
    def dialled(self) -> str:
        """Where to connect: `*.localhost` is this machine, as browsers have it, whether the resolver knows or not."""
        return "localhost" if self.host.endswith(".localhost") else self.host

    @property
    def host_header(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def scheme(self) -> str:
        return "https" if self.tls else "http"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host_header}"


Gateway = UnixGateway | TcpGateway


def parse_gateway(text: str) -> Gateway:
    """`http://host:port`, `https://host:port`, `unix:/path` or `/path`. Raises ValueError."""
    path = text.removeprefix("unix:")
    if path.startswith("/") and path.isprintable():
        return UnixGateway(path)
    parts = _URL.fullmatch(text)
    port = 0 if parts is None else int(parts["port"] or _PORTS[parts["scheme"]])
    if parts is None or port not in range(1, 65536):
        raise ValueError(f"{_EXPECTED} is expected (http or https, host and port, nothing behind them)")
    return TcpGateway((parts["six"] or parts["host"]).lower(), port, tls=parts["scheme"] == "https")


def trusting(gateway: Gateway, authorities: str | None) -> Gateway:
    """The same gateway, its certificate vouched for by those in a file, where one is named."""
    return replace(gateway, authorities=authorities) if isinstance(gateway, TcpGateway) else gateway


def manager(gateway: Gateway, runtime_folder: str | None) -> str | None:
    """What starts and stops the service that listens there: `systemctl`, `systemctl --user`; None: nobody knows."""
    if not isinstance(gateway, UnixGateway):
        return None
    if gateway.path == SERVICE_SOCKET:
        return _SYSTEM
    return _OWN if runtime_folder and gateway.path.startswith(f"{runtime_folder}/") else None


def ways_out(managers: Iterable[str | None]) -> list[str]:
    """What to do where no gateway runs; `managers` are those of the places that were tried."""
    first, *others = managers
    return [
        f"Start the service:  {first} start console-launcher"
        if first
        else "Start a gateway:    console-launcher serve --config FILE",
        *(f"Or your own:        {other} start console-launcher" for other in others),
        "Or try it out:      console-launcher demo",
        f"Or say where it is: --gateway {_EXPECTED}",
    ]


def places(runtime_folder: str | None) -> tuple[str, ...]:
    """The sockets where a gateway is looked for when none is named, in this order."""
    return (SERVICE_SOCKET, *([f"{runtime_folder}/{_OWN_SOCKET}"] if runtime_folder else []))


def choose(sockets: Sequence[str], exists: Callable[[str], bool]) -> UnixGateway:
    """The first socket that is there. Raises Failure."""
    for path in sockets:
        if exists(path):
            return UnixGateway(path)
    tried = " nor ".join(sockets)
    neither = "neither " if len(sockets) > 1 else "no "
    raise Failure(
        Exit.NO_GATEWAY,
        f"no gateway runs on this machine: there is {neither}{tried}.",
        *ways_out((_SYSTEM, _OWN)[: len(sockets)]),
    )
