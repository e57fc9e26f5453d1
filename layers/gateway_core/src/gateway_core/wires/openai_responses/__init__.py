"""OpenAI's Responses: what it says (`record`), and the way of the chat form there and back."""

from gateway_core.wires.openai_responses.record import OPENAI_RESPONSES

__all__ = ["OPENAI_RESPONSES"]
