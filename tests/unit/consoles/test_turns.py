from __future__ import annotations

import asyncio

from launcher.consoles.turns import Turns


class Asking:
    """Tasks that take a turn and keep it until they are let go."""

    def __init__(self, turns: Turns, group: asyncio.TaskGroup) -> None:
        self.having: list[str] = []
        self._turns = turns
        self._group = group
        self._let: dict[str, asyncio.Event] = {}

    def ask(self, name: str) -> asyncio.Task[None]:
        self._let[name] = asyncio.Event()
        return self._group.create_task(self._take(name))

    def let_go(self, *names: str) -> None:
        for name in names or self._let:
            self._let[name].set()

    async def _take(self, name: str) -> None:
        async with self._turns.turn():
            self.having.append(name)
            try:
                await self._let[name].wait()
            finally:
                self.having.remove(name)


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_turns_are_given_in_the_order_of_asking_and_never_too_many() -> None:
    turns = Turns(2)
    async with asyncio.TaskGroup() as group:
        asking = Asking(turns, group)
        for name in "abcd":
            _ = asking.ask(name)
        await settle()
        assert (asking.having, len(turns)) == (["a", "b"], 2)
        asking.let_go("b")
        await settle()
        assert asking.having == ["a", "c"]
        asking.let_go()


async def test_the_limit_changes_while_some_wait() -> None:
    turns = Turns(1)
    async with asyncio.TaskGroup() as group:
        asking = Asking(turns, group)
        for name in "abcd":
            _ = asking.ask(name)
        await settle()
        turns.limit(3)
        await settle()
        assert asking.having == ["a", "b", "c"]
        turns.limit(1)
        asking.let_go("a", "b")
        await settle()
        assert asking.having == ["c"]
        asking.let_go()


async def test_who_leaves_the_queue_or_leaves_as_he_is_called_takes_no_turn_with_him() -> None:
    turns = Turns(1)
    async with asyncio.TaskGroup() as group:
        asking = Asking(turns, group)
        _ = asking.ask("a")
        queued, called = asking.ask("b"), asking.ask("c")
        _ = asking.ask("d")
        await settle()
        queued.cancel()
        await settle()
        asking.let_go("a")
        await asyncio.sleep(0)  # a gives its turn back and c is called ...
        called.cancel()  # ... but does not run any more
        await settle()
        assert asking.having in (["c"], ["d"])
        asking.let_go()
        await settle()
        assert len(turns) == 0
    async with turns.turn():
        pass
