"""`console-launcher vnc`, the gateway's side: a launch that is waited for, and then the bytes of a screen.

They come and go as binary messages of a WebSocket. aiohttp answers pings while something is received.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

import aiohttp
from yarl import URL

from launcher.cli.answers import Answer, Object, parse_answer, refusal
from launcher.cli.client import tls_of
from launcher.cli.exits import Exit
from launcher.cli.failure import Failure
from launcher.cli.gateway import Gateway, TcpGateway, UnixGateway

Shows = Callable[[str], None]
"""Is told what a launch does just now; an empty text ends it."""

_LOST: Final = 1006
_ENDED_BY_POLICY: Final = frozenset({1008, 1009})
_LOOKS_EVERY: Final = 0.5
"""Seconds. A launch that takes no longer needs no words."""
_CLOSING: Final = 2.0


@dataclass(frozen=True, slots=True)
class Ending:
    """How the gateway ended it: a close code of WebSockets, 1006 where it just hung up, and the reason it gave."""

    code: int
    reason: str


class GatewayEnd:
    """The gateway's end of a session."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._held = b""
        self.ending: Ending | None = None

    async def receive(self) -> bytes:
        """What the server sent next; nothing at the end, and then `ending` says why."""
        while not self._held and self.ending is None:
            await self._hear()
        held, self._held = self._held, b""
        return held

    async def gone(self) -> None:
        """Until the gateway ends it; what the server sends meanwhile is kept."""
        while self.ending is None:
            await self._hear()

    async def _hear(self) -> None:
        message = await self._socket.receive()
        if message.type is aiohttp.WSMsgType.BINARY:
            self._held += message.data
        elif message.type is aiohttp.WSMsgType.CLOSE:
            self.ending = Ending(message.data or _LOST, message.extra or "")
        else:
            self.ending = Ending(_LOST, "")

    def unread(self, chunk: bytes) -> None:
        """To be received (again) before everything else."""
        self._held = chunk + self._held

    async def send(self, chunk: bytes) -> None:
        """To the server, as one message; waits while the gateway takes no more. Raises ConnectionError."""
        await self._socket.send_bytes(chunk)

    async def close(self) -> None:
        """The viewer has gone."""
        with suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(_CLOSING):
                await self._socket.close()


