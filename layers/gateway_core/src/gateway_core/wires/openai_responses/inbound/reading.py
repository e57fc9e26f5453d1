"""A request of the caller's in the chat form, with what of it only OpenAI's Responses can say.

Docs: https://platform.openai.com/docs/api-reference/responses/create.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gateway_core.domain.chat import Json, Spoken
from gateway_core.wires.openai_responses.inbound.conversation import (
    CALLS,
    OUTPUTS,
    conversation_of,
    items_of,
    kind_of,
)
from gateway_core.wires.openai_responses.inbound.names import ToolNames
from gateway_core.wires.openai_responses.inbound.paths import Paths
from gateway_core.wires.openai_responses.inbound.tools import (
    RUN_BY_CLIENTS,
    WEB_SEARCH,
    FunctionTools,
    has_grammar,
    is_web_search,
    sent_choice,
    sent_tools,
)
from gateway_core.wires.openai_responses.record import OPENAI_RESPONSES
from gateway_core.wires.shapes import items, mapping

_SAME_NAME = (
    "parallel_tool_calls",
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
    "service_tier",
    "temperature",
    "top_logprobs",
    "top_p",
)
LOGPROBS = "message.output_text.logprobs"
_ONLY_HERE = {
    "apply_patch_call": "patches by calls of apply_patch",
    "apply_patch_call_output": "patches by calls of apply_patch",
    "compaction": "the compacted part of a conversation",
    "compaction_trigger": "a request to compact the conversation",
    "local_shell_call": "calls of local_shell",
    "local_shell_call_output": "calls of local_shell",
    "shell_call": "calls of shell",
    "shell_call_output": "calls of shell",
    "tool_search_call": "searches for tools",
    "tool_search_output": "searches for tools",
}
"""Items of the history that hold what the model has to know, and that only OpenAI's models read."""
_IN_CHAT = CALLS | OUTPUTS | {"message"}


@dataclass(frozen=True, slots=True)
class AskedResponse:
    """A request in the chat form. `names` and `paths` lead back to the caller's own words."""

    messages: tuple[Json, ...]
    params: Json
    spoken: Spoken
    names: ToolNames
    paths: Paths


def read(body: Json) -> AskedResponse:
    """The request in a body whose form was checked."""
    names = ToolNames(sent_tools(body))
    talk, tools = conversation_of(body, names), FunctionTools(body, names)
    spoken = Spoken(
        OPENAI_RESPONSES.name,
        body,
        bound=tuple(_bound(body)),
        unsaid=tuple(sorted(set(_unsaid(body)))),
        demands=tuple(_demands(body)),
        beside=tuple(_beside(body)),
    )
    return AskedResponse(talk.messages, _params(body, tools), spoken, names, Paths(talk.places, tools.places))


def _params(body: Json, tools: FunctionTools) -> dict[str, Any]:
    params = {name: body[name] for name in _SAME_NAME if body.get(name) is not None}
    text, choice = mapping(body.get("text")), sent_choice(body)
    told = {
        "reasoning_effort": mapping(body.get("reasoning")).get("effort"),
        "response_format": _format(mapping(text.get("format"))),
        "verbosity": text.get("verbosity"),
        "tools": tools.tools or None,
        "tool_choice": None if choice is None else tools.choice(choice),
    }
    return {**params, **{name: value for name, value in told.items() if value is not None}}


def _format(form: Json) -> Json | None:
    if form.get("type") != "json_schema":
        return form or None
    named = {name: form[name] for name in ("name", "description", "schema", "strict") if form.get(name) is not None}
    return {"type": "json_schema", "json_schema": named}


def _bound(body: Json) -> Iterator[tuple[str, str]]:
    """What no other wire can say, and whose absence would change the answer."""
    for index, tool in enumerate(sent_tools(body)):
        if tool.get("type") in RUN_BY_CLIENTS:
            yield f"tools.{index}", f"does not know the tool {tool['type']} (tools.{index})"
    for index, item in enumerate(items_of(body)):
        if why := _ONLY_HERE.get(kind_of(item)):
            yield f"input.{index}", f"cannot read {why} (input.{index})"
        if kind_of(item) in OUTPUTS and (path := _file_path(item)):
            yield f"input.{index}.{path}", f"does not take files in the result of a tool (input.{index}.{path})"
    if body.get("top_logprobs") or LOGPROBS in items(body.get("include")):
        field = "top_logprobs" if body.get("top_logprobs") else "include"
        yield field, f"gives no log probabilities ({field})"


def _file_path(output: Json) -> str:
    parts = enumerate(map(mapping, items(output.get("output"))))
    return next((f"output.{index}" for index, part in parts if part.get("type") == "input_file"), "")


def _unsaid(body: Json) -> Iterator[str]:
    """What others are not told, and whose absence changes no answer."""
    tools = [mapping(tool) for tool in items(body.get("tools"))]
    if any(map(is_web_search, tools)):
        yield WEB_SEARCH
    if has_grammar(tools):
        yield "tools.format"
    if any(item.get("encrypted_content") for item in items_of(body)):
        yield "encrypted_content"
    if any(kind_of(item) == "web_search_call" for item in items_of(body)):
        yield "web_search_call"
    if body.get("truncation") == "auto":
        yield "truncation"
    if body.get("store"):
        yield "store"
    if mapping(body.get("reasoning")).get("context"):
        yield "reasoning.context"
    yield from (name for name in ("moderation", "prompt_cache_options") if body.get(name))


def _demands(body: Json) -> Iterator[tuple[str, str]]:
    """What a model on this wire has to be able to do, though the chat form does without."""
    customs = (index for index, tool in enumerate(sent_tools(body)) if tool.get("type") == "custom")
    yield from (("custom_tools", f"tools.{index}") for index in customs)


def _beside(body: Json) -> Iterator[Json]:
    """What OpenAI is sent and the chat form has not: sealed reasoning, what a client's tools did, namespaces."""
    yield from (item for item in items_of(body) if kind_of(item) not in _IN_CHAT)
    for tool in sent_tools(body):
        if tool.get("type") not in ("function", "custom"):
            yield {name: value for name, value in tool.items() if name != "tools"}
