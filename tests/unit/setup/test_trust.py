from __future__ import annotations

import stat

import pytest

from launcher.setup.trust import Doubt, Place, doubt

ROOT, ALICE, MALLORY = 0, 1000, 666
FOLDER, FILE, LINK = stat.S_IFDIR, stat.S_IFREG, stat.S_IFLNK
TMP = Place("/tmp", FOLDER | 0o1777, ROOT)


def test_what_only_the_trusted_can_write_is_believed() -> None:
    chain = [
        Place("/", FOLDER | 0o755, ROOT),
        TMP,
        Place("/tmp/alice", FOLDER | 0o775, ALICE),
        Place("/tmp/alice/link", LINK | 0o777, ALICE),
        Place("/tmp/alice/clouds.yaml", FILE | 0o664, ALICE),
    ]
    assert doubt(chain, {ROOT, ALICE}) is None


@pytest.mark.parametrize(
    ("last", "found"),
    [
        (Place("/tmp/x", FILE | 0o644, MALLORY), Doubt("/tmp/x belongs to another account")),
        (Place("/tmp/x", LINK | 0o777, MALLORY), Doubt("/tmp/x belongs to another account")),
        (Place("/tmp/x", FILE | 0o646, ALICE), Doubt("every account may write /tmp/x", "chmod o-w /tmp/x")),
        (Place("/tmp/x", FILE | 0o1646, ALICE), Doubt("every account may write /tmp/x", "chmod o-w /tmp/x")),
        (Place("/tmp/a b", FOLDER | 0o777, ALICE), Doubt("every account may write /tmp/a b", "chmod o-w '/tmp/a b'")),
    ],
)
def test_what_others_could_have_put_there_is_not(last: Place, found: Doubt) -> None:
    assert doubt([TMP, last], {ROOT, ALICE}) == found
