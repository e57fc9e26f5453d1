"""Gemini's generateContent: what it says (`record`), and the way of the chat form there and back."""

from gateway_core.wires.gemini.record import GEMINI

__all__ = ["GEMINI"]
