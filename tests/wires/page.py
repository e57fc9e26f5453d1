"""docs/wires.md, made of what is expected of each cell: `python -m tests.wires.page` writes it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import yaml

from tests.wires import bedrock_matrix, expected, messages_cases, messages_matrix
from tests.wires.case import Case
from tests.wires.expected import Cells
from tests.wires.matrix import SECTIONS
from tests.wires.responses_page import responses_lines

PAGE = Path(__file__).parents[2] / "docs/wires.md"
DIFFERENCES = Path(__file__).with_name("differences.yaml")
_TITLES = {
    "anthropic": "Anthropic",
    "gemini": "Gemini",
    "openai_chat": "OpenAI, chat",
    "openai_responses": "OpenAI, Responses",
    "deepseek": "DeepSeek",
}
_WORDS = {
    "carried": "it is in the request to the provider, and the answer has what it asks for",
    "named": "it is left out, or brought to the nearest that the model takes; `dropped_params` in the answer and the "
    "header `x-gateway-dropped` name it",
    "ruled out": "the model is not asked, as its answer would be another: alone, a 400 names the field and the reason; "
    "in a group the next model answers, and `attempts` has the reason (`unsupported` or `capability`)",
    "refused": "no model is asked: a 422 names the field, and what to send instead",
    "error": "the answer ends in this error",
}
_INTRO = """\
# What happens to what you send

A documented field of your request reaches a provider that speaks it, is translated, rules the model out with a reason,
or, where it is harmless, is left out and named. Clients speak OpenAI's chat form, to `/v1/chat/completions` or, under
our own names, to `/v1/complete` and `/v1/stream`; providers speak their own. Whatever you send ends in one of these:

| word | what it means |
|---|---|
{words}

"Carried, without `x`" says that `x`, which goes with it, is left out and named. A field that is carried to a server of
your own on OpenAI's chat wire is in its request; what it makes of that is its own affair.

A row is about one model of the provider (`claude-opus-4.5`, `gemini-3-pro`, `gpt-5.1`, `codex-max`, `deepseek-v3.2`):
what single models take is in [their rules](models.md). Answers in one piece and streams are the same unless a row says
otherwise. Requests go over wires of our own; where an `engine: litellm` in the
[configuration](configuration.md) makes a difference, the cell says what becomes of it that way.

This page is written by `python -m tests.wires.page` from the tests that send each row to each provider's simulator.
"""
_OTHERS = """
## `/v1/complete` and `/v1/stream`

All as above, but for these. What is refused there is a field of OpenAI's chat form alone: use `/v1/chat/completions`.

"""
_MESSAGES = """
## On Anthropic's wire: `/v1/messages`

To Anthropic the body goes on as it came; what single models do not take of it is brought to the nearest that they
take, or left out, and named. Everybody else is asked through the chat form. What is refused is a 400 here, as it is at
Anthropic, and fields have Anthropic's names. See [Messages](messages.md).
"""
_BEDROCK = """
## Claude on Amazon Bedrock

Called by LiteLLM alone, see [Amazon Bedrock](providers.md#amazon-bedrock). What is not here comes out as at Anthropic
in the tables above.

| | at Anthropic | on Bedrock |
|---|---|---|
"""
_ENGINES = """
## Where LiteLLM says it otherwise

`engine: litellm` calls a provider by way of [LiteLLM](https://github.com/BerriAI/litellm) instead of a wire of our own.
The answers are the same in most rows above. This is where requests differ, and the documentation that our own follow:
"""


def render() -> str:
    """The page."""
    cells = expected.load()
    words = "\n".join(f"| {word} | {meaning} |" for word, meaning in _WORDS.items())
    return "".join(
        [
            _INTRO.format(words=words),
            *_tables(cells),
            _OTHERS,
            *_differing(cells),
            _MESSAGES,
            *_messages(),
            *responses_lines(_words),
            _BEDROCK,
            *_bedrock(cells),
            _ENGINES,
            *_differences(),
        ]
    )


def _tables(cells: dict[str, Cells]) -> Iterator[str]:
    for title, cases in SECTIONS.items():
        yield f"\n## {title}\n\n"
        yield from _table([(case, cells[case.id]["chat"]) for case in cases])


def _messages() -> Iterator[str]:
    cells = messages_matrix.load()
    for title, cases in messages_cases.SECTIONS.items():
        yield f"\n### {title}: Messages\n\n"
        yield from _table([(case, cells[case.id]) for case in cases])


def _bedrock(cells: dict[str, Cells]) -> Iterator[str]:
    found = bedrock_matrix.load()
    for case in bedrock_matrix.CASES:
        ours, there = cells[case.id]["chat"][bedrock_matrix.LIKE]["native"], found[case.id]["chat"]
        if ours != there:
            yield f"| {case.title} | {_words(ours)} | {_words(there)} |\n"


def _differing(cells: dict[str, Cells]) -> Iterator[str]:
    cases = [case for section in SECTIONS.values() for case in section]
    other = [(case, cells[case.id]["complete"]) for case in cases]
    yield from _table([(case, found) for case, found in other if found != cells[case.id]["chat"]])


def _table(rows: list[tuple[Case, dict[str, dict[str, str]]]]) -> Iterator[str]:
    yield f"| | {' | '.join(_TITLES.values())} |\n|---|{'---|' * len(_TITLES)}\n"
    for case, columns in rows:
        yield f"| {case.title} | {' | '.join(_cell(columns.get(column, {})) for column in _TITLES)} |\n"


def _cell(by_engine: dict[str, str]) -> str:
    """Empty where the provider has nothing of the kind."""
    if not by_engine:
        return ""
    native, litellm = by_engine["native"], by_engine["litellm"]
    return _words(native) if native == litellm else f"{_words(native)}; by LiteLLM {_words(litellm)}"


def _words(outcome: str) -> str:
    """With the names of fields as code."""
    return " / ".join(_marked(part) for part in outcome.split(" / "))


def _marked(part: str) -> str:
    lead, mark, names = part.rpartition(": ") if ": " in part else part.rpartition(" without ")
    return lead + mark + re.sub(r"[\w.]+", r"`\g<0>`", names) if mark else part


def _differences() -> Iterator[str]:
    for title, lines in yaml.safe_load(DIFFERENCES.read_text()).items():
        yield f"\n### {title}\n\n| | by LiteLLM | by our own wire | decided by |\n|---|---|---|---|\n"
        for what, litellm, ours, link in lines:
            yield f"| {what} | {litellm} | {ours} | [{_host(link)}]({link}) |\n"


def _host(link: str) -> str:
    return link.removeprefix("https://").partition("/")[0]


def main() -> None:
    """Write the page."""
    PAGE.write_text(render())


if __name__ == "__main__":
    main()
