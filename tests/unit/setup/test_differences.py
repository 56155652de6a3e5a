from __future__ import annotations

from typing import Any

import pytest

from launcher.config.models import Config, OpenStackEntry, RackspaceEntry
from launcher.model import Secret
from launcher.setup.accounts import Account, Profile
from launcher.setup.differences import differences, wanted
from launcher.setup.plan import copied_settings
from launcher.setup.scene import Wishes

PROD = Profile("prod", "prod", {"auth": {"password": "a"}}, "/x/clouds.yaml", in_files=True)
STAGE = Profile("stage", "stage", {}, "/x/clouds.yaml", in_files=True)
KEY = Secret("key")
RAX = Account("rax", "ops", KEY, "/x/clouds.yaml", profile="rax")


def config(**clouds: Any) -> Config:
    return Config.model_construct(clouds=clouds)


HAS_PROD = config(prod=OpenStackEntry.model_construct(provider="openstack", cloud="prod"))
HAS_RAX = config(rax=RackspaceEntry.model_construct(provider="rackspace", username="ops", api_key=KEY, regions=()))


def test_what_is_the_same_is_not_mentioned() -> None:
    assert differences(HAS_PROD, {"prod": copied_settings(PROD)}, [PROD]) == []
    assert differences(HAS_PROD, {}, [PROD]) == [], "it reads clouds.yaml where it is"
    assert differences(HAS_RAX, {}, [RAX]) == []


def test_what_is_missing_or_differs_is_told_without_secrets() -> None:
    other = Account("rax", "ops", Secret("another"), "/x/clouds.yaml", profile="rax")
    assert differences(HAS_PROD, {"prod": {"auth": {"password": "b"}}}, [PROD, STAGE, RAX]) == [
        "the configuration's own copy of prod differs from /x/clouds.yaml",
        "the configuration has no cloud stage of /x/clouds.yaml",
        "the configuration has no entry of the Rackspace user ops",
    ]
    assert differences(HAS_RAX, {}, [other]) == [
        "the configuration's own API key of the Rackspace user ops differs from that of /x/clouds.yaml"
    ]


@pytest.mark.parametrize(
    ("wishes", "names"),
    [
        (Wishes(), ["prod", "rax"]),
        (Wishes(clouds=("all",)), ["prod", "rax"]),
        (Wishes(clouds=("rax",)), ["rax"]),
        (Wishes(rackspace_user="eve"), []),
        (Wishes(rackspace_user="eve", api_key=KEY), ["rax"]),
        (Wishes(rackspace_user="eve", api_key=KEY, clouds=("prod",)), ["prod", "rax"]),
    ],
)
def test_what_a_first_run_would_try_is_compared(wishes: Wishes, names: list[str]) -> None:
    assert [one.name for one in wanted([PROD, RAX], wishes)] == names
