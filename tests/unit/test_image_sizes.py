"""Images count by their size, which their headers tell."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.adapters.tokens.media import image_size, size_in
from tests.image_headers import IMAGES, SIZE

USUAL = (1024, 1024)


def url_of(image: bytes) -> str:
    return "data:image/any;base64," + base64.b64encode(image).decode()


@pytest.mark.parametrize("kind", IMAGES)
def test_a_header_tells_the_size(kind: str) -> None:
    """In any format, whatever the URL says that it is, and whatever follows."""
    assert size_in(IMAGES[kind]) == SIZE
    assert image_size(url_of(IMAGES[kind] + bytes(500_000))) == SIZE


@pytest.mark.parametrize("kind", IMAGES)
def test_half_a_header_tells_nothing(kind: str) -> None:
    """And is no error, wherever it ends."""
    header = IMAGES[kind]
    end = next(end for end in range(len(header) + 1) if size_in(header[:end]))
    assert {image_size(url_of(header[:part])) for part in range(end)} == {USUAL}


def test_a_size_behind_a_long_profile_is_found() -> None:
    """Cameras and editors write hundreds of kilobytes before it."""
    profile = b"\xff\xe2\xff\xff" + bytes(65533)
    jpeg = IMAGES["jpeg"]
    assert image_size(url_of(jpeg[:2] + profile * 4 + jpeg[2:])) == SIZE


@pytest.mark.parametrize(
    "image",
    [
        b"",
        b"\xff\xd8\xff\xe0\x00\x00\x00",
        b"\xff\xd8" + b"\xff" * 99,
        b"\xff\xd8no marker",
        b"RIFF\0\0\0\0WAVEfmt ",
        b"RIFF\0\0\0\0WEBPXXXX" + bytes(40),
        b"\0\0\0\x18ftypheic" + bytes(40),
    ],
)
def test_what_is_no_image_has_the_usual_size(image: bytes) -> None:
    """As has what is elsewhere."""
    assert size_in(image) is None
    assert image_size(url_of(image)) == USUAL


@pytest.mark.parametrize("url", [None, 5, "", "data:", "data:,", "data:image/png;base64,!é", "https://a.example/b.png"])
def test_what_is_not_in_the_request_has_the_usual_size(url: object) -> None:
    """Nothing is fetched."""
    assert image_size(url) == USUAL


def test_no_side_is_shorter_than_a_pixel() -> None:
    """Whatever a header says."""
    assert image_size(url_of(b"GIF89a" + bytes(4))) == (1, 1)


@given(st.sampled_from(sorted(IMAGES)), st.binary(max_size=64), st.integers(0, 40))
def test_no_bytes_make_it_fail(kind: str, noise: bytes, at: int) -> None:
    """It only looks."""
    width, height = image_size(url_of(IMAGES[kind][:at] + noise))
    assert width >= 1
    assert height >= 1
