"""The model: what is said for a prompt, as a pure function of prompt and wishes."""

from __future__ import annotations

import json
from dataclasses import replace

from local.providers.model import CacheUse, Finish, Generation, Prompt, Refused, Tokens, Tool, ToolCall
from local.providers.schema import value_for
from local.providers.script import tool_for
from local.providers.tokens import count, pieces
from local.providers.wishes import Wishes, without_directives

ECHO_TOKENS = 64
"""How much of the last user message an answer repeats."""
THINKING_TOKENS = 12
"""Reasoning of a request that asks for it without saying how much."""
_WORDS = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta")


_NO_CACHE = CacheUse()


def generate(prompt: Prompt, wishes: Wishes, cache: CacheUse = _NO_CACHE) -> Generation:
    """The whole answer, cut to the prompt's stop sequences and output limit (reasoning counts towards it)."""
    calls = _calls(prompt, wishes)
    text, stopped_by = _until_stop("" if calls else _text(prompt, wishes), prompt.stop)
    whole = Generation(
        pieces(text),
        _reasoning(prompt, wishes),
        calls,
        _finish(calls, wishes),
        stopped_by,
        refused=wishes.refusal is not None,
        choices=prompt.choices,
        quirks=wishes.quirks,
    )
    if wishes.refuse:
        whole = replace(whole, calls=(), finish="content_filter")
    return _counted(_limited(whole, prompt.max_tokens), prompt, _cache_use(prompt, wishes, cache))


def truncated(generation: Generation, output_tokens: int, finish: Finish) -> Generation:
    """The answer as far as its first tokens, ended for another reason."""
    short = replace(_limited(generation, output_tokens), finish=finish)
    choices = short.choices
    tokens = replace(
        generation.tokens, output=_output_tokens(short) * choices, reasoning=len(short.reasoning) * choices
    )
    return replace(short, tokens=replace(tokens, accepted=0, rejected=0))


def call_tokens(call: ToolCall) -> int:
    return count(call.name) + count(call.arguments)


def _finish(calls: tuple[ToolCall, ...], wishes: Wishes) -> Finish:
    if calls:
        return "tool_calls"
    return "pause" if wishes.pause_turn else "stop"


def _text(prompt: Prompt, wishes: Wishes) -> str:
    if wishes.refusal is not None:
        return wishes.refusal
    if wishes.say is not None:
        return wishes.say
    if wishes.words is not None:
        return " ".join(_WORDS[i % len(_WORDS)] for i in range(wishes.words))
    if prompt.schema is not None:
        return json.dumps(value_for(prompt.schema) if prompt.schema else {"answer": _echo(prompt)})
    return f"{prompt.model} heard: {_echo(prompt)}"


def _echo(prompt: Prompt) -> str:
    return "".join(pieces(without_directives(prompt.user_text))[:ECHO_TOKENS])


def _reasoning(prompt: Prompt, wishes: Wishes) -> tuple[str, ...]:
    wanted = wishes.reasoning if wishes.reasoning is not None else THINKING_TOKENS * prompt.thinking
    return pieces(" ".join(_WORDS[-1 - i % len(_WORDS)] for i in range(wanted)))


def _calls(prompt: Prompt, wishes: Wishes) -> tuple[ToolCall, ...]:
    if not prompt.tools or wishes.refusal is not None:
        return ()
    scripted = _scripted(prompt)
    if scripted:
        return (scripted,)
    if prompt.forced:
        chosen = _named(prompt.tools, prompt.forced)
    else:
        chosen = _named(prompt.tools, wishes.tool) if wishes.tool and not prompt.answered else ()
    return tuple(_call(tool, "" if wishes.no_args else _arguments(tool)) for tool in chosen)


def _scripted(prompt: Prompt) -> ToolCall | None:
    """The call that a script has next, where the tool is there and no other one is forced."""
    step = prompt.script.step
    tool = tool_for(step, prompt.tools) if step else None
    if step is None or tool is None or prompt.forced not in (None, "*", tool.name):
        return None
    if tool.kind != "custom" and step.arguments and not step.arguments.startswith("{"):
        raise Refused(f"simulator directive: {tool.name} takes a JSON object")
    return _call(tool, step.arguments or _arguments(tool))


def _call(tool: Tool, arguments: str) -> ToolCall:
    return ToolCall(tool.name, arguments, tool.kind, tool.namespace)


def _arguments(tool: Tool) -> str:
    """A custom tool gets a line of text."""
    return "print('text')" if tool.kind == "custom" else json.dumps(value_for(tool.schema or {"type": "object"}))


def _named(tools: tuple[Tool, ...], names: str) -> tuple[Tool, ...]:
    if names == "*":
        return tools[:1]
    return tuple(tool for name in names.split(",") for tool in tools if tool.name == name)


def _until_stop(text: str, stops: tuple[str, ...]) -> tuple[str, str | None]:
    found = [(text.index(stop), stop) for stop in stops if stop and stop in text]
    if not found:
        return text, None
    at, stop = min(found)
    return text[:at], stop


def _output_tokens(generation: Generation) -> int:
    return len(generation.reasoning) + len(generation.text) + sum(map(call_tokens, generation.calls))


def _limited(whole: Generation, limit: int | None) -> Generation:
    """A tool call that does not fit is left out: half a call is of no use to anybody."""
    if limit is None or _output_tokens(whole) <= limit:
        return whole
    reasoning = whole.reasoning[:limit]
    text = whole.text[: limit - len(reasoning)]
    return replace(whole, text=text, reasoning=reasoning, calls=(), finish="length", stop_sequence=None)


def _cache_use(prompt: Prompt, wishes: Wishes, cache: CacheUse) -> CacheUse:
    """What a test asks for comes before what the cache did."""
    if not (wishes.cached or wishes.cache_write or wishes.cache_write_1h):
        return cache
    read = min(wishes.cached, prompt.input_tokens)
    write_1h = min(wishes.cache_write_1h, prompt.input_tokens - read)
    return CacheUse(read, min(wishes.cache_write, prompt.input_tokens - read - write_1h), write_1h)


def _counted(generation: Generation, prompt: Prompt, cache: CacheUse) -> Generation:
    """Every choice is billed; of a prediction also what was not taken over."""
    accepted, rejected = _predicted(generation, prompt)
    tokens = Tokens(
        input=prompt.input_tokens,
        output=(_output_tokens(generation) + rejected) * generation.choices,
        cached=cache.read,
        cache_write=cache.write_5m + cache.write_1h,
        reasoning=len(generation.reasoning) * generation.choices,
        cache_write_1h=cache.write_1h,
        accepted=accepted,
        rejected=rejected,
        audio_input=prompt.audio_tokens,
        audio_output=len(generation.text) if prompt.speaks else 0,
    )
    return replace(generation, tokens=tokens)


def _predicted(generation: Generation, prompt: Prompt) -> tuple[int, int]:
    """How many tokens of a prediction the answer begins with, and how many it leaves."""
    if prompt.predicted is None:
        return 0, 0
    expected = pieces(prompt.predicted)
    accepted = 0
    while accepted < min(len(expected), len(generation.text)) and expected[accepted] == generation.text[accepted]:
        accepted += 1
    return accepted, len(expected) - accepted
