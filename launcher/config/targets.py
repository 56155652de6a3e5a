"""Direct targets: where a server outside any cloud has its VNC server, and what such a server may be called."""

from __future__ import annotations

import ipaddress
import re
import stat
import unicodedata
from pathlib import Path
from typing import Final

from launcher.config.listen import check_socket_path
from launcher.config.values import is_address, is_host
from launcher.model import Carrier, Secret, Target

VNC_PORT: Final = 5900
VNC_PASSWORD_BYTES: Final = 8
"""VNC authentication makes a DES key of the password's first eight bytes (RFC 6143 §7.2.2)."""
NAME_LIMIT: Final = 255
"""Characters; Nova's own limit for a server's name."""
_EXPECTED = "an address like tcp://10.7.0.11:5900, tls://vnc.example.net:5900 or unix:/run/kvm-a.vnc is expected"
_TARGET = re.compile(r"(?P<scheme>tcp|tls)://(?:\[(?P<six>[^\[\]]*)\]|(?P<host>[^\[\]:/?#@]*))(?::(?P<port>[0-9]*))?")
_BARE_SIX = re.compile(r"(?P<scheme>tcp|tls)://(?P<six>[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)")
_OTHER_SCHEME = re.compile(r"(?:vnc|rfb|https?|wss?|//)(?::/*)?(?P<rest>[^/]+)")


def parse_target(text: str, password: Secret | None = None) -> Target:
    """`tcp://host:port`, `tls://host:port` (5900 where no port is said) or `unix:/path`. Raises ValueError."""
    if text.startswith("unix://"):
        raise ValueError(f'{_EXPECTED}. Write "unix:/{text.removeprefix("unix:").lstrip("/")}"')
    if text.startswith("unix:"):
        path = check_socket_path(text.removeprefix("unix:"), "unix:/run/kvm-a.vnc")
        return Target(tls=False, host="", port=0, carrier=Carrier.RAW, unix=path, password=password)
    found = _TARGET.fullmatch(text)
    if found is None:
        raise ValueError(_EXPECTED + _instead(text))
    host = _host(found["six"], found["host"])
    port = _port(found["port"])
    return Target(tls=found["scheme"] == "tls", host=host, port=port, carrier=Carrier.RAW, password=password)


def target_of_words(host: str, port: str) -> Target:
    """The target of a token line's two words: host and port, or `unix_socket` and a path. Raises ValueError."""
    if host == "unix_socket":
        return parse_target(f"unix:{port}")
    six = host.removeprefix("[").removesuffix("]")
    if not port.isascii() or not port.isdigit():
        raise ValueError("host:port or unix_socket:/path is expected")
    return parse_target(f"tcp://[{six}]:{port}" if ":" in six else f"tcp://{host}:{port}")


def parse_server_name(name: str) -> str:
    """Any text that can be said in one line: no control characters, no space around it. Raises ValueError."""
    if not name or name != name.strip():
        raise ValueError("a server's name is a text that is not empty and has no space around it")
    if any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} for char in name):
        raise ValueError("a server's name holds no control characters and no line breaks")
    if len(name) > NAME_LIMIT:
        raise ValueError(f"a server's name has at most {NAME_LIMIT} characters")
    return name


def parse_token_path(text: object) -> Path:
    """The absolute path of a token file, or of a directory of such files. Raises ValueError."""
    if not isinstance(text, str) or not text.startswith("/") or "\0" in text:
        raise ValueError("the absolute path of a token file, or of a directory of token files, is expected")
    return Path(text)


def why_no_tokens(path: Path) -> str | None:
    """Why no tokens can be read there now, or None. Only looked at: what is in it may change at any time."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            next(path.iterdir(), None)
        elif stat.S_ISREG(mode):
            path.open("rb").close()
        else:
            return f"{path} is neither a file nor a directory"
    except OSError as error:
        return f"cannot read {path}: {error.strerror}"
    return None


def _instead(text: str) -> str:
    """` Write tcp://10.7.0.11:5900.` where it is plain what was meant."""
    if found := _BARE_SIX.fullmatch(text):
        head, _, last = found["six"].rpartition(":")
        if last.isdigit() and _is_six(head):
            return f'. An IPv6 address stands in brackets: "{found["scheme"]}://[{head}]:{last}"'
        return f'. An IPv6 address stands in brackets: "{found["scheme"]}://[{found["six"]}]:{VNC_PORT}"'
    if text.startswith("/"):
        return f'. Write "unix:{text}"'
    other = _OTHER_SCHEME.match(text)
    meant = f"tcp://{other['rest'] if other else text}"
    found = _TARGET.fullmatch(meant)
    return f'. Write "{meant}"' if found and (found["six"] or is_host(found["host"].lower())) else ""


def _is_six(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def _host(six: str | None, host: str | None) -> str:
    if six is not None:
        if not _is_six(six):
            raise ValueError("an IPv6 address is expected between the brackets")
        return six.lower()
    name = (host or "").lower()
    if not (is_host(name) or is_address(name)):
        raise ValueError(f"{_EXPECTED}: its host is a name or an IP address (an IPv6 address in brackets)")
    return name


def _port(text: str | None) -> int:
    if text is None:
        return VNC_PORT
    if not text or len(text) > 5 or not 0 < int(text) < 65536:
        raise ValueError("a port is a number from 1 to 65535")
    return int(text)
