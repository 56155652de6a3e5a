"""Autobahn's fuzzing client against this gateway, and against a plain aiohttp echo in the same run.

    python -m tests.conformance.autobahn [--cases 5.* 7.* …] [--python PATH] [--keep FOLDER]

Needs a CPython 2.7, for which Autobahn's test suite is still written; makes `.venv-autobahn` with it. All cases but
those of compression (12.*, 13.*) by default; 9.* (large messages) only if it is asked for. Exit code: 0 as good as
aiohttp but for what a rule excuses, 1 worse, 77 skipped, because there is no Python 2.7.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from shutil import which

from tests.conformance.autobahn.ends import AS_IT_IS, REFERENCE, TEXTS_CARRIED, End, ends
from tests.conformance.autobahn.verdicts import Report, Reports, counts, judge

SKIPPED = 77
_VENV = Path(".venv-autobahn")
_TIME_LIMIT = 1800
_COMPRESSION, _LARGE = ["12.*", "13.*"], ["9.*"]


def _python27(asked: str | None) -> str | None:
    """A Python 2.7 that runs: the one that was asked for, the one on the PATH, or one of pyenv's."""
    pyenv = sorted(Path.home().glob(".pyenv/versions/2.7*/bin/python2.7"))
    candidates = [asked] if asked else [which("python2.7"), *map(str, pyenv)]  # pyenv's own on the PATH may be empty
    check = "import sys; sys.exit(sys.version_info[:2] != (2, 7))"
    for python in candidates:
        if python and subprocess.run([python, "-c", check], stderr=subprocess.DEVNULL, check=False).returncode == 0:
            return python
    return None


def _wstest(python: str) -> Path:
    """The command, installed if it is not there yet. Raises CalledProcessError."""
    command = _VENV / "bin" / "wstest"
    if not command.exists():
        print(f"installing Autobahn's test suite in {_VENV}", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            # The last virtualenv that makes environments of 2.7.
            subprocess.run([python, "-m", "pip", "install", "-q", "--target", folder, "virtualenv<20.22"], check=True)
            subprocess.run(["env", f"PYTHONPATH={folder}", python, "-m", "virtualenv", "-q", str(_VENV)], check=True)
        subprocess.run([str(_VENV / "bin" / "pip"), "install", "-q", "autobahntestsuite"], check=True)
    return command


async def _ask(wstest: Path, cases: list[str], folder: Path, every: tuple[End, ...]) -> None:
    """Let the fuzzing client ask them all. Raises RuntimeError, TimeoutError."""
    spec = {
        "outdir": str(folder),
        "servers": [{"agent": end.name, "url": end.url} for end in every],
        "cases": cases or ["*"],
        "exclude-cases": _COMPRESSION + ([] if cases else _LARGE),
        "exclude-agent-cases": {},
    }
    file = folder / "spec.json"
    file.write_text(json.dumps(spec))
    with (folder / "wstest.log").open("wb") as log:
        command = (str(wstest), "--mode", "fuzzingclient", "--spec", str(file))
        process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)
        try:
            async with asyncio.timeout(_TIME_LIMIT):
                code = await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    if code:
        raise RuntimeError(f"wstest ended with {code}: {folder / 'wstest.log'}")


def _reports(folder: Path) -> dict[str, Reports]:
    """By the end's name."""
    index = json.loads((folder / "index.json").read_text())
    return {name: {case: Report.of(found) for case, found in cases.items()} for name, cases in index.items()}


def _tell(name: str, ours: Reports, reference: Reports) -> bool:
    """Print how this end did; whether it did well enough."""
    judgement = judge(ours, reference)
    print(f"\n{name}: {len(ours)} cases: {counts(ours)}")
    by_reason: dict[str, list[str]] = defaultdict(list)
    for case, why in judgement.excused.items():
        by_reason[why].append(case)
    for why, cases in by_reason.items():
        print(f"  excused, {len(cases)}: {why}\n    {' '.join(cases)}")
    if judgement.better:
        print(f"  better than {REFERENCE}, {len(judgement.better)}: {' '.join(judgement.better)}")
    for case in judgement.worse:
        print(f"  WORSE than {REFERENCE}: {case}: {ours.get(case, 'never asked')}; {REFERENCE}: {reference[case]}")
    return not judgement.worse


async def _run(wstest: Path, cases: list[str], folder: Path) -> bool:
    async with ends() as every:
        await _ask(wstest, cases, folder, every)
    reports = _reports(folder)
    reference = reports[REFERENCE]
    print(f"{REFERENCE}: {len(reference)} cases: {counts(reference)}")
    well = [_tell(name, reports.get(name, {}), reference) for name in (AS_IT_IS, TEXTS_CARRIED)]
    return all(well)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance.autobahn", description=__doc__)
    parser.add_argument("--cases", nargs="+", default=[], metavar="CASE", help="only these, such as 5.* or 9.1.1")
    parser.add_argument("--python", metavar="PATH", help="a CPython 2.7")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep Autobahn's own reports there")
    options = parser.parse_args()
    python = _python27(options.python)
    if python is None:
        print(
            "SKIPPED, nothing was tested: Autobahn's test suite needs a CPython 2.7 (--python PATH).", file=sys.stderr
        )
        return SKIPPED
    wstest = _wstest(python)
    with tempfile.TemporaryDirectory() as temporary:
        folder: Path = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        return 0 if asyncio.run(_run(wstest, options.cases, folder.resolve())) else 1


if __name__ == "__main__":
    sys.exit(main())
