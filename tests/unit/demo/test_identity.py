"""API tokens of the simulated cloud; what it answers is tested over HTTP, with the rest of it."""

from __future__ import annotations

from datetime import UTC, datetime

from launcher.demo.identity import Credentials, Identity, Scope
from tests.fakes.clock import FakeClock


def test_api_tokens_are_bounded_and_the_oldest_make_way() -> None:
    tokens: dict[str, Scope] = {}
    identity = Identity("http://127.0.0.1:1", FakeClock(), Credentials(), tokens)
    for number in range(10_001):
        identity._issue(Scope(None, datetime(2027, 1, 1, tzinfo=UTC)), f"token {number}")
    assert (len(tokens), next(iter(tokens))) == (10_000, "token 1")
    assert identity.scope_of("token 0") is None
    assert identity.scope_of("token 10000") is not None
