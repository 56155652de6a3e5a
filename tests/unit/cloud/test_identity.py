"""The API token is fetched once for all who wait, reused, and renewed in time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from launcher.cloud import identity
from launcher.cloud.identity import ApiAccess, SharedAccess
from launcher.cloud.signin import Grant
from launcher.errors import CloudCredentialsError, CloudUnreachableError
from launcher.model import Secret
from tests.fakes.clock import FakeClock
from tests.fakes.issued import issue

REFUSED = CloudCredentialsError("prod says no.", cloud="prod")


class SignIns:
    """Blocks, like a sign-in; counts itself."""

    def __init__(self) -> None:
        self.count = 0
        self.life: float | None = 3600.0
        self.error: Exception | None = None
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self) -> Grant:
        self.count += 1
        self.gate.wait(10)
        if self.error is not None:
            raise self.error
        return Grant(Secret(issue()), "http://127.0.0.1:1/v2.1", self.life, None)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


@pytest.fixture
def sign_ins() -> SignIns:
    return SignIns()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def shared(sign_ins: SignIns, clock: FakeClock, pool: ThreadPoolExecutor) -> SharedAccess:
    return SharedAccess("prod", sign_ins, clock, pool)


async def test_a_thousand_who_wait_share_one_sign_in(shared: SharedAccess, sign_ins: SignIns) -> None:
    sign_ins.gate.clear()
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(shared.access()) for _ in range(1000)]
        await asyncio.sleep(0)
        sign_ins.gate.set()
    assert len({id(task.result()) for task in asked}) == 1
    assert sign_ins.count == 1


@pytest.mark.parametrize(("life", "reused_for"), [(3600.0, 3480.0), (480.0, 360.0), (40.0, 30.0)])
async def test_a_token_is_reused_until_shortly_before_its_end(
    shared: SharedAccess, sign_ins: SignIns, clock: FakeClock, life: float, reused_for: float
) -> None:
    sign_ins.life = life
    first = await shared.access()
    assert first.expires_at == clock.monotonic() + life
    clock.advance(reused_for - 1)
    assert await shared.access() is first
    clock.advance(2)
    assert await shared.access() is not first
    assert sign_ins.count == 2


async def test_a_token_of_unknown_life_is_reused_until_it_is_refused(
    shared: SharedAccess, sign_ins: SignIns, clock: FakeClock
) -> None:
    sign_ins.life = None
    first = await shared.access()
    assert first.expires_at is None
    clock.advance(10**9)
    assert await shared.access() is first


async def test_all_who_saw_the_same_token_refused_share_one_renewal(shared: SharedAccess, sign_ins: SignIns) -> None:
    refused = await shared.access()
    renewed = {id(access) for access in await asyncio.gather(*(shared.renew(refused) for _ in range(1000)))}
    assert len(renewed) == 1
    assert sign_ins.count == 2
    late = await shared.renew(refused)
    assert id(late) in renewed, "who comes late gets the token that the others have got"


async def test_a_waiter_who_leaves_takes_nothing_from_the_others(shared: SharedAccess, sign_ins: SignIns) -> None:
    sign_ins.gate.clear()
    async with asyncio.TaskGroup() as group:
        leaver = group.create_task(shared.access())
        stayer = group.create_task(shared.access())
        await asyncio.sleep(0)
        leaver.cancel()
        await asyncio.sleep(0)
        sign_ins.gate.set()
    assert leaver.cancelled()
    assert isinstance(stayer.result(), ApiAccess)
    assert sign_ins.count == 1


async def test_a_failure_nobody_waits_for_is_no_trouble(shared: SharedAccess, sign_ins: SignIns) -> None:
    sign_ins.gate.clear()
    sign_ins.error = REFUSED
    async with asyncio.TaskGroup() as group:
        leaver = group.create_task(shared.access())
        await asyncio.sleep(0)
        leaver.cancel()
    sign_ins.gate.set()
    with pytest.raises(CloudCredentialsError):
        await shared.access()
    assert sign_ins.count == 1


async def test_who_waits_for_a_refusal_gets_an_error_of_his_own(shared: SharedAccess, sign_ins: SignIns) -> None:
    sign_ins.error = REFUSED
    outcomes = await asyncio.gather(*(shared.access() for _ in range(1000)), return_exceptions=True)
    assert {str(outcome) for outcome in outcomes} == {"prod says no."}
    assert len({id(outcome) for outcome in outcomes}) == 1000, "tracebacks of a thousand waiters do not pile up on one"
    assert sign_ins.count == 1


async def test_an_identity_that_refuses_is_asked_once_a_minute(
    shared: SharedAccess, sign_ins: SignIns, clock: FakeClock
) -> None:
    sign_ins.error = REFUSED
    for second in range(601):
        clock.advance(1000.0 + second - clock.monotonic())
        with pytest.raises(CloudCredentialsError, match=r"prod says no\."):
            await shared.access()
    assert sign_ins.count == 11


async def test_mended_credentials_are_noticed_after_the_minute(
    shared: SharedAccess, sign_ins: SignIns, clock: FakeClock
) -> None:
    sign_ins.error = REFUSED
    with pytest.raises(CloudCredentialsError):
        await shared.access()
    sign_ins.error = None
    clock.advance(59.5)
    with pytest.raises(CloudCredentialsError, match=r"prod says no\. The next try is in 1 s\."):
        await shared.access()
    clock.advance(1)
    assert (await shared.access()).token


async def test_new_tokens_that_are_refused_at_once_are_renewed_once_a_minute(
    shared: SharedAccess, sign_ins: SignIns, clock: FakeClock
) -> None:
    said = set()
    for second in range(601):
        clock.advance(1000.0 + second - clock.monotonic())
        refused = await shared.access()
        try:
            await shared.renew(refused)
        except CloudCredentialsError as error:
            said.add(str(error))
    told = "prod does not accept the gateway's API token. Check the account that the gateway uses there. "
    assert said == {f"{told}A new token is tried in {left} s." for left in range(1, 60)}
    assert sign_ins.count == 1 + 11


async def test_a_storm_of_refused_tokens_is_one_renewal_even_where_identity_refuses(
    shared: SharedAccess, sign_ins: SignIns
) -> None:
    refused = await shared.access()
    sign_ins.error = REFUSED
    outcomes = await asyncio.gather(*(shared.renew(refused) for _ in range(1000)), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {CloudCredentialsError}
    with pytest.raises(CloudCredentialsError):
        await shared.renew(refused)
    assert sign_ins.count == 2


async def test_a_token_serves_to_its_end_where_renewing_it_fails(
    shared: SharedAccess, sign_ins: SignIns, clock: FakeClock
) -> None:
    first = await shared.access()
    sign_ins.error = CloudUnreachableError("prod does not answer.", cloud="prod")
    clock.advance(3500)
    assert await shared.access() is first, "a minute and a half are left of it"
    assert await shared.access() is first
    assert sign_ins.count == 2, "and meanwhile Identity is not hammered"
    clock.advance(101)
    with pytest.raises(CloudUnreachableError):
        await shared.access()


async def test_a_fault_of_our_own_is_not_kept(shared: SharedAccess, sign_ins: SignIns) -> None:
    sign_ins.error = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        await shared.access()
    sign_ins.error = None
    assert (await shared.access()).token


async def test_who_comes_late_to_a_sign_in_that_never_ends_is_not_held_any_longer(
    shared: SharedAccess, sign_ins: SignIns, clock: FakeClock
) -> None:
    sign_ins.gate.clear()
    async with asyncio.TaskGroup() as group:
        first = group.create_task(shared.access())
        await asyncio.sleep(0)
        clock.advance(60)
        with pytest.raises(CloudUnreachableError, match="signing in takes longer"):
            await shared.access()
        sign_ins.gate.set()
    assert first.result().token
    assert sign_ins.count == 1


async def test_a_sign_in_that_never_ends_does_not_hold_its_waiters(
    shared: SharedAccess, sign_ins: SignIns, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity, "_LONGEST_SIGN_IN", 0.01)
    sign_ins.gate.clear()
    with pytest.raises(CloudUnreachableError, match="signing in takes longer"):
        await shared.access()
    sign_ins.gate.set()


async def test_an_access_does_not_print_its_token(shared: SharedAccess) -> None:
    access = await shared.access()
    assert access.token is not None
    assert access.token.reveal() not in repr(access)
