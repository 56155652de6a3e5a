from __future__ import annotations

import pytest

from launcher.model import Secret
from launcher.setup.accounts import Account, Profile
from launcher.setup.regions import entry_name, names, offered, parsed, to_write, wished

RAX = Account("rax", "ops", Secret("-"), "here")
THREE = ("DFW", "IAD", "ORD")


def profile(*regions: str) -> Profile:
    return Profile("prod", "prod", {"regions": list(regions)}, "here", in_files=True)


def test_clouds_yaml_restricts_what_is_offered() -> None:
    assert offered(RAX, THREE) == THREE
    assert offered(profile("Two"), ("One", "Two")) == ("Two",)


def test_a_wish_takes_those_that_the_account_has() -> None:
    assert wished(RAX, THREE, ["ORD", "SYD", "ORD"]) == ("ORD",)
    assert wished(RAX, THREE, ["ord", "Dfw", "ORD"]) == ("ORD", "DFW")
    with pytest.raises(ValueError) as refused:
        wished(RAX, THREE, ["SYD"])
    assert str(refused.value) == 'rax has no region "SYD" (has: DFW, IAD, ORD)'
    with pytest.raises(ValueError, match="has: none"):
        wished(profile(), (), ["SYD"])


@pytest.mark.parametrize(
    ("answer", "regions"),
    [("", THREE), ("all", THREE), ("ord dfw", ("ORD", "DFW")), ("IAD, IAD,ord", ("IAD", "ORD"))],
)
def test_an_answer_names_regions_in_any_case_and_nothing_means_all(answer: str, regions: tuple[str, ...]) -> None:
    assert parsed(answer, THREE) == regions


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("dwf", 'there is no region "dwf" (there are: DFW, IAD, ORD). Did you mean DFW?'),
        ("\x1b[2J", r'there is no region "\x1b[2J" (there are: DFW, IAD, ORD).'),
    ],
)
def test_a_wrong_answer_is_said_with_what_there_is(answer: str, told: str) -> None:
    with pytest.raises(ValueError) as refused:
        parsed(answer, THREE)
    assert str(refused.value) == told


def test_a_region_is_called_the_same_alone_and_among_others() -> None:
    assert names(RAX, THREE, ("DFW", "ORD")) == ("rax-dfw", "rax-ord")
    assert names(RAX, THREE, ("DFW",)) == ("rax-dfw",)
    assert entry_name(RAX, THREE, ("DFW", "ORD")) == "rax"


def test_the_only_region_adds_nothing_to_the_name() -> None:
    assert names(RAX, ("LON",), ("LON",)) == ("rax",)
    assert names(profile("Two"), ("One", "Two"), ("Two",)) == ("prod",)
    assert names(profile(), (), ()) == ("prod",)


def test_regions_are_written_where_there_is_a_choice() -> None:
    assert to_write(RAX, ("LON",), ("LON",)) == ("LON",), "a Rackspace entry always names them"
    assert to_write(profile(), ("One",), ("One",)) == ()
    assert to_write(profile(), ("One", "Two"), ("One", "Two")) == ("One", "Two")
    assert to_write(profile("Two"), ("One", "Two"), ("Two",)) == (), "clouds.yaml says it"
    assert to_write(profile("Two"), ("One", "Two"), ("One",)) == ("One",)
