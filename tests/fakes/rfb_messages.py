"""What a viewer may say once its screen is open: random messages of all kinds, from a seed.

`random_messages` speaks as viewers do: it sends the longer pointer event only when it has listed the pseudo-encoding
ExtendedMouseButtons, and once it did, sets bit 7 of a button mask for that form alone.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

INPUT = frozenset({"KeyEvent", "PointerEvent", "ClientCutText", "xvp", "SetDesktopSize", "gii", "QEMU key"})
"""What a person does; the rest is between the programs."""
EXTENDED_MOUSE_BUTTONS = -316


@dataclass(frozen=True)
class Sent:
    """One message as it stands on the wire."""

    name: str
    raw: bytes

    @property
    def input(self) -> bool:
        return self.name in INPUT


def random_messages(random: Random, count: int, *, cut_text: int = 200) -> list[Sent]:
    """`count` messages of a viewer of one make: one in two knows ExtendedMouseButtons. Clipboards are of at most
    `cut_text` bytes, but for one in fifty that has a hundred times as much.
    """
    modern = random.random() < 0.5
    listed = False
    messages = []
    for _ in range(count):
        message = random.choice(MAKERS)(random)
        if message.name == "SetEncodings":
            message = set_encodings(random, extended_buttons=modern and random.random() < 0.7)
            listed = listed or message.raw[4:8] == struct.pack(">i", EXTENDED_MOUSE_BUTTONS)
        elif message.name == "PointerEvent":
            message = pointer(random, modern=modern, agreed=listed)
        elif message.name == "ClientCutText":
            message = clipboard(random, cut_text * (100 if random.random() < 0.02 else 1))
        messages.append(message)
    return messages


def split(random: Random, stream: bytes, largest: int = 64) -> Iterator[bytes]:
    """The stream in pieces of 1 to `largest` bytes, now and then of up to a hundred times as many."""
    at = 0
    while at < len(stream):
        end = at + random.randint(1, largest * (100 if random.random() < 0.05 else 1))
        yield stream[at:end]
        at = end


def pixel_format(random: Random) -> Sent:
    return Sent("SetPixelFormat", b"\0" + random.randbytes(19))


def set_encodings(random: Random, *, extended_buttons: bool = False) -> Sent:
    """ExtendedMouseButtons stands first if it is listed at all."""
    encodings = [EXTENDED_MOUSE_BUTTONS] * extended_buttons + [
        random.randint(-300, 50) for _ in range(random.randint(0, 40))
    ]
    return Sent(
        "SetEncodings", struct.pack(f">BBH{len(encodings)}i", 2, random.getrandbits(8), len(encodings), *encodings)
    )


def update_request(random: Random) -> Sent:
    return Sent("FramebufferUpdateRequest", b"\3" + random.randbytes(9))


def key(random: Random) -> Sent:
    return Sent("KeyEvent", b"\4" + random.randbytes(7))


def pointer(random: Random, *, modern: bool = False, agreed: bool = False) -> Sent:
    """`modern`: of a viewer that knows ExtendedMouseButtons; `agreed`: and its server does so too."""
    mask = random.getrandbits(7 if modern else 8)
    if modern and agreed and random.random() < 0.5:
        return Sent("PointerEvent", bytes((5, mask | 0x80)) + random.randbytes(4) + bytes((random.randint(1, 3),)))
    return Sent("PointerEvent", bytes((5, mask)) + random.randbytes(4))


def clipboard(random: Random, largest: int = 200) -> Sent:
    """A text, or an extended clipboard: capabilities, request, peek, notify or provide."""
    text = random.randbytes(random.randint(0, largest))
    if random.random() < 0.5:
        return Sent("ClientCutText", struct.pack(">B3xi", 6, len(text)) + text)
    flags = struct.pack(">I", 1 << random.randint(24, 28) | random.getrandbits(5))
    return Sent("ClientCutText", struct.pack(">B3xi", 6, -len(flags + text)) + flags + text)


def continuous_updates(random: Random) -> Sent:
    return Sent("EnableContinuousUpdates", b"\x96" + random.randbytes(9))


def fence(random: Random) -> Sent:
    payload = random.randbytes(random.randint(0, 64))
    return Sent("ClientFence", b"\xf8" + random.randbytes(7) + bytes((len(payload),)) + payload)


def power(random: Random) -> Sent:
    return Sent("xvp", bytes((250, 0, 1, random.randint(2, 4))))


def desktop_size(random: Random) -> Sent:
    screens = random.choice((0, 1, 1, 1, 2, 255))
    return Sent("SetDesktopSize", b"\xfb" + random.randbytes(5) + bytes((screens, 0)) + random.randbytes(16 * screens))


def gii(random: Random) -> Sent:
    """Any of its four kinds, in either order of bytes."""
    body = random.randbytes(random.choice((2, 4, 24, 56, 56 + 3 * 116)))
    big = random.random() < 0.5
    kind = random.randint(0, 3) | big << 7
    return Sent("gii", bytes((253, kind)) + len(body).to_bytes(2, "big" if big else "little") + body)


def qemu_key(random: Random) -> Sent:
    return Sent("QEMU key", b"\xff\0" + random.randbytes(10))


def qemu_audio(random: Random) -> Sent:
    operation = random.randint(0, 2)
    return Sent("QEMU audio", struct.pack(">BBH", 255, 1, operation) + random.randbytes(6 if operation == 2 else 0))


MAKERS: tuple[Callable[[Random], Sent], ...] = (
    pixel_format, set_encodings, update_request, key, pointer, clipboard, continuous_updates, fence, power,
    desktop_size, gii, qemu_key, qemu_audio,
)  # fmt: skip
