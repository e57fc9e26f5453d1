"""What is held for a request on Anthropic's wire covers all that is sent to Anthropic: also what has no chat form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway_core.domain.caller import Attribution
from gateway_core.domain.chat import ChatRequest
from gateway_core.routing.bounds import PromptSize
from gateway_core.wires.anthropic.inbound.request import inbound
from tests.unit.wires.forwarding import OPUS_48, forward

WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=12).filter(str.strip)
JSON = st.dictionaries(WORDS, WORDS, max_size=2)
BIG = st.fixed_dictionaries({"text": st.sampled_from(("", "x" * 9000))})
"""Longer than all constants of the bound: what is not counted shows."""


def block(kind: str, **members: Any) -> st.SearchStrategy[dict[str, Any]]:
    """A block, whose members are strategies or what they always are."""
    drawn = {name: one if isinstance(one, st.SearchStrategy) else st.just(one) for name, one in members.items()}
    return st.fixed_dictionaries({"type": st.just(kind), **drawn})


def turn(role: str, *blocks: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A turn of such blocks."""
    return st.fixed_dictionaries({"role": st.just(role), "content": st.lists(st.one_of(blocks), max_size=3)})


TEXT = block("text", text=WORDS)
PDF = block("document", source={"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="})
PLAIN = st.fixed_dictionaries({"type": st.just("text"), "media_type": st.just("text/plain"), "data": WORDS})
USER = turn(
    "user",
    TEXT,
    PDF,
    block("document", source=PLAIN, title=WORDS),
    block("search_result", source=WORDS, title=WORDS, content=st.lists(TEXT, max_size=1)),
    block("tool_result", tool_use_id="t", content=st.lists(TEXT | PDF, max_size=2)),
)
ASSISTANT = turn(
    "assistant",
    TEXT,
    block("text", text=WORDS, citations=st.lists(BIG, max_size=1)),
    block("thinking", thinking=WORDS, signature=WORDS),
    block("tool_use", id="t", name="f", input=JSON),
    block("server_tool_use", id="s", name="f", input=BIG),
)
SYSTEM = st.fixed_dictionaries({"role": st.just("system"), "content": WORDS})
TOOL = st.fixed_dictionaries(
    {
        "name": st.just("f"),
        "input_schema": st.fixed_dictionaries({"type": st.just("object"), "title": WORDS}),
        "input_examples": st.lists(BIG, max_size=1),
    }
) | block("bash_20250124", name="bash")
KEYWORDS = frozenset(
    {
        *(
            "application/pdf",
            "assistant",
            "base64",
            "bash",
            "bash_20250124",
            "cited_text",
            "citations",
            "content",
            "data",
        ),
        *("document", "f", "id", "input", "input_examples", "input_schema", "media_type", "messages", "name", "object"),
        *("role", "s", "search_result", "server_tool_use", "signature", "source", "system", "t", "text", "text/plain"),
        *("thinking", "title", "tool_result", "tool_use", "tool_use_id", "tools", "type", "user"),
    }
)
"""Words of the wire, in whose place the bound has those of the chat form, and a constant for each message and part."""


def texts(value: Any) -> Iterator[str]:
    """Whatever a model reads of a body: texts and names, but for the data of media."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, member in value.items():
            yield name
            yield from () if name == "data" and "media_type" in value and value["type"] == "base64" else texts(member)
    elif isinstance(value, list):
        for member in value:
            yield from texts(member)


@given(st.lists(USER | ASSISTANT | SYSTEM, min_size=1, max_size=4), st.lists(TOOL, max_size=2), WORDS)
def test_the_bound_covers_the_body(turns, tools, system):
    """More tokens than there are bytes of text no tokeniser makes; documents count apart."""
    body = {"system": system, "messages": turns, "tools": tools}
    asked = inbound(body, {})
    request = ChatRequest(asked.messages, Attribution("p"), params=asked.params, spoken=asked.spoken)
    size = PromptSize.of(request)
    sent = forward(OPUS_48, **body).body
    said = {name: sent.get(name) for name in ("system", "messages", "tools")}
    assert size.text_tokens >= sum(len(text.encode()) for text in texts(said) if text not in KEYWORDS)
    papers = str(said["messages"]).count("application/pdf")
    assert size.documents == papers
