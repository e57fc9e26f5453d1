"""The messages of Gemini's API, field by field: what is not one of them is refused by name, as google.rpc does.

Fields as of 2026-11-29, from https://ai.google.dev/api/generate-content and https://ai.google.dev/api/caching (Content,
Part, Tool, FunctionDeclaration, Schema). JSON names may be written in camelCase or in snake_case.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from local.providers.model import Json

_SNAKE = re.compile(r"_([a-z])")
_CAMEL = re.compile(r"[A-Z]")
_SCALARS = (
    "description", "enum", "example", "format", "maxItems", "maxLength", "maxProperties", "maximum", "minItems",
    "minLength", "minProperties", "minimum", "nullable", "pattern", "propertyOrdering", "required", "title", "default",
)  # fmt: skip
_SPEC: dict[str, dict[str, str]] = {
    "Request": {
        "cachedContent": "",
        "contents": "Content[]",
        "generationConfig": "GenerationConfig",
        "labels": "",
        "model": "",
        "safetySettings": "SafetySetting[]",
        "serviceTier": "",
        "store": "",
        "systemInstruction": "Content",
        "toolConfig": "ToolConfig",
        "tools": "Tool[]",
    },
    "Content": {"parts": "Part[]", "role": ""},
    "Part": {
        "codeExecutionResult": "",
        "executableCode": "",
        "fileData": "FileData",
        "functionCall": "FunctionCall",
        "functionResponse": "FunctionResponse",
        "inlineData": "Blob",
        "mediaResolution": "",
        "partMetadata": "",
        "text": "",
        "thought": "",
        "thoughtSignature": "",
        "toolCall": "",
        "toolResponse": "",
        "videoMetadata": "",
    },
    "Blob": {"data": "", "mimeType": ""},
    "FileData": {"fileUri": "", "mimeType": ""},
    "FunctionCall": {"args": "", "id": "", "name": ""},
    "FunctionResponse": {"id": "", "name": "", "parts": "", "response": "", "scheduling": "", "willContinue": ""},
    "GenerationConfig": dict.fromkeys(
        [
            "audioTimestamp", "candidateCount", "enableEnhancedCivicAnswers", "frequencyPenalty", "imageConfig",
            "logprobs", "maxOutputTokens", "mediaResolution", "presencePenalty", "responseFormat", "responseJsonSchema",
            "_responseJsonSchema", "responseLogprobs", "responseMimeType", "responseModalities", "seed",
            "speechConfig", "stopSequences", "temperature", "topK", "topP",
        ],
        "",
    )
    | {"responseSchema": "Schema", "thinkingConfig": "ThinkingConfig"},
    "ThinkingConfig": {"includeThoughts": "", "thinkingBudget": "", "thinkingLevel": ""},
    "SafetySetting": {"category": "", "threshold": ""},
    "ToolConfig": {"functionCallingConfig": "FunctionCallingConfig", "includeServerSideToolInvocations": "",
                   "retrievalConfig": ""},
    "FunctionCallingConfig": {"allowedFunctionNames": "", "mode": "", "streamFunctionCallArguments": ""},
    "Tool": {
        "codeExecution": "",
        "computerUse": "",
        "fileSearch": "",
        "functionDeclarations": "FunctionDeclaration[]",
        "googleMaps": "",
        "googleSearch": "",
        "googleSearchRetrieval": "",
        "mcpServers": "",
        "urlContext": "",
    },
    "FunctionDeclaration": {
        "behavior": "",
        "description": "",
        "name": "",
        "parameters": "Schema",
        "parametersJsonSchema": "",
        "response": "Schema",
        "responseJsonSchema": "",
    },
    "Schema": dict.fromkeys(_SCALARS, "") | {"anyOf": "Schema[]", "items": "Schema", "properties": "Schema{}",
                                             "type": "one"},
}  # fmt: skip
"""Of each message its fields and their types: "" is not looked into, "one" must not be a list."""


def get(body: Json, name: str, default: Any = None) -> Any:
    """A field by its JSON name, in either spelling."""
    return body[name] if name in body else body.get(snake(name), default)


def snake(name: str) -> str:
    return _CAMEL.sub(lambda match: "_" + match[0].lower(), name)


def camel(name: str) -> str:
    return name[0] + _SNAKE.sub(lambda match: match[1].upper(), name[1:]) if name else name


def violations(body: Json) -> list[tuple[str, str]]:
    """Where a field that is none stands, and what is wrong with it, for every one."""
    return list(_walk(body, "Request", ""))


def _walk(value: Any, message: str, at: str) -> Iterator[tuple[str, str]]:
    if not isinstance(value, dict):
        return
    for name, inner in value.items():
        kind = _SPEC[message].get(camel(name))
        place = f" at '{at}'" if at else ""
        if kind is None:
            yield at, f'Invalid JSON payload received. Unknown name "{name}"{place}: Cannot find field.'
        elif kind == "one" and isinstance(inner, list):
            problem = f'Invalid JSON payload received. Unknown name "{name}"{place}: Proto field is not repeating, '
            yield at, problem + "cannot start list."
        else:
            yield from _inner(inner, kind, f"{at}.{snake(name)}" if at else snake(name))


def _inner(value: Any, kind: str, at: str) -> Iterator[tuple[str, str]]:
    if kind.endswith("[]") and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _walk(item, kind[:-2], f"{at}[{index}]")
    elif kind.endswith("{}") and isinstance(value, dict):
        for index, item in enumerate(value.values()):
            yield from _walk(item, kind[:-2], f"{at}[{index}].value")
    elif kind.rstrip("[]{}") in _SPEC:
        yield from _walk(value, kind.rstrip("[]{}"), at)
