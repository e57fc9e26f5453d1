"""What counts by other rules than texts: images by their size, files by their pages, audio by its seconds.

Nothing is fetched: of what is not in the request, a usual size is assumed.
"""

from __future__ import annotations

import base64
import math
import re
import struct
from dataclasses import dataclass

from gateway_core.domain.chat import Json
from gateway_core.wires.shapes import mapping

_USUAL_SIDE = 1024
"""Pixels, for an image whose size cannot be read."""
_HEAD = 64 * 1024
"""Characters of base64 to look for a header in, before all of an image is decoded."""
_BYTES_PER_PAGE = 64 * 1024
_BYTES_PER_TOKEN = 4
"""Of a file that is a text. Docs: https://ai.google.dev/gemini-api/docs/tokens, "about 4 characters"."""
_PAGE = re.compile(rb"/Type\s*/Page(?![A-Za-z])")
"""PDF 1.7 (ISO 32000-1), 7.7.3.3. Many files have their page objects compressed, where this does not see them."""
_SPEECH_BYTES_PER_S = 8000
"""At 64 kbit/s, which is usual for speech: of better quality, too many seconds are counted."""
_WAV_HEADER = struct.Struct("<4s4x8s12xI")
_JPEG_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""The markers of frames, which begin with the size (ITU T.81, B.1.1.3)."""


@dataclass(frozen=True, slots=True)
class _Data:
    """A data: URL, or base64 alone. `media_type` is in lower case, and empty where nothing says it."""

    media_type: str
    payload: str

    @property
    def size(self) -> int:
        """Bytes, once decoded, within two."""
        return len(self.payload) * 3 // 4

    def decoded(self, most: int | None = None) -> bytes:
        """The bytes, of the first `most` characters alone if so asked; nothing if it is not base64."""
        try:
            return base64.b64decode(self.payload[:most])
        except ValueError:
            return b""


def _data(url: object) -> _Data:
    text = url if isinstance(url, str) else ""
    if not text.startswith("data:"):
        return _Data("", text)
    head, _, payload = text.partition(",")
    return _Data(head[len("data:") :].partition(";")[0].strip().lower(), payload)


def image_size(url: object) -> tuple[int, int]:
    """Width and height in pixels, at least one each, of the image in a data: URL; of any other, the usual ones."""
    data = _data(url) if str(url).startswith("data:") else _Data("", "")
    found = size_in(data.decoded(_HEAD)) or size_in(data.decoded() if len(data.payload) > _HEAD else b"")
    width, height = found or (_USUAL_SIDE, _USUAL_SIDE)
    return max(1, width), max(1, height)


def size_in(image: bytes) -> tuple[int, int] | None:
    """Width and height of a PNG, GIF, JPEG or WebP as its header says; None for anything else, or half a header."""
    try:
        if image.startswith(b"\x89PNG\r\n\x1a\n"):
            return _pair(">LL", image, 16)
        if image.startswith((b"GIF87a", b"GIF89a")):
            return _pair("<HH", image, 6)
        if image.startswith(b"\xff\xd8"):
            return _in_jpeg(image)
        if image.startswith(b"RIFF") and image[8:12] == b"WEBP":
            return _in_webp(image)
    except (IndexError, struct.error):
        pass
    return None


def _pair(form: str, image: bytes, at: int) -> tuple[int, int]:
    one, other = struct.unpack_from(form, image, at)
    return one, other


def _in_jpeg(image: bytes) -> tuple[int, int] | None:
    at = 2
    while image[at] == 0xFF:  # noqa: PLR2004 - how every marker begins, with any number of them to fill
        while image[at] == 0xFF:  # noqa: PLR2004
            at += 1
        marker, at = image[at], at + 1
        if marker in _JPEG_SIZES:
            height, width = _pair(">HH", image, at + 3)
            return width, height
        at += int.from_bytes(image[at : at + 2])
    return None


def _in_webp(image: bytes) -> tuple[int, int] | None:
    """Source: https://developers.google.com/speed/webp/docs/riff_container, and RFC 9649."""
    kind = image[12:16]
    if kind == b"VP8X":
        return int.from_bytes(image[24:27], "little") + 1, int.from_bytes(image[27:30], "little") + 1
    if kind == b"VP8 ":
        width, height = _pair("<HH", image, 26)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<L", image, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return None


def file_tokens(file: Json, page_tokens: int) -> int:
    """An estimate for the `file` of a part: its pages if it is a PDF, else its bytes as those of a text.

    What is not in the request counts as a page.
    """
    data = _data(file.get("file_data"))
    if not data.payload:
        return page_tokens
    if data.media_type == "application/pdf" or data.payload.startswith("JVBERi"):  # %PDF
        return _pages(data) * page_tokens
    return math.ceil(data.size / _BYTES_PER_TOKEN)


def _pages(data: _Data) -> int:
    return sum(1 for _ in _PAGE.finditer(data.decoded())) or max(1, math.ceil(data.size / _BYTES_PER_PAGE))


def audio_tokens(audio: Json, tokens_per_s: int) -> int:
    """An estimate for the `input_audio` of a part: exact seconds of a WAV, those of usual speech in other formats."""
    data = _data(mapping(audio).get("data"))
    return math.ceil(data.size / _bytes_per_s(data) * tokens_per_s)


def _bytes_per_s(data: _Data) -> int:
    head = data.decoded(4 * 12)
    if len(head) < _WAV_HEADER.size:
        return _SPEECH_BYTES_PER_S
    riff, form, rate = _WAV_HEADER.unpack_from(head)
    return rate if (riff, form) == (b"RIFF", b"WAVEfmt ") and rate else _SPEECH_BYTES_PER_S
