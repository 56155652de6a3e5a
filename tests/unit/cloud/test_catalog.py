"""From a catalog to the one endpoint that is meant."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from keystoneauth1.access import AccessInfoV2

from launcher.cloud.catalog import Wanted, endpoint_in, region_meant, regions_in, usable
from launcher.errors import CloudReplyError
from tests.fakes.issued import issue

GENERATION_2 = "cloudServersOpenStack"


def access(*regions: str) -> AccessInfoV2:
    """What Rackspace's Identity gives: the dead first generation stands first."""
    endpoints = [
        {"region": region, "publicURL": f"https://{quote(region)}.servers.example/v2/610275"} for region in regions
    ]
    catalog: list[dict[str, Any]] = [
        {
            "name": "cloudServers",
            "type": "compute",
            "endpoints": [{"publicURL": "https://servers.example/v1.0/610275"}],
        },
        {"name": GENERATION_2, "type": "compute", "endpoints": endpoints},
    ]
    return AccessInfoV2({"access": {"token": {"id": issue()}, "serviceCatalog": catalog, "user": {}}})


def wanted(region: str | None) -> Wanted:
    return Wanted(service_name=GENERATION_2, region=region)


@pytest.mark.parametrize("region", ["DFW", "dfw", "Dfw"])
def test_a_region_is_meant_in_any_case(region: str) -> None:
    assert endpoint_in("rax", access("ORD", "DFW"), wanted(region)) == "https://DFW.servers.example/v2/610275"


def test_the_only_region_need_not_be_named() -> None:
    assert endpoint_in("rax", access("SYD"), wanted(None)) == "https://SYD.servers.example/v2/610275"


def test_of_several_one_must_be_named() -> None:
    with pytest.raises(CloudReplyError, match=r"name one of the cloud's regions in the configuration \(DFW, ORD\)"):
        endpoint_in("rax", access("ORD", "DFW"), wanted(None))


def test_an_unknown_one_is_answered_with_what_there_is() -> None:
    with pytest.raises(CloudReplyError) as caught:
        endpoint_in("rax", access("ORD", "DFW"), wanted("dwf"))
    assert str(caught.value) == 'rax has no region "dwf" for this account (has: DFW, ORD). Did you mean "DFW"?'


def test_a_catalog_of_many_odd_names_stays_one_short_line() -> None:
    odd = access("\x1b[31mDFW\nORD", *(f"r{number:03}" for number in range(100)))
    with pytest.raises(CloudReplyError) as caught:
        endpoint_in("rax", odd, wanted("dwf"))
    assert str(caught.value).isprintable()
    assert " and 81 more)." in str(caught.value)


def test_the_regions_are_those_of_the_service_that_is_wanted() -> None:
    assert regions_in("rax", access("ORD", "DFW"), wanted("DFW")) == ("DFW", "ORD")


def test_a_service_without_endpoints_and_a_reply_without_catalog_are_told_apart() -> None:
    with pytest.raises(CloudReplyError, match='catalog has no compute service "cloudServersOpenStack"'):
        regions_in("rax", access(), wanted(None))
    bare = AccessInfoV2({"access": {"token": {"id": issue()}, "user": {}}})
    with pytest.raises(CloudReplyError, match="gave no catalog of services"):
        regions_in("rax", bare, wanted(None))


@pytest.mark.parametrize(
    ("region", "there", "meant"),
    [
        ("one", ["One", "one"], "one"),
        ("ONE", ["One", "one"], None),
        ("one", ["One", "One"], "One"),
        ("two", ["One"], None),
        ("one", [], None),
    ],
)
def test_case_counts_only_where_regions_differ_in_nothing_else(
    region: str, there: list[str], meant: str | None
) -> None:
    assert region_meant(region, there) == meant


def test_a_catalog_without_end_is_read_no_further_than_any_real_one() -> None:
    assert len(regions_in("rax", access(*(f"R{number:05}" for number in range(20_000))), wanted(None))) == 1000


def test_an_endpoint_that_is_too_long_is_refused() -> None:
    with pytest.raises(CloudReplyError, match="longer than 2048 characters"):
        usable("rax", "https://servers.example/" + "x" * 2048)
