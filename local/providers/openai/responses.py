"""OpenAI Responses: reading requests and rendering whole answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, override

from local.providers.content import last_said, read_content
from local.providers.model import (
    Failure,
    Frame,
    Generation,
    Json,
    Prompt,
    Reply,
    Request,
    Stamp,
    Tokens,
    Tool,
    ToolCall,
)
from local.providers.openai.base import OpenAIWire
from local.providers.openai.input_items import CALLS
from local.providers.openai.likelihoods import logprobs_of
from local.providers.openai.models_rules import reasons
from local.providers.openai.reasoning_items import reasoning_item
from local.providers.openai.responses_rules import check_responses
from local.providers.openai.responses_stream import ResponseStream, failed_event, in_band_event
from local.providers.openai.responses_tools import callable_tools
from local.providers.script import script_of
from local.providers.tokens import MESSAGE_TOKENS, count_json

_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter", "blocked": "content_filter"}
_TIERS = ("flex", "priority")
_TOO_LONG = "Your input exceeds the context window of this model. Please adjust your input and try again."


class OpenAIResponses(OpenAIWire):
    """POST /v1/responses."""

    @override
    def read(self, request: Request) -> Prompt:
        body = request.body
        check_responses(body)
        items = _items(body["input"])
        tokens = sum(_item_tokens(item) for item in items) + count_json(body.get("tools"))
        texts = [_said(item) for item in items if item.get("role") == "user"]
        return Prompt(
            model=body["model"],
            user_text=texts[-1] if texts else "",
            input_tokens=tokens + read_content(body.get("instructions")).tokens,
            max_tokens=body.get("max_output_tokens"),
            tools=_tools(body),
            forced=_forced(body),
            schema=_schema(body),
            stream=body.get("stream") is True,
            thinking=reasons((body.get("reasoning") or {}).get("effort")),
            answered=str(last_said(items).get("type")).endswith("_call_output"),
            script=script_of((item.get("role", "tool"), _said(item), item.get("type") in CALLS) for item in items),
            body=body,
        )

    @override
    def whole(self, prompt: Prompt, generation: Generation, stamp: Stamp) -> Json:
        reason = _INCOMPLETE.get(generation.finish)
        body = skeleton(prompt, stamp) | {
            "status": "incomplete" if reason else "completed",
            "incomplete_details": {"reason": reason} if reason else None,
            "usage": _usage(generation.tokens),
        }
        body["output"] = output_items(prompt, generation, stamp, "incomplete" if reason else "completed")
        return body

    @override
    def frames(self, prompt: Prompt, generation: Generation, stamp: Stamp) -> Iterator[Frame]:
        whole = self.whole(prompt, generation, stamp)
        return ResponseStream(skeleton(prompt, stamp), whole, len(generation.reasoning)).frames()

    @override
    def failure(self, failure: Failure) -> Reply:
        if failure.kind == "context_length" and not failure.message:
            failure = replace(failure, message=_TOO_LONG, param="input")
        return super().failure(failure)

    @override
    def in_band(self, failure: Failure) -> bytes:
        return in_band_event(self.error_of(failure), failure.sent)

    @override
    def failed(self, failure: Failure, prompt: Prompt, stamp: Stamp) -> bytes:
        error = self.error_of(failure)
        told = {"code": error["code"] or error["type"], "message": error["message"]}
        return failed_event(skeleton(prompt, stamp) | {"status": "failed", "error": told}, failure.sent)


def skeleton(prompt: Prompt, stamp: Stamp) -> Json:
    """A response that has just begun."""
    body = prompt.body
    return {
        "id": f"resp_{stamp.hex(48, 'response')}",
        "object": "response",
        "created_at": stamp.created,
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "max_output_tokens": prompt.max_tokens,
        "max_tool_calls": None,
        "model": prompt.model,
        "output": [],
        "parallel_tool_calls": body.get("parallel_tool_calls", True),
        "previous_response_id": body.get("previous_response_id"),
        "reasoning": {"effort": (body.get("reasoning") or {}).get("effort"), "summary": None},
        "prompt_cache_key": body.get("prompt_cache_key"),
        "prompt_cache_retention": body.get("prompt_cache_retention"),
        "safety_identifier": body.get("safety_identifier"),
        "service_tier": body["service_tier"] if body.get("service_tier") in _TIERS else "default",
        "store": body.get("store", True),
        "temperature": body.get("temperature", 1.0),
        "text": body.get("text") or {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": body.get("tool_choice", "auto"),
        "tools": body.get("tools") or [],
        "top_logprobs": 0,
        "top_p": body.get("top_p", 1.0),
        "truncation": body.get("truncation", "disabled"),
        "usage": None,
        "user": None,
        "metadata": body.get("metadata") or {},
    }


def output_items(prompt: Prompt, generation: Generation, stamp: Stamp, status: str) -> list[Json]:
    """Reasoning, message and calls, in that order."""
    if generation.finish == "empty":
        return []
    items: list[Json] = []
    if generation.reasoning:
        items.append(reasoning_item(prompt.body, f"rs_{stamp.hex(48, 'reasoning')}", generation.thought))
    if generation.text or not generation.calls:
        items.append(_message(prompt, generation, stamp, status))
    return items + [_call(call, stamp, index, status) for index, call in enumerate(generation.calls)]


def _call(call: ToolCall, stamp: Stamp, index: int, status: str) -> Json:
    custom = call.kind == "custom"
    item = {
        "id": f"{'ctc' if custom else 'fc'}_{stamp.hex(48, f'call{index}')}",
        "type": "custom_tool_call" if custom else "function_call",
        "status": status,
        "input" if custom else "arguments": call.arguments,
        "call_id": f"call_{stamp.hex(24, f'call{index}')}",
        "name": call.name,
    }
    return item | ({"namespace": call.namespace} if call.namespace else {})


def _message(prompt: Prompt, generation: Generation, stamp: Stamp, status: str) -> Json:
    part: Json = {"type": "output_text", "annotations": [], "logprobs": [], "text": generation.said}
    if generation.refused:
        part = {"type": "refusal", "refusal": generation.said}
    elif "message.output_text.logprobs" in (prompt.body.get("include") or ()):
        likely = logprobs_of(prompt.body | {"logprobs": True}, generation)
        part["logprobs"] = likely["content"] if likely else []
    identifier = f"msg_{stamp.hex(48, 'message')}"
    return {"id": identifier, "type": "message", "status": status, "content": [part], "role": "assistant"}


def _usage(tokens: Tokens) -> Json:
    return {
        "input_tokens": tokens.input,
        "input_tokens_details": {"cached_tokens": tokens.cached},
        "output_tokens": tokens.output,
        "output_tokens_details": {"reasoning_tokens": tokens.reasoning},
        "total_tokens": tokens.total,
    }


def _items(given: Any) -> list[Json]:
    return [{"role": "user", "content": given}] if isinstance(given, str) else list(given)


def _said(item: Json) -> str:
    return read_content(item.get("content")).text if item.get("role") == "user" else ""


def _item_tokens(item: Json) -> int:
    if "role" in item:
        return read_content(item.get("content")).tokens + MESSAGE_TOKENS
    return count_json({key: value for key, value in item.items() if key not in ("type", "id", "status")})


def _tools(body: Json) -> tuple[Tool, ...]:
    if body.get("tool_choice") == "none":
        return ()
    choice = body.get("tool_choice")
    tools = [
        Tool(tool["name"], tool.get("parameters") or {}, tool["type"], namespace)
        for namespace, tool in callable_tools(body)
    ]
    if isinstance(choice, dict) and choice.get("type") == "allowed_tools":
        allowed = [tool.get("name") for tool in choice["tools"]]
        return tuple(tool for tool in tools if tool.name in allowed)
    return tuple(tools)


def _forced(body: Json) -> str | None:
    choice = body.get("tool_choice")
    if isinstance(choice, dict) and choice.get("type") == "allowed_tools":
        choice = choice["mode"]
    if isinstance(choice, dict):
        return str(choice.get("name", "*"))
    return "*" if choice == "required" else None


def _schema(body: Json) -> Json | None:
    wanted = (body.get("text") or {}).get("format") or {"type": "text"}
    if wanted["type"] == "json_schema":
        return dict(wanted.get("schema", {}))
    return {} if wanted["type"] == "json_object" else None