class Web:
    """Requests to one gateway. Its methods raise Failure."""

    def __init__(self, gateway: Gateway, http: aiohttp.ClientSession) -> None:
        self._gateway = gateway
        self._http = http

    async def launch(self, server: Object, *, view_only: bool, shows: Shows) -> GatewayEnd:
        """The server's screen, from its first bytes on; `server` is the API's."""
        launch = secrets.token_urlsafe(16)
        end = GatewayEnd(await self._connect(server, launch, view_only=view_only))
        try:
            async with asyncio.TaskGroup() as tasks:
                telling = tasks.create_task(self._tell(launch, shows))
                first = await end.receive()
                telling.cancel()
        except BaseException:
            await end.close()
            raise
        finally:
            shows("")
        if end.ending is not None:
            raise await self._refused(launch, end.ending)
        end.unread(first)
        return end

    async def _connect(self, server: Object, launch: str, *, view_only: bool) -> aiohttp.ClientWebSocketResponse:
        path = "/".join(quote(server[key], safe="") for key in ("cloud", "id"))
        target = f"/ws/{path}?launch={launch}{'&view=only' if view_only else ''}"
        try:
            return await self._http.ws_connect(
                self._url(target),
                headers=self._headers,
                protocols=("binary",),
                autoclose=True,
                max_msg_size=0,
                server_hostname=self._certified,
            )
        except aiohttp.WSServerHandshakeError as error:
            raise await self._explained(target, error.status) from error
        except (aiohttp.ClientError, OSError) as error:
            raise self._unreachable() from error

    async def _explained(self, target: str, status: int) -> Failure:
        """The gateway's words about a WebSocket that it refused: aiohttp throws them away, so it is asked again."""
        key = "AAAAAAAAAAAAAAAAAAAAAA=="
        upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
        try:
            await self._ask(target, {**upgrade, "Sec-WebSocket-Key": key})
        except Failure as failure:
            return failure
        return refusal(status, {})

    async def _refused(self, launch: str, ending: Ending) -> Failure:
        """Why a launch failed: its problem with hints, where the gateway still tells it, else the close's reason."""
        status = ending.code - 4000
        if not 400 <= status < 600:
            return ended(ending) or Failure(Exit.TRY_AGAIN, "the gateway ended the launch without a reason.")
        problem: object = None
        with suppress(Failure):
            problem = (await self._ask(f"/api/v1/launches/{launch}")).get("problem")
        if not isinstance(problem, dict):
            return refusal(status, {"detail": ending.reason})
        # The hint is for who has the server's page open, the advice for who has asked once.
        return refusal(status, {**problem, "hint": problem.get("advice") or problem.get("hint")})

    async def _tell(self, launch: str, shows: Shows) -> None:
        """What the launch does, as long as it lasts."""
        while True:
            await asyncio.sleep(_LOOKS_EVERY)
            with suppress(Failure):  # the WebSocket will say what is wrong
                shows(doing(await self._ask(f"/api/v1/launches/{launch}")))

    async def _ask(self, target: str, headers: Mapping[str, str] | None = None) -> Object:
        try:
            async with self._http.get(
                self._url(target),
                headers={**self._headers, **(headers or {})},
                allow_redirects=False,
                server_hostname=self._certified,
            ) as answer:
                if answer.status == 101:
                    return {}
                return parse_answer(
                    self._gateway, Answer(answer.status, answer.content_type.lower(), await answer.read())
                )
        except (aiohttp.ClientError, OSError) as error:
            raise self._unreachable() from error

    @property
    def _headers(self) -> dict[str, str]:
        return {"Host": self._gateway.host_header, "Accept": "application/json"}

    @property
    def _certified(self) -> str | None:
        """The name that its certificate is to have, which need not be the one that is dialled."""
        return self._gateway.host if isinstance(self._gateway, TcpGateway) and self._gateway.tls else None

    def _url(self, target: str) -> URL:
        host, scheme = "localhost", "http"
        if not isinstance(self._gateway, UnixGateway):
            scheme = self._gateway.scheme
            dialled = self._gateway.dialled
            host = f"{f'[{dialled}]' if ':' in dialled else dialled}:{self._gateway.port}"
        return URL(f"{scheme}://{host}{target}", encoded=True)

    def _unreachable(self) -> Failure:
        return Failure(Exit.NO_GATEWAY, f"the gateway at {self._gateway} hung up.", "It may be stopping: try again.")


@asynccontextmanager
async def open_web(gateway: Gateway, timeout: float) -> AsyncIterator[Web]:
    """Requests to this gateway; `timeout`: seconds for one answer, but for a launch, which has its own.

    Raises Failure.
    """
    if isinstance(gateway, UnixGateway):
        connector: aiohttp.BaseConnector = aiohttp.UnixConnector(gateway.path)
    else:
        connector = aiohttp.TCPConnector(ssl=tls_of(gateway) or True)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=timeout)) as http:
        yield Web(gateway, http)


def doing(launch: Object) -> str:
    """What a launch of the API does now, and what it waits for, in a line."""
    steps, waiting, seconds = (launch.get(key) for key in ("steps", "waiting", "wait_seconds"))
    texts = [step.get("text") for step in steps if isinstance(step, dict)] if isinstance(steps, list) else []
    words = [texts[-1] if texts[-1].endswith(".") else f"{texts[-1]} …"] if texts and isinstance(texts[-1], str) else []
    if isinstance(waiting, str):
        words.append(f"{waiting} ({seconds:.0f} s)" if isinstance(seconds, float | int) else waiting)
    return " ".join(words)


def ended(ending: Ending) -> Failure | None:
    """What is to be said about the end of a session; None: it ended as it should."""
    if ending.code == 1000:
        return None
    if not ending.reason:
        return Failure(Exit.TRY_AGAIN, "the connection to the gateway was lost.", "console-launcher vnc opens it anew.")
    code = Exit.REFUSED if ending.code in _ENDED_BY_POLICY else Exit.TRY_AGAIN
    return Failure(code, f"the gateway ended the session: {ending.reason}")
