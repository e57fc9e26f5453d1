"""Anthropic's Messages as a wire of callers: its routes and bodies."""
