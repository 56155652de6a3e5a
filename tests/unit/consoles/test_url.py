from __future__ import annotations

from dataclasses import dataclass

import pytest

from launcher.consoles.url import names, target_of
from launcher.errors import CloudReplyError
from launcher.model import Carrier, Kind, Secret, Target
from tests.fakes.issued import note

T = note("4d2c0c4e-6a0e-4b0e-9d0c-3f1f6f6b7a51")  # the same in each process: it stands in names of tests


@dataclass(frozen=True)
class Mend:
    from_: str
    to: str
    path: str | None = None


def target(url: str, *mends: Mend, kind: Kind = Kind.NOVNC, hosts: tuple[str, ...] = (), plain: bool = True) -> Target:
    return target_of(Secret(url), cloud="prod", kind=kind, rewrites=mends, hosts=hosts, plain=plain)


@pytest.mark.parametrize(
    ("url", "origin", "path"),
    [
        # Nova from 20.0.0 on, and its backports
        (f"http://proxy:6080/vnc_lite.html?path=%3Ftoken%3D{T}", "ws://proxy:6080", f"/?token={T}"),
        # Nova from 31.0.0 on, a base URL with a path of its own
        (f"https://proxy/vnc_lite.html?path=novnc%3Ftoken%3D{T}", "wss://proxy:443", f"/novnc?token={T}"),
        (f"https://proxy/vnc_lite.html?path=websockify%3Ftoken%3D{T}", "wss://proxy:443", f"/websockify?token={T}"),
        (f"http://proxy:6080/vnc_lite.html?path=/deep/er%3Ftoken%3D{T}", "ws://proxy:6080", f"/deep/er?token={T}"),
        # a path that holds the WebSocket's whole address (noVNC from 1.6 on)
        (f"http://proxy/vnc.html?path=wss%3A%2F%2Fother%2Fws%3Ftoken%3D{T}", "wss://other:443", f"/ws?token={T}"),
        # Nova before
        (f"http://proxy:6080/vnc_auto.html?token={T}", "ws://proxy:6080", f"/websockify?token={T}"),
        # the API page's own sample
        (f"https://dfw.example.com:443/console?token={T}", "wss://dfw.example.com:443", f"/websockify?token={T}"),
        # other kinds name the WebSocket itself
        (f"ws://proxy:6083/?token={T}", "ws://proxy:6083", f"/?token={T}"),
        (f"wss://proxy/serial?token={T}", "wss://proxy:443", f"/serial?token={T}"),
        (f"wss://proxy?token={T}", "wss://proxy:443", f"/?token={T}"),
        # IPv6, capitals, a fragment
        (f"HTTP://Proxy:6080/vnc_auto.html?token={T}#top", "ws://proxy:6080", f"/websockify?token={T}"),
        (f"http://[2001:db8::7]:6080/vnc_auto.html?token={T}", "ws://[2001:db8::7]:6080", f"/websockify?token={T}"),
        # of two tokens the proxy takes the last
        (f"http://proxy/vnc_auto.html?token=first&token={T}", "ws://proxy:80", f"/websockify?token={T}"),
    ],
)
def test_every_known_shape_is_dialled_as_its_page_would(url: str, origin: str, path: str) -> None:
    found = target(url)
    assert found.origin == origin
    assert found.path.reveal() == path
    assert found.carrier is Carrier.WEBSOCKET
    assert T not in repr(found)


@pytest.mark.parametrize(
    ("url", "origin", "path"),
    [
        (f"http://proxy:6081/console?token={T}", "http://proxy:6081", f"/console?token={T}"),
        # the API page's own sample
        (f"https://dfw.example.com:443/console?token={T}", "https://dfw.example.com:443", f"/console?token={T}"),
        (f"https://proxy/console?token={T}", "https://proxy:443", f"/console?token={T}"),
        (f"http://proxy/console?token={T}", "http://proxy:80", f"/console?token={T}"),
        (f"HTTPS://Proxy/xvp/console?a=b&token={T}#x", "https://proxy:443", f"/xvp/console?a=b&token={T}"),
        (f"http://[2001:db8::7]:6081?token={T}", "http://[2001:db8::7]:6081", f"/?token={T}"),
        # what means something to a page of noVNC means nothing here
        (f"http://proxy/console?path=x&token={T}", "http://proxy:80", f"/console?path=x&token={T}"),
    ],
)
def test_an_xvpvnc_proxy_is_asked_for_what_its_url_says(url: str, origin: str, path: str) -> None:
    found = target(url, kind=Kind.XVPVNC)
    assert (found.carrier, found.origin, found.path.reveal()) == (Carrier.XVP, origin, path)
    assert T not in repr(found)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://proxy/vnc_auto.html", "no console token"),
        ("http://proxy/vnc_auto.html?token=", "no console token"),
        ("http://proxy/vnc_lite.html?path=websockify", "no console token"),
        (f"file:///etc/passwd?token={T}", 'scheme "file"'),
        (f"javascript:alert(1)?token={T}", 'scheme "javascript"'),
        (f"//proxy/?token={T}", 'scheme ""'),
        (f"http:///vnc_auto.html?token={T}", "no host"),
        (f"http://root@proxy/vnc_auto.html?token={T}", "a user name"),
        (f"http://proxy/vnc auto.html?token={T}", "spaces or control characters"),
        (f"http://proxy\\@evil/?token={T}", "spaces or control characters"),
        (f"http://proxy/\r\nX: y?token={T}", "spaces or control characters"),
        (f"http://proxy:99999/?token={T}", "port"),
        (f"http://[oops/?token={T}", "cannot be used"),
    ],
)
def test_a_console_url_that_cannot_be_dialled_says_why_without_its_token(url: str, why: str) -> None:
    with pytest.raises(CloudReplyError) as raised:
        target(url)
    assert why.lower() in str(raised.value).lower()
    assert "prod" in str(raised.value)
    assert T not in str(raised.value)
    assert raised.value.__cause__ is None


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://proxy:6081/console", "no console token"),
        ("http://proxy:6081/console?token=", "no console token"),
        (f"ws://proxy:6081/console?token={T}", 'its scheme "ws" is not http or https'),
        (f"ftp://proxy:6081/console?token={T}", 'its scheme "ftp" is not http or https'),
        (f"http:///console?token={T}", "no host"),
        (f"http://root@proxy/console?token={T}", "a user name"),
        (f"http://proxy/con sole?token={T}", "spaces or control characters"),
        (f"http://proxy:99999/console?token={T}", "port"),
    ],
)
def test_an_xvpvnc_url_that_cannot_be_dialled_says_why_without_its_token(url: str, why: str) -> None:
    with pytest.raises(CloudReplyError) as raised:
        target(url, kind=Kind.XVPVNC)
    assert why.lower() in str(raised.value).lower()
    assert T not in str(raised.value)


