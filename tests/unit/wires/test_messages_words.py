"""Fields of the chat form by the names of callers on Anthropic's wire, and schemas that OpenAI holds strictly."""

import pytest

from gateway_core.wires.anthropic.inbound.options import is_closed
from gateway_core.wires.anthropic.inbound.request import inbound
from gateway_core.wires.anthropic.inbound.words import callers_names, callers_path, callers_text

CLOSED = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}
OPEN = {"type": "object", "properties": {"a": {"type": "string"}}}


def asked(*messages, **more):
    """A request with these messages."""
    return inbound({"model": "m", "max_tokens": 9, "messages": list(messages), **more}, {})


@pytest.mark.parametrize(
    ("path", "callers"),
    [
        ("messages.0", "system"),
        ("messages.2.content.1.image_url", "messages.1"),
        ("messages.9.content", "system"),
        ("tools.3.function.parameters", "tools.3.input_schema"),
        ("response_format", "output_config.format"),
        ("response_format.json_schema.schema", "output_config.format.schema"),
        ("stop", "stop_sequences"),
        ("max_tokens", "max_tokens"),
    ],
)
def test_fields_are_named_as_the_caller_knows_them(path, callers):
    """In errors, and in their texts."""
    found = asked({"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, system="s")
    assert callers_path(path, found) == callers
    assert callers_text(f"m cannot do it ({path}); (not a path)", found) == f"m cannot do it ({callers}); (not a path)"


def test_what_was_dropped_is_named_as_the_caller_knows_it():
    """Sorted, each once."""
    dropped = ("stop", "reasoning_effort", "context_management", "safety_identifier")
    assert callers_names(dropped) == (
        "context_management",
        "metadata.user_id",
        "output_config.effort",
        "stop_sequences",
    )


@pytest.mark.parametrize(
    ("schema", "closed"),
    [
        (CLOSED, True),
        (OPEN, False),
        ({**CLOSED, "required": []}, False),
        ({"anyOf": [CLOSED, {"type": "array", "items": OPEN}]}, False),
        ({"anyOf": [CLOSED, {"enum": [{"properties": {}}]}]}, True),
        ({"type": "string"}, True),
        (True, True),
    ],
)
def test_what_can_be_held_to_strictly(schema, closed):
    """By OpenAI, wherever the objects stand."""
    assert is_closed(schema) is closed
