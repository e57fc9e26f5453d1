"""Counts a prompt's tokens on the spot: with OpenAI's public tokenisers and nobody's network.

Texts count by `encodings`, tools as `tools` writes them, images, files and audio as `media` estimates them.
"""

from gateway_core.adapters.tokens.counter import PromptCounter

__all__ = ["PromptCounter"]
