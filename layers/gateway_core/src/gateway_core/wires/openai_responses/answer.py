"""A whole answer, item by item: https://platform.openai.com/docs/api-reference/responses/object."""

from __future__ import annotations

from collections.abc import Iterator

from gateway_core.domain.answer import ProviderAnswer, ToolCall, Usage
from gateway_core.domain.chat import Json, ProviderCall
from gateway_core.wires.confidence import confidence_of
from gateway_core.wires.openai_responses.carried import Lead
from gateway_core.wires.openai_responses.history import NO_ARGUMENTS
from gateway_core.wires.shapes import items, mapping, sendable, text_of

CALLS = frozenset({"function_call", "custom_tool_call"})
BETWEEN_THOUGHTS = "\n\n"
"""Parts of a summary are paragraphs with a headline each."""


def answer(call: ProviderCall, body: object) -> ProviderAnswer:
    """The content of all items. Raises KeyError or TypeError for a body without a list of them, or texts that are none.

    A list with nothing in it is a sound answer that says nothing.
    """
    raw = mapping(body)
    if not isinstance(raw["output"], list):
        raise TypeError("not a list of items")
    output = [mapping(item) for item in raw["output"]]
    said = [part for item in output for part in message_parts(item)]
    return ProviderAnswer(
        content="".join(text for text, _ in said),
        tool_calls=tuple(_tool_calls(output, Lead(call.deployment))),
        finish_reason="",
        usage=Usage(),
        reasoning=BETWEEN_THOUGHTS.join(thought for item in output for thought in thoughts(item)),
        refusal="".join(refusal for _, refusal in said),
        confidence=confidence_of(raw),
    )


def message_parts(item: Json) -> Iterator[tuple[str, str]]:
    """The text and the refusal of each part of a message; nothing of other items."""
    if item.get("type") == "message":
        for part in map(mapping, items(item.get("content"))):
            yield text_of(part.get("text")), text_of(part.get("refusal"))


def thoughts(item: Json) -> Iterator[str]:
    """What a reasoning item shows: its summary, and for models that hide nothing the reasoning itself."""
    if item.get("type") == "reasoning":
        parts = (*items(item.get("summary")), *items(item.get("content")))
        yield from filter(None, (text_of(mapping(part).get("text")) for part in parts))


def call_of(item: Json) -> tuple[str, str, str]:
    """The id, the name and the arguments of a call; those of a custom tool are a text of any form."""
    said = item.get("input") if item.get("type") == "custom_tool_call" else item.get("arguments")
    call_id = item.get("call_id") or item.get("id")
    return sendable(text_of(call_id)), text_of(item.get("name")), text_of(said)


def is_custom(item: Json) -> bool:
    """Whether a call is one of a custom tool."""
    return item.get("type") == "custom_tool_call"


def no_arguments(item: Json) -> str:
    """What stands for arguments that are not there."""
    return "" if is_custom(item) else NO_ARGUMENTS


def _tool_calls(output: list[Json], lead: Lead) -> Iterator[ToolCall]:
    for item in output:
        if item.get("type") in CALLS:
            call_id, name, arguments = call_of(item)
            yield ToolCall(lead.sign(call_id), name, arguments or no_arguments(item), custom=is_custom(item))
        else:
            lead.add(item)
