"""What each load begins with: a calm cloud, an account that is admitted, and one that is not."""

from __future__ import annotations

import pwd
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.fakes.compute import FakeCompute
from tests.fakes.console_proxy import FaultyProxy
from tests.fakes.sshd import second_account
from tests.hostile.bystander import Bystander
from tests.process.daemon import Daemon

CLOUD, SERVER = "lab", "web-01"


class World:
    """One calm cloud `lab` with a server `web-01`, whose console greets at once; two local accounts. Needs root.

    `async with World(folder) as world`: daemons write their logs into `folder`.
    """

    def __init__(self, folder: Path) -> None:
        self.compute = FakeCompute()
        self.proxy = FaultyProxy()
        """The console proxy of every server of `lab` that has no other."""
        self.folder = folder
        self._proxies: dict[str, FaultyProxy] = {}
        self._stack = AsyncExitStack()
        self._admitted: pwd.struct_passwd | None = None
        self._stranger: pwd.struct_passwd | None = None

    async def __aenter__(self) -> Self:
        try:
            self._admitted = self._stack.enter_context(second_account())
            self._stranger = self._stack.enter_context(second_account())
            await self._stack.enter_async_context(self.compute)
            await self._stack.enter_async_context(self.proxy)
        except BaseException:
            await self._stack.aclose()
            raise
        self.compute.mint = lambda server_id, _: self._proxies.get(server_id, self.proxy).url()
        self.compute.add_server(SERVER)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @property
    def admitted(self) -> pwd.struct_passwd:
        """The account that every daemon of this world lets in."""
        assert self._admitted is not None, "enter the world first"
        return self._admitted

    @property
    def stranger(self) -> pwd.struct_passwd:
        """An account that no daemon lets in."""
        assert self._stranger is not None, "enter the world first"
        return self._stranger

    def add_server(self, name: str, proxy: FaultyProxy) -> str:
        """Another server of `lab`, with a console proxy of its own; its id."""
        server_id = self.compute.add_server(name)
        self._proxies[server_id] = proxy
        return server_id

    def entry(self) -> dict[str, Any]:
        """The calm cloud as a configuration has it; bystanders may ask it as often as they like."""
        budget = {"per_minute": 1_000_000, "at_once": 100}
        return {"provider": "none", "endpoint": self.compute.endpoint, "budget": budget}

    def daemon(self, *, settings: Mapping[str, Any] | None = None, others: Mapping[str, Any] | None = None) -> Daemon:
        """A daemon that knows the calm cloud and `others`, and admits `admitted`; `settings` are top-level keys."""
        mine = {"access": {"local_users": [self.admitted.pw_name]}, **(settings or {})}
        return Daemon(self.folder, {CLOUD: self.entry(), **(others or {})}, **mine)

    def bystander(self, daemon: Daemon) -> Bystander:
        """Somebody who opens the calm server's console while the load is under way."""
        return Bystander(daemon, f"/ws/{CLOUD}/{SERVER}", account=self.admitted)
