"""The consoles of a static cloud."""

from __future__ import annotations

import math

import pytest

from launcher.config.targets import parse_target
from launcher.consoles.direct import DirectConsoles
from launcher.errors import KindNotOfferedError, ServerNotFoundError
from launcher.model import ConsoleKey, Kind, Target
from tests.fakes.clock import FakeClock

TARGET = parse_target("tcp://10.7.0.11")


class Rack:
    async def target(self, server_id: str) -> Target:
        if server_id != "one":
            raise ServerNotFoundError(f"rack7 has no server {server_id}.")
        return TARGET


@pytest.fixture
def consoles() -> DirectConsoles:
    return DirectConsoles("rack7", Rack(), FakeClock())


@pytest.mark.parametrize("kind", list(Kind))
async def test_whatever_is_asked_for_is_the_target_itself_and_never_ends(consoles: DirectConsoles, kind: Kind) -> None:
    obtained = await consoles.obtain(ConsoleKey("rack7", "one", kind))
    console = obtained.console
    assert (obtained.cached, console.target, console.request_id) == (False, TARGET, None)
    assert (console.key, console.expires_at) == (ConsoleKey("rack7", "one", Kind.VNC), math.inf)
    assert console.url.reveal() == ""
    consoles.discard(console)
    assert (await consoles.fresh(console.key)).console == console
    assert consoles.keeps


async def test_who_insists_on_another_kind_is_refused(consoles: DirectConsoles) -> None:
    assert (await consoles.obtain(ConsoleKey("rack7", "one", Kind.VNC), insist=True)).console.target is TARGET
    with pytest.raises(KindNotOfferedError, match="rack7 has no novnc consoles: its servers are VNC servers") as raised:
        await consoles.obtain(ConsoleKey("rack7", "one", Kind.NOVNC), insist=True)
    assert (raised.value.everywhere, raised.value.hint) == (True, "Ask for no kind, or for vnc.")


async def test_a_server_that_is_gone_is_not_found(consoles: DirectConsoles) -> None:
    with pytest.raises(ServerNotFoundError):
        await consoles.obtain(ConsoleKey("rack7", "two", Kind.VNC))


def test_it_tells_its_cloud(consoles: DirectConsoles) -> None:
    assert repr(consoles) == "<DirectConsoles rack7>"
