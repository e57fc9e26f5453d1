"""OpenAI's chat completions: what it says (`record`), and what of a request changes on its way there."""

from gateway_core.wires.openai_chat.record import OPENAI_CHAT

__all__ = ["OPENAI_CHAT"]
