"""What OpenAI's Responses API refuses, in its own words.

Rules as of 2026-11-29, from https://developers.openai.com/api/reference/resources/responses (fields and ranges),
https://developers.openai.com/api/docs/guides/function-calling (tools) and .../guides/migrate-to-responses (tools and
formats are flat here). Items, models and reasoning have modules of their own, with their pages.
"""

from __future__ import annotations

from typing import Any

from local.providers.model import Json, Refused
from local.providers.openai.chat_rules import check_shared_fields, check_strict
from local.providers.openai.input_items import check_input
from local.providers.openai.models_rules import FIXED_SAMPLING, check_effort, check_model, reasons
from local.providers.openai.tool_rules import check_choice, check_format, check_name, check_needs_tools
from local.providers.openai.wrong import check_one_of, check_range, missing, unknown_parameter, unknown_value

_FIELDS = frozenset(
    [
        "background",
        "context_management",
        "conversation",
        "include",
        "input",
        "instructions",
        "max_output_tokens",
        "max_tool_calls",
        "metadata",
        "model",
        "parallel_tool_calls",
        "previous_response_id",
        "prompt",
        "prompt_cache_key",
        "prompt_cache_retention",
        "reasoning",
        "safety_identifier",
        "service_tier",
        "store",
        "stream",
        "stream_options",
        "temperature",
        "text",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "truncation",
        "user",
    ]
)
_INCLUDES = (
    "code_interpreter_call.outputs",
    "computer_call_output.output.image_url",
    "file_search_call.results",
    "message.input_image.image_url",
    "message.output_text.logprobs",
    "reasoning.encrypted_content",
    "web_search_call.action.sources",
    "web_search_call.results",
)
_SERVER_TOOLS = (
    "apply_patch",
    "code_interpreter",
    "computer",
    "computer_use_preview",
    "file_search",
    "image_generation",
    "local_shell",
    "mcp",
    "namespace",
    "shell",
    "tool_search",
    "web_search",
    "web_search_preview",
)
_SUMMARIES = ("auto", "concise", "detailed")
_FORMATS = ("json_object", "json_schema", "text")
_SAMPLING = {"temperature": 2, "top_p": 1}
"""Parameters that models which reason do not take, with their highest values."""
_MIN_OUTPUT_TOKENS = 16
_MAX_TOP_LOGPROBS = 20


def check_responses(body: Json) -> None:
    """Raises Refused."""
    model = check_model(body)
    unknown = sorted(set(body) - _FIELDS)
    if unknown:
        raise unknown_parameter(unknown[0])
    check_input(body.get("input"), stored=body.get("store") is not False)
    _check_sampling(body, model)
    if body.get("max_output_tokens") is not None:
        check_range("max_output_tokens", body["max_output_tokens"], _MIN_OUTPUT_TOKENS, None)
    check_shared_fields({name: value for name, value in body.items() if name != "verbosity"})
    for index, name in enumerate(body.get("include") or ()):
        check_one_of(f"include[{index}]", name, _INCLUDES)
    _check_reasoning(body.get("reasoning") or {}, model)
    _check_tools(body)
    _check_text(body.get("text") or {})


def _check_sampling(body: Json, model: str) -> None:
    fixed = FIXED_SAMPLING.match(model) or ("gpt-5" in model and reasons((body.get("reasoning") or {}).get("effort")))
    for name, high in _SAMPLING.items():
        if body.get(name) is None:
            continue
        if fixed:
            raise Refused(f"Unsupported parameter: '{name}' is not supported with this model.", param=name)
        check_range(name, body[name], 0, high)
    if body.get("top_logprobs") is not None:
        check_range("top_logprobs", body["top_logprobs"], 0, _MAX_TOP_LOGPROBS)


def _check_reasoning(reasoning: Json, model: str) -> None:
    for name in sorted(set(reasoning) - {"effort", "generate_summary", "summary"}):
        raise unknown_parameter(f"reasoning.{name}")
    check_effort("reasoning.effort", reasoning.get("effort"), model)
    check_one_of("reasoning.summary", reasoning.get("summary"), _SUMMARIES)


def _check_tools(body: Json) -> None:
    for index, tool in enumerate(body.get("tools") or ()):
        kind = tool.get("type")
        if kind is None:
            raise missing(f"tools[{index}].type")
        if kind not in ("function", "custom", *_SERVER_TOOLS):
            raise unknown_value(f"tools[{index}].type", kind, ("function", "custom", *_SERVER_TOOLS))
        if kind in ("function", "custom"):
            check_name(tool, f"tools[{index}]")
        if kind == "custom":
            check_format(tool.get("format"), f"tools[{index}].format", nested=False)
    check_needs_tools(body)
    if body.get("tool_choice") is not None:
        names = [tool.get("name") for tool in body.get("tools") or ()]
        check_choice(body["tool_choice"], names, nested=False)


def _check_text(text: Any) -> None:
    check_one_of("text.verbosity", text.get("verbosity"), ("low", "medium", "high"))
    wanted = text.get("format") or {"type": "text"}
    check_one_of("text.format.type", wanted.get("type", ""), _FORMATS)
    if wanted["type"] == "json_schema":
        for name in ("name", "schema"):
            if name not in wanted:
                raise missing(f"text.format.{name}")
        check_strict(wanted, "text.format.schema")
