"""What Anthropic refuses of fields, blocks and calls, against its documentation of 2026-11-29."""

from __future__ import annotations

import pytest

from tests.local.providers.at_anthropic import PDF, PNG, TOOL, USER, message, problem

CALL = {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "sunny"}


def said(*blocks, role="user"):
    return {"messages": [*([] if role == "user" else USER), {"role": role, "content": list(blocks)}]}


def file(kind, media_type, data):
    return {"type": kind, "source": {"type": "base64", "media_type": media_type, "data": data}}


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"top_p": 1.5}, "top_p: range: 0..1"),
        ({"stop_sequences": ["ok", "\n"]}, "stop_sequences: each stop sequence must contain non-whitespace"),
        ({"metadata": {"trace": "x"}}, "metadata.trace: Extra inputs are not permitted"),
        ({"service_tier": "flex"}, "service_tier: Input should be 'auto' or 'standard_only'"),
        ({"system": [{"type": "text", "text": ""}]}, "messages: text content blocks must be non-empty"),
        ({"output_config": {"shape": 1}}, "output_config.shape: Extra inputs are not permitted"),
        ({"output_config": {"effort": "xhigh"}}, "output_config.effort: Input should be 'low', 'medium' or 'high'"),
        ({"output_config": {"format": {"type": "json"}}}, "output_config.format.type: Input should be 'json_schema'"),
        (
            {"model": "claude-haiku-4-5", "output_config": {"effort": "low"}},
            "This model does not support the effort parameter.",
        ),
    ],
)
def test_fields_are_checked(sim, fields, text):
    """Ranges, values and names of the body's own fields."""
    assert problem(message(sim, **fields)) == text


def test_efforts_follow_the_model(sim):
    """What one model refuses another takes."""
    assert message(sim, model="claude-opus-4-8", output_config={"effort": "xhigh"}).status_code == 200
    assert message(sim, output_config={"effort": "high"}, service_tier="auto", metadata={"user_id": "u"}).is_success


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"messages": [{**USER[0], "name": "bob"}]}, "messages.0.name: Extra inputs are not permitted"),
        (
            {"messages": [{"role": "user", "content": " \n"}]},
            "messages: text content blocks must contain non-whitespace text",
        ),
        (
            said({"type": "text", "text": "a", "refusal": "b"}),
            "messages.0.content.0.text.refusal: Extra inputs are not permitted",
        ),
        (said({"type": "image"}), "messages.0.content.0.image.source: Field required"),
        (
            said(file("image", "image/tiff", PNG)),
            (
                "messages.0.content.0.image.source.base64.media_type: Input should be 'image/jpeg', 'image/png', "
                "'image/gif' or 'image/webp'"
            ),
        ),
        (
            said(file("image", "image/jpeg", PNG)),
            (
                "messages.0.content.0.image.source.base64: The image was specified using the image/jpeg media type, "
                "but it is image/png"
            ),
        ),
        (
            said(file("document", "text/csv", PDF)),
            "messages.0.content.0.document.source.base64.media_type: Input should be 'application/pdf'",
        ),
        (
            said(file("document", "application/pdf", "no base64!")),
            "messages.0.content.0.document.source.base64.data: Invalid base64 data",
        ),
        (said(file("document", "application/pdf", PNG)), "The PDF specified was not valid."),
        (
            said({"type": "document", "source": {"type": "url"}}),
            "messages.0.content.0.document.source.url.url: Field required",
        ),
        (
            said({"type": "image", "source": {"type": "data"}}),
            (
                "messages.0.content.0.image.source: Input tag 'data' found using 'type' does not match any of the "
                "expected tags: 'base64', 'file', 'url'"
            ),
        ),
        (
            said({"type": "text", "text": "so "}, role="assistant"),
            "messages: final assistant content cannot end with trailing whitespace",
        ),
    ],
)
def test_blocks_are_checked(sim, fields, text):
    """Fields, media types and bytes of what messages consist of."""
    assert problem(message(sim, **fields)) == text


def test_system_messages_in_the_conversation(sim):
    """From Opus 4.8 on, after a user's message and before the assistant's, or last; before that not at all."""
    system = {"role": "system", "content": "Be brief from now on."}
    later = [*USER, system, {"role": "assistant", "content": "Yes."}, *USER]
    assert message(sim, model="claude-opus-4-8", messages=later).json()["usage"]["input_tokens"] == 5 + 8 + 4 + 5
    assert message(sim, model="claude-opus-4-8", messages=[*USER, system]).is_success
    assert problem(message(sim, messages=later)) == "role 'system' is not supported on this model"
    for at, misplaced in ((0, [system, *USER]), (1, [*USER, system, *USER])):
        told = problem(message(sim, model="claude-opus-4-8", messages=misplaced))
        assert told.startswith(f"messages.{at}: role 'system' must {'precede' if at else 'follow'} ")
    shown = [*USER, {"role": "system", "content": [file("image", "image/png", PNG)]}]
    assert "text content only" in problem(message(sim, model="claude-opus-4-8", messages=shown))


def test_documents_and_images_are_read(sim):
    """A PDF and an image of the right type count as input like a page."""
    blocks = said(
        file("document", "application/pdf", PDF), file("image", "image/png", PNG), {"type": "text", "text": "x"}
    )
    assert message(sim, **blocks).json()["usage"]["input_tokens"] == 2 * 258 + 1 + 3


def turns(*later):
    return {"messages": [*USER, *({"role": role, "content": content} for role, content in later)], "tools": [TOOL]}


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        (
            turns(("assistant", [CALL | {"id": "functions.x:0"}])),
            "messages.1.content.0.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'",
        ),
        (
            turns(("assistant", [CALL | {"input": "{}"}])),
            "messages.1.content.0.tool_use.input: Input should be a valid dictionary",
        ),
        (
            turns(("user", [RESULT])),
            (
                "messages.1.content.0: unexpected `tool_use_id` found in `tool_result` blocks: toolu_1. Each "
                "`tool_result` block must have a corresponding `tool_use` block in the previous message."
            ),
        ),
        (
            turns(("assistant", [CALL]), ("user", "thanks")),
            (
                "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: toolu_1. Each "
                "`tool_use` block must have a corresponding `tool_result` block in the next message."
            ),
        ),
        (
            turns(("assistant", [CALL]), ("user", [{"type": "text", "text": "so"}, RESULT])),
            (
                "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: toolu_1. Each "
                "`tool_use` block must have a corresponding `tool_result` block in the next message."
            ),
        ),
    ],
)
def test_calls_and_results_belong_together(sim, fields, text):
    """Ids have a form, every call is answered at once, and nothing else is answered."""
    assert problem(message(sim, **fields)) == text


def test_the_parts_of_a_result_are_checked_too(sim):
    """Blocks within blocks."""
    nested = RESULT | {"content": [file("image", "image/png", "no base64!")]}
    assert problem(message(sim, **turns(("assistant", [CALL]), ("user", [nested])))) == (
        "messages.2.content.0.tool_result.content.0.image.source.base64.data: Invalid base64 data"
    )


def test_results_may_come_in_messages_of_their_own(sim):
    """Messages of one role in a row are one turn."""
    other = CALL | {"id": "toolu_2"}
    results = [("user", [RESULT]), ("user", [RESULT | {"tool_use_id": "toolu_2"}, {"type": "text", "text": "go on"}])]
    assert message(sim, **turns(("assistant", [CALL, other]), *results)).status_code == 200
