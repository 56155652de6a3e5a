from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from launcher import __version__
from launcher.cli.arguments import SYSTEM_FILE, default_file
from launcher.cli.exits import Exit
from launcher.cli.main import main

ROOT = Path(__file__).parents[3]


def test_help_names_every_command_and_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    for word in ("serve", "check-config", "schema", "  0 ", "  2 ", "  69 ", "  70 ", "  78 "):
        assert word in shown


@pytest.mark.parametrize("command", ["serve", "check-config"])
def test_help_of_a_command_names_the_default_file(capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert main([command, "--help"]) == 0
    shown = "".join(capsys.readouterr().out.split())
    assert "default:/etc/console-launcher/config.yaml" in shown
    assert "exitcodes" in shown


def test_help_names_both_places_of_a_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check-config", "--help"]) == 0
    shown = "".join(capsys.readouterr().out.split())
    assert "wherethereisnone,yourown:$XDG_CONFIG_HOME/console-launcher/config.yaml" in shown


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"console-launcher {__version__}\n"


@pytest.mark.parametrize("argv", [[], ["fly"], ["check-config", "--colour"], ["serve", "--log-level", "loud"]])
def test_wrong_arguments_are_usage(capsys: pytest.CaptureFixture[str], argv: list[str]) -> None:
    assert main(argv) == 2
    assert "console-launcher" in capsys.readouterr().err


def test_a_configuration_that_serve_cannot_use_is_told_like_check_config_does(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["serve", "--config", "bad.yaml"]) == 78
    served = capsys.readouterr().err
    assert main(["check-config", "--config", "bad.yaml"]) == 78
    assert served == capsys.readouterr().err
    assert served.count("\n") == 2


def test_a_fault_is_named_without_its_text(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> object:
        raise KeyError("what must not be shown")

    monkeypatch.setattr("launcher.cli.schema.schema", broken)
    assert main(["schema"]) == 70
    shown = capsys.readouterr().err
    assert shown.endswith("console-launcher: an internal fault (KeyError): please report it with the lines above\n")
    assert ", in broken" in shown
    assert "KeyError: " not in shown


def run(*argv: str, **more: str) -> subprocess.CompletedProcess[str]:
    """`python -m launcher …` as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "launcher", *argv],
        env={**os.environ, "PYTHONPATH": str(ROOT), **more},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_it_runs_as_a_module() -> None:
    ended = run("check-config", "-c", "good.yaml")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("good.yaml is good: ")
    assert run("check-config").returncode == 78 or Path("/etc/console-launcher/config.yaml").exists()


def test_a_reader_who_leaves_early_is_no_fault(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with subprocess.Popen(
        [sys.executable, "-m", "launcher", "schema"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=writing,
        stderr=subprocess.PIPE,
    ) as process:
        os.close(writing)
        _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (0, b"")


def test_a_command_that_is_mistyped_is_told_the_near_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sevrers"]) == 2
    assert 'there is no command "sevrers". Did you mean "servers"?' in capsys.readouterr().err
    assert main(["\x1b[2J"]) == 2
    assert "\x1b" not in capsys.readouterr().err
    assert main(["help", "sesions"]) == 2
    assert 'there is no command "sesions". Did you mean "sessions"?' in capsys.readouterr().err


def test_help_is_a_command_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help"]) == 0
    assert "check-config" in capsys.readouterr().out
    assert main(["help", "serve"]) == 0
    assert "--log-level" in capsys.readouterr().out


def test_without_the_option_the_account_s_own_configuration_is_used(
    capsys: pytest.CaptureFixture[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not SYSTEM_FILE.exists(), "this machine has a configuration of its own"
    own = folder / "console-launcher" / "config.yaml"
    own.parent.mkdir()
    (folder / "bad.yaml").rename(own)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder))
    for command in ("check-config", "serve"):
        assert main([command]) == 78
        assert f"{own}:2 clouds.bare.provider: " in capsys.readouterr().err


def test_an_accounts_own_configuration_serves_where_the_machine_has_none(tmp_path: Path) -> None:
    system, own = tmp_path / "system.yaml", tmp_path / "own.yaml"
    assert default_file(system, own) == system
    own.touch()
    assert default_file(system, own) == own
    system.touch()
    assert default_file(system, own) == system


def in_python(script: str, *argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script, *argv],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


_INTERRUPTED_AT = """
import sys
from launcher.cli.main import entry

class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[1]:
            sys.argv[1:] = ["schema"]
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupt())
sys.argv.append("schema")
entry()
"""


@pytest.mark.parametrize("module", ["launcher.cli.running", "argparse", "launcher.errors", "launcher.cli.exits"])
def test_ctrl_c_while_python_still_reads_the_program_is_quiet(module: str) -> None:
    ended = in_python(_INTERRUPTED_AT, module)
    assert (ended.returncode, ended.stdout, ended.stderr) == (Exit.INTERRUPTED, "", "")


def test_before_ctrl_c_is_answered_nothing_is_read_but_the_way_in() -> None:
    script = "import sys; before = set(sys.modules); import launcher.cli.main; print(*(set(sys.modules) - before))"
    assert set(in_python(script).stdout.split()) - {"__future__"} == {"launcher", "launcher.cli", "launcher.cli.main"}
