"""May this actor do this?"""

from __future__ import annotations

import pytest

from launcher.access.policy import Policy
from launcher.errors import ForbiddenError, NotSignedInError
from launcher.model import Action, Actor, Server

POLICY = Policy(frozenset({0, 1000}))
SERVER = Server("prod", "0a1b", "web-01", "ACTIVE")


@pytest.mark.parametrize("action", list(Action))
@pytest.mark.parametrize("via", ["unix", "tcp"])
def test_an_account_that_is_let_in_may_do_everything(action: Action, via: str) -> None:
    POLICY.authorize(Actor(1000, "alice", via), action, SERVER)
    POLICY.authorize(Actor(0, "root", via), action)


@pytest.mark.parametrize("action", list(Action))
@pytest.mark.parametrize("via", ["unix", "tcp"])
def test_everybody_else_gets_a_sentence(action: Action, via: str) -> None:
    with pytest.raises(ForbiddenError) as caught:
        POLICY.authorize(Actor(1001, "mallory", via), action, SERVER)
    assert str(caught.value) == (
        'Account "mallory" may not use this gateway. Ask its operator to add it to access.local_users.'
    )


AWAITING = Policy(frozenset({0}), frozenset({"alice", "nfsnobody"}), unmapped=65534)


def test_an_account_whose_name_is_awaited_is_let_in() -> None:
    AWAITING.authorize(Actor(1000, "alice", "unix"), Action.CONTROL, SERVER)
    with pytest.raises(ForbiddenError):
        AWAITING.authorize(Actor(1000, "uid 1000", "unix"), Action.LIST)


def test_whoever_the_kernel_cannot_map_stays_out_whatever_its_user_id_is_called() -> None:
    with pytest.raises(ForbiddenError):
        AWAITING.authorize(Actor(65534, "nfsnobody", "unix"), Action.LIST)


def test_nobody_known_is_not_signed_in() -> None:
    with pytest.raises(NotSignedInError, match="which account"):
        POLICY.authorize(None, Action.LIST)


def test_a_policy_that_names_nobody_lets_nobody_in() -> None:
    with pytest.raises(ForbiddenError):
        Policy(frozenset()).authorize(Actor(0, "root", "unix"), Action.LIST)


NAMED = Policy(frozenset({0, 1000}), frozenset({"dora"}), names={1000: "alice"})


def test_who_is_let_in_by_user_id_has_the_name_by_which_it_was_admitted_or_a_number() -> None:
    assert (NAMED.known(1000), NAMED.known(0)) == ("alice", "uid 0")


def test_nobody_else_is_known() -> None:
    assert NAMED.known(1001) is None


def test_awaited_names_are_those_that_let_somebody_in() -> None:
    assert NAMED.awaits("dora")
    assert not NAMED.awaits("alice")
