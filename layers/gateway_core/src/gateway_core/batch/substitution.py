"""Puts answers in the place of `{Q<index>_result}`. Pure, one pass, and no format language.

Only this exact form counts, with the digits of an index as JSON writes it: everything else between braces is text, and
so is whatever an answer says.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

_PLACEHOLDER = re.compile(r"\{Q(-?[0-9]+)_result\}")


def cited(text: str) -> Counter[str]:
    """The indexes that a prompt names, as it writes them, and how often; in the order of their first place."""
    return Counter(_PLACEHOLDER.findall(text))


def filled_size(text: str, answers: Mapping[str, str]) -> int:
    """Bytes of what `fill` would make. To be asked before it: a short prompt may name a long answer many times."""
    added = sum(
        (len(answers[name].encode()) - len(f"{{Q{name}_result}}")) * times for name, times in cited(text).items()
    )
    return len(text.encode()) + added


def fill(text: str, answers: Mapping[str, str]) -> str:
    """The prompt with the answer to each index that it names, by the index as it writes it."""
    return _PLACEHOLDER.sub(lambda found: answers[found[1]], text)
