from __future__ import annotations

import asyncio

import pytest

from launcher.model import EndReason
from launcher.relay.allowance import AT_ONCE, FLOOD
from launcher.relay.engine import Event, Message, Ping, Pong, ViewerEngine, Violation
from launcher.relay.viewer import ViewerLeftError
from launcher.relay.websocketviewer import WebSocketViewer
from tests.fakes.transport import MemoryTransport
from tests.fakes.viewer import CLOSE, PING, PONG, frame

HANDSHAKE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}


class Receiver:
    """Keeps what it is told; may hold the viewer up at a given event."""

    def __init__(self, viewer: WebSocketViewer, pause_at: int | None = None) -> None:
        self.events: list[Event] = []
        self.told: list[str] = []
        self._viewer = viewer
        self._pause_at = pause_at

    def viewer_event(self, event: Event) -> None:
        self.events.append(event)
        if len(self.events) == self._pause_at:
            self._viewer.pause()

    def viewer_finished(self) -> None:
        self.told.append("finished")

    def viewer_lost(self) -> None:
        self.told.append("lost")

    def viewer_full(self) -> None:
        self.told.append("full")

    def viewer_drained(self) -> None:
        self.told.append("drained")


@pytest.fixture
def transport() -> MemoryTransport:
    return MemoryTransport()


@pytest.fixture
async def viewer(transport: MemoryTransport) -> WebSocketViewer:
    engine = ViewerEngine(1024**2)
    engine.open(HANDSHAKE)
    transport.protocol = viewer = WebSocketViewer(transport, engine)
    return viewer


def sent(payload: bytes, opcode: int = 2) -> bytes:
    return frame(payload, opcode, mask=b"mask")


async def test_a_flood_of_tiny_frames_gets_64_of_them_a_turn(
    viewer: WebSocketViewer, transport: MemoryTransport
) -> None:
    receiver = Receiver(viewer)
    viewer.attach(receiver)
    viewer.data_received(sent(b"x") * 100_000)
    turns = 0
    while len(receiver.events) < 100_000:
        assert not transport.reading
        before = len(receiver.events)
        await asyncio.sleep(0)
        assert len(receiver.events) - before <= 64
        turns += 1
    assert turns >= 100_000 // 64
    await asyncio.sleep(0)
    assert transport.reading


async def test_a_viewer_that_is_held_up_waits_with_the_rest_and_goes_on_where_it_was(
    viewer: WebSocketViewer, transport: MemoryTransport
) -> None:
    receiver = Receiver(viewer, pause_at=10)
    viewer.attach(receiver)
    viewer.data_received(b"".join(sent(bytes([number])) for number in range(200)))
    for _ in range(10):
        await asyncio.sleep(0)
    assert len(receiver.events) == 64
    assert not transport.reading
    viewer.resume()
    for _ in range(10):
        await asyncio.sleep(0)
    assert receiver.events == [Message(bytes([number])) for number in range(200)]
    assert transport.reading


async def test_full_and_drained_pass_to_the_receiver(viewer: WebSocketViewer) -> None:
    viewer.pause_writing()
    viewer.resume_writing()
    receiver = Receiver(viewer)
    viewer.attach(receiver)
    viewer.pause_writing()
    viewer.resume_writing()
    viewer.connection_lost(None)
    assert receiver.told == ["full", "drained", "lost"]


async def test_before_the_upstream_pings_are_answered_and_pongs_are_fine(
    viewer: WebSocketViewer, transport: MemoryTransport
) -> None:
    viewer.data_received(sent(b"a", PING) + sent(b"b", PONG))
    assert transport.taken() == frame(b"a", PONG)
    viewer.ping()
    assert transport.taken() == frame(b"", PING)


async def test_a_goodbye_during_the_launch_is_echoed_and_ends_it(
    viewer: WebSocketViewer, transport: MemoryTransport
) -> None:
    with pytest.raises(ViewerLeftError) as left:
        async with viewer.present():
            viewer.data_received(sent((1001).to_bytes(2), CLOSE))
            await asyncio.sleep(10)
    assert left.value.reason is EndReason.VIEWER_CLOSED
    assert transport.written == frame((1001).to_bytes(2), CLOSE)
    assert transport.ended == "closed"


