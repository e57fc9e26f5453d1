"""What depends on the model at OpenAI.

Rules as of 2026-11-29, from https://developers.openai.com/api/docs/guides/reasoning and the models' own pages below
https://developers.openai.com/api/docs/models (efforts; gpt-5.3-codex has no `none`),
https://developers.openai.com/api/docs/guides/latest-model (sampling parameters only without reasoning),
https://developers.openai.com/api/docs/guides/predicted-outputs and .../guides/audio (models).
"""

from __future__ import annotations

import re
from typing import Any

from local.providers.model import Json, Refused
from local.providers.openai.wrong import check_range, unsupported_parameter

_KNOWN = re.compile(r"(gpt-|o\d|chatgpt-|codex|ft:|text-embedding-|computer-use)")
FIXED_SAMPLING = re.compile(r"(o\d|gpt-5(?![.\d])|.*codex)")
"""Models that always reason; from 5.1 on, GPT-5 samples freely as long as it does not reason."""
_REASONS_BY_DEFAULT = re.compile(r"gpt-5\.[5-9]")
_NO_TOOLS_REASONING = re.compile(r"gpt-5\.[2-9](?!-codex)")
"""As reported, such as in https://github.com/openai/openai-openapi/issues/541."""
SEARCHING = re.compile(r".*search")
SPEAKING = re.compile(r".*audio")
_PREDICTING = re.compile(r"gpt-4(o|\.1)")
_EFFORTS = (
    (re.compile(r"gpt-5\.1-codex-max"), ("low", "medium", "high", "xhigh")),
    (re.compile(r"gpt-5(\.1)?-codex"), ("low", "medium", "high")),
    (re.compile(r"gpt-5\.\d+-codex"), ("low", "medium", "high", "xhigh")),
    (re.compile(r"gpt-5\.1"), ("none", "low", "medium", "high")),
    (re.compile(r"gpt-5\.\d+"), ("none", "low", "medium", "high", "xhigh")),
    (re.compile(r"gpt-5"), ("minimal", "low", "medium", "high")),
    (re.compile(r"o\d"), ("low", "medium", "high")),
)
"""Which efforts a model takes; the first pattern counts."""
_MAX_TEMPERATURE = 2
_MAX_PENALTY = 2
_SAMPLING = ("temperature", "top_p", "logprobs", "top_logprobs")
_TUNING = ("frequency_penalty", "presence_penalty", "logit_bias", "stop")
_DEFAULTS = {"temperature": 1, "top_p": 1, "logprobs": False, "top_logprobs": 0}


def check_model(body: Json) -> str:
    """The model. Raises Refused."""
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise Refused("you must provide a model parameter")
    if not _KNOWN.match(model):
        raise Refused(None, kind="not_found", model=model)
    return model


def reasons(effort: Any) -> bool:
    """Whether a reasoning effort asks for any; GPT-5.1's default is none."""
    return effort not in (None, "none", "minimal")


def check_effort(at: str, effort: Any, model: str) -> None:
    """Raises Refused. A model that never reasons does not know the parameter."""
    if effort is None:
        return
    levels = next((levels for pattern, levels in _EFFORTS if pattern.match(model)), None)
    if levels is None:
        if at == "reasoning_effort":
            raise Refused(f"Unrecognized request argument supplied: {at}")
        raise unsupported_parameter(at)
    if effort not in levels:
        listed = ", ".join(f"'{level}'" for level in levels[:-1])
        message = f"Unsupported value: '{effort}' is not supported with the '{model}' model. "
        raise Refused(
            f"{message}Supported values are: {listed}, and '{levels[-1]}'.", param=at, code="unsupported_value"
        )


def check_tools_while_reasoning(body: Json, model: str) -> None:
    """Raises Refused for functions on the chat wire while the model reasons; from 5.5 on it does unless told not to."""
    effort = body.get("reasoning_effort")
    reasoning = reasons(effort) or (effort is None and bool(_REASONS_BY_DEFAULT.match(model)))
    if body.get("tools") and reasoning and _NO_TOOLS_REASONING.match(model):
        message = f"Function tools with reasoning_effort are not supported for {model} in /v1/chat/completions. "
        hint = "To use function tools, use /v1/responses or set reasoning_effort to 'none'."
        raise Refused(message + hint, param="reasoning_effort")


def check_sampling(body: Json, model: str) -> None:
    """Raises Refused for sampling parameters where the model reasons, and for values out of range."""
    always = FIXED_SAMPLING.match(model)
    if always or ("gpt-5" in model and reasons(body.get("reasoning_effort"))):
        _check_default_temperature(body.get("temperature"))
        check_left_out(body, _SAMPLING[1:] + (_TUNING if always else ()))
    temperature = body.get("temperature")
    if temperature is not None and not isinstance(temperature, int | float):
        message = "Invalid type for 'temperature': expected a decimal, but got a string instead."
        raise Refused(message, param="temperature", code="invalid_type")
    bounds = {"temperature": (0, _MAX_TEMPERATURE), "top_p": (0, 1)}
    penalties = dict.fromkeys(("frequency_penalty", "presence_penalty"), (-_MAX_PENALTY, _MAX_PENALTY))
    for name, (low, high) in (bounds | penalties).items():
        if body.get(name) is not None:
            check_range(name, body[name], low, high)


def _check_default_temperature(temperature: Any) -> None:
    if temperature in (None, 1):
        return
    message = (
        f"Unsupported value: 'temperature' does not support {temperature} with this model. "
        "Only the default (1) value is supported."
    )
    raise Refused(message, param="temperature", code="unsupported_value")


def check_left_out(body: Json, names: tuple[str, ...]) -> None:
    """Raises Refused for the first of these parameters that asks for anything but its default."""
    for name in names:
        if body.get(name) not in (None, 0, [], {}, _DEFAULTS.get(name)):
            raise unsupported_parameter(name)


def check_prediction(body: Json, model: str) -> None:
    """Predicted outputs exist for GPT-4o and 4.1, and not with these parameters. Raises Refused."""
    if body.get("prediction") is None:
        return
    if not _PREDICTING.match(model):
        raise unsupported_parameter("prediction")
    check_left_out(body, ("logprobs", "presence_penalty", "frequency_penalty", "audio", "tools"))
    if (body.get("n") or 1) > 1:
        raise unsupported_parameter("n")
