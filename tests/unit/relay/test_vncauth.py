"""VNC authentication, against answers that others gave."""

from __future__ import annotations

from random import Random

import pytest

from launcher.model import Secret
from launcher.relay.vncauth import challenge_of, is_right, response_to
from tests.fakes.des import encrypted

UPWARDS = bytes(range(16))
DOWNWARDS = bytes(range(255, 239, -1))

ANSWERS = [
    # openssl enc -des-ecb -provider legacy -provider default -nopad, with the bits of each key byte mirrored
    ("password", UPWARDS, "b866924125c8eebb9debc1db61c538e2"),
    ("password", DOWNWARDS, "7619956ed46ccf38a7949376663f5d3f"),
    ("a", UPWARDS, "449407fb6f71bd517aca76866568a4e2"),
    ("a", DOWNWARDS, "4ba611ee810255f747105c6b7dbbb829"),
    ("longer than eight", UPWARDS, "2b8dd6089fd1e9844f2889eeecc374d9"),
    ("pässwörd", UPWARDS, "7d13fc5643ca0c048e71796fe629ecf3"),
    ("pässwörd", DOWNWARDS, "0417edbd0ba1f808d9161ae7c2e92c51"),
    ("", UPWARDS, "491e890de9ace932838a49792f2213f3"),
]


@pytest.mark.parametrize(("password", "challenge", "response"), ANSWERS)
def test_a_response_is_what_openssl_says(password: str, challenge: bytes, response: str) -> None:
    assert response_to(challenge, Secret(password)).hex() == response


def test_a_response_is_what_the_standard_says() -> None:
    random = Random(3)
    for _ in range(20):
        password, challenge = random.randbytes(8).hex()[:8], random.randbytes(16)
        key = bytes(int(f"{byte:08b}"[::-1], 2) for byte in password.encode())
        assert response_to(challenge, Secret(password)) == encrypted(challenge[:8], key) + encrypted(challenge[8:], key)


def test_eight_bytes_of_a_password_count() -> None:
    assert response_to(UPWARDS, Secret("12345678")) == response_to(UPWARDS, Secret("123456789"))
    assert response_to(UPWARDS, Secret("1234567")) != response_to(UPWARDS, Secret("12345678"))


def test_only_the_right_response_is_right() -> None:
    right = response_to(UPWARDS, Secret("password"))
    assert is_right(right, UPWARDS, Secret("password"))
    assert not is_right(right, UPWARDS, Secret("passwore"))
    assert not is_right(right, DOWNWARDS, Secret("password"))
    assert not is_right(right[:15], UPWARDS, Secret("password"))
    assert not is_right(b"", UPWARDS, Secret("password"))


def test_a_challenge_is_made_of_chance() -> None:
    assert challenge_of(UPWARDS) == UPWARDS
    for chance in (b"", bytes(16), b"12345678" * 2, bytes(range(15)), bytes(range(17))):
        with pytest.raises(ValueError, match="16 bytes of chance"):
            challenge_of(chance)


def test_half_a_challenge_is_not_answered() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        response_to(UPWARDS[:8], Secret("password"))