async def test_a_viewer_that_is_gone_already_ends_what_begins(viewer: WebSocketViewer) -> None:
    viewer.connection_lost(None)
    with pytest.raises(ViewerLeftError) as left:
        async with viewer.present():
            await asyncio.sleep(10)
    assert left.value.reason is EndReason.VIEWER_LOST


async def test_a_time_limit_of_the_launch_itself_is_not_the_viewers_leaving(viewer: WebSocketViewer) -> None:
    with pytest.raises(TimeoutError):
        async with viewer.present():
            raise TimeoutError


async def test_a_breach_during_the_launch_ends_it_with_its_code(
    viewer: WebSocketViewer, transport: MemoryTransport
) -> None:
    viewer.data_received(frame(b"unmasked"))
    assert viewer.gone is EndReason.VIEWER_PROTOCOL
    assert transport.written[2:4] == (1002).to_bytes(2)


async def test_our_close_is_said_once_and_the_answer_hangs_up(
    viewer: WebSocketViewer, transport: MemoryTransport
) -> None:
    viewer.close(1008, "Ended.")
    viewer.close(1008, "Ended.")
    assert transport.taken() == frame((1008).to_bytes(2) + b"Ended.", CLOSE)
    viewer.data_received(sent(b"ignored") + sent((1008).to_bytes(2), CLOSE))
    assert transport.ended == "closed"
    await viewer.lost
    viewer.close(1000, "")
    assert transport.taken() == b""


async def test_a_viewer_that_does_not_answer_our_close_is_aborted(
    viewer: WebSocketViewer, transport: MemoryTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("launcher.relay.viewer.CLOSING_TIME", 0.01)
    viewer.close(1008, "Ended.")
    await viewer.lost
    assert transport.ended == "aborted"


async def test_a_viewer_that_does_not_read_gets_no_more_answers(
    viewer: WebSocketViewer, transport: MemoryTransport
) -> None:
    viewer.pause_writing()
    assert not transport.reading
    viewer.data_received(sent(b"a", PING) * 10)
    assert transport.taken() == b""
    viewer.resume_writing()
    assert transport.reading
    assert transport.taken() == frame(b"a", PONG) * 10


async def test_a_viewer_that_was_full_before_it_was_joined_says_so_when_it_is(
    viewer: WebSocketViewer, transport: MemoryTransport
) -> None:
    viewer.data_received(sent(b"early"))
    viewer.pause_writing()
    receiver = Receiver(viewer)
    viewer.attach(receiver)
    assert receiver.told == ["full"]
    assert receiver.events == [Message(b"early")]
    assert transport.reading


async def test_work_that_is_done_in_the_turn_in_which_the_viewer_goes_is_not_its_any_more(
    viewer: WebSocketViewer,
) -> None:
    with pytest.raises(ViewerLeftError) as left:
        async with viewer.present():
            viewer.end(EndReason.STOPPING, 1012, "bye")
    assert left.value.reason is EndReason.STOPPING


@pytest.mark.parametrize("opcode", [PING, PONG])
async def test_case_33_a_flood_of_pings_closes_the_viewer(
    viewer: WebSocketViewer, transport: MemoryTransport, opcode: int
) -> None:
    receiver = Receiver(viewer)
    viewer.attach(receiver)
    viewer.data_received(sent(b"", opcode) * 100_000)
    for _ in range(100):
        await asyncio.sleep(0)
    assert {type(event) for event in receiver.events[:-1]} == {Ping if opcode == PING else Pong}
    assert AT_ONCE <= len(receiver.events[:-1]) < 2 * AT_ONCE  # some are made good again meanwhile
    assert receiver.events[-1] == Violation(1008, FLOOD)
    viewer.close(1008, FLOOD)
    assert transport.finished
    assert transport.taken() == frame((1008).to_bytes(2) + FLOOD.encode(), CLOSE)


async def test_case_33_before_the_upstream_is_there_too(viewer: WebSocketViewer, transport: MemoryTransport) -> None:
    viewer.data_received(sent(b"", PING) * 100_000)
    for _ in range(100):
        await asyncio.sleep(0)
    assert viewer.gone is EndReason.VIEWER_PROTOCOL
    pongs, goodbye, rest = transport.taken().partition(frame((1008).to_bytes(2) + FLOOD.encode(), CLOSE))
    assert pongs.startswith(frame(b"", PONG) * AT_ONCE)
    assert goodbye
    assert not rest
