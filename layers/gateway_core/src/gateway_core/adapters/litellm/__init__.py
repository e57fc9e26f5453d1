"""LiteLLM as a `ModelProvider`, on an HTTP transport of ours.

Left alone, LiteLLM resends after a connection reset, follows redirects with the provider's key, and makes an answer
out of a truncated stream or an HTML page. So it translates and nothing else: `transport` sends, once, and notes in an
`exchange` what really came back; `classify` judges by that, with what `gateway_core.wires` knows of the provider. Of a
stream `watch` sees every event as it passes; `streams` hands their content on, translated by `chunks`.
"""

from gateway_core.adapters.litellm.provider import LiteLLMProvider

__all__ = ["LiteLLMProvider"]
