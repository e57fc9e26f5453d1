"""Images of one size in all formats that models see, or rather what of them says their size."""

from __future__ import annotations

import struct

SIZE = (2000, 1500)
_W, _H = SIZE
_VP8L_BITS = (_W - 1) | (_H - 1) << 14
# In the first segment there is what looks like the end of another picture's header, as thumbnails are.
_EXIF = b"\xff\xe1" + struct.pack(">H", 2 + 15) + b"Exif\0\0\xff\xc0\x00\x11\x08\x00\x01\x00\x02"
_FRAME = struct.pack(">HBHHB", 17, 8, _H, _W, 3) + bytes(9)


def _riff(kind: bytes, chunk: bytes) -> bytes:
    body = b"WEBP" + kind + struct.pack("<L", len(chunk)) + chunk
    return b"RIFF" + struct.pack("<L", len(body)) + body


IMAGES = {
    "png": b"\x89PNG\r\n\x1a\n" + struct.pack(">L4sLLBBBBB", 13, b"IHDR", _W, _H, 8, 2, 0, 0, 0),
    "gif": b"GIF89a" + struct.pack("<HHBBB", _W, _H, 0, 0, 0),
    "old.gif": b"GIF87a" + struct.pack("<HHBBB", _W, _H, 0, 0, 0),
    "jpeg": b"\xff\xd8" + _EXIF + b"\xff\xc0" + _FRAME,
    "progressive.jpeg": b"\xff\xd8" + _EXIF + b"\xff\xc4\x00\x03\x00" + b"\xff\xff\xff\xc2" + _FRAME,
    "lossy.webp": _riff(b"VP8 ", b"\x30\x01\x00\x9d\x01\x2a" + struct.pack("<HH", _W | 0x4000, _H | 0x8000)),
    "lossless.webp": _riff(b"VP8L", b"\x2f" + struct.pack("<L", _VP8L_BITS)),
    "extended.webp": _riff(b"VP8X", bytes(4) + (_W - 1).to_bytes(3, "little") + (_H - 1).to_bytes(3, "little")),
}
