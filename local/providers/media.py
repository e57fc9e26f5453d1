"""What the providers look at in files that stand in a request: the encoding, and the first bytes."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+);base64,(.*)", re.DOTALL)
_MAGIC = {
    "application/pdf": b"%PDF-",
    "image/gif": b"GIF8",
    "image/jpeg": b"\xff\xd8\xff",
    "image/png": b"\x89PNG\r\n\x1a\n",
}
SOUND_SAMPLE = base64.b64encode(b"RIFF\x24\x00\x00\x00WAVEfmt ").decode()
"""The sound that simulated models make: the head of an empty WAV file."""


def decoded(data: Any) -> bytes | None:
    """The bytes of base64 text; None for anything else."""
    if not isinstance(data, str) or not data:
        return None
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return None


def data_url(url: Any) -> tuple[str, bytes] | None:
    """Media type and bytes of a `data:` URL in base64; None for anything else."""
    found = _DATA_URL.fullmatch(url) if isinstance(url, str) else None
    content = decoded(found[2]) if found else None
    return (found[1], content) if found and content is not None else None


def kind_of(content: bytes) -> str | None:
    """The media type that the first bytes tell, where they tell one."""
    return next((kind for kind, magic in _MAGIC.items() if content.startswith(magic)), None)
