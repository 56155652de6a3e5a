"""What a set-up lacks of what is wanted or was found, and where it says otherwise: sentences.

Pure. A set-up is never changed; whoever runs the command again is told what it does not hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from launcher.config.document import shown
from launcher.config.models import Config, OpenStackEntry, RackspaceEntry
from launcher.setup.accounts import Account, Source
from launcher.setup.plan import copied_settings
from launcher.setup.scene import Wishes


def wanted(found: Sequence[Source], wishes: Wishes) -> list[Source]:
    """What a first run would try, as far as nobody need be asked."""
    asked = wishes.rackspace_user is not None
    sources = [] if asked and not wishes.clouds else list(found)
    if wishes.clouds and "all" not in wishes.clouds:
        sources = [one for one in sources if one.profile in wishes.clouds]
    if wishes.rackspace_user is not None and wishes.api_key is not None:
        account = Account("rax", wishes.rackspace_user, wishes.api_key, "the options")
        sources.append(account)
    return sources


def differences(config: Config, copy: Mapping[str, Any], sources: Sequence[Source]) -> list[str]:
    """`copy` is what the set-up's own clouds.yaml says of each cloud; empty where it has none of its own."""
    return [sentence for source in sources for sentence in _differences(config, copy, source)]


def _differences(config: Config, copy: Mapping[str, Any], source: Source) -> Iterator[str]:
    if isinstance(source, Account):
        yield from _of_account(config, source)
        return
    profiles = {entry.cloud for entry in config.clouds.values() if isinstance(entry, OpenStackEntry)}
    if source.profile not in profiles:
        yield f"the configuration has no cloud {shown(source.profile)} of {shown(source.origin, 4096)}"
    elif source.profile in copy and copy[source.profile] != copied_settings(source):
        yield f"the configuration's own copy of {shown(source.profile)} differs from {shown(source.origin, 4096)}"


def _of_account(config: Config, account: Account) -> Iterator[str]:
    entries = [
        entry
        for entry in config.clouds.values()
        if isinstance(entry, RackspaceEntry) and entry.username == account.username
    ]
    user = f"the Rackspace user {shown(account.username)}"
    if not entries:
        yield f"the configuration has no entry of {user}"
    elif all(entry.api_key != account.api_key for entry in entries):
        yield f"the configuration's own API key of {user} differs from that of {shown(account.origin, 4096)}"
