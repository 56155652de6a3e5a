"""The screens of all servers: what viewers say goes into the scene, what changes goes out to all who look.

A screen that nobody looks at costs nothing: it is painted for viewers only, once a second for its clock and, when
something happens, at most FRAMES times a second. An update is sent only when a viewer has asked for one and has taken
the one before, so a slow viewer skips pictures instead of queueing them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime
from functools import reduce
from typing import Final, Protocol

from launcher.clock import Clock
from launcher.demo import clipboard, rfb
from launcher.demo.canvas import Pixels, Rect
from launcher.demo.fleet import PAUSED, SLEEP_TIME, Fleet, Machine
from launcher.demo.picture import HEIGHT, WIDTH, Picture
from launcher.demo.pixels import TIGHT, Encoder
from launcher.demo.scene import Received, Scene
from launcher.demo.terminal import Copy, Effect, Power

FRAMES: Final = 40
_GOODBYE: Final = 0.4
"""Seconds between a command that ends the screen and its end, so that its last line is seen."""
_MOST_RECTANGLES: Final = 40
_WHOLE: Final = Rect(0, 0, WIDTH, HEIGHT)


class Link(Protocol):
    """A viewer's connection, as a screen sees it."""

    @property
    def writable(self) -> bool:
        """Whether the viewer takes what it is sent."""
        ...

    def send(self, payload: bytes) -> None: ...
    def target_closed(self) -> None:
        """The screen is gone."""
        ...


class ScreenViewer:
    """One viewer of a screen."""

    def __init__(self, screen: Screen, link: Link) -> None:
        self._screen = screen
        self._link = link
        self._reader = rfb.Reader()
        self._encoder = Encoder()
        self._extended_clipboard = False
        self._asked = False
        self._due = False
        self._dirty: list[Rect] = []

    def feed(self, payload: bytes) -> None:
        """Bytes of the viewer's; one that breaks the protocol loses its screen."""
        try:
            for event in self._reader.feed(payload):
                self._hear(event)
        except (rfb.RfbError, ValueError):
            self.end()

    def leave(self) -> None:
        """The viewer has gone."""
        self._screen.left(self)

    def end(self) -> None:
        """The screen ends for this viewer."""
        self._screen.left(self)
        self._link.target_closed()

    def changed(self, rects: Iterable[Rect]) -> None:
        """These parts of the picture are others now."""
        self._soil(rects)
        self.flush()

    def flush(self) -> None:
        """Send what is new, if the viewer wants it and takes it."""
        self._due = False
        if not (self._asked and self._dirty and self._link.writable):
            return
        rects, self._dirty, self._asked = self._dirty, [], False
        pixels = self._screen.pixels
        parts = [(rect, pixels[rect.y : rect.bottom, rect.x : rect.right]) for rect in rects]
        self._link.send(rfb.update([self._encoder.rectangle(rect, part) for rect, part in parts]))

    def offer(self, text: str) -> None:
        """A text for the viewer's clipboard."""
        self._link.send(clipboard.notice() if self._extended_clipboard else clipboard.cut_text(text))

    def _hear(self, event: rfb.Event) -> None:
        match event:
            case rfb.Init():
                self._link.send(rfb.server_init(self._screen.machine.name, WIDTH, HEIGHT))
            case rfb.SetFormat(format=wanted):
                self._encoder.format = wanted
            case rfb.SetEncodings(encodings=encodings):
                self._choose(encodings)
            case rfb.UpdateRequest(incremental=incremental, rect=rect):
                self._ask(rect, incremental=incremental)
            case rfb.ExtendedCutText(payload=payload):
                self._extended(payload)
            case _:
                self._screen.hear(event)

    def _soil(self, rects: Iterable[Rect]) -> None:
        """Remember parts to send; of very many, the one that holds them all."""
        self._dirty += rects
        if len(self._dirty) > _MOST_RECTANGLES:
            self._dirty = [reduce(Rect.joined, self._dirty)]

    def _ask(self, rect: Rect, *, incremental: bool) -> None:
        """Requests that come together are answered together: encoding the whole picture takes 10 ms."""
        part = rect.cut(_WHOLE)
        if part and not incremental and part not in self._dirty:
            self._soil([part])
        self._asked = True
        if not self._due:
            self._due = True
            asyncio.get_running_loop().call_soon(self.flush)

    def _choose(self, encodings: tuple[int, ...]) -> None:
        self._encoder.tight = TIGHT in encodings
        if clipboard.EXTENDED in encodings and not self._extended_clipboard:
            self._extended_clipboard = True
            self._link.send(clipboard.capabilities())

    def _extended(self, payload: bytes) -> None:
        heard = clipboard.hear(payload, self._screen.copied)
        if heard.text is not None:
            self._screen.hear(rfb.CutText(heard.text))
        if heard.answer:
            self._link.send(heard.answer)


