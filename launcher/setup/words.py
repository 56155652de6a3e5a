"""What is said: what was found, tried and written, and what comes next.

Pure. Names of clouds and servers are strangers' words: whatever a terminal would not show as it is, is escaped.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from launcher.config.document import shown
from launcher.model import Server
from launcher.setup.places import Target, Way
from launcher.setup.plan import File

_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class Host:
    """This machine and its command, as people write them."""

    command: str
    """`console-launcher`, or its path."""
    name: str
    """The machine's own name."""


@dataclass(frozen=True, slots=True)
class Counted:
    """A cloud that was tried, and its servers."""

    cloud: str
    servers: tuple[Server, ...]


def counted(one: Counted) -> str:
    """`prod: signed in, 3 servers`."""
    number = len(one.servers)
    return f"  {one.cloud}: signed in, {number or 'no'} server{'' if number == 1 else 's'}"


def bookmark(target: Target, tried: Iterable[Counted]) -> str | None:
    """The bookmark of a server that is there, one that runs if there is any; None without servers."""
    known = [(server, one.servers) for one in tried for server in one.servers]
    if not known:
        return None
    server, others = next((pair for pair in known if pair[0].status == "ACTIVE"), known[0])
    unique = sum(other.name == server.name for other in others) == 1
    name = server.name if unique and _PLAIN_NAME.fullmatch(server.name) else server.id
    return f"{target.public_url}/c/{quote(server.cloud, safe='')}/{quote(name, safe='')}"


def listed(names: Iterable[str]) -> str:
    """`prod, stage`, safe for a terminal."""
    return ", ".join(shown(name) for name in names)


def written(files: Sequence[File]) -> str:
    """What was written, with modes."""
    return "\n".join(["Wrote:", *(f"  {shown(file.path, 4096)} ({file.mode:04o})" for file in files)])


def would_be_written(folders: Sequence[tuple[str, int]], files: Sequence[File]) -> str:
    """What a dry run keeps from writing, contents too, their secrets masked."""
    parts = ["Nothing was written, because of --dry-run. Without it there would be:"]
    parts += [f"  {shown(path, 4096)}/ ({mode:04o})" for path, mode in folders]
    for file in files:
        content = file.shown or file.text
        inset = "\n".join(f"    {shown(line, 4096)}".rstrip() for line in content.splitlines())
        parts.append(f"\n  {shown(file.path, 4096)} ({file.mode:04o})\n{inset}")
    return "\n".join(parts)


def kept(path: str, *, differs: bool) -> str:
    """A file that was there."""
    other = ", and differs from what would be written now" if differs else ""
    return f"kept {shown(path, 4096)}: it exists{other}"


def afresh(paths: Sequence[str], command: str) -> str:
    """How to have files written anew."""
    head = "Nothing that is there is changed. To start afresh, move it away and run this command again:"
    moves = [f"  mv {shlex.quote(path)} {shlex.quote(path + '.old')}" for path in paths]
    return "\n".join([head, *moves, f"  {command}"])


def next_steps(target: Target, host: Host, tried: Sequence[Counted]) -> str:
    """The commands that come next, and the bookmark."""
    if target.way is Way.SYSTEM:
        return _for_system(target, host, tried)
    serve = f"{host.command} serve --config {shlex.quote(target.config)}"
    unit = "console-launcher.service"
    if target.way is Way.DIRECTORY:
        place = shlex.quote(f"{target.units}/{unit}")
        steps = [
            ("run the gateway here, until Ctrl-C", serve),
            ("or as a service of your account, now and whenever you sign in", f"systemctl --user enable --now {place}"),
        ]
    else:
        steps = [
            ("make systemd see the unit", "systemctl --user daemon-reload"),
            ("start the gateway, now and whenever you sign in", f"systemctl --user enable --now {unit}"),
            ("or without systemd, until Ctrl-C", serve),
        ]
    steps.append(("list the servers that it sees", f"{host.command} servers{_gateway(target)}"))
    return "\n".join([*_steps("Next:", steps), "", *_bookmark(target, tried, "on this machine, while it runs")])


def _gateway(target: Target) -> str:
    """The option by which commands find a gateway that is not where they look by themselves."""
    if target.way is Way.USER and target.socket:
        return ""
    where = f"unix:{target.socket}" if target.socket else target.public_url
    return f" --gateway {shlex.quote(where)}"


def _for_system(target: Target, host: Host, tried: Sequence[Counted]) -> str:
    who = target.local_users[0] if target.local_users else "ALICE"
    steps = [
        ("make the group console-operators", "systemd-sysusers"),
        (
            "let people connect to the socket, once they have signed in anew",
            " && ".join(
                f"usermod -aG console-operators {shlex.quote(one)}" for one in target.local_users or ("ALICE",)
            ),
        ),
        ("make systemd see the units", "systemctl daemon-reload"),
        (
            "start the gateway, now and at every boot",
            "systemctl enable --now console-launcher.socket console-launcher.service",
        ),
        ("list the servers that it sees", f"{host.command} servers"),
    ]
    lines = _steps("Next, as root:", steps)
    if not target.local_users:
        lines += [
            "",
            "ALICE stands for an account of this machine. Whoever may come in, beside root, must also stand in",
            f"access.local_users of {shown(target.config, 4096)}.",
        ]
    lines += [
        "",
        "On your laptop, in ~/.ssh/config (HostName is what reaches this machine from there):",
        *(f"  {line}" for line in ssh_config(target, host.name, who)),
        "(A laptop without IPv6 leaves the line with [::1] out.)",
    ]
    return "\n".join([*lines, "", *_bookmark(target, tried, "there, while `ssh jump` is open")])


def ssh_config(target: Target, host_name: str, user: str) -> list[str]:
    """The lines by which a laptop reaches the gateway's socket, at both addresses where its browser may look.

    With one line, `LocalForward 6080 …`, ssh goes on where another account of the laptop has one of the two.
    """
    port = target.public_url.rpartition(":")[2]
    return [
        "Host jump",
        f"    HostName {host_name}",
        f"    User {user}",
        f"    LocalForward 127.0.0.1:{port} {target.socket}",
        f"    LocalForward [::1]:{port} {target.socket}",
        "    ExitOnForwardFailure yes",
    ]


def _bookmark(target: Target, tried: Sequence[Counted], when: str) -> list[str]:
    found = bookmark(target, tried)
    if found is None:
        return [f"Then open {when}: {target.public_url}/", "(None of the clouds has a server yet.)"]
    return [
        f"Then open {when}:",
        f"  {target.public_url}/",
        f"  {found}",
        "The second is the bookmark of one of your servers: it stays the same for years.",
    ]


def _steps(head: str, steps: Iterable[tuple[str, str]]) -> list[str]:
    return [head, *(line for why, command in steps for line in (f"  # {why}", f"  {command}"))]
