"""Servers as values: their order, what is searched, the parts of the list."""

from __future__ import annotations

import uuid

import pytest

from launcher.cloud.listing import Place, marker_of, parse_marker, part_of, snapshot_of
from launcher.model import Server

HOSTILE = ["<img src=x onerror=alert(1)>", "../../etc", "\u202egnirts", "𝕏" * 255, "line\nbreak", "a/b/c", "\x1b[31m"]


def server(name: str, cloud: str = "prod", status: str = "ACTIVE", task: str | None = None) -> Server:
    return Server(cloud, str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}.{cloud}")), name, status, task)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_marker_leads_to_its_server_whatever_it_is_called(name: str) -> None:
    one = server(name)
    assert parse_marker(marker_of(one)) == Place("prod", name, one.id)


@pytest.mark.parametrize("marker", ["", "x", "a/b", "a/b/"])
def test_what_is_no_marker_leads_nowhere(marker: str) -> None:
    assert parse_marker(marker) is None


def test_texts_that_servers_have_in_common_are_kept_once() -> None:
    status, task = "".join(["BUI", "LD"]), "".join(["spawn", "ing"])
    first, second = snapshot_of(
        [server("a", "".join(["pr", "od"]), status, task), server("b", "prod", "BUILD", "spawning")]
    ).servers
    assert first.cloud is second.cloud
    assert first.status is second.status
    assert first.task_state is second.task_state


def test_the_list_goes_on_behind_a_server_that_is_gone_with_its_cloud() -> None:
    snapshots = {cloud: snapshot_of([server("a", cloud), server("c", cloud)]) for cloud in ("stage", "prod")}
    part = part_of(snapshots, "", 9, Place("prod", "b", "x"))
    assert [(one.cloud, one.name) for one in part.servers] == [("prod", "c"), ("stage", "a"), ("stage", "c")]
    part = part_of(snapshots, "", 9, Place("quality", "b", "x"))
    assert [one.cloud for one in part.servers] == ["stage", "stage"]


def test_a_part_that_ends_with_the_list_has_no_marker() -> None:
    snapshots = {"prod": snapshot_of([server("a"), server("b")])}
    assert part_of(snapshots, "", 2, None).next_marker is None
    assert part_of(snapshots, "", 1, None).next_marker == marker_of(server("a"))
    assert part_of({}, "", 1, None).servers == ()


def test_a_shared_name_is_known_on_whatever_part_the_other_stands() -> None:
    twin = Server("prod", "another", "twin", "ACTIVE")
    snapshots = {"prod": snapshot_of([server("twin"), twin, server("a")]), "stage": snapshot_of([server("a", "stage")])}
    assert part_of(snapshots, "twin", 1, None).shared == {("prod", "twin")}
    assert part_of(snapshots, "a", 9, None).shared == {("prod", "twin")}
    assert part_of(snapshots, "stage", 9, None).shared == frozenset()


def test_nothing_is_looked_at_behind_the_first_server_that_has_no_room() -> None:
    class Looked(str):
        __slots__ = ()

        def __contains__(self, word: object) -> bool:
            looked.append(str(self))
            return super().__contains__(word)  # type: ignore[operator]  # only texts are looked for

    looked: list[str] = []
    snapshot = snapshot_of(server(f"web-{number}") for number in range(9))
    object.__setattr__(snapshot, "texts", tuple(map(Looked, snapshot.texts)))
    assert len(part_of({"prod": snapshot}, "web", 3, None).servers) == 3
    assert len(looked) == 4
