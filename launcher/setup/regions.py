"""Which regions of an account are used, and what its entry is then called.

Pure. A cloud's name stands in bookmarks: of an account with several regions even a single one is called `rax-dfw`, as
it would be among others, so that its bookmarks hold when more are added.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from launcher.cloud.catalog import region_meant
from launcher.config.document import shown
from launcher.config.models import cloud_names
from launcher.setup.accounts import Account, Source

Regions = tuple[str, ...]


def offered(source: Source, catalog: Regions) -> Regions:
    """The regions to choose from: those that clouds.yaml restricts the cloud to, else the catalog's."""
    return source.fixed_regions or catalog


def wished(source: Source, catalog: Regions, wishes: Sequence[str]) -> Regions:
    """Those of the wishes, in any case, that the account has. Raises ValueError with a sentence if it has none."""
    there = dict.fromkeys((*catalog, *source.fixed_regions))
    meant = (region_meant(wish, there) for wish in wishes)
    found = tuple(dict.fromkeys(region for region in meant if region is not None))
    if not found:
        raise ValueError(f'{source.name} has no region "{shown(wishes[0])}" (has: {_listed(there)})')
    return found


def parsed(answer: str, choices: Regions) -> Regions:
    """The regions that a person typed, in any case; all for an empty answer. Raises ValueError with a sentence."""
    words = [word for word in answer.replace(",", " ").split() if word]
    if not words or [word.casefold() for word in words] == ["all"]:
        return choices
    known = {choice.casefold(): choice for choice in choices}
    for word in words:
        if word.casefold() not in known:
            near = difflib.get_close_matches(word.casefold(), known, n=1)
            meant = f" Did you mean {known[near[0]]}?" if near else ""
            raise ValueError(f'there is no region "{shown(word)}" (there are: {_listed(choices)}).{meant}')
    return tuple(dict.fromkeys(known[word.casefold()] for word in words))


def entry_name(source: Source, catalog: Regions, used: Regions) -> str:
    """The entry's name."""
    if len(used) == 1 and len(catalog) > 1 and used != source.fixed_regions:
        return f"{source.name}-{used[0].lower()}"
    return source.name


def names(source: Source, catalog: Regions, used: Regions) -> tuple[str, ...]:
    """The names of the clouds that the entry stands for; one where no region is named."""
    return cloud_names(entry_name(source, catalog, used), used)


def to_write(source: Source, catalog: Regions, used: Regions) -> Regions:
    """What the entry's `regions` says: nothing where clouds.yaml or the catalog leave no choice."""
    if isinstance(source, Account):
        return used
    if used == source.fixed_regions and len(used) == 1:
        return ()
    return () if len(catalog) < 2 and not source.fixed_regions else used


def _listed(regions: Sequence[str] | dict[str, None]) -> str:
    return ", ".join(shown(region) for region in regions) or "none"
