"""Regular expressions of callers. They end in time, whatever they are.

Python's own `re` may take longer than the universe lasts for a pattern of ten characters, and nothing can stop it
meanwhile; the `regex` module takes a time limit.
"""

from __future__ import annotations

import importlib
from typing import Any

MOST_PATTERN_CHARS = 500
TIMEOUT_S = 0.25


class PatternTooSlowError(Exception):
    """The pattern took too long on a text."""


class Pattern:
    """A checked pattern. Raises ValueError, which says why, for one that is none or too long."""

    def __init__(self, text: str) -> None:
        # Here, not above: it comes with LiteLLM, and only the functions that call models have it.
        self._regex: Any = importlib.import_module("regex")
        if len(text) > MOST_PATTERN_CHARS:
            raise ValueError(f"is longer than {MOST_PATTERN_CHARS} characters")
        try:
            self._compiled = self._regex.compile(text)
        except (self._regex.error, RecursionError, OverflowError) as error:
            raise ValueError(f"is not a regular expression: {error}") from None

    def fits(self, text: str) -> bool:
        """Whether all of the text matches. Raises PatternTooSlowError."""
        return self._matches("fullmatch", text)

    def occurs(self, text: str) -> bool:
        """Whether some of the text matches. Raises PatternTooSlowError."""
        return self._matches("search", text)

    def _matches(self, how: str, text: str) -> bool:
        try:
            return getattr(self._compiled, how)(text, timeout=TIMEOUT_S) is not None
        except TimeoutError:
            raise PatternTooSlowError from None
