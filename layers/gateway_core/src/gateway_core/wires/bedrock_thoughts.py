"""Claude's signed thoughts on Converse: out of an answer into the ids of its calls, as on Anthropic's own wire.

Signatures hold wherever Claude is served: https://platform.claude.com/docs/en/build-with-claude/extended-thinking.
Blocks: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ReasoningContentBlock.html and
API_runtime_ReasoningContentBlockDelta.html.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway_core.domain.chat import Json
from gateway_core.wires.anthropic.thoughts import THOUGHTS, is_own, signed_blocks, thoughts_in, with_thoughts
from gateway_core.wires.shapes import items, mapping, text_of


class Thoughts:
    """What stands before the calls of one answer, read in its order."""

    def __init__(self) -> None:
        self._before: list[Json | int] = []
        self._text = self._thought = self._signature = ""

    def read(self, event: Json) -> None:
        """An event of a stream. Raises AttributeError for one that has not the form of its kind."""
        delta = mapping(event.get("delta"))
        if reasoning := mapping(delta.get("reasoningContent")):
            self._reasons(reasoning)
        self._text += text_of(delta.get("text"))
        if event.get("type") == "contentBlockStop":
            self._end()

    def read_block(self, block: Json) -> None:
        """A block of a whole answer."""
        reasoning = mapping(block.get("reasoningContent"))
        self._reasons({**mapping(reasoning.get("reasoningText")), **reasoning})
        self._text += text_of(block.get("text"))
        self._end()

    def signed(self, call_id: str) -> str:
        """The id of the call that begins here, with what stands before it since the last one."""
        found, self._before = with_thoughts(call_id, self._before), []
        return found

    def _reasons(self, reasoning: Json) -> None:
        self._thought += text_of(reasoning.get("text"))
        self._signature += text_of(reasoning.get("signature"))
        if hidden := text_of(reasoning.get("redactedContent")):
            self._before.append({"type": "redacted_thinking", "data": hidden})

    def _end(self) -> None:
        if self._signature:
            self._before.append({"type": "thinking", "thinking": self._thought, "signature": self._signature})
        elif self._text:
            self._before.append(len(self._text))
        self._text = self._thought = self._signature = ""


def signed_ids(body: object) -> dict[str, str]:
    """The ids of a whole answer's calls by the provider's own, with the thoughts before them."""
    thoughts, found = Thoughts(), dict[str, str]()
    message = mapping(mapping(mapping(body).get("output")).get("message"))
    for block in map(mapping, items(message.get("content"))):
        if used := mapping(block.get("toolUse")):
            own = text_of(used.get("toolUseId"))
            found[own] = thoughts.signed(own)
        thoughts.read_block(block)
    return found


def thoughts_before(message: Json) -> list[dict[str, Any]]:
    """The signed blocks that a turn of the history begins with, by its own field or the ids of its calls.

    None where there are some that LiteLLM would send in another place or form: those behind a text or between calls,
    and those that are not to be read.
    """
    blocks = signed_blocks(message.get("thinking_blocks")) or _leading(message)
    readable = all(block["type"] == "thinking" and not is_own(block) for block in blocks)
    return blocks if readable else []


def _leading(message: Json) -> list[dict[str, Any]]:
    before = [thoughts_in(text_of(mapping(call).get("id"))) for call in items(message.get("tool_calls"))]
    told = [one for part in before for one in part]
    kinds = [isinstance(one, dict) for one in told]
    in_front = kinds == sorted(kinds, reverse=True) and not any(_thinks(part) for part in before[1:])
    return [one for one in told if isinstance(one, dict)] if in_front else []


def _thinks(part: Sequence[Json | int]) -> bool:
    return any(isinstance(one, dict) and one.get("type") in THOUGHTS for one in part)
