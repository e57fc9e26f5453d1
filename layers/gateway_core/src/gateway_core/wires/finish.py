"""Why an answer ended, in OpenAI's words: `stop`, `length`, `tool_calls` or `content_filter`.

`interrupted` stands for an answer that the provider broke off by its own fault; it is an error, never a finish
reason of ours. An empty string means that the body names no end at all, so it is not a whole answer.
"""

from __future__ import annotations

from collections.abc import Mapping

INTERRUPTED = "interrupted"
CONTENT_FILTER = "content_filter"


def finish_word(known: Mapping[str, str], word: object) -> str:
    """Words that a provider invents later mean that the model came to an end of its own: `stop`."""
    return known.get(word, "stop") if isinstance(word, str) and word else ""
