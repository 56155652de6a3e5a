"""What differs between two configurations, in words for the log."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Final

from launcher.config.fields import Model
from launcher.config.models import Config

RELOADABLE: Final = frozenset({"clouds_yaml", "secure_yaml", "clouds", "aliases", "access", "log_level", "tls"})
"""Keys that a reload lets take effect; all others wait for the next restart."""


def fixed_changes(before: Config, after: Config) -> tuple[str, ...]:
    """The keys that differ and that no reload changes, like `listen` or `relay.ping`."""
    switched = ["tls"] if (before.tls is None) != (after.tls is None) else []  # another certificate is none
    fixed = [key for name in Config.model_fields if name not in RELOADABLE for key in _changes(name, before, after)]
    return (*fixed, *switched)


def cloud_changes(before: Sequence[str], after: Sequence[str], anew: Container[str]) -> str:
    """`new: stage; changed: prod; gone: old`, as far as there are such; `anew` are those that are not as before."""
    told = {
        "new": [name for name in after if name not in before],
        "changed": [name for name in after if name in before and name in anew],
        "gone": [name for name in before if name not in after],
    }
    return "; ".join(f"{word}: {', '.join(names)}" for word, names in told.items() if names)


def _changes(key: str, before: Model, after: Model) -> list[str]:
    old, new = getattr(before, key), getattr(after, key)
    if old == new:
        return []
    if isinstance(old, Model) and isinstance(new, Model):
        return [f"{key}.{name}" for name in type(old).model_fields if getattr(old, name) != getattr(new, name)]
    return [key]
