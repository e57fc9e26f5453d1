"""Cases about answers: how they end, and in which forms they come."""

from __future__ import annotations

from tests.wires.answers import Told
from tests.wires.case import Case, always, answered, row


def _is_filtered(told: Told) -> bool:
    return (told.error or {}).get("code") == "content_filtered"


ANSWERS: tuple[Case, ...] = (
    row(
        "refusal",
        "A refusal",
        "[[refusal=I must not.]]",
        always,
        heard=lambda told: "I must not." in (told.refusal, told.text) or _is_filtered(told),
    ),
    row(
        "length",
        "An answer that the limit ends",
        "[[words=60]]",
        always,
        heard=lambda told: told.finish == "length" and bool(told.text),
        max_tokens=20,
    ),
    row(
        "length-thinking",
        "A limit that thinking uses up",
        "[[reasoning=200]]",
        always,
        heard=lambda told: told.finish == "length" and not told.text,
        max_tokens=20,
    ),
    row(
        "filter",
        "An answer that a filter ends",
        "[[refuse]]",
        always,
        heard=_is_filtered,
    ),
    row("empty", "An empty answer", "[[say=]]", always, heard=lambda told: told.finish == "stop" and not told.text),
    row(
        "pause",
        "The stop reason `pause_turn`",
        "[[pause_turn]]",
        always,
        heard=answered(),
        columns="anthropic",
    ),
    row(
        "redacted",
        "Redacted thinking",
        "[[redacted]]",
        always,
        heard=answered(),
        reasoning_effort="medium",
        columns="anthropic",
    ),
    row(
        "parts",
        "Content as a list of parts",
        "[[parts]] hello",
        always,
        heard=answered(part="heard: hello"),
        columns="openai_chat deepseek",
    ),
    row(
        "no-usage",
        "An answer without usage",
        "[[no_usage]] hello",
        always,
        heard=lambda told: told.finish == "stop" and "hello" in told.text,
    ),
    row(
        "thoughts",
        "Visible thinking",
        "[[reasoning=5]] hello",
        always,
        heard=lambda told: told.text.endswith("heard: hello"),
        reasoning_effort="high",
    ),
    *(
        row(f"sse-{form}", f"A stream with {words}", f"[[sse={form}]] hello", always, heard=answered(part="hello"))
        for form, words in (
            ("empty", "`data:` alone"),
            ("blank", "empty data"),
            ("ping", "events `ping` without content"),
            ("comments", "comments"),
            ("ids", "`id:` and `retry:` lines"),
            ("multiline", "an event over several lines"),
            ("nospace", "no space after the colon"),
            ("bom", "a byte order mark"),
            ("cr", "CR line ends"),
            ("crlf", "CRLF line ends"),
        )
    ),
)
