"""`console-launcher vnc`: the sign-ins of RFB that the command speaks itself, where its viewer comes by a port.

The viewer is asked for a password that is good once; the server is signed in to as one that wants none.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from launcher.cli.exits import Exit
from launcher.cli.failure import Failure
from launcher.cli.vnc_door import Streams
from launcher.cli.vnc_gateway import GatewayEnd, ended
from launcher.model import Secret
from launcher.relay.dialogue import Dialogue
from launcher.relay.security import Refusal, SignIn, Welcome
from launcher.relay.vncauth import CHALLENGE_SIZE, PASSWORD_SIZE, challenge_of, response_to

_OBFUSCATION: Final = Secret("\x17Rk\x06#NX\x07")
"""The key of every password file of VNC, the same for all the world: only the file's mode protects it."""
_TO_TYPE: Final = 120.0
"""Seconds: a person has to find the password and type it."""
_TO_READ: Final = 5.0
_SERVER: Final = 30.0


def obfuscated(password: Secret) -> bytes:
    """A password as `vncpasswd` writes it into a file."""
    plain = password.reveal().encode()[:PASSWORD_SIZE].ljust(PASSWORD_SIZE, b"\0")
    return response_to(plain * (CHALLENGE_SIZE // PASSWORD_SIZE), _OBFUSCATION)[:PASSWORD_SIZE]


async def sign_in(end: GatewayEnd, name: str) -> None:
    """Past the server's own sign-in, up to where a viewer begins with ClientInit. Raises Failure."""
    dialogue = SignIn(None)
    try:
        async with asyncio.timeout(_SERVER):
            end.unread(await _play(dialogue, end.receive, end.send))
    except (TimeoutError, ConnectionError) as error:
        raise Failure(Exit.TRY_AGAIN, f"the server behind {name} does not go on with its sign-in.") from error
    if dialogue.done:
        return
    failure = ended(end.ending) if end.ending else None
    raise failure or Failure(
        Exit.REFUSED,
        f"{name} cannot be shown through a port: its VNC server {dialogue.failure}",
        "A viewer that takes a socket signs in to it by itself: --viewer tigervnc; or --print without --port.",
        "Or the operator of the gateway configures its password, where the server is one of a static entry.",
    )


async def let_in(viewer: Streams, password: Secret) -> bool:
    """Whether the viewer knows the password; one that does waits for what the server says to its ClientInit."""
    dialogue = Welcome(password=password, challenge=challenge_of(secrets.token_bytes(CHALLENGE_SIZE)))
    with suppress(ConnectionError, TimeoutError):
        async with asyncio.timeout(_TO_TYPE):
            viewer.writer.write(dialogue.begin)
            viewer.unread(await _play(dialogue, viewer.read, viewer.send))
    return dialogue.done


async def turn_away(viewer: Streams, reason: str) -> None:
    """Tell the viewer in RFB's own words why there is no screen."""
    dialogue = Refusal(reason)
    with suppress(ConnectionError, TimeoutError):
        async with asyncio.timeout(_TO_READ):
            viewer.writer.write(dialogue.begin)
            await _play(dialogue, viewer.read, viewer.send)


async def _play(
    dialogue: Dialogue, hear: Callable[[], Awaitable[bytes]], say: Callable[[bytes], Awaitable[None]]
) -> bytes:
    """To its end, one way or the other; what the other side said beyond it."""
    heard = b""
    while True:
        while said := dialogue.feed(heard):
            heard = b""
            await say(said)
        if dialogue.done or dialogue.failure is not None:
            return dialogue.leftover
        heard = await hear()
        if not heard:
            dialogue.hang_up()
