"""The settings that docs/clients tells people to copy, as tests copy them."""

from __future__ import annotations

import re
from pathlib import Path

PAGES = Path(__file__).parents[2] / "docs/clients"
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_URL = "https://gateway.example.com/live"
_KEY = "gk_..."


def block(page: str, language: str, *, url: str = "", key: str = "") -> str:
    """The first block of code in this language, with the address and key of a gateway that is there."""
    found = [code for name, code in _FENCE.findall((PAGES / page).read_text()) if name == language]
    return found[0].replace(_URL, url or _URL).replace(_KEY, key or _KEY)
