"""Anthropic: Messages, token counting and the list of models."""
