"""Embeddings on OpenAI's wire: https://platform.openai.com/docs/api-reference/embeddings.

Only that wire is served, by OpenAI or by whoever speaks it at another `api_base`. LiteLLM's path for Gemini takes no
client, reads texts such as `files/x` or `gs://x` as files and fetches them with the key, and counts tokens itself
where Gemini names none.
"""

from __future__ import annotations

import base64
import math
import struct
from typing import Any

from gateway_core.adapters.upstream.attempts import Line
from gateway_core.adapters.upstream.sending import encoded, post_and_read
from gateway_core.domain.chat import Json
from gateway_core.domain.embedding import EmbedCall
from gateway_core.domain.provider_errors import ProviderRejected
from gateway_core.wires.codec import UpstreamRequest
from gateway_core.wires.shapes import items, mapping
from gateway_core.wires.table import traits_of

type Vector = tuple[float, ...]

_FLOAT_BYTES = 4


def check_servable(call: EmbedCall) -> None:
    """Raises ProviderRejected for a deployment whose embeddings cannot be had."""
    if traits_of(call.deployment.provider).embeddings is None or call.deployment.mode != "embedding":
        raise ProviderRejected(f"The gateway cannot embed with {call.deployment.upstream_model}.")


def private_texts(call: EmbedCall) -> tuple[Json, ...]:
    """The texts as messages, so that no provider's words are quoted that repeat them."""
    return tuple({"content": text} for text in call.inputs if isinstance(text, str))


async def request_embeddings(call: EmbedCall, line: Line) -> None:
    """Send the call; the answer is what the line has seen. Raises TransportError.

    base64 is asked for: exact, a third of the size of decimal numbers, and decoded in a seventh of the time.
    """
    body = {
        "model": call.deployment.upstream_model,
        "input": [text if isinstance(text, str) else list(text) for text in call.inputs],
        "encoding_format": "base64",
        **({} if call.dimensions is None else {"dimensions": call.dimensions}),
    }
    await post_and_read(call.deployment, encoded(UpstreamRequest("/embeddings", body)), line)


def vectors_of(body: object, call: EmbedCall) -> tuple[Vector, ...]:
    """The vectors of a decoded answer in the order of the inputs. Raises ValueError unless there is one for each.

    All must have the same length, the one asked for if one was. Numbers may be base64 (32-bit floats, little-endian)
    or, from servers that only know that, decimal.
    """
    rows = [mapping(row) for row in items(mapping(body).get("data"))]
    found = {row.get("index"): row.get("embedding") for row in rows}
    if len(rows) != len(call.inputs) or found.keys() != set(range(len(call.inputs))):
        raise ValueError("not one vector for each input")
    vectors = tuple(_vector(found[index]) for index in range(len(call.inputs)))
    if {len(vector) for vector in vectors} != {call.dimensions or len(vectors[0])}:
        raise ValueError("vectors of another length than asked for")
    return vectors


def _vector(value: object) -> Vector:
    vector = _unpacked(value) if isinstance(value, str) else _numbers(items(value))
    if not vector or not math.isfinite(sum(vector)):
        raise ValueError("not a vector")
    return vector


def _unpacked(text: str) -> Vector:
    data = base64.b64decode(text, validate=True)
    count, rest = divmod(len(data), _FLOAT_BYTES)
    if rest:
        raise ValueError("not 32-bit floats")
    return struct.unpack(f"<{count}f", data)


def _numbers(values: list[Any]) -> Vector:
    if not all(type(value) in (float, int) for value in values):
        raise ValueError("not numbers")
    return tuple(map(float, values))
