"""The models that the simulator lists. It also answers for others with a name of the right family."""

from __future__ import annotations

ANTHROPIC = (
    ("claude-opus-4-8", "Claude Opus 4.8"),
    ("claude-opus-4-5-20251101", "Claude Opus 4.5"),
    ("claude-sonnet-4-6", "Claude Sonnet 4.6"),
    ("claude-sonnet-4-5-20250929", "Claude Sonnet 4.5"),
    ("claude-haiku-4-5-20251001", "Claude Haiku 4.5"),
)
OPENAI = (
    "gpt-5.1",
    "gpt-5.1-2025-11-13",
    "gpt-5-mini",
    "gpt-5.4-mini",
    "gpt-5.3-codex",
    "gpt-5.1-codex-max",
    "gpt-4o",
    "text-embedding-3-large",
    "text-embedding-3-small",
    "text-embedding-ada-002",
)
DEEPSEEK = ("deepseek-chat", "deepseek-reasoner", "deepseek-v4-flash", "deepseek-v4-pro")
GEMINI = (
    ("gemini-3.1-pro-preview", "generateContent"),
    ("gemini-3-flash-preview", "generateContent"),
    ("gemini-3.8-flash", "generateContent"),
    ("gemini-2.5-pro", "generateContent"),
    ("gemini-2.5-flash", "generateContent"),
    ("gemini-embedding-001", "embedContent"),
)
"""Names and what they are for."""
BEDROCK = (
    "amazon.nova-lite-v1:0",
    "anthropic.claude-haiku-4-5-20251001-v1:0",
    "anthropic.claude-sonnet-4-5-20250929-v1:0",
)
