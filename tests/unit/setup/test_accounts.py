from __future__ import annotations

from typing import Any

import pytest

from launcher.config.values import NAME
from launcher.setup.accounts import (
    Account,
    Profile,
    Source,
    merged,
    named_apart,
    short_name,
    source_of_variables,
    sources_of_files,
)
from tests.fakes.issued import issue


def sources(clouds: dict[str, Any], secure: Any = None, public: Any = None) -> list[Source]:
    return sources_of_files({"clouds": clouds}, secure or {}, public or {}, "/x/clouds.yaml")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("prod", "prod"),
        ("My Cloud", "My-Cloud"),
        ("ops@example.net", "ops-example.net"),
        ("-x-", "x"),
        ("", "cloud"),
        ("../../etc", "etc"),
        ("云", "cloud"),
        ("x" * 100, "x" * 40),
        ("a\x1b[31m\u202eb", "a-31m-b"),
        ("<img src=x onerror=alert(1)>", "img-src-x-onerror-alert-1"),
    ],
)
def test_every_text_becomes_a_name_for_bookmarks(text: str, name: str) -> None:
    assert short_name(text) == name
    assert NAME.fullmatch(short_name(text))


def test_names_that_are_the_same_are_told_apart_by_numbers() -> None:
    assert named_apart(["a", "A", "b", "a", "a-2"]) == ["a", "A-2", "b", "a-3", "a-2-2"]
    assert named_apart(["rax"], ["rax"]) == ["rax-2"]


def test_secure_yaml_goes_over_clouds_yaml() -> None:
    password = issue()
    [found] = sources(
        {"prod": {"auth": {"auth_url": "u", "username": "ops"}, "region_name": "One"}},
        {"clouds": {"prod": {"auth": {"password": password}}}},
    )
    assert isinstance(found, Profile)
    assert found.settings == {
        "auth": {"auth_url": "u", "username": "ops", "password": password},
        "region_name": "One",
    }
    assert (found.name, found.profile, found.in_files) == ("prod", "prod", True)
    assert found.fixed_regions == ("One",)
    assert password not in repr(found)


def test_merging_leaves_both_as_they_were() -> None:
    under, over = {"a": {"b": 1}, "c": 1}, {"a": {"d": 2}, "c": {"e": 3}}
    assert merged(under, over) == {"a": {"b": 1, "d": 2}, "c": {"e": 3}}
    assert (under, over) == ({"a": {"b": 1}, "c": 1}, {"a": {"d": 2}, "c": {"e": 3}})


def test_a_vendor_profile_that_only_this_machine_knows_is_written_out() -> None:
    public = {"public-clouds": {"acme": {"auth": {"auth_url": "https://acme"}, "region_name": "R"}}}
    found = sources({"a": {"profile": "acme", "auth": {"username": "u"}}, "b": {"cloud": "vexxhost"}}, None, public)
    assert [one.settings for one in found if isinstance(one, Profile)] == [
        {"auth": {"auth_url": "https://acme", "username": "u"}, "region_name": "R"},
        {"cloud": "vexxhost"},
    ]


@pytest.mark.parametrize(
    ("settings", "regions"),
    [
        ({}, ()),
        ({"region_name": "One", "regions": ["Two"]}, ("One",)),
        ({"regions": ["One", {"name": "Two"}, "One", {"values": {}}]}, ("One", "Two")),
        ({"regions": "One"}, ()),
    ],
)
def test_the_regions_that_clouds_yaml_names_are_known(settings: dict[str, Any], regions: tuple[str, ...]) -> None:
    [found] = sources({"prod": settings})
    assert found.fixed_regions == regions


@pytest.mark.parametrize("kind", [{"auth_type": "rackspace_apikey"}, {"profile": "rackspace"}])
def test_a_rackspace_api_key_in_clouds_yaml_becomes_a_rackspace_account(kind: dict[str, str]) -> None:
    key = issue()
    auth = {"username": "ops", "api_key": key, "auth_url": "https://identity.example.net/v2.0/"}
    [found] = sources({"Rack Space": {**kind, "auth": auth, "region_name": "DFW"}})
    assert isinstance(found, Account)
    assert found.api_key.reveal() == key
    assert (found.name, found.profile, found.username) == ("Rack-Space", "Rack Space", "ops")
    assert found.auth_url == "https://identity.example.net/v2.0"
    assert found.fixed_regions == ("DFW",)
    assert key not in repr(found)


def test_what_is_no_mapping_is_no_cloud() -> None:
    assert sources_of_files({"clouds": ["x"]}, {}, {}, "f") == []
    assert sources_of_files({}, {"clouds": 1}, {}, "f") == []
    [found] = sources({"odd": "text"})
    assert isinstance(found, Profile)
    assert found.settings == {}


def test_the_variables_of_an_openrc_become_a_cloud_of_a_clouds_yaml() -> None:
    password = issue()
    found = source_of_variables(
        {
            "OS_AUTH_URL": "https://k/v3", "OS_USERNAME": "ops", "OS_PASSWORD": password,
            "OS_PROJECT_NAME": "My Project", "OS_USER_DOMAIN_NAME": "Default", "OS_REGION_NAME": "One",
            "OS_IDENTITY_API_VERSION": "3",
            "OS_CACERT": "/ca.pem", "OS_CLOUD": "other", "OS_TEST_PATH": "x", "OS_PROJECT_ID": "",
        },
        None,
    )  # fmt: skip
    assert found is not None
    assert found.settings == {
        "auth": {
            "auth_url": "https://k/v3", "username": "ops", "password": password, "project_name": "My Project",
            "user_domain_name": "Default",
        },
        "region_name": "One", "identity_api_version": "3", "cacert": "/ca.pem",
    }  # fmt: skip
    assert (found.name, found.profile, found.in_files) == ("My-Project", "My-Project", False)


def test_the_cloud_of_the_variables_is_called_as_one_likes() -> None:
    variables = {"OS_AUTH_URL": "u", "OS_TENANT_NAME": "t"}
    for name, called in ((None, "t"), ("prod", "prod")):
        found = source_of_variables(variables, name)
        assert found is not None
        assert found.name == called
    bare = source_of_variables({"OS_AUTH_URL": "u"}, None)
    assert bare is not None
    assert bare.name == "cloud"


def test_variables_without_an_identity_endpoint_are_no_cloud() -> None:
    assert source_of_variables({"OS_CLOUD": "prod", "OS_AUTH_URL": ""}, None) is None
