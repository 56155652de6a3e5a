from __future__ import annotations

import zlib

import numpy
import pytest

from launcher.demo.canvas import Pixels, Rect
from launcher.demo.pixels import OURS, Encoder, PixelFormat, compact, parse_format
from tests.fakes.rfb_client import read_compact

FORMAT_16 = PixelFormat(16, 16, False, (31, 63, 31), (11, 5, 0))
FORMAT_8 = PixelFormat(8, 8, False, (7, 7, 3), (0, 3, 6))


def part(width: int = 40, height: int = 30) -> Pixels:
    return numpy.random.default_rng(1).integers(0, 256, (height, width, 3), numpy.uint8)


def test_a_format_survives_its_bytes() -> None:
    for one in (OURS, FORMAT_16, FORMAT_8):
        assert parse_format(one.packed()) == one


@pytest.mark.parametrize(
    "wrong",
    [
        PixelFormat(24, 24, False, (255, 255, 255), (16, 8, 0)),
        PixelFormat(16, 16, False, (255, 255, 255), (16, 8, 0)),
        PixelFormat(32, 24, False, (0, 255, 255), (16, 8, 0)),
        PixelFormat(32, 24, False, (200, 255, 255), (16, 8, 0)),
    ],
)
def test_a_format_that_cannot_be_is_refused(wrong: PixelFormat) -> None:
    with pytest.raises(ValueError):
        parse_format(wrong.packed())


def test_colour_maps_are_refused() -> None:
    raw = bytearray(OURS.packed())
    raw[3] = 0
    with pytest.raises(ValueError):
        parse_format(bytes(raw))


def test_pixels_come_in_the_format_asked_for() -> None:
    red_green_blue = numpy.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]], numpy.uint8)
    assert OURS.pixels(red_green_blue).hex() == "0000ff00" + "00ff0000" + "ff000000"
    assert FORMAT_16.pixels(red_green_blue).hex() == "00f8" + "e007" + "1f00"
    assert FORMAT_8.pixels(red_green_blue).hex() == "07" + "38" + "c0"
    big = PixelFormat(16, 16, True, (31, 63, 31), (11, 5, 0))
    assert big.pixels(red_green_blue).hex() == "f800" + "07e0" + "001f"


def test_raw_is_the_pixels_themselves() -> None:
    pixels = part()
    encoded = Encoder().rectangle(Rect(5, 6, 40, 30), pixels)
    assert encoded[:12].hex() == "00050006" + "0028001e" + "00000000"
    assert encoded[12:] == OURS.pixels(pixels)


def test_tight_is_one_stream_over_all_rectangles() -> None:
    encoder, inflate = Encoder(), zlib.decompressobj()
    encoder.tight = True
    for pixels in (part(), part(17, 9)):
        encoded = encoder.rectangle(Rect(0, 0, pixels.shape[1], pixels.shape[0]), pixels)
        assert encoded[8:13].hex() == "00000007" + "00"
        length, used = read_compact(encoded[13:16])
        assert len(encoded) == 13 + used + length
        assert inflate.decompress(encoded[13 + used :]) == pixels.tobytes()


def test_tight_sends_one_colour_as_one_pixel_and_little_as_it_is() -> None:
    encoder = Encoder()
    encoder.tight = True
    flat = numpy.full((30, 40, 3), 7, numpy.uint8)
    assert encoder.rectangle(Rect(0, 0, 40, 30), flat)[12:].hex() == "80070707"
    small = part(3, 1)
    assert encoder.rectangle(Rect(0, 0, 3, 1), small)[12:] == b"\0" + small.tobytes()
    encoder.format = FORMAT_16
    assert encoder.rectangle(Rect(0, 0, 40, 30), flat)[12:] == b"\x80" + FORMAT_16.pixels(flat[:1, :1])


@pytest.mark.parametrize("length", [0, 127, 128, 16383, 16384, 2_000_000])
def test_a_compact_length_can_be_read_again(length: int) -> None:
    assert read_compact(compact(length)) == (length, len(compact(length)))
