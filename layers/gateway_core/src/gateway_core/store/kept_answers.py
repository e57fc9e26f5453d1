"""An answer as it is kept for equal requests: under which digest, and in which form. Pure.

A value is one line of text: version, form (`j` JSON, `z` the same compressed and in base64), CRC-32, content. Whatever
does not read exactly like one is no answer.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, fields, is_dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from gateway_core.domain.answer import Chunk, Cost, ProviderAnswer, ToolCall, ToolCallDelta, Usage
from gateway_core.domain.chat import ChatRequest, Model
from gateway_core.domain.model_rules import NO_RULES, ModelRules

VERSION = 2
"""Of digests and values: another one finds nothing of what was kept before."""
COMPRESSED_FROM = 1024
"""Bytes from which on a value is compressed."""
PIECE = 512
"""Characters of a kept text in one chunk of a stream."""
WHOLE = frozenset({"stop", "tool_calls"})
"""How an answer ends that is whole."""
_HEAD = 10
_IRRELEVANT = frozenset(
    {
        "attribution",
        "cache",
        "caps_output",
        "default_output_tokens",
        "explain",
        "fallback",
        "require",
        "routing",
        "spoken",
        "timeout_s",
    }
)
"""Fields of a request that only decide who answers, which the digest has, or say nothing about the answer."""
_UNKEPT = frozenset({"rates", "refusal", "forwarded", "beside", "sound_tokens"})
"""Of an answer what is of its moment, or of another wire; refusals are not kept."""
_BESIDE = frozenset({"estimated_nano", "max_tokens_per_s"})
"""Says nothing about an answer, at any depth: how sure a cost is, and how streams are charged that end early."""
_ORDERED = frozenset({"tools", "response_format"})
"""Options with schemas, whose order is the one in which a model writes."""


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer, the key of the model that gave it, and what it cost."""

    answer: ProviderAnswer
    model: str
    cost: Cost


def is_whole(answer: ProviderAnswer) -> bool:
    """Whether the answer ended by itself and says anything, and nothing else than that."""
    return answer.finish_reason in WHOLE and bool(answer.content or answer.tool_calls) and not answer.refusal


def chunks_of(answer: ProviderAnswer) -> Iterator[Chunk]:
    """A whole answer in pieces, as a provider would have streamed it."""
    if answer.reasoning:
        yield Chunk(reasoning=answer.reasoning)
    for start in range(0, len(answer.content), PIECE):
        yield Chunk(text=answer.content[start : start + PIECE])
    for index, call in enumerate(answer.tool_calls):
        yield Chunk(tool_calls=(ToolCallDelta(index, call.id, call.name, call.arguments, call.custom),))
    yield Chunk(finish_reason=answer.finish_reason, dropped_params=answer.dropped_params)


def digest_of_request(request: ChatRequest, resolved: Iterable[tuple[Model, int]], prices: str) -> str:
    """SHA-256 of all that the answer depends on: project, names, messages, options, and the catalog.

    `resolved` are the models that may answer, with the most tokens that each may write; `prices` identifies the list.
    """
    asked = {field.name: getattr(request, field.name) for field in fields(request) if field.name not in _IRRELEVANT}
    asked["params"] = {name: _in_order(value) if name in _ORDERED else value for name, value in request.params.items()}
    told = [VERSION, request.attribution.project_id, prices, list(resolved), asked]
    text = json.dumps(told, default=_said, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def pack(kept: KeptAnswer, max_bytes: int) -> str | None:
    """The value to keep, None for an answer that is too large or that no JSON can hold."""
    answer = {
        field.name: getattr(kept.answer, field.name) for field in fields(kept.answer) if field.name not in _UNKEPT
    }
    told = {"answer": answer, "model": kept.model, "cost": kept.cost}
    try:
        text = json.dumps(told, default=_plain, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        content = text.encode()
    except ValueError:  # a number or a character that is none
        return None
    if len(content) > max_bytes:
        return None
    if len(content) < COMPRESSED_FROM:
        return f"{_head('j', content)}{text}"
    return f"{_head('z', content)}{base64.b64encode(zlib.compress(content)).decode()}"


def unpack(value: str, max_bytes: int) -> KeptAnswer | None:
    """The answer in a value, None if there is not exactly one of at most this size."""
    try:
        return _unpack(value, max_bytes)
    except (ValueError, TypeError, KeyError, zlib.error, RecursionError):
        return None


def _unpack(value: str, max_bytes: int) -> KeptAnswer:
    body = value[_HEAD:]
    content = _inflated(base64.b64decode(body, validate=True), max_bytes) if value[1:2] == "z" else body.encode()
    if len(content) > max_bytes or value[:_HEAD] != _head(value[1:2], content):
        raise ValueError("damaged")
    told = json.loads(content)
    answer = told["answer"]
    kept = KeptAnswer(
        ProviderAnswer(
            **{
                **answer,
                "tool_calls": tuple(ToolCall(**call) for call in answer["tool_calls"]),
                "usage": Usage(**answer["usage"]),
                "dropped_params": tuple(answer["dropped_params"]),
            }
        ),
        told["model"],
        Cost(**told["cost"]),
    )
    if not _is_sound(kept):
        raise TypeError("not an answer")
    return kept


def _is_sound(kept: KeptAnswer) -> bool:
    answer, cost = kept.answer, kept.cost
    texts = [answer.content, answer.reasoning, answer.finish_reason, *answer.dropped_params, kept.model]
    texts += [cost.price_source, *(part for call in answer.tool_calls for part in (call.id, call.name, call.arguments))]
    texts.append(answer.usage.service_tier)
    counts = (getattr(answer.usage, field.name) for field in fields(Usage) if field.name != "service_tier")
    numbers = [cost.input_nano, cost.output_nano, *counts]
    return (
        all(isinstance(text, str) for text in texts)
        and all(type(number) is int and number >= 0 for number in numbers)
        and (answer.confidence is None or type(answer.confidence) is float)
        and is_whole(answer)
    )


def _head(form: str, content: bytes) -> str:
    return f"{VERSION}{form}{zlib.crc32(content):08x}"


def _inflated(data: bytes, max_bytes: int) -> bytes:
    stream = zlib.decompressobj()
    content = stream.decompress(data, max_bytes + 1)
    if not stream.eof or stream.unused_data:
        raise ValueError("too large, or damaged")
    return content


def _in_order(value: object) -> str:
    return json.dumps(value, default=_plain, separators=(",", ":"))


def _said(value: Any) -> Any:
    """As `_plain`, of rules only what is said: a rule that most models do not have changes no digest of theirs."""
    if not isinstance(value, ModelRules):
        return _plain(value)
    told = ((field.name, getattr(value, field.name)) for field in fields(value))
    return {name: rule for name, rule in told if rule != getattr(NO_RULES, name)}


def _plain(value: object) -> Any:
    """What JSON can hold of our values."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value) if field.name not in _BESIDE}
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, AbstractSet):
        return sorted(value)
    if isinstance(value, Decimal | date):
        return str(value)
    raise TypeError(type(value).__name__)
