"""Where in the code an error came from: file and line, no value of anything."""

from __future__ import annotations

import traceback
from pathlib import PurePath

_OURS = ("gateway_core", "functions", "local")


def place_of(error: BaseException) -> str:
    """The innermost line of ours, such as `gateway_core/api/usage.py:67`, or of anybody's; empty without any.

    Of a group it is that of its first error.
    """
    if isinstance(error, BaseExceptionGroup):
        return place_of(error.exceptions[0])
    lines = [(frame.f_code.co_filename, number) for frame, number in traceback.walk_tb(error.__traceback__)]
    ours = [(path, number) for path, number in lines if _short(path) != PurePath(path).name]
    for path, number in reversed(ours or lines):
        return f"{_short(path)}:{number}"
    return ""


def _short(path: str) -> str:
    """From our own folder on; the name alone of what is not ours."""
    parts = PurePath(path).parts
    if "site-packages" in parts and "gateway_core" not in parts:
        return parts[-1]
    starts = [len(parts) - 1 - parts[::-1].index(folder) for folder in _OURS if folder in parts]
    return "/".join(parts[max(starts) :]) if starts else parts[-1]
