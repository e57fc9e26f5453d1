"""How many tokens an image counts, by the providers' published rules. Pure arithmetic on its size in pixels.

* Anthropic: a token for 750 pixels, once scaled down to 1568 pixels a side and 1.15 megapixels (docs: "Vision").
* Gemini 3: 1120 at the default media resolution; before, 258 for each tile of 768 pixels (docs: "Media resolution",
  "Understand and count tokens").
* OpenAI, and whoever does not say: 85, and 170 for each tile of 512 pixels once the image fits 2048 pixels a side and
  768 the shorter way; `low` detail is 85 (docs: "Images and vision").

Newer models of each have rules of their own, so all of this is an estimate.
"""

from __future__ import annotations

import math

from gateway_core.domain.chat import Deployment

_ANTHROPIC_EDGE, _ANTHROPIC_PIXELS, _PIXELS_PER_TOKEN = 1568, 1_150_000, 750
_GEMINI_TILE, _GEMINI_TILE_TOKENS, _GEMINI_3_TOKENS = 768, 258, 1120
_OPENAI_EDGE, _OPENAI_SHORT_EDGE, _OPENAI_TILE = 2048, 768, 512
_OPENAI_BASE_TOKENS, _OPENAI_TILE_TOKENS = 85, 170


def image_tokens(deployment: Deployment, width: int, height: int, *, low_detail: bool = False) -> int:
    """Tokens of an image of `width` x `height` pixels (at least one each) for this model."""
    match deployment.provider:
        case "anthropic":
            return _anthropic(width, height)
        case "gemini" if deployment.upstream_model.startswith(("gemini-1", "gemini-2")):
            return _tiles(width, height, _GEMINI_TILE) * _GEMINI_TILE_TOKENS
        case "gemini":
            return _GEMINI_3_TOKENS
        case _:
            return _OPENAI_BASE_TOKENS if low_detail else _openai(width, height)


def _anthropic(width: int, height: int) -> int:
    scale = min(1.0, _ANTHROPIC_EDGE / max(width, height), math.sqrt(_ANTHROPIC_PIXELS / (width * height)))
    return math.ceil(width * height * scale * scale / _PIXELS_PER_TOKEN)


def _openai(width: int, height: int) -> int:
    scale = min(1.0, _OPENAI_EDGE / max(width, height), _OPENAI_SHORT_EDGE / min(width, height))
    tiles = _tiles(round(width * scale), round(height * scale), _OPENAI_TILE)
    return _OPENAI_BASE_TOKENS + tiles * _OPENAI_TILE_TOKENS


def _tiles(width: int, height: int, side: int) -> int:
    return max(1, math.ceil(width / side)) * max(1, math.ceil(height / side))
