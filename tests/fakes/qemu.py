"""A real QEMU whose guest paints a known picture: a boot sector in place of an operating system.

    async with Qemu(folder, "kvm-a", password="…") as qemu:
        ... qemu.port and qemu.unix ask for nothing, qemu.guarded_port and qemu.guarded_unix for the VNC password ...
        ... viewers of any of them see Picture("kvm-a"), as far as 18 bits of colour go ...

The guest sets VGA's mode 12h (640 × 480, 16 colours), makes twelve of the colours those of the picture, paints, and
halts.
"""

from __future__ import annotations

import subprocess
import tempfile
import uuid
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.fakes.console_proxy import free_port, until_gone, until_listening
from tests.fakes.screens import Picture

SECTOR = 512
_ORIGIN = 0x7C00
_PROGRAM = bytes.fromhex(
    "31c0 8ed8 8ed0 bc007c fc"  # ds and ss are 0, the stack grows down from here
    "b81200 cd10"  # mode 12h
    "be0000 31db"  # si: the colours (filled in); bl: from the first
    # each colour:
    "88df b80010 cd10 30ff"  # the attribute controller's register bl is the converter's bl
    "ac 88c6 ac 88c5 ac 88c1 b81010 cd10"  # which is red, green, blue
    "43 80fb0c 72e3"  # and the next, up to twelve
    "bace03 b80502 ef"  # write mode 2: a byte is a colour, for eight pixels
    "b800a0 8ec0 31ff 30c0"  # es:di: the screen; al: colour 0
    "bba000"  # 160 lines of a row
    "b404"  # with four cells in each
    "b91400 f3aa fec0 fecc 75f5"  # of 20 bytes, each in its colour
    "2c04 4b 75ee"  # the next line
    "0404 3c0c 72e5"  # the next row, up to three
    "f4 ebfd"  # halted
)
_SI_AT = 16
"""Where the address of the colours stands in the program."""


def boot_sector(picture: Picture) -> bytes:
    """What a PC starts with: the program, the colours as 3 × 6 bits, the signature."""
    colours = bytes(channel >> 2 for _, _, colour in picture.cells() for channel in colour)
    address = (_ORIGIN + len(_PROGRAM)).to_bytes(2, "little")
    program = _PROGRAM[:_SI_AT] + address + _PROGRAM[_SI_AT + 2 :]
    return (program + colours).ljust(SECTOR - 2, b"\0") + b"\x55\xaa"


class Qemu:
    """One machine with four VNC servers, for as long as the context lasts."""

    def __init__(self, folder: Path, picture: str, password: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._password = password
        self._process: subprocess.Popen[bytes] | None = None
        self.picture = Picture(picture)
        self.port = self.guarded_port = 0
        own = Path(tempfile.gettempdir()) / uuid.uuid4().hex[:12]  # such paths are at most 107 bytes
        self.unix, self.guarded_unix = own.with_suffix(".open"), own.with_suffix(".guarded")

    async def __aenter__(self) -> Self:
        disk, secret = self._folder / "disk", self._folder / "password"
        disk.write_bytes(boot_sector(self.picture).ljust(64 * SECTOR, b"\0"))
        secret.touch(0o600)
        secret.write_text(self._password)
        self.port, self.guarded_port = free_port(), free_port()
        # QEMU goes with who started it, so that nothing is left when the suite is killed.
        command = ["setpriv", "--pdeathsig", "TERM", "qemu-system-x86_64", "-M", "pc", "-m", "16", "-nodefaults"]
        command += ["-vga", "std", "-drive", f"file={disk},format=raw,if=ide", "-monitor", "none"]
        command += ["-object", f"secret,id=vnc,file={secret}"]
        for place in (f"127.0.0.1:{self.port - 5900}", f"unix:{self.unix}"):
            command += ["-vnc", place]
        for place in (f"127.0.0.1:{self.guarded_port - 5900}", f"unix:{self.guarded_unix}"):
            command += ["-vnc", f"{place},password-secret=vnc"]
        with (self._folder / "qemu.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            for port in (self.port, self.guarded_port):
                await until_listening(port, self._process)
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def stop(self) -> None:
        """End it; returns when it has ended."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            await until_gone(process, 10)
        for path in (self.unix, self.guarded_unix):
            path.unlink(missing_ok=True)
