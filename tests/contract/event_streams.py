"""The same answer as a stream of each wire's, as events to be cut, turned around and sent by a provider of bytes."""

from __future__ import annotations

from typing import Any

from gateway_core.domain.chat import Json

WORDS = [f"otter{number} swims " for number in range(8)]
INPUT, OUTPUT = 20, 90
"""What providers report; tokenisers count less of both."""


def chat(delta: Json | None = None, finish: str | None = None, index: int = 0, **more: Any) -> dict[str, Any]:
    """A chunk of OpenAI's; without a delta it has no choice."""
    choices = [] if delta is None else [{"index": index, "delta": delta, "finish_reason": finish}]
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices, **more}


def used(read: int, written: int) -> dict[str, int]:
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


def gemini(text: str, finish: str = "", written: int = 0) -> dict[str, Any]:
    candidate = {"index": 0, "content": {"role": "model", "parts": [{"text": text}]}}
    usage = {"promptTokenCount": INPUT, "candidatesTokenCount": written, "totalTokenCount": INPUT + written}
    return {"candidates": [candidate | ({"finishReason": finish} if finish else {})], "usageMetadata": usage}


def claude(text: str) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}


def response(kind: str, status: str, usage: Json | None = None) -> dict[str, Any]:
    item = {"type": "message", "id": "m", "role": "assistant", "status": "completed"}
    said = [{"type": "output_text", "text": "".join(WORDS), "annotations": []}]
    output = [{**item, "content": said}] if status == "completed" else []
    whole = {"id": "r", "object": "response", "created_at": 1, "model": "m", "status": status, "output": output}
    return {"type": kind, "response": {**whole, "usage": usage}}


def text_of_response(text: str) -> dict[str, Any]:
    return {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "item_id": "m", "delta": text}


ROLE = chat({"role": "assistant", "content": ""})
SPOKEN = [ROLE, *(chat({"content": word}) for word in WORDS)]
STOP = chat({}, "stop")
OPENAI: list[Any] = [*SPOKEN, STOP, chat(usage=used(INPUT, OUTPUT)), "[DONE]"]
CLAUDE: list[Any] = [
    {
        "type": "message_start",
        "message": {"id": "m", "type": "message", "role": "assistant", "model": "m", "content": []}
        | {"usage": {"input_tokens": INPUT, "output_tokens": 1}},
    },
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    *map(claude, WORDS),
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": OUTPUT}},
    {"type": "message_stop"},
]
GEMINI: list[Any] = [*(gemini(word, "", 3) for word in WORDS[:-1]), gemini(WORDS[-1], "STOP", OUTPUT)]
RESPONSES: list[Any] = [
    response("response.created", "in_progress"),
    *map(text_of_response, WORDS),
    response("response.completed", "completed", {"input_tokens": INPUT, "output_tokens": OUTPUT, "total_tokens": 110}),
]
STREAMS = {
    "gpt-5.1": OPENAI,
    "deepseek-v3.2": OPENAI,
    "claude-haiku-3.5": CLAUDE,
    "gemini-flash": GEMINI,
    "codex-max": RESPONSES,
}
