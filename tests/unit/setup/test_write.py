from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from launcher.errors import SetupError, SetupFault
from launcher.model import Secret
from launcher.setup.plan import File
from launcher.setup.write import Disk, exists, private_folder, same, why_unfit, write_all
from tests.fakes.issued import issue


class FailingDisk(Disk):
    """A disk whose step number `fails_at` fails, as if it were full."""

    def __init__(self, fails_at: int, error: OSError | None = None) -> None:
        self.steps = 0
        self._fails_at = fails_at
        self._error = error or OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _step(self) -> None:
        self.steps += 1
        if self.steps == self._fails_at:
            raise self._error

    def make_folder(self, path: Path, mode: int) -> None:
        self._step()
        super().make_folder(path, mode)

    def make_file(self, path: Path, mode: int, content: bytes) -> None:
        super().make_file(path, mode, content[: len(content) // 2] if self.steps + 1 == self._fails_at else content)
        self._step()

    def link(self, staged: Path, place: Path) -> None:
        self._step()
        super().link(staged, place)

    def settle(self, folder: Path) -> None:
        self._step()
        super().settle(folder)


Tree = dict[str, tuple[int, bytes | None]]


def tree(folder: Path) -> Tree:
    """Everything below a folder: mode, and content of files."""
    return {
        str(path.relative_to(folder)): (
            stat.S_IMODE(path.lstat().st_mode),
            path.read_bytes() if path.is_file() else None,
        )
        for path in sorted(folder.rglob("*"))
    }


class Site:
    """A set-up of three files, two of them below its home."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.home = root / "etc" / "gw"
        self.units = root / "units"
        self.folders = [(str(self.home), 0o755), (str(self.home / "credentials"), 0o700), (str(self.units), 0o755)]
        self.secret = issue()
        self.files = [
            File(str(self.home / "credentials" / "key"), 0o600, Secret(self.secret)),
            File(str(self.units / "it.service"), 0o644, "[Unit]\n"),
            File(str(self.home / "config.yaml"), 0o644, "a: b\n"),
        ]
        self.checked: list[Tree] = []

    def write(self, disk: Disk | None = None, check: Callable[[Path], None] | None = None) -> None:
        write_all(self.folders, self.files, check or self._look, disk=disk or Disk())

    def _look(self, stage: Path) -> None:
        self.checked.append(tree(stage))
        assert not exists(str(self.home / "config.yaml"))


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.fixture(params=[0o000, 0o022, 0o077, 0o177], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_modes_are_as_planned_whatever_the_umask(site: Site) -> None:
    site.write()
    assert {path: mode for path, (mode, _) in tree(site.root).items()} == {
        "etc": 0o755,
        "etc/gw": 0o755,
        "etc/gw/config.yaml": 0o644,
        "etc/gw/credentials": 0o700,
        "etc/gw/credentials/key": 0o600,
        "units": 0o755,
        "units/it.service": 0o644,
    }
    assert all(same(file) for file in site.files)


def test_what_is_checked_lies_as_it_will_with_secrets_closed(site: Site) -> None:
    site.write()
    assert {path: mode for path, (mode, _) in site.checked[0].items()} == {
        "config.yaml": 0o644,
        "credentials": 0o700,
        "credentials/key": 0o600,
    }


def test_what_is_there_already_is_checked_too_and_stays(site: Site) -> None:
    site.write()
    before = (site.home / "credentials" / "key").stat()
    (site.home / "config.yaml").unlink()
    key, _, config = site.files
    seen: list[Tree] = []
    write_all(site.folders, [config], lambda stage: seen.append(tree(stage)), only_checked=[key], disk=Disk())
    assert set(seen[0]) == {"config.yaml", "credentials", "credentials/key"}
    after = (site.home / "credentials" / "key").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def count_steps(tmp_path: Path) -> int:
    disk = FailingDisk(0)
    folder = tmp_path / "counted"
    folder.mkdir()
    Site(folder).write(disk)
    return disk.steps


def test_a_disk_that_is_full_at_any_step_leaves_nothing(tmp_path: Path) -> None:
    steps = count_steps(tmp_path)
    assert steps == 15
    for step in range(1, steps + 1):
        folder = tmp_path / str(step)
        folder.mkdir()
        with pytest.raises(SetupError) as refused:
            Site(folder).write(FailingDisk(step))
        assert tree(folder) == {}, step
        assert "No space left on device): nothing was written." in str(refused.value)
        assert ".init-" not in str(refused.value), "people know no such file"
        assert refused.value.fault is SetupFault.UNWRITABLE


def test_an_interrupt_at_any_step_leaves_nothing(tmp_path: Path) -> None:
    class Interrupted(FailingDisk):
        def _step(self) -> None:
            self.steps += 1
            if self.steps == self._fails_at:
                raise KeyboardInterrupt

    for step in range(1, count_steps(tmp_path) + 1):
        folder = tmp_path / str(step)
        folder.mkdir()
        with pytest.raises(KeyboardInterrupt):
            Site(folder).write(Interrupted(step))
        assert tree(folder) == {}, step


def test_what_was_there_before_a_failure_is_there_after_it(site: Site) -> None:
    site.home.mkdir(parents=True)
    (site.home / "notes").write_text("mine")
    before = tree(site.root)
    for step in range(1, 11):
        with pytest.raises(SetupError):
            site.write(FailingDisk(step))
        assert tree(site.root) == before


def test_a_check_that_fails_leaves_nothing(site: Site) -> None:
    def refuse(_stage: Path) -> None:
        raise SetupError("not good", SetupFault.USAGE)

    with pytest.raises(SetupError, match="not good"):
        site.write(check=refuse)
    assert tree(site.root) == {}


@pytest.mark.parametrize("kind", ["file", "link to nowhere", "link to a file", "folder"])
@pytest.mark.parametrize("place", ["etc/gw/config.yaml", "etc/gw/credentials/key", "units/it.service"])
def test_nothing_that_appears_meanwhile_is_replaced_or_followed(site: Site, kind: str, place: str) -> None:
    way, elsewhere = site.root / place, site.root / "elsewhere"

    def appear(_stage: Path) -> None:
        if kind == "file":
            way.write_text("theirs")
        elif kind == "folder":
            way.mkdir()
        else:
            if kind == "link to a file":
                elsewhere.write_text("theirs")
            way.symlink_to(elsewhere)

    with pytest.raises(SetupError) as refused:
        site.write(check=appear)
    assert str(refused.value) == f"{way} has just appeared: nothing was written. Run it again."
    left = {path for path, (_, content) in tree(site.root).items() if content is not None}
    assert left <= {place, "elsewhere"}
    assert all(content in (None, b"theirs") for _, content in tree(site.root).values())


@pytest.mark.parametrize(
    ("place", "mode", "told", "advice"),
    [
        ("etc/gw", 0o775, "other accounts can replace what lies in {}", "chmod go-w {}"),
        ("etc/gw", 0o757, "other accounts can replace what lies in {}", "chmod go-w {}"),
        ("units", 0o757, "other accounts can replace what lies in {}", "chmod go-w {}"),
        ("etc/gw/credentials", 0o750, "{} is open to other accounts, and secrets are to lie there", "chmod 700 {}"),
        ("etc/gw/credentials", 0o701, "{} is open to other accounts, and secrets are to lie there", "chmod 700 {}"),
    ],
)
def test_a_folder_that_others_can_reach_into_is_refused(
    site: Site, place: str, mode: int, told: str, advice: str
) -> None:
    folder = site.root / place
    folder.mkdir(parents=True)
    folder.chmod(mode)
    before = tree(site.root)
    with pytest.raises(SetupError) as refused:
        site.write()
    assert str(refused.value) == f"{told.format(folder)}: nothing was written."
    assert refused.value.advice == (advice.format(folder),)
    assert tree(site.root) == before


def test_a_private_groups_folder_of_units_is_fit(site: Site) -> None:
    site.units.mkdir()
    site.units.chmod(0o775)
    site.write()


def test_a_file_where_a_folder_must_be_is_refused(site: Site) -> None:
    site.units.write_text("")
    with pytest.raises(SetupError) as refused:
        site.write()
    assert str(refused.value) == f"{site.units} is no folder, and must be one (name another): nothing was written."
    assert refused.value.advice == ()


def test_a_link_to_nowhere_where_a_folder_must_be_is_refused(site: Site) -> None:
    site.units.symlink_to("nowhere")
    with pytest.raises(SetupError) as refused:
        site.write()
    assert str(refused.value) == f"cannot use {site.units} (No such file or directory): nothing was written."


def test_another_accounts_folder_is_unfit_and_roots_is_not() -> None:
    folder, mode = Path("/x"), stat.S_IFDIR | 0o755
    assert why_unfit(folder, mode, {0, 1000}, 1001, is_home=True) == (
        "/x belongs to another account, which could change what lies there",
    )
    assert why_unfit(folder, mode, {0, 1000}, 0, is_home=True) is None


def test_a_folder_that_cannot_be_written_is_named(site: Site) -> None:
    error = PermissionError(errno.EACCES, "Permission denied", str(site.home.parent))
    with pytest.raises(SetupError) as refused:
        site.write(FailingDisk(1, error))
    assert str(refused.value) == f"cannot write {site.home.parent} (Permission denied): nothing was written."


def test_a_mode_that_cannot_be_set_leaves_no_folder(tmp_path: Path) -> None:
    class Stubborn(type(tmp_path)):  # type: ignore[misc]  # the kind of path that this platform has
        def chmod(self, _mode: int, *, follow_symlinks: bool = True) -> None:
            raise PermissionError(errno.EPERM, "no")

    with pytest.raises(PermissionError):
        Disk().make_folder(Stubborn(tmp_path / "x"), 0o700)
    assert tree(tmp_path) == {}


def test_a_private_folder_is_gone_afterwards(tmp_path: Path) -> None:
    with private_folder([None, tmp_path / "nowhere", tmp_path]) as folder:
        assert folder.parent == tmp_path
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        (folder / "key").write_text(issue())
    assert tree(tmp_path) == {}


def test_what_cannot_be_read_is_not_the_same(tmp_path: Path) -> None:
    assert not same(File(str(tmp_path / "nowhere"), 0o600, "x"))
