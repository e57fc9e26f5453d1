"""What Anthropic's Messages API refuses, in its own words.

Rules as of 2026-11-29, from https://platform.claude.com/docs/en/api/messages/create (fields and ranges),
https://platform.claude.com/docs/en/about-claude/models/whats-new-claude-4-5 and .../migration-guide (one sampling
parameter from 4.5 on, no prefilled answers from 4.6 on, no sampling parameters from 4.7 on) and
https://platform.claude.com/docs/en/build-with-claude/effort (efforts by model). The rules of blocks, thinking, tools,
schemas and breakpoints stand in the modules of these names, with their pages.
"""

from __future__ import annotations

import re
from typing import Any

from local.providers.anthropic.betas import check_beta_fields, fields_of_system
from local.providers.anthropic.blocks import check_content, check_list
from local.providers.anthropic.caching import check_breakpoints
from local.providers.anthropic.schemas import check_output_schema
from local.providers.anthropic.thinking import check_history, check_thinking
from local.providers.anthropic.tools import check_references, check_tools
from local.providers.model import Json, Refused

_FIELDS = frozenset(
    [
        "cache_control",
        "container",
        "context_management",
        "inference_geo",
        "max_tokens",
        "mcp_servers",
        "messages",
        "metadata",
        "model",
        "output_config",
        "output_format",
        "service_tier",
        "speed",
        "stop_sequences",
        "stream",
        "system",
        "temperature",
        "thinking",
        "tool_choice",
        "tools",
        "top_k",
        "top_p",
    ]
)
_COUNTED = frozenset(
    [
        "cache_control",
        "context_management",
        "mcp_servers",
        "messages",
        "model",
        "output_config",
        "output_format",
        "speed",
        "system",
        "thinking",
        "tool_choice",
        "tools",
    ]
)
"""Fields of token counting, https://platform.claude.com/docs/en/api/messages/count_tokens."""
_PREFILL = "This model does not support assistant message prefill. The conversation must end with a user message."
_VERSION = re.compile(r"claude-[a-z]+-(\d)(?:-(\d{1,2})(?!\d))?")
_ONE_SAMPLING = (4, 5)
_NO_PREFILL = (4, 6)
_NO_SAMPLING = (4, 7)
_EFFORTS = (
    (re.compile(r"claude-opus-4-5"), ("low", "medium", "high")),
    (re.compile(r"claude-(opus|sonnet)-4-6"), ("low", "medium", "high", "max")),
    (re.compile(r"claude-opus-4-[7-9]|claude-[a-z]+-[5-9]"), ("low", "medium", "high", "xhigh", "max")),
)
"""Which efforts a model takes; any other model takes none."""


def check_messages(body: Json, betas: frozenset[str], *, limits_output: bool) -> None:
    """Raises Refused. `limits_output` is true where `max_tokens` is required."""
    for name in sorted(set(body) - (_FIELDS if limits_output else _COUNTED)):
        raise Refused(f"{name}: Extra inputs are not permitted")
    check_beta_fields(body, betas)
    for name in ("model", "messages", "max_tokens") if limits_output else ("model", "messages"):
        if body.get(name) is None:
            raise Refused(f"{name}: Field required")
    model = str(body["model"])
    if not model.startswith("claude-"):
        raise Refused(None, kind="not_found", model=model)
    _check_numbers(body)
    version = _version(model)
    check_thinking(body, version, betas)
    _check_sampling(body, version)
    _check_fields(body, model)
    check_tools(body)
    check_list(body["messages"], model, fields_of_system(betas))
    check_references(body)
    check_breakpoints(body)
    check_history(body)
    if version >= _NO_PREFILL and body["messages"][-1]["role"] == "assistant":
        raise Refused(_PREFILL)


def _version(model: str) -> tuple[int, int]:
    """(4, 5) of `claude-opus-4-5-20251101`; (0, 0) of the names before Claude 4."""
    found = _VERSION.match(model)
    return (int(found[1]), int(found[2] or 0)) if found else (0, 0)


def _check_sampling(body: Json, version: tuple[int, int]) -> None:
    """Claude 4.5 takes one of the two parameters, Claude 4.7 none any more."""
    given = [name for name in ("temperature", "top_p", "top_k") if body.get(name) is not None]
    if version >= _NO_SAMPLING and given and body.get("temperature") != 1:
        raise Refused(f"`{given[0]}` is deprecated for this model.")
    if version >= _ONE_SAMPLING and given[:2] == ["temperature", "top_p"]:
        raise Refused("`temperature` and `top_p` cannot both be specified for this model. Please use only one.")


def _check_numbers(body: Json) -> None:
    limit = body.get("max_tokens")
    if limit is not None and (not isinstance(limit, int) or limit < 1):
        raise Refused("max_tokens: Input should be greater than or equal to 1")
    for name in ("temperature", "top_p"):
        if body.get(name) is not None and not 0 <= body[name] <= 1:
            raise Refused(f"{name}: range: 0..1")


def _check_fields(body: Json, model: str) -> None:
    check_stop_sequences(body.get("stop_sequences"))
    if isinstance(body.get("system"), list):
        check_content("system", body["system"])
    for name in sorted(set(body.get("metadata") or {}) - {"user_id"}):
        raise Refused(f"metadata.{name}: Extra inputs are not permitted")
    if body.get("service_tier") not in (None, "auto", "standard_only"):
        raise Refused("service_tier: Input should be 'auto' or 'standard_only'")
    _check_output(body, model)


def check_stop_sequences(sequences: Any) -> None:
    """Raises Refused."""
    if any(not sequence.strip() for sequence in sequences or ()):
        raise Refused("stop_sequences: each stop sequence must contain non-whitespace")


def _check_output(body: Json, model: str) -> None:
    config = body.get("output_config") or {}
    for name in sorted(set(config) - {"effort", "format", "task_budget"}):
        raise Refused(f"output_config.{name}: Extra inputs are not permitted")
    if config.get("effort") is not None:
        _check_effort(str(config["effort"]), model)
    for at, wanted in (("output_config.format", config.get("format")), ("output_format", body.get("output_format"))):
        if wanted is None:
            continue
        if wanted.get("type") != "json_schema":
            raise Refused(f"{at}.type: Input should be 'json_schema'")
        check_output_schema(f"{at}.schema", wanted.get("schema"))


def _check_effort(effort: str, model: str) -> None:
    levels = next((levels for pattern, levels in _EFFORTS if pattern.match(model)), None)
    if levels is None:
        raise Refused("This model does not support the effort parameter.")
    if effort not in levels:
        listed = ", ".join(f"'{level}'" for level in levels[:-1])
        raise Refused(f"output_config.effort: Input should be {listed} or '{levels[-1]}'")
