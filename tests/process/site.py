"""A cloud, its console proxy and its servers' screens, before which the daemon is put to work."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.fakes.compute import FakeCompute
from tests.fakes.console_proxy import ConsoleProxy
from tests.fakes.issued import issue
from tests.fakes.screens import Screen
from tests.process.daemon import Daemon


class Site:
    """One cloud named `lab` with the simulated Compute API, the stock `websockify` command and TigerVNC screens.

    The screens outlive a test, the rest is the test's own: `screens` come from a module's fixture.
    """

    def __init__(self, folder: Path, output: Path) -> None:
        self.compute = FakeCompute()
        self.proxy = ConsoleProxy(folder / "console-proxy")
        self._api_token = folder / "api-token"
        self._output = output
        self._mints: dict[str, Callable[[], str]] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        api_token = issue()
        self._api_token.write_text(api_token)
        self._api_token.chmod(0o600)
        self.compute.api_tokens = {api_token}
        self.compute.mint = lambda server_id, _kind: self._mints[server_id]()
        await self._stack.enter_async_context(self.compute)
        await self._stack.enter_async_context(self.proxy)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def add_server(self, name: str, screen: Screen) -> str:
        """A server whose consoles lead through the console proxy to this screen; its id."""
        return self.add_server_with(name, lambda: self.proxy.url(screen.port))

    def add_server_with(self, name: str, mint: Callable[[], str]) -> str:
        """A server whose console URLs come from `mint`; its id."""
        server_id = self.compute.add_server(name)
        self._mints[server_id] = mint
        return server_id

    def console_requests(self) -> int:
        """How often the cloud was asked for a console."""
        return len(self.compute.console_requests)

    def daemon(
        self, *, settings: Mapping[str, Any] | None = None, others: Mapping[str, Any] | None = None, **entry: Any
    ) -> Daemon:
        """A daemon that knows this cloud and `others`; `entry` adds to its entry, `settings` to the top level."""
        bare = {"provider": "none", "endpoint": self.compute.endpoint, "api_token": {"file": str(self._api_token)}}
        return Daemon(self._output, {"lab": {**bare, **entry}, **(others or {})}, **(settings or {}))


async def start_screens(stack: AsyncExitStack, output: Path, *pictures: str) -> list[Screen]:
    """One screen a picture, started side by side."""
    screens = [Screen(output / "screens" / picture, picture) for picture in pictures]
    async with asyncio.TaskGroup() as group:
        for screen in screens:
            group.create_task(screen.__aenter__())
    for screen in screens:
        stack.push_async_exit(screen.__aexit__)
    return screens
