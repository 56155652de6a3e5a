from __future__ import annotations

from launcher.consoles.url import target_of
from launcher.demo.consoles import ConsoleTokens, console_url
from launcher.model import Kind, Secret
from tests.fakes.clock import FakeClock
from tests.fakes.issued import note


def test_a_token_lives_for_its_minute_and_may_be_used_again() -> None:
    clock = FakeClock()
    tokens = ConsoleTokens(clock)
    token = note(tokens.mint("server"))
    clock.advance(59.9)
    assert (tokens.server_of(token), tokens.server_of(token)) == ("server", "server")
    clock.advance(0.1)
    assert tokens.server_of(token) is None


def test_every_request_makes_a_token_and_the_older_ones_stay_good() -> None:
    tokens = ConsoleTokens(FakeClock())
    first, second = note(tokens.mint("one")), note(tokens.mint("one"))
    assert first != second
    assert tokens.server_of(first) == "one"


def test_an_unknown_token_leads_nowhere() -> None:
    assert ConsoleTokens(FakeClock()).server_of("") is None


def test_dead_tokens_are_forgotten_and_living_ones_bounded() -> None:
    clock = FakeClock()
    tokens = ConsoleTokens(clock)
    for _ in range(50):
        tokens.mint("server")
    clock.advance(61)
    tokens.mint("server")
    assert len(tokens._tokens) == 1


def test_the_console_url_is_one_that_the_gateway_reads() -> None:
    url = console_url("http://127.0.0.1:7777", note("a-token-of-this-test"))
    assert url == "http://127.0.0.1:7777/vnc_lite.html?path=%3Ftoken%3Da-token-of-this-test"
    target = target_of(Secret(url), cloud="prod", rewrites=(), hosts=(), plain=True)
    assert target.path.reveal() == "/?token=a-token-of-this-test"


def test_so_is_that_of_an_xvpvnc_console() -> None:
    url = console_url("http://127.0.0.1:7777", note("a-token-of-this-test"), Kind.XVPVNC)
    target = target_of(Secret(url), cloud="prod", kind=Kind.XVPVNC, plain=True)
    assert (target.origin, target.path.reveal()) == ("http://127.0.0.1:7777", "/console?token=a-token-of-this-test")
