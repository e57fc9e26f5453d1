"""The matrix with OpenAI's Responses as the caller's form: the cases of the chat form, and those that only it has."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from gateway_core.domain.chat import Engine
from tests.wires.answers import Told
from tests.wires.case import Case
from tests.wires.cases_responses import ITEMS
from tests.wires.gateway import Column
from tests.wires.matrix import SECTIONS
from tests.wires.responses_form import can_say

COLUMNS = (
    Column("anthropic", "anthropic", "claude-opus-4.5"),
    Column("gemini", "gemini", "gemini-3-pro"),
    Column("openai_chat", "compatible", "own-gpt"),
    Column("deepseek", "deepseek", "deepseek-v3.2"),
    Column("openai_responses", "openai", "gpt-5.1"),
    Column("openai_responses", "openai", "codex-max"),
)
"""OpenAI's own models are called on the caller's wire; who speaks its chat wire alone is a server of one's own."""
OWN_SERVER = """
models:
  own-gpt:
    provider: compatible
    upstream: gpt-4.1
    tier: 3
    capabilities: [json, json_schema, tools, vision]
    context_window: 400000
    max_output_tokens: 100000
    rules:
      thinks: never
      efforts: []
      cannot: [audio, image_result, input_audio]
pricing:
  models:
    own-gpt: {input: 1, output: 1}
"""
_NAMES = {"max_tokens": "max_output_tokens", "reasoning_effort": "reasoning.effort", "verbosity": "text.verbosity"}
_HEARD: Mapping[str, Callable[[Told], bool]] = {
    # A stream of which something was said already has no other end for it.
    "filter": lambda told: told.finish == "content_filter" or (told.error or {}).get("code") == "content_filtered",
    # Here it is a function where there are no custom tools: any text is what the tool wants.
    "tool-custom": lambda told: [call.name for call in told.calls] == ["run"],
}


_SAYS_NOTHING_THERE = frozenset({"effort-none", "json-mode-unnamed"})
"""Of a server of which nothing is known but that it speaks the chat wire, and a model that never thinks."""


def _own(case: Case) -> Case:
    """The case with the names of this form."""
    fields = frozenset(_NAMES.get(name, name) for name in case.fields)
    columns = case.columns
    if case.id in _SAYS_NOTHING_THERE:
        columns = frozenset(column.name for column in COLUMNS) - {"openai_chat"}
    return replace(case, fields=fields, columns=columns, heard=_HEARD.get(case.id, case.heard))


_ALIKE = re.compile(
    "sse-(?!multiline)|tool-(nested|odd|recursive|union|strict)$|json-schema-|temperature-0|both$|temperature-1.7"
    "|effort-(minimal|medium|high|max)|ids-odd|calls-none|turns-alike|whitespace-turn|empty-(system|part|parts)$"
)
"""What becomes of these is up to the provider's wire alone, and the same as for callers of the chat form."""
CASES: tuple[Case, ...] = (
    *ITEMS,
    *(_own(case) for cases in SECTIONS.values() for case in cases if can_say(case) and not _ALIKE.match(case.id)),
)
"""Over wires of our own, all of them."""
TRANSLATED = frozenset({case.id for case in ITEMS if case.id != "summary"})
"""By LiteLLM, which gets the same chat form whoever asks: those for which that form is made anew."""


def cases_of(engine: Engine) -> list[Case]:
    """What is tried by this engine."""
    return [case for case in CASES if engine == "native" or case.id in TRANSLATED]


def columns_of(case: Case, engine: Engine) -> list[Column]:
    """Who has the case; by LiteLLM no server is called that it does not know."""
    known = [column for column in COLUMNS if engine == "native" or column.provider != "compatible"]
    return [column for column in known if not case.columns or column.name in case.columns]
