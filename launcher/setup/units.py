"""systemd's units: those that are shipped, with the true paths of this installation.

Pure. The shipped service is the system's, sandboxed; an account's own keeps of it what its service manager can do
without privileges: no namespaces for files, because these would hide who connects (user ids) as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from launcher.setup.places import Target, Way

_USERS = frozenset({
    "Type", "NotifyAccess", "ExecReload", "Restart", "RestartSec", "RestartPreventExitStatus",
    "WatchdogSec", "TimeoutStartSec", "TimeoutStopSec", "KillMode", "OOMPolicy", "UMask", "NoNewPrivileges",
    "RestrictNamespaces", "RestrictRealtime", "RestrictSUIDSGID", "LockPersonality", "MemoryDenyWriteExecute",
    "SystemCallArchitectures", "SystemCallFilter", "SystemCallErrorNumber", "RestrictAddressFamilies", "LimitNOFILE",
    "LimitCORE", "MemoryMax", "TasksMax", "StateDirectory", "StateDirectoryMode",
})  # fmt: skip
"""What an account's own service manager can do, of what stands in the shipped service."""
_SETTING = re.compile(r"(?m)^(?P<key>[A-Za-z]+)=(?P<value>.*)\n?")
_SAFE = re.compile(r"[A-Za-z0-9_./:@=+,-]+")


@dataclass(frozen=True, slots=True)
class Installation:
    """This Python and its `console-launcher`, as a service starts them."""

    command: tuple[str, ...]
    """How to start it: the script's path, or Python's with `-m launcher`."""
    roots: tuple[str, ...]
    """The folders that its programs and libraries lie in, beside /usr."""
    short: str
    """How a person starts it: `console-launcher` if their shell finds it, else its path."""


def system_service(shipped: str, installation: Installation, target: Target) -> str:
    """The shipped service of the system with these paths."""
    start = f"ExecStart={_start(installation, target)}"
    paths = f"ExecPaths={_line(['/usr', *installation.roots])}"
    text = _replaced(_replaced(shipped, "ExecStart", start), "ExecPaths", paths)
    return _SETTING.sub(lambda found: _loaded(found, target), text)


def user_service(shipped: str, installation: Installation, target: Target) -> str:
    """A service for an account's own service manager."""
    kept = [found[0].rstrip("\n") for found in _SETTING.finditer(shipped) if found["key"] in _USERS]
    # Its people come in by TCP: the kernel is asked for their accounts at once, by netlink.
    kept = [f"{line} AF_NETLINK" if line.startswith("RestrictAddressFamilies=") else line for line in kept]
    lines = [
        "# The gateway as a service of one account, written by `console-launcher init`. It reads the credentials",
        "# beside its configuration itself.",
        "",
        "[Unit]",
        "Description=Console launcher: one gateway in front of the consoles of all servers",
        "StartLimitIntervalSec=0",
        "",
        "[Service]",
        f"ExecStart={_start(installation, target)}",
    ]
    if target.way is Way.USER and target.socket:
        lines += ["# Holds the socket, %t/console-launcher/web.sock.", "RuntimeDirectory=console-launcher"]
        lines += ["RuntimeDirectoryMode=0700", "RuntimeDirectoryPreserve=yes"]
    return "\n".join([*lines, *kept, "", "[Install]", "WantedBy=default.target"]) + "\n"


def _start(installation: Installation, target: Target) -> str:
    """The command; it names the configuration where that is not the default one."""
    option = [] if target.way is Way.SYSTEM else ["--config", target.config]
    program, *arguments = installation.command  # variables stand for something only behind the program
    return f"{_line([program])} {_line([*arguments, 'serve', *option], variables=True)}"


def _replaced(text: str, key: str, line: str) -> str:
    """The text with this line instead of the first of its kind, and without the others."""
    first, rest = True, []
    for old in text.splitlines():
        if not old.startswith(f"{key}="):
            rest.append(old)
        elif first:
            rest.append(line)
            first = False
    return "\n".join(rest) + "\n"


def _loaded(found: re.Match[str], target: Target) -> str:
    """A line with its credentials' folder put right."""
    name, colon, path = found["value"].partition(":")
    if found["key"] != "LoadCredential" or not colon:
        return found[0]
    tail = path.partition("/credentials")[2]
    folder = target.credentials.replace("%", "%%")
    return f"LoadCredential={name}:{folder}{tail}\n"


def _line(words: Iterable[str], *, variables: bool = False) -> str:
    return " ".join(_word(word, variables=variables) for word in words)


def _word(word: str, *, variables: bool) -> str:
    """A word of a unit that means itself: specifiers, blanks and (where there are any) variables are escaped.

    systemd.syntax(7), systemd.unit(5), systemd.service(5).
    """
    if _SAFE.fullmatch(word):
        return word
    escaped = word.replace("%", "%%").replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped.replace("$", "$$") if variables else escaped}"'
