"""What all tests share; above all, the record of everything that is put out while they run.

`suite_output` gathers the files that the project's own programs write to; log records and what tests print go from here
to `tests.fakes.issued`, where the fakes put what they were answered. The last test of the suite
(`tests/test_no_secret.py`) searches it all for every secret that the fakes handed out.
"""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from launcher.audit.log import JsonLines
from launcher.clock import SystemClock
from tests.fakes.issued import PUT_OUT, put_out

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell that runs the suite in the background ignores Ctrl-C for it, and all that it starts inherits that.
    signal.signal(signal.SIGINT, signal.default_int_handler)

LAST = "tests/test_no_secret.py"


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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The search comes last; the sort is stable."""
    items.sort(key=lambda item: item.nodeid.startswith(LAST))
