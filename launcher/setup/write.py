"""Writes a plan: all of it or nothing, and never over what is there.

Everything is first written beside its place under names of its own, then looked at by the caller, and only then linked
to where it belongs, which fails where something is already. Whatever fails, all that was made is taken away again.
Neither the umask nor a symbolic link changes what comes out.
"""

from __future__ import annotations

import os
import shlex
import stat
import tempfile
import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from launcher.errors import SetupError, SetupFault
from launcher.setup.plan import File
from launcher.setup.trust import Place, doubt

Folder = tuple[str, int]


class Disk:
    """What is done to the file system, one step a method; every one may raise OSError."""

    def make_folder(self, path: Path, mode: int) -> None:
        """A folder with exactly this mode, whatever the umask; FileExistsError where anything is."""
        path.mkdir(mode=0o700)
        try:
            path.chmod(mode)
        except OSError:
            path.rmdir()
            raise

    def make_file(self, path: Path, mode: int, content: bytes) -> None:
        """A new file with exactly this mode, its content on the disk; FileExistsError where anything is."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())

    def link(self, staged: Path, place: Path) -> None:
        """The same file at its place; FileExistsError where anything is."""
        os.link(staged, place, follow_symlinks=False)

    def settle(self, folder: Path) -> None:
        """The folder's entries are on the disk."""
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def chain_of(path: Path) -> list[Place]:
    """The path's places from `/` down, as far as they are there: as it is written, then as its links lead."""
    written = path.absolute()
    real = Path(os.path.realpath(written))
    found = []
    for one in dict.fromkeys([*reversed(written.parents), written, *reversed(real.parents), real]):
        with suppress(FileNotFoundError):
            place = one.lstat()
            found.append(Place(str(one), place.st_mode, place.st_uid))
    return found


def exists(path: str) -> bool:
    """Whether anything is there, be it a link that leads nowhere."""
    return os.path.lexists(path)


def same(file: File) -> bool:
    """Whether what is there has the planned content."""
    try:
        return Path(file.path).read_bytes() == file.text.encode()
    except OSError:
        return False


def write_all(
    folders: Sequence[Folder],
    files: Sequence[File],
    check: Callable[[Path], None],
    *,
    only_checked: Sequence[File] = (),
    disk: Disk,
) -> None:
    """Write these files, which are not there; folders that are there are kept.

    `check` gets the folder in which everything below the first folder lies meanwhile, under the same names, and with it
    what is `only_checked` because it is there already; what `check` raises ends the whole, with nothing left.

    Raises:
        SetupError: something cannot be written, or is not as it must be.
    """
    with ExitStack() as undo:
        try:
            for folder in folders:
                _require_trust(Path(folder[0]))
                _make_folder(Path(folder[0]), folder[1], disk, undo, is_home=folder == folders[0])
            _write_files(Path(folders[0][0]), files, only_checked, check, disk, undo)
        except FileExistsError as error:
            message = f"{_name_of(error)} has just appeared: nothing was written. Run it again."
            raise SetupError(message, SetupFault.UNWRITABLE) from error
        except OSError as error:
            message = f"cannot write {_name_of(error)} ({error.strerror}): nothing was written."
            raise SetupError(message, SetupFault.UNWRITABLE) from error
        undo.pop_all()


def _name_of(error: OSError) -> str:
    return str(error.filename2 or error.filename or "the files")


def _write_files(
    home: Path,
    files: Sequence[File],
    only_checked: Sequence[File],
    check: Callable[[Path], None],
    disk: Disk,
    undo: ExitStack,
) -> None:
    with ExitStack() as staging:
        stage = home / f".init-{uuid.uuid4().hex}"
        staging.callback(_remove_folder, stage)
        disk.make_folder(stage, 0o700)
        for file in only_checked:
            _stage(file, home, stage, disk, staging)
        staged = [(_stage(file, home, stage, disk, staging), Path(file.path)) for file in files]
        check(stage)
        for source, place in staged:
            disk.link(source, place)
            undo.callback(_remove_file, place)
        for folder in {place.parent for _, place in staged}:
            disk.settle(folder)


def _stage(file: File, home: Path, stage: Path, disk: Disk, staging: ExitStack) -> Path:
    """The file under a name of its own: within `stage` if it belongs below `home`, else beside its place."""
    place = Path(file.path)
    if place.is_relative_to(home):
        source = stage / place.relative_to(home)
        if not source.parent.exists():
            staging.callback(_remove_folder, source.parent)
            disk.make_folder(source.parent, 0o700)
    else:
        source = place.with_name(f".{place.name}.{stage.name}")
    staging.callback(_remove_file, source)
    try:
        disk.make_file(source, file.mode, file.text.encode())
    except OSError as error:
        error.filename = file.path  # not all have one, and this is the one that people know
        raise
    return source


def _make_folder(path: Path, mode: int, disk: Disk, undo: ExitStack, *, is_home: bool = False) -> None:
    """The folder, and those around it that are missing; one that is there must be fit for its purpose."""
    if exists(str(path)):
        _require_fit(path, is_home=is_home)
        return
    if not path.parent.exists():
        _make_folder(path.parent, mode, disk, undo)
    disk.make_folder(path, mode)
    undo.callback(_remove_folder, path)


def _require_trust(folder: Path) -> None:
    """Raises SetupError if another account could exchange the folder, or one above it."""
    found = doubt(chain_of(folder.parent), {0, os.geteuid()})
    if found is not None:
        why = f"{found.why}, and could exchange {folder}"
        raise _unfit(why, *([found.advice] if found.advice else []))


def _require_fit(path: Path, *, is_home: bool) -> None:
    """Raises SetupError if a folder that is there is not fit for its purpose."""
    try:
        found = path.stat()
    except OSError as error:
        raise _unfit(f"cannot use {path} ({error.strerror})") from error
    reason = why_unfit(path, found.st_mode, {0, os.geteuid()}, found.st_uid, is_home=is_home)
    if reason is not None:
        raise _unfit(*reason)


def why_unfit(path: Path, mode: int, trusted: Collection[int], owner: int, *, is_home: bool) -> tuple[str, ...] | None:
    """Why somebody else could change what lies in a folder, or read what is secret in it, and what to do; or None.

    `trusted` are the user ids that may own it.
    """
    quoted = shlex.quote(str(path))
    if not stat.S_ISDIR(mode):
        return (f"{path} is no folder, and must be one (name another)",)
    if owner not in trusted:
        return (f"{path} belongs to another account, which could change what lies there",)
    if path.name == "credentials" and mode & 0o077:
        return f"{path} is open to other accounts, and secrets are to lie there", f"chmod 700 {quoted}"
    if mode & (0o022 if is_home else 0o002):
        return f"other accounts can replace what lies in {path}", f"chmod go-w {quoted}"
    return None


def _unfit(why: str, *advice: str) -> SetupError:
    return SetupError(f"{why}: nothing was written.", SetupFault.UNWRITABLE, *advice)


def _remove_file(path: Path) -> None:
    with suppress(OSError):
        path.unlink()


def _remove_folder(path: Path) -> None:
    with suppress(OSError):
        path.rmdir()


@contextmanager
def private_folder(near: Sequence[Path | None]) -> Iterator[Path]:
    """A folder for a while, for this account alone, in memory if one of `near` is there."""
    base = next((path for path in near if path and os.access(path, os.W_OK)), None)
    with tempfile.TemporaryDirectory(prefix="console-launcher-init-", dir=base) as folder:
        yield Path(folder)
