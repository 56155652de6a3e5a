"""The recording VNC server, and our side of RFB against it, over real sockets."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random

import pytest

from launcher.model import Secret
from launcher.relay.rfb import Conversation
from launcher.relay.security import SignIn, Welcome
from launcher.relay.vncauth import challenge_of
from tests.fakes.issued import note
from tests.fakes.rfb_messages import random_messages, set_encodings, split
from tests.fakes.rfb_recorder import RfbRecorder
from tests.fakes.rfb_relay import played

PASSWORD = note("op3n-the")


@pytest.mark.parametrize("minor", [3, 7, 8])
@pytest.mark.parametrize("password", [None, PASSWORD])
async def test_a_recorder_is_signed_in_to(minor: int, password: str | None) -> None:
    async with RfbRecorder(minor=minor, password=password) as recorder:
        reader, writer = await asyncio.open_connection("127.0.0.1", await recorder.listen())
        assert await played(SignIn(None if password is None else Secret(password)), reader, writer) is None
        writer.write(b"\1")
        assert (await reader.readexactly(24 + len(recorder.name)))[:4] == b"\0\x40\0\x30"
        writer.close()
        await recorder.until(lambda: recorder.recordings[0].gone)
    (recording,) = recorder.recordings
    assert (recording.minor, recording.signed_in, recording.shared, recording.fault) == (minor, True, True, None)


@pytest.mark.parametrize("minor", [3, 7, 8])
async def test_a_wrong_password_is_refused_as_one(minor: int) -> None:
    async with RfbRecorder(minor=minor, password=PASSWORD) as recorder:
        reader, writer = await asyncio.open_connection("127.0.0.1", await recorder.listen())
        sign_in = SignIn(Secret(note("an0ther!")))
        assert await played(sign_in, reader, writer) == "refuses the configured password."
        writer.close()
    assert not recorder.recordings[0].signed_in


async def test_what_passes_in_view_only_is_recorded_word_for_word(tmp_path: Path) -> None:
    random = Random(11)
    sent = [set_encodings(random), *random_messages(random, 500)]
    conversation = Conversation(view_only=True, signed_in=True)
    async with RfbRecorder() as recorder:
        await recorder.listen_unix(tmp_path / "screen.sock")
        reader, writer = await asyncio.open_unix_connection(tmp_path / "screen.sock")
        await played(SignIn(None), reader, writer)
        for piece in split(random, b"\0" + b"".join(message.raw for message in sent)):
            writer.write(conversation.from_viewer(piece))
        writer.write_eof()
        while await asyncio.wait_for(reader.read(65536), 10):
            pass
        writer.close()
        await recorder.until(lambda: recorder.recordings[0].gone)
    (recording,) = recorder.recordings
    assert recording.fault is None
    assert recording.shared is True, "it had asked to throw others out"
    assert recording.inputs == []
    assert recording.messages == [message for message in sent if not message.input]


async def test_a_welcome_is_a_servers(tmp_path: Path) -> None:
    """Our own two sides over a socket, the password asked for and given."""
    failures = []

    async def welcome(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host = Welcome(password=Secret(PASSWORD), challenge=challenge_of(Random(5).randbytes(16)))
        writer.write(host.begin)
        failures.append(await played(host, reader, writer))
        writer.close()

    server = await asyncio.start_unix_server(welcome, tmp_path / "host.sock")
    for password, failure in ((PASSWORD, None), (note("an0ther!"), "refuses the configured password.")):
        reader, writer = await asyncio.open_unix_connection(tmp_path / "host.sock")
        assert await played(SignIn(Secret(password)), reader, writer) == failure
        writer.close()
    server.close()
    assert failures == [None, "gave a wrong password."]
