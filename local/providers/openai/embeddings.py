"""OpenAI embeddings: a unit vector that depends on nothing but the text and its length."""

from __future__ import annotations

import array
import base64
import hashlib
import math
import struct
from typing import Any, override

from local.providers.model import Generation, Json, Prompt, Refused, Request, Stamp
from local.providers.openai.base import OpenAIWire
from local.providers.openai.models_rules import check_model
from local.providers.tokens import count

_DIMENSIONS = {"text-embedding-3-large": 3072}
_DEFAULT_DIMENSIONS = 1536


def vector(text: str, dimensions: int) -> array.array[float]:
    """A unit vector of 32-bit floats; the same text gives the same one."""
    noise = array.array("h", hashlib.shake_256(text.encode(errors="replace")).digest(2 * dimensions))
    length = math.sqrt(sum(value * value for value in noise)) or 1.0
    return array.array("f", [value / length for value in noise])


class OpenAIEmbeddings(OpenAIWire):
    """POST /v1/embeddings."""

    endpoint = "embeddings"

    @override
    def read(self, request: Request) -> Prompt:
        body = request.body
        model = check_model(body)
        inputs = _inputs(body.get("input"))
        if not inputs or "" in inputs:
            raise Refused("'$.input' is invalid. Please check the API reference.")
        limit = _DIMENSIONS.get(model, _DEFAULT_DIMENSIONS)
        wanted = body.get("dimensions")
        if wanted is not None and "ada" in model:
            raise Refused("This model does not support specifying dimensions.")
        if wanted is not None and not 1 <= wanted <= limit:
            message = f"Invalid value for 'dimensions' = {wanted}. Must be less than or equal to {limit}."
            raise Refused(message)
        tokens = sum(len(text) if isinstance(text, tuple) else count(text) for text in inputs)
        return Prompt(model=model, input_tokens=tokens, body=body | {"dimensions": wanted or limit})

    @override
    def whole(self, prompt: Prompt, generation: Generation, stamp: Stamp) -> Json:
        encode = _base64 if prompt.body.get("encoding_format") == "base64" else list
        dimensions = prompt.body["dimensions"]
        data = [
            {"object": "embedding", "index": index, "embedding": encode(vector(str(text), dimensions))}
            for index, text in enumerate(_inputs(prompt.body["input"]))
        ]
        tokens = generation.tokens.input
        data = [] if generation.finish == "empty" else data
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return {"object": "list", "data": data, "model": prompt.model, "usage": usage}


def _inputs(given: Any) -> list[str | tuple[int, ...]]:
    """One text, several, one list of token ids, or several."""
    if isinstance(given, str):
        return [given]
    if not isinstance(given, list):
        return []
    if given and all(isinstance(item, int) for item in given):
        return [tuple(given)]
    return [tuple(item) if isinstance(item, list) else str(item) for item in given]


def _base64(values: array.array[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode()
