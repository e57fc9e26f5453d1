"""What Gemini refuses of a generation config.

Rules as of 2026-11-29, from https://ai.google.dev/api/generate-content#generationconfig (ranges, formats),
https://ai.google.dev/gemini-api/docs/generate-content/thinking (budgets of 2.5, levels from 3 on, never both),
https://docs.cloud.google.com/vertex-ai/generative-ai/docs/thinking (which model has which level),
https://ai.google.dev/gemini-api/docs/structured-output (tools and JSON together from 3 on), and for the penalties
https://github.com/google-gemini/cookbook/issues/1290.
"""

from __future__ import annotations

import re
from typing import Any

from local.providers.gemini.proto import get
from local.providers.gemini.signatures import generation_of
from local.providers.gemini.tools import check_schema, declared_of
from local.providers.model import Json, Refused

_REQUEST = "* GenerateContentRequest.generation_config."
_MIME_TYPES = ("application/json", "application/xml", "application/yaml", "text/plain", "text/x.enum")
_PENALTIES = ("frequencyPenalty", "presencePenalty")
_PENALISING = re.compile(r"gemini-2\.0-flash")
_BUDGETS = (
    (re.compile(r"gemini-2\.5-pro"), (128, 32_768), ()),
    (re.compile(r"gemini-2\.5-flash-lite"), (512, 24_576), (0,)),
    (re.compile(r"gemini-2\.5-flash"), (0, 24_576), (0,)),
)
"""Models with the bounds of their budgets, and the budgets outside of them that they take; -1 lets them all choose."""
_CHOOSE = -1
_LEVELS = (
    (re.compile(r"gemini-3-pro"), ("low", "high")),
    (re.compile(r"gemini-3\.\d+-pro|gemini-3\.[78]-flash"), ("low", "medium", "high")),
    (re.compile(r"gemini-3"), ("minimal", "low", "medium", "high")),
)
_LEVELS_FROM = 3
_MAX_STOPS = 5
_MAX_TEMPERATURE = 2


def check_config(body: Json, model: str) -> None:
    """Raises Refused."""
    config = get(body, "generationConfig") or {}
    _check_numbers(config)
    check_penalties(config, model)
    _check_thinking(get(config, "thinkingConfig") or {}, model)
    _check_format(config)
    if (
        declared_of(body)
        and get(config, "responseMimeType") == "application/json"
        and generation_of(model) < _LEVELS_FROM
    ):
        raise Refused("Function calling with a response mime type: 'application/json' is unsupported")


def _check_numbers(config: Json) -> None:
    temperature = config.get("temperature")
    if temperature is not None and not 0 <= temperature <= _MAX_TEMPERATURE:
        raise Refused(f"{_REQUEST}temperature: {temperature} is not in the range [0.0, 2.0]\n")
    limit = get(config, "maxOutputTokens")
    if limit is not None and limit < 1:
        raise Refused(f"{_REQUEST}max_output_tokens: max_output_tokens must be positive.\n")
    if len(get(config, "stopSequences") or ()) > _MAX_STOPS:
        raise Refused(f"{_REQUEST}stop_sequences: the maximum number of stop sequences is {_MAX_STOPS}.\n")


def check_penalties(config: Json, model: str) -> None:
    """Raises Refused: only Gemini 2.0 Flash has them. Zero is none."""
    if any(get(config, name) for name in _PENALTIES) and not _PENALISING.match(model):
        raise Refused("Penalty is not enabled for this model")


def _check_thinking(thinking: Json, model: str) -> None:
    budget, level = get(thinking, "thinkingBudget"), get(thinking, "thinkingLevel")
    if budget is not None and level is not None:
        raise Refused("You can only set only one of thinking budget and thinking level.")
    if level is not None:
        _check_level(str(level).lower(), model)
    if budget is not None:
        _check_budget(budget, model)


def _check_level(level: str, model: str) -> None:
    if generation_of(model) < _LEVELS_FROM:
        raise Refused("Thinking level is not supported for this model.")
    levels = next((levels for pattern, levels in _LEVELS if pattern.match(model)), None)
    if levels is not None and level not in levels:
        message = f"Thinking level {level.upper()} is not supported for this model. Please retry with other thinking"
        raise Refused(f"{message} level.")


def _check_budget(budget: Any, model: str) -> None:
    """Gemini 3 takes any budget, for the sake of older clients."""
    found = next(((bounds, also) for pattern, bounds, also in _BUDGETS if pattern.match(model)), None)
    if found is None or budget == _CHOOSE:
        return
    (low, high), also = found
    if budget == 0 and 0 not in also:
        raise Refused("Budget 0 is invalid. This model only works in thinking mode.")
    if budget not in also and not low <= budget <= high:
        message = f"The thinking budget {budget} is invalid. Please choose a value between {low} and {high}."
        raise Refused(message)


def _check_format(config: Json) -> None:
    kind = get(config, "responseMimeType")
    if kind is not None and kind not in _MIME_TYPES:
        listed = ", ".join(f"`{known}`" for known in _MIME_TYPES[:-1])
        raise Refused(f"{_REQUEST}response_mime_type: allowed mimetypes are {listed} and `{_MIME_TYPES[-1]}`.\n")
    schema, json_schema = get(config, "responseSchema"), get(config, "responseJsonSchema")
    if schema is not None and json_schema is not None:
        raise Refused(f"{_REQUEST}response_schema: must be omitted when response_json_schema is set.\n")
    if (schema is not None or json_schema is not None) and kind in (None, "text/plain"):
        name = "response_schema" if schema is not None else "response_json_schema"
        raise Refused(f"{_REQUEST}{name}: only allowed with response_mime_type 'application/json' or 'text/x.enum'.\n")
    if schema is not None:
        check_schema(schema, "generation_config.response_schema")
