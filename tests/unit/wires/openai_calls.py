"""Calls on OpenAI's chat wire, and the pieces of its streams."""

from __future__ import annotations

from typing import Any

from gateway_core.domain.answer import Chunk
from gateway_core.domain.chat import Deployment, Json, ProviderCall, Spoken
from gateway_core.domain.model_rules import ModelRules
from gateway_core.wires.openai_chat import OPENAI_CHAT
from gateway_core.wires.openai_chat.codec import OPENAI_CHAT_CODEC

USER: Json = {"role": "user", "content": "Hello."}
SWITCH = ModelRules(thinks="default", thinking_form="switch", efforts=("none", "high"))


def chat_call(*messages: Json, provider: str = "openai", **changes: Any) -> ProviderCall:
    """A call with these messages; `params` are its options, `body` what came on the same wire."""
    deployment = Deployment(provider, "m-upstream", f"https://{provider}.example/v1", engine="native")
    body = changes.pop("body", None)
    spoken = None if body is None else Spoken(OPENAI_CHAT.name, body)
    frame = {"params": {}, "max_output_tokens": 64, "timeout_s": 60.0, "request_id": "r", "spoken": spoken}
    fields: dict[str, Any] = {**frame, **changes}
    return ProviderCall(deployment, messages or (USER,), **fields)


def sent(*messages: Json, streams: bool = False, **changes: Any) -> dict[str, Any]:
    """The body that goes out."""
    return dict(OPENAI_CHAT_CODEC.request(chat_call(*messages, **changes), streams).body)


def dropped(*messages: Json, **changes: Any) -> tuple[str, ...]:
    """What is named as left out or changed."""
    return OPENAI_CHAT_CODEC.request(chat_call(*messages, **changes), False).dropped  # noqa: FBT003 - as every codec's


def event(delta: Any, finish: str | None = None, index: int = 0, **more: Any) -> dict[str, Any]:
    """A chunk as OpenAI sends it."""
    choice = {"index": index, "delta": delta, "finish_reason": finish}
    return {"id": "up-1", "object": "chat.completion.chunk", "created": 5, "choices": [choice], **more}


def read(*events: Json, **changes: Any) -> list[Chunk]:
    """What a reader makes of a stream: a chunk for each event, and the last one."""
    reader = OPENAI_CHAT_CODEC.reader(chat_call(**changes))
    return [*map(reader.chunk, events), reader.last()]


def forwarded(chunks: list[Chunk]) -> list[tuple[Any, Any]]:
    """Delta and finish of each first choice that goes on, in order; an event without choices is its usage."""
    gone = [one for chunk in chunks for one in chunk.forwarded]
    return [
        (one["choices"][0]["delta"], one["choices"][0]["finish_reason"]) if one["choices"] else ("usage", one["usage"])
        for one in gone
    ]
