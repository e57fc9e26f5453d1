"""What OpenAI's Responses API refuses, in its own words.

Rules as of 2026-11-29, from https://developers.openai.com/api/reference/resources/responses (fields and ranges),
https://developers.openai.com/api/docs/guides/migrate-to-responses (formats are flat here) and
https://developers.openai.com/api/docs/guides/conversation-state (what is not stored cannot be referred to; nothing is
stored here). `client_metadata` is on no page: Codex CLI 0.171 sends it with every request, strings by name. Items,
tools, models and reasoning have modules of their own, with their pages.
"""

from __future__ import annotations

from typing import Any

from local.providers.model import Json, Refused
from local.providers.openai.chat_rules import check_shared_fields, check_strict
from local.providers.openai.input_items import check_input
from local.providers.openai.models_rules import FIXED_SAMPLING, check_effort, check_model, reasons
from local.providers.openai.responses_tools import check_tools
from local.providers.openai.wrong import check_one_of, check_range, invalid_type, missing, unknown_parameter

_FIELDS = frozenset(
    [
        "background",
        "client_metadata",
        "context_management",
        "conversation",
        "include",
        "input",
        "instructions",
        "max_output_tokens",
        "max_tool_calls",
        "metadata",
        "model",
        "moderation",
        "parallel_tool_calls",
        "previous_response_id",
        "prompt",
        "prompt_cache_key",
        "prompt_cache_options",
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
    _check_state(body)
    _check_sampling(body, model)
    if body.get("max_output_tokens") is not None:
        check_range("max_output_tokens", body["max_output_tokens"], _MIN_OUTPUT_TOKENS, None)
    check_shared_fields({name: value for name, value in body.items() if name != "verbosity"})
    for index, name in enumerate(body.get("include") or ()):
        check_one_of(f"include[{index}]", name, _INCLUDES)
    _check_reasoning(body.get("reasoning") or {}, model)
    check_tools(body)
    _check_text(body.get("text") or {})


def _check_state(body: Json) -> None:
    """What refers to another response, and what the client says of itself."""
    previous = body.get("previous_response_id")
    if previous is not None:
        message = f"Previous response with id '{previous}' not found."
        raise Refused(message, param="previous_response_id", code="previous_response_not_found")
    for name, value in (body.get("client_metadata") or {}).items():
        if not isinstance(value, str):
            raise invalid_type(f"client_metadata.{name}", "a string")


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


def _check_text(text: Any) -> None:
    check_one_of("text.verbosity", text.get("verbosity"), ("low", "medium", "high"))
    wanted = text.get("format") or {"type": "text"}
    check_one_of("text.format.type", wanted.get("type", ""), _FORMATS)
    if wanted["type"] == "json_schema":
        for name in ("name", "schema"):
            if name not in wanted:
                raise missing(f"text.format.{name}")
        check_strict(wanted, "text.format.schema")