class Screen:
    """One server's screen, for all its viewers."""

    def __init__(self, machine: Machine, fleet: Fleet, clock: Clock) -> None:
        self.machine = machine
        self.received = Received()
        """What it got from viewers since the demo started."""
        self.copied = ""
        """The text that it offered last."""
        self._fleet = fleet
        self._clock = clock
        self._scene: Scene | None = None
        self._picture: Picture | None = None
        self._viewers: list[ScreenViewer] = []
        self._refresh: asyncio.TimerHandle | None = None
        self._tick: asyncio.TimerHandle | None = None

    @property
    def viewers(self) -> int:
        """How many look at it now."""
        return len(self._viewers)

    @property
    def scene(self) -> Scene:
        """What it shows."""
        if self._scene is None:
            self._scene = Scene(self.machine, self._now(), self.received)
        return self._scene

    @property
    def pixels(self) -> Pixels:
        """The picture itself."""
        return self._painted().pixels

    def join(self, link: Link) -> ScreenViewer:
        """A viewer that has passed the security handshake."""
        viewer = ScreenViewer(self, link)
        self._viewers.append(viewer)
        self.scene.viewers = len(self._viewers)
        self._paint()
        link.send(rfb.SECURITY_OK)
        if self._tick is None:
            self._next_tick()
        return viewer

    def left(self, viewer: ScreenViewer) -> None:
        """A viewer has gone; safe to call twice."""
        if viewer not in self._viewers:
            return
        self._viewers.remove(viewer)
        self.scene.viewers = len(self._viewers)
        if self._viewers:
            self._soon()
            return
        self.scene.nobody_looks()
        for timer in (self._tick, self._refresh):
            if timer is not None:
                timer.cancel()
        self._tick = self._refresh = None

    def close(self) -> None:
        """End it for all who look, and forget what it showed: the server starts afresh."""
        for viewer in tuple(self._viewers):
            viewer.end()
        self._scene = self._picture = None

    def hear(self, event: rfb.Event) -> None:
        """What a viewer does with its keyboard, mouse and clipboard; a server that is paused hears nothing."""
        if self._is_paused():
            return
        match event:
            case rfb.Key(keysym=keysym, down=down):
                self._act(self.scene.key(keysym, down, self._now()))
            case rfb.Pointer(x=x, y=y, buttons=buttons):
                self.scene.point(min(x, WIDTH - 1), min(y, HEIGHT - 1), buttons & 0x7F)
            case rfb.CutText(text=text):
                self.scene.paste(text)
            case _:
                return
        self._soon()

    def _act(self, effect: Effect) -> None:
        match effect:
            case Copy(text=text):
                self.copied = text
                for viewer in self._viewers:
                    viewer.offer(text)
            case Power.REBOOT:
                self._fleet.reboot(self.machine, self._clock.monotonic())
            case Power.OFF:
                self._fleet.power_off(self.machine, self._clock.monotonic(), SLEEP_TIME)
            case None:
                return
        if isinstance(effect, Power):
            asyncio.get_running_loop().call_later(_GOODBYE, self.close)

    def _soon(self) -> None:
        """Paint, but not more often than a person sees."""
        if self._refresh is None and self._viewers:
            self._refresh = asyncio.get_running_loop().call_later(1 / FRAMES, self._paint)

    def _paint(self) -> None:
        self._refresh = None
        rects = self._painted().update(self.scene.since if self._is_paused() else self._now())
        if rects:
            for viewer in self._viewers:
                viewer.changed(rects)

    def _painted(self) -> Picture:
        if self._picture is None:
            self._picture = Picture(self.scene, "PAUSED" if self._is_paused() else "")
        return self._picture

    def _next_tick(self) -> None:
        """The next whole second."""
        rest = 1 - self._clock.now().microsecond / 1e6
        self._tick = asyncio.get_running_loop().call_later(rest + 0.002, self._on_tick)

    def _on_tick(self) -> None:
        state = self._fleet.state(self.machine, self._clock.monotonic())
        if state is None or not state.has_screen:
            self.close()
            return
        self._next_tick()
        self._paint()

    def _is_paused(self) -> bool:
        return self._fleet.state(self.machine, self._clock.monotonic()) == PAUSED

    def _now(self) -> datetime:
        """The time as the person's own clock shows it."""
        return self._clock.now().astimezone()


class Screens:
    """The screens of all servers."""

    def __init__(self, fleet: Fleet, clock: Clock) -> None:
        self._fleet = fleet
        self._clock = clock
        self._screens: dict[str, Screen] = {}

    def of(self, machine: Machine) -> Screen:
        """The server's screen, whether it is on or not."""
        if machine.id not in self._screens:
            self._screens[machine.id] = Screen(machine, self._fleet, self._clock)
        return self._screens[machine.id]

    def reach(self, server_id: str) -> Screen | None:
        """The screen of a server whose VNC server answers."""
        machine = self._fleet.find(server_id)
        state = self._fleet.state(machine, self._clock.monotonic()) if machine else None
        return self.of(machine) if machine and state and state.has_screen else None

    def close(self) -> None:
        """End all of them."""
        for screen in self._screens.values():
            screen.close()
