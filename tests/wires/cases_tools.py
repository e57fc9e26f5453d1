"""Cases about tools."""

from __future__ import annotations

from tests.wires.case import (
    CITY,
    CLOSED,
    PING,
    TREE,
    WEATHER,
    Case,
    answered,
    called,
    every,
    in_order,
    object_of,
    offers,
    row,
    takes,
    tool,
)

NESTED = object_of(
    ("when", "guests"),
    when=object_of(date={"type": "string"}, hour={"type": "integer"}),
    guests={"type": "array", "items": object_of(name={"type": "string"}, kind={"type": "string", "enum": ["a", "b"]})},
    note={"type": "string", "description": "Whatever."},
)
ODD = object_of(
    letter={"enum": ["a", "b"]},
    day={"type": "string", "format": "date"},
    fixed={"const": "z"},
    number={"type": "integer", "enum": [1, 2]},
    maybe={"type": ["string", "null"], "enum": ["a", None]},
    either={"oneOf": [{"type": "string"}, {"type": "integer"}]},
    any={"type": "array", "items": True},
)
UNION = {
    "type": "object",
    "oneOf": [object_of(a={"type": "string"}), object_of(b={"type": "integer"})],
}
GRAMMAR = {"type": "custom", "custom": {"name": "run", "description": "Runs code."}}
LEGACY = {"name": "weather", "parameters": CITY}


def _allowed(mode: str) -> dict[str, object]:
    named = {"type": "function", "function": {"name": "ping"}}
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": [named]}}


TOOLS: tuple[Case, ...] = (
    row("tool", "A tool, not called", "hello", takes("weather", CITY), heard=answered(), tools=[WEATHER]),
    row(
        "tool-called",
        "A call",
        "[[tool]]",
        offers("weather"),
        heard=called(("weather", '{"city"')),
        tools=[WEATHER],
    ),
    row(
        "tools-parallel",
        "Two calls at once",
        "[[tool=weather,ping]]",
        offers("weather", "ping"),
        heard=called(("weather", '{"city"'), ("ping", "{}")),
        tools=[WEATHER, PING],
    ),
    row(
        "tools-serial",
        "`parallel_tool_calls: false`",
        "hello",
        lambda sent: (
            sent.options.get("parallel_tool_calls") is False
            or (sent.options.get("tool_choice") or {}).get("disable_parallel_tool_use") is True
        ),
        fields="parallel_tool_calls",
        tools=[WEATHER, PING],
        parallel_tool_calls=False,
    ),
    row(
        "tool-forced",
        "`tool_choice: required`",
        "hello",
        lambda sent: sent.choice == "required",
        heard=called(("weather", '{"city"')),
        tools=[WEATHER, PING],
        tool_choice="required",
    ),
    row(
        "tool-named",
        "`tool_choice` of one tool",
        "hello",
        lambda sent: sent.choice == "ping",
        heard=called(("ping", "{}")),
        tools=[WEATHER, PING],
        tool_choice={"type": "function", "function": {"name": "ping"}},
    ),
    row(
        "tool-never",
        "`tool_choice: none`",
        "hello",
        lambda sent: sent.choice == "none" or not sent.tools,
        heard=answered(),
        tools=[WEATHER],
        tool_choice="none",
    ),
    row(
        "tool-forced-thinking",
        "`tool_choice: required` while thinking",
        "hello",
        every(lambda sent: sent.choice == "required", lambda sent: sent.wire not in ("anthropic", "deepseek")),
        heard=called(("weather", '{"city"')),
        fields="reasoning_effort tool_choice",
        tools=[WEATHER],
        tool_choice="required",
        reasoning_effort="medium",
    ),
    row(
        "tool-named-thinking",
        "`tool_choice` of one tool while thinking",
        "hello",
        every(lambda sent: sent.choice == "ping", lambda sent: sent.wire not in ("anthropic", "deepseek")),
        heard=called(("ping", "{}")),
        fields="reasoning_effort tool_choice",
        tools=[WEATHER, PING],
        tool_choice={"type": "function", "function": {"name": "ping"}},
        reasoning_effort="medium",
    ),
    row(
        "tool-choice-alone",
        "`tool_choice: auto` and `parallel_tool_calls` without tools",
        "hello",
        in_order("hello"),
        heard=answered(),
        tool_choice="auto",
        parallel_tool_calls=True,
    ),
    row(
        "tool-allowed",
        "`allowed_tools`",
        "[[tool=weather,ping]]",
        lambda sent: offers("ping")(sent) or "allowed" in str(sent.body).lower(),
        heard=lambda told: {call.name for call in told.calls} <= {"ping"},
        tools=[WEATHER, PING],
        tool_choice=_allowed("auto"),
    ),
    row(
        "tool-custom",
        "A custom tool",
        "[[tool]]",
        offers("run"),
        heard=called(("run", "print")),
        tools=[GRAMMAR],
    ),
    row(
        "tool-no-arguments",
        "A call without arguments",
        "[[tool]] [[no_args]]",
        offers("ping"),
        heard=called(("ping", "{}")),
        tools=[PING],
    ),
    row(
        "tool-done-only",
        "Arguments that come with the event of their end",
        "[[tool]] [[done_only]]",
        offers("weather"),
        heard=called(("weather", '{"city"')),
        tools=[WEATHER],
        columns="openai_responses",
    ),
    row(
        "tool-no-parameters",
        "A tool without parameters",
        "[[tool]]",
        offers("ping"),
        heard=called(("ping", "{}")),
        tools=[tool("ping")],
    ),
    row("tool-nested", "A nested schema", "hello", takes("book", NESTED), tools=[tool("book", NESTED)]),
    row(
        "tool-odd",
        "`enum` and `const` without a type, `oneOf`, types in a list, `items: true`, formats",
        "hello",
        takes("odd", ODD),
        tools=[tool("odd", ODD)],
    ),
    row(
        "tool-recursive",
        "A recursive schema, `$ref` described",
        "hello",
        takes("grow", TREE),
        tools=[tool("grow", TREE)],
    ),
    row(
        "tool-union",
        "Alternatives at a schema's root",
        "hello",
        lambda sent: takes("pick", UNION)(sent) or {"a", "b"} <= sent.tools["pick"].get("properties", {}).keys(),
        fields="tools",
        tools=[tool("pick", UNION)],
    ),
    row(
        "tool-strict",
        "`strict` of a tool",
        "hello",
        lambda sent: "VALIDATED" in str(sent.body) or "'strict': True" in str(sent.body),
        fields="strict tools",
        tools=[tool("look", CLOSED, strict=True)],
    ),
    row(
        "functions",
        "The deprecated `functions`",
        "hello",
        lambda sent: bool(sent.options.get("functions")),
        functions=[LEGACY],
    ),
)
