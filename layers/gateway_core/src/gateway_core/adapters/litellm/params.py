"""Which of a request's options a model takes. The rest is dropped and named, never an error and never silent."""

from __future__ import annotations

import copy
from typing import Any

from gateway_core.domain import ProviderCall

ALLOWED = frozenset(
    {
        "frequency_penalty",
        "logit_bias",
        "parallel_tool_calls",
        "presence_penalty",
        "reasoning_effort",
        "response_format",
        "seed",
        "stop",
        "temperature",
        "thinking",
        "tool_choice",
        "tools",
        "top_p",
        "user",
        "verbosity",
    }
)
"""The only options that ever reach LiteLLM: it takes others for orders (`api_base`, `mock_response`, `fallbacks`)."""

_RESPONSES = ALLOWED - {"frequency_penalty", "logit_bias", "presence_penalty", "seed", "stop", "thinking"}


def fitted(litellm: Any, call: ProviderCall) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The options to send, by LiteLLM's names, output limit included; and the names of those left out, sorted."""
    given = {name: value for name, value in call.params.items() if value is not None}
    names = _RESPONSES if call.deployment.mode == "responses" else ALLOWED
    kept = _supported(litellm, call, {name: value for name, value in given.items() if name in names})
    dropped = tuple(sorted(given.keys() - kept.keys()))
    return {**copy.deepcopy(kept), _limit_name(call): call.max_output_tokens}, dropped


def _limit_name(call: ProviderCall) -> str:
    """OpenAI deprecates `max_tokens`; DeepSeek knows nothing else. LiteLLM renames it for the other two."""
    return "max_completion_tokens" if call.deployment.provider == "openai" else "max_tokens"


def _supported(litellm: Any, call: ProviderCall, wanted: dict[str, Any]) -> dict[str, Any]:
    """Names that LiteLLM lists for the model, less the values that its mapping refuses (`temperature` of 0.7)."""
    provider, model = call.deployment.provider, call.deployment.upstream_model
    listed = set(litellm.get_supported_openai_params(model=model, custom_llm_provider=provider) or wanted)
    kept = {name: value for name, value in wanted.items() if name in listed}
    if _accepted(litellm, call, kept):
        return kept
    fitting: dict[str, Any] = {}
    for name in sorted(kept, key=lambda name: (name != "reasoning_effort", name)):  # the effort decides on the others
        if _accepted(litellm, call, {**fitting, name: kept[name]}):
            fitting[name] = kept[name]
    return fitting


def _accepted(litellm: Any, call: ProviderCall, params: dict[str, Any]) -> bool:
    try:
        litellm.utils.get_optional_params(
            model=call.deployment.upstream_model,
            custom_llm_provider=call.deployment.provider,
            drop_params=False,
            **copy.deepcopy(params),
        )
    except litellm.UnsupportedParamsError:
        return False
    return True
