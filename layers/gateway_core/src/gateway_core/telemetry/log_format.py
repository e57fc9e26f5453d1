"""How log lines look, JSON for machines or text for people, and what OTel's conventions call things in them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

from gateway_core.store.records import UsageRecord
from gateway_core.wires.table import traits_of

type LogFormat = Literal["json", "text"]

_LAMBDA_LEVELS = {"WARNING": "WARN", "CRITICAL": "FATAL"}
"""Lambda's words, by which it filters lines; Python's own it does not promise to know."""
_OPERATIONS = {"embedding": "embeddings"}
_HEAD = ("level", "location", "message", "timestamp", "service")
_LOUD = {"ERROR", "FATAL"}
_SHORT_NAMES = {
    "gen_ai.provider.name": "provider",
    "gen_ai.request.model": "model",
    "gen_ai.response.model": "served_by",
    "gen_ai.usage.input_tokens": "input_tokens",
    "gen_ai.usage.output_tokens": "output_tokens",
    "error.type": "error",
}
_USAGE = ("request_id", "project_id", "model", "served_by", "input_tokens", "output_tokens", "cost_usd", "latency_ms")
_USAGE_NEWS = {"estimated_usd": "0", "attempts": 1, "error": None}
"""What a line of usage has only where it is not the usual."""


def json_line(log: Mapping[str, Any]) -> str:
    """The fields as one JSON object."""
    return json.dumps(_for_readers(log), default=str, separators=(",", ":"), ensure_ascii=False)


def text_line(log: Mapping[str, Any]) -> str:
    """Time, level, message, then the fields by short names; objects only where something is to be done about them."""
    log = {_SHORT_NAMES.get(name, name): value for name, value in _for_readers(log).items()}
    log = _in_short(log) if log["message"] == "usage" else log
    fields = {name: value for name, value in log.items() if name not in _HEAD and value is not None}
    shown = [f"{name}={_value(value)}" for name, value in fields.items() if log["level"] in _LOUD or _is_plain(value)]
    time = str(log["timestamp"])[11:23]
    return " ".join([time, f"{log['level']:<5}", str(log["message"]), *shown])


def _in_short(log: Mapping[str, Any]) -> dict[str, Any]:
    """What people look for in a line of usage; all of it is in the books."""
    fields = [*_USAGE, *(name for name, usual in _USAGE_NEWS.items() if log.get(name) != usual)]
    shown = {name: log[name] for name in (*_HEAD, *fields) if name in log}
    return shown if shown["served_by"] != shown["model"] else {**shown, "served_by": None}


def _for_readers(log: Mapping[str, Any]) -> dict[str, Any]:
    level = str(log["level"])
    # The name of asyncio's task is Python's addition; it tells nobody anything.
    return {name: value for name, value in log.items() if name != "taskName"} | {"level": lambda_level(level)}


def lambda_level(level: str) -> str:
    """Lambda's word for a level of Python's."""
    return _LAMBDA_LEVELS.get(level, level)


def _is_plain(value: Any) -> bool:
    return not isinstance(value, dict | list)


def _value(value: Any) -> str:
    if isinstance(value, str) and value and not any(c.isspace() or c in '"=' for c in value):
        return value
    return json.dumps(value, default=str, separators=(",", ":"), ensure_ascii=False)


def usage_names(record: UsageRecord) -> dict[str, str | int]:
    """A request by the conventions' names."""
    return {
        "gen_ai.operation.name": _OPERATIONS.get(record.kind, record.kind),
        "gen_ai.provider.name": traits_of(record.provider).otel_name,
        "gen_ai.request.model": record.model_group or record.model,
        "gen_ai.response.model": record.model,
        "gen_ai.usage.input_tokens": record.input_tokens,
        "gen_ai.usage.output_tokens": record.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": record.cached_input_tokens,
        "gen_ai.usage.cache_creation.input_tokens": record.cache_write_tokens,
        "gen_ai.usage.reasoning.output_tokens": record.reasoning_tokens,
    }


def model_names(provider: str, model: str) -> dict[str, Any]:
    """A model that is called, by the same."""
    return {"gen_ai.provider.name": traits_of(provider).otel_name, "gen_ai.request.model": model}
