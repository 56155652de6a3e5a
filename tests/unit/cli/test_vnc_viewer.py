"""Which viewer is found on a machine, and what becomes of one that ends."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from launcher.cli import vnc_viewer
from launcher.cli.exits import Exit
from launcher.cli.failure import Failure
from launcher.cli.main import main
from launcher.cli.viewers import Brand, Start, Viewer
from launcher.cli.vnc_viewer import chosen, forget, running

TIGERVNC = "echo 'TigerVNC Viewer v1.12 [unix socket]' >&2; exit 1"
REALVNC = "echo 'VNC Viewer, RealVNC Ltd'"


@pytest.fixture
def bin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder with programs, and a display for them."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("DISPLAY", ":1")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    return folder


def add(folder: Path, name: str, script: str = "") -> str:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_tigervnc_goes_before_the_others_by_whatever_name(bin_folder: Path) -> None:
    remmina, vncviewer = add(bin_folder, "remmina"), add(bin_folder, "vncviewer", TIGERVNC)
    assert chosen(None) == Viewer((vncviewer,), Brand.TIGERVNC, takes_socket=True)
    assert chosen("remmina") == Viewer((remmina,), Brand.REMMINA)
    own = add(bin_folder, "xtigervncviewer", TIGERVNC)
    assert chosen(None).program == (own,)


def test_another_vncviewer_is_not_taken_for_tigervnc(bin_folder: Path) -> None:
    path = add(bin_folder, "vncviewer", REALVNC)
    assert chosen(None) == Viewer((path,), Brand.REALVNC)
    with pytest.raises(Failure, match=r"TigerVNC is not on this machine\.") as failure:
        chosen("tigervnc")
    assert failure.value.code == Exit.NO_VIEWER
    add(bin_folder, "vncviewer", "echo something else")
    with pytest.raises(Failure, match=r"no viewer is on this machine\."):
        chosen(None)


def test_a_program_that_cannot_be_run_is_no_viewer(bin_folder: Path) -> None:
    (bin_folder / "vncviewer").write_text("no program")
    (bin_folder / "vncviewer").chmod(0o755)
    with pytest.raises(Failure, match=r"no viewer is on this machine\."):
        chosen(None)


def test_a_command_of_one_s_own_must_be_there(bin_folder: Path) -> None:
    add(bin_folder, "see")
    assert chosen("see {socket}") == Viewer(("see", "{socket}"), takes_socket=True)
    with pytest.raises(Failure, match='there is no program "look" here'):
        chosen("look")
    with pytest.raises(Failure, match="No closing quotation") as failure:
        chosen("see 'it")
    assert failure.value.code == Exit.USAGE


def test_without_a_display_no_window_is_tried(bin_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add(bin_folder, "remmina")
    monkeypatch.delenv("DISPLAY")
    with pytest.raises(Failure, match="there is no display here"):
        chosen(None)


async def test_a_viewer_that_ends_before_it_connects_is_told_with_its_last_words(tmp_path: Path) -> None:
    program = add(tmp_path, "viewer", "echo 'no font' >&2; echo; exit 3")
    async with running(Start((program,), {"passwd": b"x"}), "Some", tmp_path) as viewer:
        failure = await viewer.failed()
        assert (tmp_path / "passwd").stat().st_mode & 0o777 == 0o600
        await viewer.leave()
    assert failure.sentence == "Some ended with exit code 3 before it connected."
    assert failure.advice == ("no font",)
    forget(Start((program,), {"passwd": b"x"}), tmp_path)
    assert not (tmp_path / "passwd").exists()


async def test_a_viewer_that_ends_well_may_have_asked_another_process_to_connect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vnc_viewer, "_HANDED_OVER", 0.01)
    async with running(Start((add(tmp_path, "viewer"),)), "Remmina", tmp_path) as viewer:
        failure = await viewer.failed()
    assert failure.sentence == "Remmina ended without a connection."


async def test_a_viewer_is_stopped_where_the_command_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        async with running(Start((add(tmp_path, "viewer", "exec /bin/sleep 60"),)), "Some", tmp_path) as viewer:
            raise ZeroDivisionError
    assert (await viewer.failed()).sentence == "Some ended by signal 15 before it connected."
    with pytest.raises(Failure, match="Some cannot be started: No such file"):
        async with running(Start((str(tmp_path / "none"),)), "Some", tmp_path):
            pass


async def test_a_viewer_that_will_not_stop_is_made_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vnc_viewer, "_LEAVING", 0.05)
    os.mkfifo(tmp_path / "ready")
    program = add(tmp_path, "viewer", f"trap '' TERM; echo > {tmp_path}/ready; while :; do /bin/sleep 0.01; done")
    with pytest.raises(ZeroDivisionError):
        async with running(Start((program,)), "Some", tmp_path) as viewer:
            await viewer.leave()
            await asyncio.to_thread((tmp_path / "ready").read_text)
            raise ZeroDivisionError
    assert (await viewer.failed()).sentence == "Some ended by signal 9 before it connected."


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["--json"], "--json says in JSON what --print prints: add --print."),
        (["--viewer", "remmina", "--socket"], "Remmina takes no Unix socket."),
        (["--viewer", "see {port}", "--socket"], "see takes no Unix socket."),
        (["--viewer", "see {socket}", "--port", "0"], "--port N, and a socket for see: choose one."),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_asked(
    bin_folder: Path, capsys: pytest.CaptureFixture[str], argv: list[str], sentence: str
) -> None:
    add(bin_folder, "remmina")
    add(bin_folder, "see")
    assert main(["vnc", "prod/web-01", *argv]) == Exit.USAGE
    assert sentence in capsys.readouterr().err
