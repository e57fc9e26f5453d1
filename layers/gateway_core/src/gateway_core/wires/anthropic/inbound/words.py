"""The chat form's names of fields as callers on Anthropic's wire know them: in errors, and of what was left out."""

from __future__ import annotations

import re
from collections.abc import Iterable

from gateway_core.wires.anthropic.inbound.request import Inbound

_FIELDS = {
    "filename": "title",
    "model_group": "model",
    "parallel_tool_calls": "tool_choice.disable_parallel_tool_use",
    "reasoning_effort": "output_config.effort",
    "response_format": "output_config.format",
    "safety_identifier": "metadata.user_id",
    "stop": "stop_sequences",
}
_MESSAGE = re.compile(r"messages\.(\d+)\b.*")
_TOOL = re.compile(r"(tools\.\d+)\.function\.parameters")
_NAMED = re.compile(r"\(([a-z_]+(?:\.[a-z_0-9]+)*)\)")


def callers_names(dropped: Iterable[str]) -> tuple[str, ...]:
    """The names of options that were left out or changed."""
    return tuple(sorted({_FIELDS.get(name, name) for name in dropped}))


def callers_path(path: str, asked: Inbound) -> str:
    """The path of a field; of a message no more than its place is the same in both forms."""
    if any(path == own for own, _ in asked.spoken.bound):
        return path
    if found := _MESSAGE.fullmatch(path):
        place = int(found[1])
        known = asked.places[place] if place < len(asked.places) else -1
        return "system" if known < 0 else f"messages.{known}"
    if found := _TOOL.fullmatch(path):
        return f"{found[1]}.input_schema"
    head, _, rest = path.partition(".")
    if head == "response_format":
        return "output_config.format.schema" if rest else "output_config.format"
    return _FIELDS.get(path, path)


def callers_text(text: str, asked: Inbound) -> str:
    """A sentence with the paths that it has in brackets."""
    return _NAMED.sub(lambda found: f"({callers_path(found[1], asked)})", text)
