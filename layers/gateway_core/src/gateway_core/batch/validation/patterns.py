"""Regular expressions of callers, by RE2: linear in time whatever the pattern, so that none can stop the gateway.

Python's own `re` may take longer than the universe lasts for a pattern of ten characters. A time limit instead would
make an answer's validity depend on how busy the machine is. What RE2 has no linear way for is refused: look-around and
back-references. A pattern's program times the text's length is the work, which is bounded as well.
"""

from __future__ import annotations

import importlib
from functools import lru_cache
from typing import Any

MOST_PATTERN_CHARS = 500
MOST_WORK = 10_000_000
"""Program steps times bytes of text: under half a second where RE2 is at its slowest."""
_MEMORY = 1 << 20


class TooMuchWorkError(Exception):
    """The text is too long for its pattern."""


class Pattern:
    """A checked pattern. Raises ValueError, which says why, for one that is none or too long."""

    def __init__(self, text: str) -> None:
        if len(text) > MOST_PATTERN_CHARS:
            raise ValueError(f"is longer than {MOST_PATTERN_CHARS} characters")
        # Here, not above: only batches need it, and only functions that call models have it.
        re2: Any = importlib.import_module("re2")
        try:
            self._compiled: Any = re2.compile(text, _options(re2))
        except re2.error as error:
            raise ValueError(f"is not a regular expression of RE2: {_words(error)}") from None
        except UnicodeEncodeError:
            raise ValueError("has a lone surrogate, which is not Unicode") from None
        self._steps: int = max(1, self._compiled.programsize)

    def fits(self, text: str) -> bool:
        """Whether all of the text matches. Raises TooMuchWorkError."""
        return self._compiled.fullmatch(self._affordable(text)) is not None

    def occurs(self, text: str) -> bool:
        """Whether some of the text matches. Raises TooMuchWorkError."""
        return self._compiled.search(self._affordable(text)) is not None

    def work(self, text: str) -> int:
        """What looking at a text costs at most."""
        return self._steps * (len(text) if text.isascii() else 4 * len(text))

    def _affordable(self, text: str) -> str:
        if self.work(text) > MOST_WORK:
            raise TooMuchWorkError
        return text.encode("utf-8", "replace").decode()


@lru_cache(maxsize=256)
def pattern(text: str) -> Pattern:
    """The pattern, from among those of late. Raises ValueError."""
    return Pattern(text)


def _options(re2: Any) -> Any:
    options = re2.Options()
    options.log_errors = False  # it would write the caller's pattern to stderr
    options.max_mem = _MEMORY
    return options


def _words(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
