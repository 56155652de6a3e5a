"""Spans of time in words, rounded up: seconds up to two minutes, then minutes, then hours. Pure."""

from __future__ import annotations

import math


def span(seconds: float) -> str:
    """`41 s`, `40 min`, `3 h`: to be read aloud."""
    if seconds <= 120:
        return f"{math.ceil(seconds)} s"
    minutes = math.ceil(seconds / 60)
    return f"{minutes} min" if minutes <= 120 else f"{math.ceil(minutes / 60)} h"
