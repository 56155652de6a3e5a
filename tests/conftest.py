"""What all tests share; above all, the record of everything that is put out while they run.

`suite_output` gathers the files that the project's own programs write to; log records and what tests print go from here
to `tests.fakes.issued`, where the fakes put what they were answered. At the end of the suite all of it is searched for
every secret that the fakes handed out. Of what was put out, one place may hold a console URL: what a command that was
told `--reveal`, or a request with `"reveal": true`, was answered with.
"""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from launcher.audit.log import JsonLines
from launcher.clock import SystemClock
from tests.fakes.issued import PUT_OUT, found_in, put_out

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell that runs the suite in the background ignores Ctrl-C for it, and all that it starts inherits that.
    signal.signal(signal.SIGINT, signal.default_int_handler)


class _Recorder(logging.Handler):
    """Records as the daemon writes them."""

    def emit(self, record: logging.LogRecord) -> None:
        put_out(self.format(record))


@pytest.fixture(scope="session")
def suite_output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything that the project's own programs and pages put out goes in here, to be searched for secrets."""
    return tmp_path_factory.mktemp("output")


@pytest.fixture(scope="session", autouse=True)
def _record_logs() -> Iterator[None]:
    recorder = _Recorder()
    recorder.setFormatter(JsonLines(SystemClock()))
    root, ours = logging.getLogger(), logging.getLogger("launcher")
    root.addHandler(recorder)
    ours.setLevel(logging.INFO)
    yield
    root.removeHandler(recorder)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """What was printed; pytest's own rendering of log records shows tracebacks that the daemon never writes."""
    PUT_OUT.extend(text for name, text in report.sections if "log" not in name)


@pytest.fixture(scope="session", autouse=True)
def _no_output_of_the_suite_holds_a_secret(suite_output: Path) -> Iterator[None]:
    """Set up before all others, and so taken down after them; in each process, where tests run in several."""
    yield
    files = [path for path in suite_output.rglob("*") if path.is_file()]
    leaks = {str(path): len(found_in(path.read_text(errors="replace"))) for path in files}
    leaks["log records, prints and answers"] = len(found_in("\n".join(PUT_OUT)))
    assert {place: secrets for place, secrets in leaks.items() if secrets} == {}


FIRST = "tests/process/test_readme.py"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What waits longest begins first, so that tests in other processes run beside it; the sort is stable."""
    items.sort(key=lambda item: not item.nodeid.startswith(FIRST))
