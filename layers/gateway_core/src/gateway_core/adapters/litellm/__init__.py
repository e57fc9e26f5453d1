"""LiteLLM as a `ModelProvider`, on an HTTP transport of ours.

Left alone, LiteLLM resends after a connection reset, follows redirects with the provider's key, and makes an answer
out of a truncated stream or an HTML page. So it translates and nothing else: `transport` sends, once, and notes in an
`exchange` what really came back; `classify`, `finish` and `usage` judge by that. Of a stream `watch` sees every event
as it passes; `streams` hands their content on, translated by `chunks`.
"""

from gateway_core.adapters.litellm.provider import LiteLLMProvider
from gateway_core.adapters.litellm.usage import input_includes_cached

__all__ = ["LiteLLMProvider", "input_includes_cached"]
