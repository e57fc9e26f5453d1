"""Breakpoints and betas of a request on Anthropic's wire, on its way to Anthropic."""

import pytest

from gateway_core.domain.model_rules import NO_RULES
from gateway_core.wires.anthropic.betas import betas_for
from tests.unit.wires.forwarding import CLEARS_TOOLS, HAIKU_45, MARK, OPUS_48, RESULT, TOOLS, Q, forward

LONG = "word " * 2000


@pytest.mark.parametrize(
    ("body", "marks"),
    [
        ({"tools": TOOLS}, 0),
        ({"tools": TOOLS, "system": LONG}, 2),
        ({"messages": [{"role": "user", "content": LONG}]}, 0),
        ({"messages": [{"role": "user", "content": LONG}, {"role": "assistant", "content": "a"}, Q]}, 2),
        ({"tools": [{**TOOLS[0], "cache_control": MARK}], "system": LONG}, 1),
        ({"cache_control": MARK, "system": LONG, "tools": TOOLS}, 1),
        (
            {
                "tools": TOOLS,
                "system": LONG,
                "messages": [
                    {
                        "role": "user",
                        "content": [{**RESULT, "content": [{"type": "text", "text": "a", "cache_control": MARK}]}],
                    }
                ],
            },
            1,
        ),
    ],
)
def test_breakpoints(body, marks):
    """Ours only where a conversation goes on, is long enough, and has none of the caller's."""
    assert str(forward(caches=True, **body).body).count("'cache_control'") == marks
    if marks == 0 or "cache_control" in str(body):
        assert forward(caches=True, **body).body == forward(**body).body


def test_betas():
    """Those that the model takes, with the version; the rest is named."""
    asked = "claude-code-20250219, effort-2025-11-24,files-api-2025-04-14,effort-2025-11-24,a b"
    sent = forward(HAIKU_45, headers={"anthropic-beta": asked, "anthropic-version": "2023-01-01"})
    assert dict(sent.headers) == {"anthropic-beta": "claude-code-20250219", "anthropic-version": "2023-01-01"}
    assert sent.dropped == ("anthropic-beta", "anthropic-beta:effort-2025-11-24", "anthropic-beta:files-api-2025-04-14")
    assert forward(headers={"anthropic-version": "latest"}).headers == ()
    late, edits = "mid-conversation-system-2026-04-07", "context-management-2025-06-27"
    assert betas_for(f"{late},{edits},context-1m-2025-08-07", OPUS_48) == ((late, edits), ("context-1m-2025-08-07",))
    assert betas_for(f"{late},{edits}", NO_RULES) == ((), (late, edits))


@pytest.mark.parametrize(
    ("body", "betas"),
    [
        ({"context_management": {"edits": [CLEARS_TOOLS]}}, "context-management-2025-06-27"),
        ({"output_format": {"type": "json_schema", "schema": {}}}, "structured-outputs-2025-11-13"),
        ({"output_config": {"task_budget": {"total": 1}}}, "task-budgets-2026-03-13"),
        ({"thinking": {"type": "adaptive", "block_binding": {"x": "y"}}}, "thinking-binding-controls-2026-08-01"),
        (
            {"tools": [{"type": "bash_20250124", "name": "bash"}, {"type": "computer_20251124", "name": "computer"}]},
            "computer-use-2025-11-24",
        ),
        ({"mcp_servers": [], "speed": "standard", "container": None}, ""),
    ],
)
def test_betas_that_the_body_needs(body, betas):
    """They go along once, whether the caller names them or not; what says nothing needs none, and is left out."""
    for asked in ("", betas):
        sent = forward(headers={"anthropic-beta": asked} if asked else {}, **body)
        assert dict(sent.headers).get("anthropic-beta", "") == betas
    assert not {"mcp_servers", "speed", "container"} & sent.body.keys()
