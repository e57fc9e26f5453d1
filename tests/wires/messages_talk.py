"""What callers on Anthropic's wire say: turns, images and documents."""

from __future__ import annotations

from tests.wires.case import (
    always,
    answered,
    every,
    has,
    row,
    text,
    user,
)
from tests.wires.messages_words import (
    FOREIGN,
    IMAGE,
    MARK,
    PAPER,
    SEARCH,
    THOUGHT,
    back,
    document,
    reads,
    result,
    tool,
    use,
)

TURNS = (
    row("plain", "A text", "hello", reads("hello"), heard=answered()),
    row("system", "`system`", "hello", lambda sent: sent.texts("system") == ["Be brief."], system="Be brief."),
    row(
        "system-blocks",
        "`system` in blocks, with `cache_control`",
        "hello",
        every(reads("One.", "Two.", "hello"), lambda sent: "cache_control" in str(sent.body)),
        fields="cache_control",
        system=[text("One."), text("Two.", cache_control=MARK)],
    ),
    row(
        "system-late",
        "`role: system` in the conversation",
        [user("a"), back(text("b")), user("c"), {"role": "system", "content": "Be brief."}],
        every(reads("a", "b", "c", "Be brief."), lambda sent: any("Be brief." in one for one in sent.texts("system"))),
    ),
    row(
        "turns",
        "Several turns",
        [user("a"), back(text("b")), user([text("c"), text("d")])],
        reads("a", "b", "c", "d"),
    ),
    row("prefill", "A begun answer", [user("a"), back(text("b"))], reads("a", "b")),
    row("empty-back", "An empty answer, sent back", [user("a"), back(), user("c")], reads("a", "c")),
    row(
        "thoughts-back",
        "Claude's thoughts, sent back",
        [user("a"), back(THOUGHT, use()), user([result("sunny")])],
        lambda sent: bool(sent.values("thought")),
        fields="thinking_blocks",
        tools=[tool()],
    ),
    row(
        "foreign-thoughts-back",
        "Another model's thoughts, sent back",
        [user("a"), back(FOREIGN, text("b")), user("c")],
        reads("a", "b", "c"),
    ),
)
MEDIA = (
    row("image", "An image", [user([text("see"), IMAGE])], has("image", "image/png")),
    row(
        "image-url",
        "An image by its URL",
        [user([{"type": "image", "source": {"type": "url", "url": "https://a.example"}}])],
        always,
    ),
    row(
        "pdf",
        "A PDF with its `title`",
        [user([document(PAPER["source"], title="a.pdf")])],
        has("file", "a.pdf"),
        fields="title",
    ),
    row(
        "text-document",
        "A document of text",
        [user([document({"type": "text", "media_type": "text/plain", "data": "read me"})])],
        reads("read me"),
    ),
    row(
        "document-parts",
        "A document in parts",
        [user([document({"type": "content", "content": [text("read me")]})])],
        reads("read me"),
        columns="gemini openai_chat openai_responses deepseek",
    ),
    row(
        "citations",
        "`citations`",
        [user([document(PAPER["source"], citations={"enabled": True})])],
        lambda sent: "citations" in str(sent.body),
    ),
    row("search-result", "A search result", [user([text("q"), SEARCH])], reads("q", "found it")),
    row("file-id", "A file that is kept", [user([document({"type": "file", "file_id": "file_1"})])], always),
)
