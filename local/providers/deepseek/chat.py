"""DeepSeek's Chat Completions: visible reasoning, and cache hits and misses in the usage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import override

from local.providers.deepseek import rules
from local.providers.deepseek.base import DeepSeekWire
from local.providers.model import Frame, Generation, Json, Prompt, Request, Stamp, Tokens
from local.providers.openai.chat import OpenAIChat, finish_reason

_UUID_PARTS = ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32))


class DeepSeekChat(DeepSeekWire, OpenAIChat):
    """POST /chat/completions."""

    call_prefix = "call_00_"

    @override
    def read(self, request: Request) -> Prompt:
        """Usage is reported with the finish reason, asked or not, and only there."""
        return replace(super().read(request), include_usage=False, choices=1)

    @override
    def check(self, body: Json) -> None:
        rules.check_chat(body)

    @override
    def thinks(self, body: Json) -> bool:
        return rules.thinks(body)

    @override
    def envelope(self, kind: str, prompt: Prompt, stamp: Stamp) -> Json:
        digits = stamp.hex(32, "chat")
        return {
            "id": "-".join(digits[start:end] for start, end in _UUID_PARTS),
            "object": kind,
            "created": stamp.created,
            "model": prompt.model,
            "system_fingerprint": "fp_5417b77867_prod0425fp8",
        }

    @override
    def message(self, prompt: Prompt, generation: Generation, stamp: Stamp) -> Json:
        """A refusal is said like anything else."""
        message: Json = {"role": "assistant", "content": generation.said}
        if generation.reasoning:
            message["reasoning_content"] = generation.thought
        if generation.calls:
            calls = self.calls(generation, stamp)["tool_calls"]
            message["tool_calls"] = [{"index": index} | call for index, call in enumerate(calls)]
        return message

    @override
    def usage(self, tokens: Tokens) -> Json:
        usage: Json = {
            "prompt_tokens": tokens.input,
            "completion_tokens": tokens.output,
            "total_tokens": tokens.total,
            "prompt_tokens_details": {"cached_tokens": tokens.cached},
        }
        if tokens.reasoning:
            usage["completion_tokens_details"] = {"reasoning_tokens": tokens.reasoning}
        misses = tokens.input - tokens.cached
        return usage | {"prompt_cache_hit_tokens": tokens.cached, "prompt_cache_miss_tokens": misses}

    @override
    def deltas(self, prompt: Prompt, generation: Generation, stamp: Stamp) -> Iterator[tuple[Json, int]]:
        """Reasoning comes first, in a field of its own; the other field is null meanwhile."""
        if not generation.reasoning:
            yield {"role": "assistant", "content": ""}, 0
        else:
            yield {"role": "assistant", "content": None, "reasoning_content": ""}, 0
        for piece in generation.reasoning:
            yield {"content": None, "reasoning_content": piece}, 1
        for piece in generation.text:
            yield {"content": piece} | _no_reasoning(generation), 1
        yield from self.call_deltas(generation, stamp, hidden=0)

    @override
    def last_chunk(self, prompt: Prompt, envelope: Json, generation: Generation, index: int) -> Frame:
        usage = {"usage": self.usage(generation.tokens)}
        delta = {"content": ""} | _no_reasoning(generation)
        return self.chunk(prompt, envelope | usage, delta, finish=finish_reason(generation), index=index)


def _no_reasoning(generation: Generation) -> Json:
    return {"reasoning_content": None} if generation.reasoning else {}
