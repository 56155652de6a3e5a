"""Which servers have sockets of their own, and what these are called."""

from __future__ import annotations

import uuid
from pathlib import PurePosixPath

import pytest

from launcher.cloud.listing import Snapshot, snapshot_of
from launcher.model import Server
from launcher.web.socketplan import PATH_LIMIT, Spot, clouds_meant, is_harmless, plan

RUN = "/run/console-launcher"
STRANGE = [
    "../x", "/", "..", ".", "", "a\0b", "𝕏" * 255, "a.sock", ".hidden", "-rf", " space", "two\nlines", "\x1b[2J",
    "\u202etxt.exe", "A6E0F2B8-0B5B-4C6B-9E0B-0D6C3D7F8A11", "a6e0f2b8-0b5b-4c6b-9e0b-0d6c3d7f8a11", "half\ud800",
]  # fmt: skip


def server(name: str, cloud: str = "prod", server_id: str | None = None) -> Server:
    return Server(cloud=cloud, id=server_id or str(uuid.uuid4()), name=name, status="ACTIVE")


def listed(*servers: Server) -> dict[str, Snapshot]:
    clouds: dict[str, list[Server]] = {}
    for one in servers:
        clouds.setdefault(one.cloud, []).append(one)
    return {cloud: snapshot_of(those) for cloud, those in clouds.items()}


def test_a_server_has_a_socket_by_its_uuid_and_a_link_by_its_name() -> None:
    web = server("web-01")
    found = plan(listed(web), ["prod/*"], RUN)
    assert found.spots == {Spot("prod", web.id)}
    assert found.links == {"prod/web-01.sock": f"{web.id}.sock"}
    assert Spot("prod", web.id).path == f"prod/{web.id}.sock"


def test_patterns_are_of_names_and_of_uuids() -> None:
    web, db, other = server("web-01"), server("db-01"), server("web-01", "stage")
    listings = listed(web, db, other)
    assert plan(listings, ["prod/web-*"], RUN).spots == {Spot("prod", web.id)}
    assert plan(listings, [f"prod/{db.id}"], RUN).spots == {Spot("prod", db.id)}
    assert len(plan(listings, ["*/*"], RUN).spots) == 3
    assert plan(listings, ["PROD/*"], RUN).spots == set()


@pytest.mark.parametrize("name", STRANGE)
def test_a_name_that_is_no_fit_name_of_a_file_has_no_link_but_its_server_a_socket(name: str) -> None:
    one = server(name)
    found = plan(listed(one, server("plain")), ["prod/*"], RUN)
    assert Spot("prod", one.id) in found.spots
    assert list(found.links) == ["prod/plain.sock"]


@pytest.mark.parametrize("name", ["web-01", "Web 01", "grün", "日本", "a.b", "sock", "web.sock.old", "𝕏"])
def test_a_name_that_harms_nobody_is_linked(name: str) -> None:
    assert is_harmless(name)
    (link,) = plan(listed(server(name)), ["*/*"], RUN).links
    assert PurePosixPath(link).parts == ("prod", f"{name}.sock")


def test_a_name_that_two_servers_have_leads_to_neither() -> None:
    assert plan(listed(server("twin"), server("twin")), ["prod/*"], RUN).links == {}
    one, other = server("twin"), server("twin")
    assert plan(listed(one, other), [f"prod/{one.id}"], RUN).links == {}, "the other one may be meant"


def test_a_link_is_made_up_to_the_longest_path_that_there_is() -> None:
    fits = PATH_LIMIT - len(f"{RUN}/prod/.sock")
    assert len(plan(listed(server("x" * fits)), ["prod/*"], RUN).links) == 1
    assert plan(listed(server("x" * (fits + 1))), ["prod/*"], RUN).links == {}
    assert plan(listed(server("é" * (fits // 2 + 1))), ["prod/*"], RUN).links == {}, "bytes count, not letters"


def test_what_can_have_no_socket_is_counted() -> None:
    found = plan(listed(server("web", server_id="../../etc/x"), server("web-02", "c" * 63)), ["*/*"], RUN)
    assert not found.spots
    assert not found.links
    assert found.unfit == 2


def test_there_are_no_more_than_so_many() -> None:
    found = plan(listed(*(server(f"web-{number}") for number in range(5))), ["prod/*"], RUN, most=3)
    assert (len(found.spots), len(found.links), found.crowded_out) == (3, 3, 2)


def test_only_clouds_that_a_pattern_may_mean_are_asked() -> None:
    assert clouds_meant(["prod", "stage", "rax-dfw"], ["prod/*", "rax-*/db"]) == ("prod", "rax-dfw")
    assert clouds_meant(["prod"], []) == ()
