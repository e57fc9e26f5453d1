"""LiteLLM as an engine, on our own HTTP transport (`adapters.upstream`).

Left alone, LiteLLM resends after a connection reset, follows redirects with the provider's key, and makes an answer
out of a truncated stream or an HTML page. So it translates and nothing else.
"""

from gateway_core.adapters.litellm.engine import LiteLLMEngine

__all__ = ["LiteLLMEngine"]
