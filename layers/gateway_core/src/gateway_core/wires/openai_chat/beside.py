"""What an answer on OpenAI's chat wire says where other wires have no place: further answers, sound, deprecated calls.

Whoever asked on this wire gets it as it came; it counts where the provider does not tell what it used.
Sound: https://platform.openai.com/docs/guides/audio. A second of it counts 20 tokens, and is streamed as pcm16 alone,
24,000 samples of two bytes.
"""

from __future__ import annotations

import math

from gateway_core.domain.chat import Json
from gateway_core.wires.shapes import items, mapping, text_of, thoughts_of

_UNPACKED = 2400
"""Bytes of pcm16 for a token."""
_PACKED = 400
"""Bytes for a token at 64 kbit/s, which is usual for packed speech."""
_UNPACKED_FORMATS = frozenset({"pcm16", "wav"})


def reasoning_in(message: Json) -> str:
    """What a message or a delta shows of its reasoning: `reasoning_content` at DeepSeek, `reasoning` at others."""
    return text_of(message.get("reasoning_content") or message.get("reasoning")) + thoughts_of(message.get("content"))


def unplaced(message: Json) -> str:
    """What a message or a delta says in a call of the deprecated kind, and the words of its sound."""
    call, sound = mapping(message.get("function_call")), mapping(message.get("audio"))
    said = (call.get("name"), call.get("arguments"), sound.get("transcript"))
    return "".join(text for text in said if isinstance(text, str))


def all_of(message: Json) -> str:
    """Whatever a message or a delta says, as one text. Raises TypeError for texts that are none."""
    calls = [mapping(call) for call in items(message.get("tool_calls"))]
    said = [mapping(call.get("function") or call.get("custom")) for call in calls]
    named = [text_of(one.get(name)) for one in said for name in ("name", "arguments", "input")]
    texts = (text_of(message.get("content")), reasoning_in(message), text_of(message.get("refusal")))
    return "".join([*texts, *named, unplaced(message)])


def sound_bytes(message: Json) -> int:
    """The length of its sound."""
    data = mapping(message.get("audio")).get("data")
    return len(data) * 3 // 4 if isinstance(data, str) else 0


def sound_tokens(size: int, params: Json) -> int:
    """What so many bytes of sound count, in the format that was asked for."""
    form = mapping(params.get("audio")).get("format", "pcm16")
    return math.ceil(size / (_UNPACKED if form in _UNPACKED_FORMATS else _PACKED))