def test_the_rules_of_a_cloud_hold_for_xvpvnc_too() -> None:
    url = f"http://internal.lan:6081/console?token={T}"
    with pytest.raises(CloudReplyError, match="plain_console"):
        target(url, kind=Kind.XVPVNC, plain=False)
    with pytest.raises(CloudReplyError, match="console_hosts"):
        target(url, kind=Kind.XVPVNC, hosts=("*.example.org",))
    mended = target(url, Mend("http://internal.lan:6081/", "https://c.net/"), kind=Kind.XVPVNC, plain=False)
    assert (mended.origin, mended.path.reveal()) == ("https://c.net:443", f"/console?token={T}")
    moved = target(url, Mend("http://internal.lan:6081/", "https://c.net/", "/xvp"), kind=Kind.XVPVNC)
    assert (moved.origin, moved.path.reveal()) == ("https://c.net:443", f"/xvp?token={T}")


def test_what_the_path_holds_cannot_break_the_request_line() -> None:
    found = target(f"http://proxy/vnc_lite.html?path=a%20b%0d%0aX%3Ftoken%3D{T}")
    assert found.path.reveal() == f"/a%20b%0D%0AX?token={T}"


def test_a_host_outside_console_hosts_is_refused() -> None:
    url = f"https://console.example.net/vnc_auto.html?token={T}"
    assert target(url, hosts=("*.EXAMPLE.net",)).host == "console.example.net"
    with pytest.raises(CloudReplyError, match="console_hosts"):
        target(url, hosts=("*.example.org", "example.net"))


def test_an_unencrypted_console_needs_leave() -> None:
    with pytest.raises(CloudReplyError, match="plain_console"):
        target(f"http://proxy/vnc_auto.html?token={T}", plain=False)
    assert target(f"https://proxy/vnc_auto.html?token={T}", plain=False).tls


@pytest.mark.parametrize(
    ("mend", "origin", "path"),
    [
        (Mend("http://internal.lan:6080/", "https://console.example.net/"), "wss://console.example.net:443", "/"),
        (Mend("http://internal.lan:6080/", "https://c.net/", "/websockify"), "wss://c.net:443", "/websockify"),
        (Mend("http://internal.lan:6080", "http://c.net:81"), "ws://c.net:81", "/"),
        (Mend("http://other.lan:6080/", "https://c.net/"), "ws://internal.lan:6080", "/"),
        (Mend("https://internal.lan:6080/", "https://c.net/"), "ws://internal.lan:6080", "/"),
    ],
)
def test_console_url_mends_scheme_host_port_and_path(mend: Mend, origin: str, path: str) -> None:
    found = target(f"http://internal.lan:6080/vnc_lite.html?path=%3Ftoken%3D{T}", mend)
    assert found.origin == origin
    assert found.path.reveal() == f"{path}?token={T}"


def test_a_path_of_a_websocket_address_moves_under_its_new_base() -> None:
    found = target(f"ws://internal/ws/one?token={T}", Mend("ws://internal/ws/", "wss://c.net/gate/"))
    assert (found.origin, found.path.reveal()) == ("wss://c.net:443", f"/gate/one?token={T}")


def test_a_rewrite_for_a_longer_path_leaves_others_alone() -> None:
    found = target(f"ws://internal/other?token={T}", Mend("ws://internal/ws/", "wss://c.net/"))
    assert found.origin == "ws://internal:80"


def test_a_rewrite_to_a_plain_address_allows_that_one_and_no_other() -> None:
    mend = Mend("https://proxy/", "http://127.0.0.1:6080/")
    mended = target(f"https://proxy/vnc_lite.html?token={T}", mend, plain=False)
    assert mended.origin == "ws://127.0.0.1:6080"
    assert names([mend], mended)
    assert not names([mend], target(f"wss://127.0.0.1:6080/?token={T}", plain=False))
    inner = f"https://proxy/vnc.html?path=ws%3A%2F%2F127.0.0.1:22%2F%3Ftoken%3D{T}"
    assert not names([mend], target(inner, mend))
    with pytest.raises(CloudReplyError, match="unencrypted"):
        target(inner, mend, plain=False)
