"""The service worker that removes itself; a real Chromium runs it in tests/process/test_port_held_before.py."""

from __future__ import annotations

from pathlib import Path

import launcher.web
from launcher.web.worker import REMOVED, SCRIPT


def test_it_answers_no_request_and_stays_no_longer_than_it_must() -> None:
    assert "fetch" not in SCRIPT
    for act in ("skipWaiting()", "clients.claim()", "registration.unregister()", "page.navigate("):
        assert act in SCRIPT


def test_the_page_knows_the_words_by_which_the_worker_lets_it_know() -> None:
    page = (Path(launcher.web.__file__).parent / "static/foreign.js").read_text()
    assert f'"{REMOVED}"' in page
    assert f'caches.open("{REMOVED}")' in SCRIPT
