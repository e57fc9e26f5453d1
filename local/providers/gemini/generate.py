"""Gemini generateContent, streamGenerateContent and countTokens."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import override

from local.providers.content import last_text, read_content
from local.providers.gemini.base import GeminiWire
from local.providers.gemini.contents import parts_with
from local.providers.gemini.proto import get
from local.providers.gemini.rules import check_model, check_request
from local.providers.gemini.signatures import signature_of
from local.providers.gemini.tools import calling_of, declared_of
from local.providers.generation import call_tokens
from local.providers.model import Frame, Generation, Json, Prompt, Request, Stamp, Tokens, Tool
from local.providers.script import script_of
from local.providers.tokens import MESSAGE_TOKENS, count_json
from local.providers.wire import dumps

_FINISH = {
    "content_filter": "SAFETY",
    "length": "MAX_TOKENS",
    "pause": "STOP",
    "stop": "STOP",
    "tool_calls": "STOP",
}
_HARM = "HARM_CATEGORY_DANGEROUS_CONTENT"


class GeminiGenerate(GeminiWire):
    """POST /v1beta/models/{model}:generateContent."""

    streams = False

    @override
    def read(self, request: Request) -> Prompt:
        body = request.body
        model = check_model(request)
        check_request(body, model)
        config = get(body, "generationConfig") or {}
        contents = [(content.get("role", "user"), read_content(content["parts"])) for content in body["contents"]]
        system = get(body, "systemInstruction") or {}
        tokens = sum(content.tokens + MESSAGE_TOKENS for _, content in contents)
        return Prompt(
            model=model,
            user_text=last_text(content.text for role, content in contents if role == "user"),
            input_tokens=tokens + read_content(system.get("parts")).tokens + count_json(body.get("tools")),
            max_tokens=get(config, "maxOutputTokens"),
            stop=tuple(get(config, "stopSequences") or ()),
            tools=_tools(body),
            forced=_forced(body),
            schema=_schema(config),
            stream=self.streams,
            thinking=_thinks(config),
            answered=bool(parts_with(body["contents"][-1], "functionResponse")),
            script=script_of(
                (role, content.text, bool(parts_with(turn, "functionCall")))
                for turn, (role, content) in zip(body["contents"], contents, strict=True)
            ),
            body=body,
        )

    @override
    def whole(self, prompt: Prompt, generation: Generation, stamp: Stamp) -> Json:
        if generation.finish == "blocked":
            return _blocked(prompt, generation, stamp)
        if generation.finish == "empty":
            return {"candidates": []} | _trailer(prompt, generation.tokens, stamp)
        parts = _thoughts(prompt, generation.thought) + _spoken(generation)
        candidate = _candidate(parts, generation)
        return {"candidates": [candidate]} | _trailer(prompt, generation.tokens, stamp)

    @override
    def frames(self, prompt: Prompt, generation: Generation, stamp: Stamp) -> Iterator[Frame]:
        """Each chunk is a whole response; usage grows, and the finish reason comes with the last one."""
        if generation.finish in ("blocked", "empty"):
            yield _frame(self.whole(prompt, generation, stamp))
            return
        sent = Tokens(input=generation.tokens.input, cached=generation.tokens.cached)
        for parts, tokens, thoughts in _chunks(prompt, generation):
            sent = replace(sent, output=sent.output + tokens, reasoning=sent.reasoning + thoughts)
            yield _frame({"candidates": [_candidate(parts)]} | _trailer(prompt, sent, stamp), tokens)
        last = _candidate([{"text": ""}] if generation.text or generation.calls else [], generation)
        yield _frame({"candidates": [last]} | _trailer(prompt, generation.tokens, stamp))


class GeminiStream(GeminiGenerate):
    """POST /v1beta/models/{model}:streamGenerateContent?alt=sse."""

    streams = True


class GeminiCountTokens(GeminiGenerate):
    """POST /v1beta/models/{model}:countTokens. The request may stand in a `generateContentRequest`."""

    endpoint = "count_tokens"

    @override
    def read(self, request: Request) -> Prompt:
        inner = request.body.get("generateContentRequest")
        return super().read(replace(request, body=inner) if inner else request)

    @override
    def whole(self, prompt: Prompt, generation: Generation, stamp: Stamp) -> Json:
        total = prompt.input_tokens
        return {"totalTokens": total, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": total}]}


def _chunks(prompt: Prompt, generation: Generation) -> Iterator[tuple[list[Json], int, int]]:
    """Parts, their tokens, and how many of those are thoughts. Hidden thoughts count with the first thing shown."""
    shown = _shows_thoughts(prompt)
    for piece in generation.reasoning if shown else ():
        yield [{"text": piece, "thought": True}], 1, 1
    hidden = 0 if shown else len(generation.reasoning)
    spoken = [({"text": piece}, 1) for piece in generation.text]
    called = [(part, call_tokens(call)) for part, call in zip(_called(generation), generation.calls, strict=True)]
    for part, tokens in spoken + called:
        yield [part], tokens + hidden, hidden
        hidden = 0


def _candidate(parts: list[Json], ended: Generation | None = None) -> Json:
    """One candidate; `ended` gives the last one its finish reason. An empty answer has no parts."""
    candidate: Json = {"content": ({"parts": parts} if parts else {}) | {"role": "model"}, "index": 0}
    if ended is None:
        return candidate
    candidate["finishReason"] = _FINISH[ended.finish]
    if ended.finish == "content_filter":
        candidate["safetyRatings"] = [{"category": _HARM, "probability": "HIGH", "blocked": True}]
    return candidate


def _trailer(prompt: Prompt, tokens: Tokens, stamp: Stamp) -> Json:
    """`candidatesTokenCount` is without thoughts, `promptTokenCount` with what was cached."""
    usage: Json = {
        "promptTokenCount": tokens.input,
        "candidatesTokenCount": tokens.output - tokens.reasoning,
        "totalTokenCount": tokens.total,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": tokens.input}],
    }
    if tokens.cached:
        usage["cachedContentTokenCount"] = tokens.cached
        usage["cacheTokensDetails"] = [{"modality": "TEXT", "tokenCount": tokens.cached}]
    if tokens.reasoning:
        usage["thoughtsTokenCount"] = tokens.reasoning
    return {"usageMetadata": usage, "modelVersion": prompt.model, "responseId": stamp.hex(22, "response")}


def _blocked(prompt: Prompt, generation: Generation, stamp: Stamp) -> Json:
    """A refused prompt: no candidates, and only the input counts."""
    rating = {"category": _HARM, "probability": "HIGH"}
    trailer = _trailer(prompt, generation.tokens, stamp)
    del trailer["usageMetadata"]["candidatesTokenCount"]
    return {"promptFeedback": {"blockReason": "SAFETY", "safetyRatings": [rating]}} | trailer


def _thoughts(prompt: Prompt, thought: str) -> list[Json]:
    return [{"text": thought, "thought": True}] if thought and _shows_thoughts(prompt) else []


def _spoken(generation: Generation) -> list[Json]:
    return [{"text": generation.said}] if generation.text else _called(generation)


def _called(generation: Generation) -> list[Json]:
    """Parallel calls have one signature between them. A call without arguments has no `args` at all."""
    parts: list[Json] = []
    for call in generation.calls:
        arguments = json.loads(call.arguments or "{}")
        function = {"name": call.name} | ({"args": arguments} if arguments else {})
        signature = {} if parts else {"thoughtSignature": signature_of(call.name)}
        parts.append({"functionCall": function} | signature)
    return parts


def _frame(body: Json, tokens: int = 0) -> Frame:
    return Frame(b"data: " + dumps(body) + b"\r\n\r\n", tokens)


def _thinking_config(config: Json) -> Json:
    return get(config, "thinkingConfig") or {}


def _thinks(config: Json) -> bool:
    thinking = _thinking_config(config)
    return thinking.get("thinkingBudget", 0) != 0 or bool(thinking.get("thinkingLevel"))


def _shows_thoughts(prompt: Prompt) -> bool:
    config = get(prompt.body, "generationConfig") or {}
    return bool(_thinking_config(config).get("includeThoughts"))


def _tools(body: Json) -> tuple[Tool, ...]:
    if calling_of(body).get("mode") == "NONE":
        return ()
    return tuple(
        Tool(item["name"], item.get("parameters") or get(item, "parametersJsonSchema") or {})
        for item in declared_of(body)
    )


def _forced(body: Json) -> str | None:
    calling = calling_of(body)
    if calling.get("mode") != "ANY":
        return None
    return str((get(calling, "allowedFunctionNames") or ["*"])[0])


def _schema(config: Json) -> Json | None:
    if get(config, "responseMimeType") != "application/json":
        return None
    for name in ("responseJsonSchema", "response_json_schema", "responseSchema", "response_schema"):
        if config.get(name):
            return dict(config[name])
    return {}
