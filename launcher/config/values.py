"""Texts of the configuration that mean more than themselves, each with the parser that tells what is expected."""

from __future__ import annotations

import ipaddress
import math
import re
from urllib.parse import SplitResult, urlsplit

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(ms|s|m|h|d)")
SIZE = re.compile(r"([0-9]{1,9})(B|KiB|MiB)")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_BYTES = {"B": 1, "KiB": 1024, "MiB": 1024**2}
_LABEL = r"[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")
_HOST_PATTERN = re.compile(r"[a-z0-9*?_-]+(?:\.[a-z0-9*?_-]+)*")
_DEFAULT_PORTS = {"http": 80, "https": 443}


def parse_duration(text: object) -> float:
    """`30s`, `10m`, `1h` … to seconds. Raises ValueError."""
    found = DURATION.fullmatch(text) if isinstance(text, str) else None
    if not found:
        raise ValueError("a duration like 30s, 10m or 12h is expected")
    return float(found[1]) * _SECONDS[found[2]]


def format_duration(seconds: float) -> str:
    """Seconds as `parse_duration` reads them: `600.0` is `10m`."""
    for unit, size in reversed(_SECONDS.items()):
        count = seconds / size
        if count >= 1 and math.isclose(count, round(count), rel_tol=1e-12):
            return f"{round(count)}{unit}"
    return f"{seconds:g}s"


def parse_size(text: object) -> int:
    """`512KiB`, `1MiB` … to bytes. Raises ValueError."""
    found = SIZE.fullmatch(text) if isinstance(text, str) else None
    if not found:
        raise ValueError("a size like 64KiB or 1MiB is expected")
    return int(found[1]) * _BYTES[found[2]]


def format_size(count: int) -> str:
    """Bytes as `parse_size` reads them: `1048576` is `1MiB`."""
    unit = next(unit for unit, size in reversed(_BYTES.items()) if count % size == 0) if count else "B"
    return f"{count // _BYTES[unit]}{unit}"


def parse_name(text: object) -> str:
    """A short name that is safe in a URL. Raises ValueError."""
    if not isinstance(text, str) or not NAME.fullmatch(text):
        raise ValueError(
            "a name begins with a letter or digit and goes on with letters, digits, dots, dashes and underscores, "
            "63 characters at most"
        )
    return text


def parse_server_pattern(text: str) -> str:
    """`cloud/server` with * and ? in either. Raises ValueError."""
    cloud, _, server = text.partition("/")
    if not cloud or not server or not text.isprintable():
        raise ValueError("a pattern like prod/* or prod/web-* is expected: cloud, slash, name or UUID")
    return text


def parse_directory(text: str) -> str:
    """An absolute path without a slash at its end. Raises ValueError."""
    if not text.startswith("/") or not text.isprintable() or ".." in text.split("/"):
        raise ValueError("the absolute path of a directory is expected")
    return text.rstrip("/") or "/"


def parse_api_url(text: str) -> str:
    """An absolute http(s) URL without user name, query and fragment. Raises ValueError."""
    parts = _split(text)
    if parts is None or parts.scheme not in _DEFAULT_PORTS:
        raise ValueError("a URL like https://cloud.example.net:8774/v2.1 is expected")
    if parts.username is not None or parts.password is not None:
        raise ValueError("a URL without a user name is expected: credentials have keys of their own")
    if "?" in text or "#" in text:
        raise ValueError("a URL without ? and # is expected")
    return text


def parse_identity_url(text: str) -> str:
    """The same, but unencrypted only on this machine: a key passes there. Raises ValueError."""
    parts = _split(parse_api_url(text))
    if parts is not None and parts.scheme == "http" and not is_local_name(parts.hostname or ""):
        raise ValueError("beyond this machine an Identity URL begins with https://: a key passes there")
    return text


def parse_base_url(text: str) -> str:
    """The beginning of console URLs: scheme, host, port and perhaps a path. Raises ValueError."""
    parts = _split(text)
    if (
        parts is None
        or parts.scheme not in ("http", "https", "ws", "wss")
        or "@" in parts.netloc
        or "?" in text
        or "#" in text
    ):
        raise ValueError("the beginning of a URL like http://console.example.net:6080/ is expected")
    return text


def parse_public_url(text: str) -> str:
    """An origin as a browser writes it: lower case, without the scheme's own port. Raises ValueError."""
    parts = _split(text)
    if parts is None or parts.scheme not in _DEFAULT_PORTS or "@" in parts.netloc:
        raise ValueError("a URL like http://jump.localhost:6080 or https://jump.example.net is expected")
    if parts.path not in ("", "/") or "?" in text or "#" in text:
        raise ValueError("a public URL has no path: leave out what stands behind host and port")
    if parts.scheme == "http" and not is_local_name(parts.hostname or ""):
        raise ValueError("beyond localhost, *.localhost, 127.0.0.1 and [::1] a public URL begins with https://")
    return _origin(parts)


def parse_linking_site(text: str) -> str:
    """The same for a site whose links are trusted. Raises ValueError."""
    parts = _split(text)
    if parts is None or parts.scheme not in _DEFAULT_PORTS or "@" in parts.netloc:
        raise ValueError(
            "the origin of one site is expected, like https://wiki.example.net or https://wiki.example.net:8443: "
            "scheme, host and perhaps a port, no * in it"
        )
    if parts.path not in ("", "/") or "?" in text or "#" in text:
        raise ValueError("browsers tell a site, not its pages: leave out what stands behind host and port")
    if parts.scheme == "http" and not is_local_name(parts.hostname or ""):
        raise ValueError(
            "anybody on the network between can write the pages of an http:// site: beyond this machine it begins with "
            "https://; links of others open after one click more"
        )
    return _origin(parts)


def _origin(parts: SplitResult) -> str:
    """Scheme, host and port as browsers write them."""
    host = parts.hostname or ""
    shown = f"[{ipaddress.IPv6Address(host)}]" if ":" in host else host
    port = "" if parts.port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{parts.port}"
    return f"{parts.scheme}://{shown}{port}"


def is_local_name(host: str) -> bool:
    """Whether browsers keep this host name on the machine itself."""
    return host in ("localhost", "127.0.0.1", "::1") or host.endswith(".localhost")


def parse_host_pattern(text: str) -> str:
    """A host name in which `*` stands for any characters, or an IP address; lower case. Raises ValueError."""
    pattern = text.lower()
    if not re.search(r"[a-z0-9:]", pattern):
        raise ValueError("this would allow every host: leave console_hosts out for that")
    if not (_HOST_PATTERN.fullmatch(pattern) or is_address(pattern)):
        raise ValueError("a host name like *.example.net is expected, without scheme, port and path")
    return pattern


def _split(text: str) -> SplitResult | None:
    """The parts of an absolute URL with a host that can be, or None."""
    if not text.isascii() or not text.isprintable() or " " in text or "\\" in text:
        return None
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    if port == 0 or parts.netloc.endswith(":"):
        return None
    return parts if is_host(host) or is_address(host) else None


def is_host(name: str) -> bool:
    """Whether a lower-case text can be the name of a host."""
    return _HOST.fullmatch(name) is not None


def is_address(host: str) -> bool:
    """Whether it is an IP address, without a zone."""
    try:
        return "%" not in host and bool(ipaddress.ip_address(host))
    except ValueError:
        return False
