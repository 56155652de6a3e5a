from __future__ import annotations

import pytest

from launcher.demo.security import BANNER, OFFER, Answer, SecurityProxy, Step


def test_version_and_security_type_lead_to_the_screen_by_an_empty_frame() -> None:
    proxy = SecurityProxy()
    assert proxy.feed(BANNER) == Answer((OFFER,), Step.SECURITY)
    assert proxy.feed(b"\x01") == Answer((b"",), Step.DONE)


def test_messages_may_come_in_pieces() -> None:
    proxy = SecurityProxy()
    assert proxy.feed(BANNER[:5]) == Answer((), Step.VERSION)
    assert proxy.feed(BANNER[5:]) == Answer((OFFER,), Step.SECURITY)
    assert proxy.feed(b"") == Answer((), Step.SECURITY)


def test_what_comes_too_early_is_sent_back_as_a_real_nova_does() -> None:
    assert SecurityProxy().feed(BANNER + b"\x01\x01") == Answer((OFFER, b"\x01"), Step.DONE)


@pytest.mark.parametrize("version", [b"RFB 003.003\n", b"RFB 003.007\n", b"GET / HTTP/1"])
def test_another_version_is_refused_with_an_empty_frame(version: bytes) -> None:
    assert SecurityProxy().feed(version) == Answer((b"",), Step.REFUSED)


def test_another_security_type_is_refused_in_words() -> None:
    proxy = SecurityProxy()
    proxy.feed(BANNER)
    [failure] = proxy.feed(b"\x02").frames
    assert failure[:4] == b"\0\0\0\x01"
    assert int.from_bytes(failure[4:8], "big") == len(failure) - 8
    assert b"None" in failure
