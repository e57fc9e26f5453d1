"""Requests on Anthropic's wire on their way to Anthropic, for models of several rules."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gateway_core.domain.chat import Deployment, ProviderCall
from gateway_core.domain.model_rules import ModelRules
from gateway_core.wires.anthropic.codec import ANTHROPIC_CODEC
from gateway_core.wires.anthropic.inbound.request import inbound
from gateway_core.wires.codec import UpstreamRequest
from tests.unit.wires import claude

MARK = {"type": "ephemeral"}
OPUS_45 = replace(claude.BY_BUDGET, output_efforts=("low", "medium", "high"), edits_context=True)
HAIKU_45 = replace(claude.BY_BUDGET, edits_context=True)
SONNET_46 = replace(claude.ADAPTIVE, takes_budgets=True, edits_context=True)
OPUS_48 = replace(
    claude.ADAPTIVE, takes_late_system=True, edits_context=True, refuses=frozenset({"temperature", "top_k"})
)
ALWAYS = replace(OPUS_48, thinks="always", efforts=("low", "high"))
THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "sig"}
OWN = {"type": "thinking", "thinking": "so", "signature": "llm-gateway"}
Q = {"role": "user", "content": "q"}
USE = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "r"}
TOOLS = [{"name": "f", "input_schema": {"type": "object"}}]
CLEARS = {"type": "clear_thinking_20251015", "keep": "all"}
CLEARS_TOOLS = {"type": "clear_tool_uses_20250919"}
BUDGET = {"type": "enabled", "budget_tokens": 2000}


def forward(
    rules: ModelRules = SONNET_46,
    cap: int = 9000,
    *,
    streams: bool = False,
    headers: Any = None,
    caches: bool = False,
    **body: Any,
) -> UpstreamRequest:
    """What is sent, and what is named."""
    body = {"model": "m", "max_tokens": cap, "messages": [Q], **body}
    asked = inbound(body, headers or {})
    call = ProviderCall(
        Deployment("anthropic", "claude-x", "https://api.anthropic.com", engine="native"),
        asked.messages,
        {**asked.params, **({"safety_identifier": "p:u"} if "metadata" in body else {})},
        cap,
        60.0,
        "r",
        rules=rules,
        spoken=asked.spoken,
        caches_prompt=caches,
    )
    return ANTHROPIC_CODEC.request(call, streams)
