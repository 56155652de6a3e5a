"""The doctor without a daemon, on the demo's clouds: what may be wrong with a password, an API key, an auth_url."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from launcher.cli.doctor_alone import examine
from launcher.demo.cloud import DemoCloud
from launcher.demo.settings import write_settings
from tests.fakes.console_proxy import free_port
from tests.fakes.demo import demo_cloud
from tests.fakes.issued import note


@pytest.fixture
async def cloud() -> AsyncIterator[DemoCloud]:
    async with demo_cloud() as cloud:
        yield cloud


async def examined(config: Path, reference: str | None = None) -> Any:
    """The report of a run in a thread, as the command has it in its process."""
    return await asyncio.to_thread(examine, config, reference, None, None)


def failed(report: Any, cloud: str) -> tuple[str | None, str]:
    """The hop that fails in a cloud, and what is said of it."""
    [one] = [one for one in report["clouds"] if one["cloud"] == cloud]
    hops = [hop for hop in one["hops"] if hop["name"] == one["failed"]]
    return one["failed"], " ".join(text for hop in hops for text in (hop["reason"], *hop["advice"]))


async def test_both_ways_to_sign_in_are_well_and_a_screen_greets(cloud: DemoCloud, tmp_path: Path) -> None:
    config = write_settings(tmp_path, cloud, free_port())
    report = await examined(config)
    assert (report["well"], [one["cloud"] for one in report["clouds"]]) == (True, ["prod", "rax"])
    assert str(config) in report["hops"][0]["seen"]
    assert (await examined(config, "db"))["well"]


def in_file(name: str, old: str, new: str) -> Callable[[Path], None]:
    """A change of one of the files."""

    def change(folder: Path) -> None:
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new))

    return change


def other_key(folder: Path) -> None:
    (folder / "rax-api-key").write_text(note("another-api-key-of-a-test"))


@pytest.mark.parametrize(
    ("change", "broken", "hop", "named"),
    [
        (other_key, "rax", "identity", "clouds.rax.username and clouds.rax.api_key in config.yaml"),
        (in_file("config.yaml", "- DFW", "- DWF"), "rax", "catalog", 'Did you mean "DFW"?'),
        (in_file("config.yaml", "/rackspace/v2.0", "/rackspce/v2.0"), "rax", "identity", "clouds.rax.auth_url"),
        (
            in_file("clouds.yaml", "http://127.0.0.1", "http://keystone.invalid"),
            "prod",
            "identity-dns",
            "keystone.invalid",
        ),
        (in_file("clouds.yaml", "http://127.0.0.1", "https://127.0.0.1"), "prod", "identity-tls", "does not speak TLS"),
        (
            in_file("clouds.yaml", "http://127.0.0.1", "gopher://x"),
            "prod",
            "configuration",
            'auth.auth_url of "prod" in ',
        ),
        (
            in_file("clouds.yaml", "    region_name", "    verify: false\n    region_name"),
            "prod",
            "configuration",
            "never",
        ),
    ],
)
async def test_what_is_wrong_with_a_sign_in_is_told_apart_and_hides_no_other_cloud(
    cloud: DemoCloud, tmp_path: Path, change: Callable[[Path], None], broken: str, hop: str, named: str
) -> None:
    config = write_settings(tmp_path, cloud, free_port())
    change(tmp_path)
    report = await examined(config)
    found, said = failed(report, broken)
    assert (found, named in said) == (hop, True), said
    assert failed(report, {"rax": "prod", "prod": "rax"}[broken])[0] is None
