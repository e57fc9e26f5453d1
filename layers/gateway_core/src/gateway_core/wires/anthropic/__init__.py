"""Anthropic's Messages: what it says (`record`), and the way of the chat form there and back."""

from gateway_core.wires.anthropic.record import ANTHROPIC

__all__ = ["ANTHROPIC"]
