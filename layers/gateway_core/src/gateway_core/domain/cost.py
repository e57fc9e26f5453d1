"""What tokens cost: the bound that is held for an attempt and the bill for an answer, by the same function.

Rates are Decimal nano-USD per token, sums are exact, and the total is rounded once, half to even, to whole nano-USD.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import Any

from gateway_core.domain.chat import Cost, Json, Price, PriceTier, Usage

NANO_PER_USD = 1_000_000_000

REQUEST_TOKENS = 32
"""Begin-of-text, the opening of the answer's turn and filler turns that a chat template adds to a request."""
MESSAGE_TOKENS = 16
"""Role markers and separators of one message or content part: 3 to 8 in the published templates."""
TOOL_PROMPT_TOKENS = 1024
"""Hidden instructions that come with tools or a response format; Anthropic documents up to 530 for a model."""

_EXACT_DIGITS = 60  # token counts have 16 digits at most, rates far fewer than 40: no product or sum is cut
_IMAGE_TYPES = frozenset({"image_url", "input_image", "image"})
_PROMPTING_PARAMS = ("tools", "functions", "response_format")


def price(usage: Usage, listed: Price, *, input_includes_cached: bool) -> Cost:
    """The bill for `usage` at the rates of `listed`. Raises ValueError for a negative token count.

    uncached = input - cached - cache writes, each at its own rate; output (reasoning included) at the output rate.
    The whole input selects the tier, and the tier's rates then hold for all of it, as the providers bill.
    The total is rounded once, the input part is rounded, and the output part is the difference of the two.

    `usage.input_tokens` is the whole input, always. `input_includes_cached` says how that number came about, and so
    who is wrong when the cached parts are larger than the whole, which cannot be:

    * True: the provider reports the whole (OpenAI, Gemini, DeepSeek). Then its parts are billed and nothing else.
    * False: the provider reports the uncached part (Anthropic) and the adapter adds the others. Then it forgot to,
      `input_tokens` is the uncached part, and the parts are billed on top.

    In every other case both conventions give the same bill, so cached tokens are never counted twice.
    """
    whole = _whole_input(usage, input_includes_cached=input_includes_cached)
    rates = _rates(listed, whole)
    with localcontext(prec=_EXACT_DIGITS):
        input_nano = (
            (whole - _cached_parts(usage)) * rates.input
            + usage.cached_input_tokens * rates.cached_input
            + usage.cache_write_tokens * rates.cache_write
        )
        total_nano = input_nano + usage.output_tokens * rates.output
        rounded = _round(input_nano)
        return Cost(rounded, _round(total_nano) - rounded, listed.source)


def bound(input_tokens: int, output_tokens: int, listed: Price) -> int:
    """The most, in nano-USD, that an attempt with at most these tokens can cost: what is held for it.

    `output_tokens` is the output cap, reasoning included, times the number of answers asked for. Within a tier the
    bill is linear in the tokens, so the dearest usage is a corner: the longest input of one of the reachable tiers,
    all of it uncached, read from the cache or written to it. Every corner is priced by `price`.
    """
    reachable = [tier.above_tokens for tier in listed.tiers if tier.above_tokens < input_tokens]
    corners = (corner for whole in (*reachable, input_tokens) for corner in _corners(whole, output_tokens))
    return max(price(corner, listed, input_includes_cached=True).total_nano for corner in corners)


def prompt_bound(messages: Sequence[Json], params: Json) -> tuple[int, int]:
    """An upper bound of the tokens that any provider can count for this prompt without its images, and how many it has.

    The bound is the UTF-8 length of messages and params as JSON (tools and response format are in `params`), plus
    constants for what chat templates add: a byte-level tokeniser never makes more tokens than there are bytes.
    An image counts a maximum of its model, whatever the length of its data. Documents and sound count their bytes,
    which bounds their content as sent, but not a page that a provider renders or a file that is only named.
    """
    images = [part for message in messages for part in _parts(message) if _is_image(part)]
    texts = sum(_message_bound(message) for message in messages)
    tool_prompt = TOOL_PROMPT_TOKENS if _has_tool_prompt(messages, params) else 0
    return REQUEST_TOKENS + texts + _json_bytes(params) + tool_prompt, len(images)


def usd(nano: int) -> str:
    """Nano-USD as decimal USD without exponent or trailing zeros: 117000 -> '0.000117', 0 -> '0'."""
    whole, fraction = divmod(abs(nano), NANO_PER_USD)
    digits = f"{whole}.{fraction:09d}".rstrip("0").rstrip(".")
    return f"-{digits}" if nano < 0 else digits


def _whole_input(usage: Usage, *, input_includes_cached: bool) -> int:
    counts = (usage.input_tokens, usage.output_tokens, usage.cached_input_tokens, usage.cache_write_tokens)
    if min(counts) < 0:
        raise ValueError(f"token counts cannot be negative: {usage}")
    parts = _cached_parts(usage)
    if usage.input_tokens >= parts:
        return usage.input_tokens
    return parts if input_includes_cached else parts + usage.input_tokens


def _cached_parts(usage: Usage) -> int:
    return usage.cached_input_tokens + usage.cache_write_tokens


def _rates(listed: Price, whole_input: int) -> Price | PriceTier:
    reached = [tier for tier in listed.tiers if whole_input > tier.above_tokens]
    return max(reached, key=lambda tier: tier.above_tokens, default=listed)


def _round(nano: Decimal) -> int:
    return int(nano.to_integral_value(rounding=ROUND_HALF_EVEN))


def _corners(whole_input: int, output_tokens: int) -> Iterable[Usage]:
    yield Usage(whole_input, output_tokens)
    yield Usage(whole_input, output_tokens, cached_input_tokens=whole_input)
    yield Usage(whole_input, output_tokens, cache_write_tokens=whole_input)


def _parts(message: Json) -> list[Any]:
    content = message.get("content")
    return content if isinstance(content, list) else []


def _message_bound(message: Json) -> int:
    """Of a message without its images, which have their place in it all the same."""
    if not isinstance(message.get("content"), list):
        return MESSAGE_TOKENS + _json_bytes(message)
    envelope = {key: value for key, value in message.items() if key != "content"}
    texts = sum(MESSAGE_TOKENS + (0 if _is_image(part) else _json_bytes(part)) for part in _parts(message))
    return MESSAGE_TOKENS + _json_bytes(envelope) + texts


def _is_image(part: Any) -> bool:
    """An image part, unless its data URL carries something else: some providers take documents and video there."""
    if not isinstance(part, dict) or part.get("type") not in _IMAGE_TYPES:
        return False
    source = part.get("image_url")
    url = source.get("url") if isinstance(source, dict) else source
    return not (isinstance(url, str) and url.startswith("data:") and not url.startswith("data:image/"))


def _has_tool_prompt(messages: Sequence[Json], params: Json) -> bool:
    asked = any(params.get(name) for name in _PROMPTING_PARAMS)
    return asked or any(message.get("role") == "tool" or message.get("tool_calls") for message in messages)


def _json_bytes(value: Any) -> int:
    # surrogatepass: JSON may carry lone surrogates, which strict UTF-8 refuses to encode.
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass"))
