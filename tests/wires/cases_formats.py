"""Cases about the form of answers."""

from __future__ import annotations

from tests.wires.case import (
    CLOSED,
    TREE,
    WEATHER,
    Case,
    answer_by,
    answered,
    called,
    every,
    in_order,
    is_held_to,
    object_of,
    offers,
    row,
    system,
    user,
)

OPEN = {"type": "object", "properties": {}, "additionalProperties": {"type": "number"}}
LIMITED = {**object_of(n={"type": "integer", "minimum": 1, "maximum": 5}), "additionalProperties": False}

FORMATS: tuple[Case, ...] = (
    row(
        "json-mode",
        "`json_object`",
        "give json",
        lambda sent: sent.makes_json,
        heard=answered(part="{"),
        response_format={"type": "json_object"},
    ),
    row(
        "json-mode-unnamed",
        "`json_object`, and no message says JSON",
        [system("Be brief."), user("hello")],
        lambda sent: sent.makes_json,
        heard=answered(part="{"),
        response_format={"type": "json_object"},
    ),
    row(
        "json-mode-tools",
        "`json_object` with a tool that is called",
        "[[tool]] give json",
        every(lambda sent: "weather" in sent.tools, lambda sent: sent.makes_json or sent.choice == "required"),
        heard=called(("weather", '{"city"')),
        fields="response_format",
        response_format={"type": "json_object"},
        tools=[WEATHER],
    ),
    row(
        "json-schema",
        "`json_schema`",
        "the weather",
        is_held_to(CLOSED),
        heard=answered(part='"degrees"'),
        response_format=answer_by(CLOSED),
    ),
    row(
        "json-schema-tools",
        "`json_schema` with a tool that is called",
        "[[tool]] the weather",
        every(offers("weather"), is_held_to(CLOSED)),
        heard=called(("weather", '{"city"')),
        response_format=answer_by(CLOSED),
        tools=[WEATHER],
    ),
    row(
        "json-schema-recursive",
        "A recursive `json_schema`",
        "a tree",
        is_held_to(TREE),
        heard=answered(part='"root"'),
        response_format=answer_by(TREE),
    ),
    row(
        "json-schema-open",
        "A `json_schema` of an object with any names",
        "a dictionary",
        is_held_to(OPEN),
        heard=answered(part="{"),
        response_format=answer_by(OPEN, strict=False),
    ),
    row(
        "json-schema-limits",
        "A `json_schema` with limits (`minimum`)",
        "a number",
        lambda sent: is_held_to(LIMITED)(sent) or ("1" in str(sent.schema) and "5" in str(sent.schema)),
        heard=answered(part='"n"'),
        response_format=answer_by(LIMITED),
        fields="response_format",
    ),
    row("text-format", "`text`", "hello", in_order("hello"), heard=answered(), response_format={"type": "text"}),
)
