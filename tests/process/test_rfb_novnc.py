"""What noVNC says, followed by us and written down by a server that takes part in all that noVNC knows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import WSMsgType, web
from playwright.async_api import Browser

from launcher.relay.rfb import Conversation
from tests.fakes.issued import note
from tests.fakes.rfb_recorder import RfbRecorder

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOVNC = Path(__file__).parents[2] / "launcher/web/static/novnc"
PASSWORD = note("novnc-11")
PAGE = """<!doctype html><title>noVNC</title><div id="screen" style="width: 400px; height: 300px"></div>
<script type="module">
import RFB from "/novnc/core/rfb.js";
const rfb = new RFB(document.getElementById("screen"), location.origin.replace("http", "ws") + "/socket",
                    {credentials: {password: "novnc-11"}});
rfb.resizeSession = true;
rfb.addEventListener("capabilities", () => rfb.machineReboot());
rfb.addEventListener("connect", () => { rfb.clipboardPasteFrom("from the browser"); globalThis.rfb = rfb; });
</script>"""


class Middle:
    """A web server with noVNC, and between it and the recorder nothing but a conversation."""

    def __init__(self, recorder_port: int, *, view_only: bool) -> None:
        self.conversation = Conversation(view_only=view_only)
        self._port = recorder_port

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """The page's URL."""
        app = web.Application()
        app.router.add_get("/", self._page)
        app.router.add_get("/socket", self._socket)
        app.router.add_static("/novnc", NOVNC)
        runner = web.AppRunner(app, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
        await runner.cleanup()

    async def _page(self, request: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._from_server(reader, socket))
            async for message in socket:
                if message.type is WSMsgType.BINARY:
                    writer.write(self.conversation.from_viewer(message.data))
            writer.close()
        return socket

    async def _from_server(self, reader: asyncio.StreamReader, socket: web.WebSocketResponse) -> None:
        while chunk := await reader.read(65536):
            if not self.conversation.settled:
                self.conversation.from_server(chunk)
            assert not self.conversation.due, "noVNC waits for its turn"
            await socket.send_bytes(chunk)
        await socket.close()


@pytest.mark.parametrize("view_only", [True, False])
async def test_a_person_at_novnc_only_looks(browser: Browser, view_only: bool) -> None:
    async with RfbRecorder(password=PASSWORD, size=(320, 240)) as recorder:
        middle = Middle(await recorder.listen(), view_only=view_only)
        async with middle.serving() as url:
            page = await browser.new_page()
            await page.goto(url)
            await page.wait_for_function(
                "globalThis.rfb?._extendedPointerEventSupported && rfb._qemuExtKeyEventSupported"
            )
            devices = await page.context.new_cdp_session(page)
            for kind in ("mousePressed", "mouseReleased"):
                place = {"x": 200, "y": 150, "clickCount": 1}
                await devices.send("Input.dispatchMouseEvent", {"type": kind, "button": "back", "buttons": 8, **place})
            await page.mouse.click(200, 150)
            await page.keyboard.press("a")
            await page.set_viewport_size({"width": 700, "height": 500})
            await page.evaluate("rfb._requestRemoteResize()")
            await page.evaluate("RFB = rfb.constructor; RFB.messages.enableContinuousUpdates(rfb._sock, 1, 0, 0, 9, 9)")
            await recorder.until(lambda: middle.conversation.inputs >= 8 and middle.conversation.between)
            await recorder.until(lambda: "EnableContinuousUpdates" in recorder.recordings[0].names)
            await page.close()
            await recorder.until(lambda: recorder.recordings[0].gone)
    (recording,) = recorder.recordings
    assert (recording.fault, recording.minor, recording.shared) == (None, 8, True)
    assert middle.conversation.following
    assert middle.conversation.trouble is None
    names = set(recording.names)
    assert {"SetPixelFormat", "SetEncodings", "FramebufferUpdateRequest", "ClientFence"} <= names
    if view_only:
        assert recording.inputs == []
    else:
        assert {"PointerEvent", "QEMU key", "ClientCutText", "xvp", "SetDesktopSize"} <= names
        assert b"\5\x80" in {message.raw[:2] for message in recording.inputs if len(message.raw) == 7}, "button 8"
        assert len(recording.inputs) == middle.conversation.inputs
