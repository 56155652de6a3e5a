"""Real software for the tests of this folder; without it they fail, and say what is missing."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.fakes.screens import Screen
from tests.process.browser import EXECUTABLE, Profile, chromium
from tests.process.site import Site, start_screens


@pytest.fixture(scope="session")
def _chromium_is_there() -> None:
    if not Path(EXECUTABLE).exists():
        pytest.fail("needs Debian's package chromium")


@pytest.fixture(scope="session")
def _tigervnc_is_there() -> None:
    if shutil.which("Xtigervnc") is None:
        pytest.fail("needs Debian's package tigervnc-standalone-server")


@pytest.fixture(scope="session")
def _qemu_is_there() -> None:
    if shutil.which("qemu-system-x86_64") is None:
        pytest.fail("needs Debian's package qemu-system-x86")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(_chromium_is_there: None) -> AsyncIterator[Browser]:
    """One Chromium for a module; each test has a profile of its own."""
    async with chromium() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module")
async def profile(browser: Browser, suite_output: Path) -> AsyncIterator[Profile]:
    """A person's fresh browser profile."""
    profile = Profile(browser, suite_output / "browser")
    yield profile
    await profile.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def screens(_tigervnc_is_there: None, suite_output: Path) -> AsyncIterator[list[Screen]]:
    """Ten screens with ten pictures, the same for all tests of a module."""
    async with AsyncExitStack() as stack:
        yield await start_screens(stack, suite_output, *(f"picture-{number}" for number in range(10)))


@pytest.fixture
def screen(screens: list[Screen]) -> Screen:
    """The first of them, for tests that need one."""
    return screens[0]


@pytest_asyncio.fixture(loop_scope="module")
async def site(tmp_path: Path, suite_output: Path) -> AsyncIterator[Site]:
    """A cloud and its console proxy, the test's own."""
    async with Site(tmp_path, suite_output / "daemons") as site:
        yield site
