"""What a model refuses of its wire's options, and how fast it is: data of the catalog, each row with its source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

type Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
EFFORTS: tuple[Effort, ...] = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""How much a model is to think, weakest first."""

type Thinks = Literal["never", "asked", "default", "always"]
"""Whether a model thinks before it answers: where it is asked to, unless it is told not to, or whatever it is told."""
type ThinkingForm = Literal["", "budget", "adaptive", "level", "effort", "switch"]
"""How a wire asks for it: by a budget of tokens, adaptively with an effort beside it, by a level, an effort, or on and
off. Empty: it has no word for it."""


OPTIONS = frozenset(
    {
        "audio",
        "frequency_penalty",
        "function_call",
        "functions",
        "logit_bias",
        "logprobs",
        "metadata",
        "modalities",
        "n",
        "parallel_tool_calls",
        "prediction",
        "presence_penalty",
        "prompt_cache_key",
        "prompt_cache_retention",
        "response_format",
        "safety_identifier",
        "seed",
        "service_tier",
        "stop",
        "store",
        "temperature",
        "tool_choice",
        "tools",
        "top_k",
        "top_logprobs",
        "top_p",
        "user",
        "verbosity",
        "web_search_options",
    }
)
"""What a model may refuse. Of `reasoning_effort` and `thinking`, its `efforts` tell."""


MAX_TOKENS_PER_S = 1000
"""For models that nobody has said anything of: some chips for inference reach it, GPUs a fraction."""


@dataclass(frozen=True, slots=True)
class ModelRules:
    """The defaults refuse nothing; options are named as OpenAI names them.

    thinks, thinking_form: Whether it thinks, and how its wire asks for that.
    efforts: The efforts that it tells apart, weakest first; `none` among them if thinking can be turned off. Empty: it
        has no such option. None: nobody knows.
    least_thinking_tokens: The smallest budget of thinking that it takes; the budget is below the output limit, too.
    cannot: Demands that it cannot meet (`wires.demands`), such as `n` for more than one answer.
    refuses, refuses_thinking: Options that it never takes, and those that it does not take while it thinks.
    most_temperature: The upper end of its range, which begins at 0.
    one_of_temperature_and_top_p: Whether it refuses both at once.
    least_top_p_thinking: The lower end of `top_p` while it thinks.
    forces_tools_thinking: Whether `tool_choice` may force a call while it thinks.
    chat_tools_thinking: Whether it takes tools while it thinks on OpenAI's chat wire.
    stop_needs_text: Whether it refuses stop sequences of white space alone.
    most_stops: How many stop sequences it takes.
    takes_prefill: Whether the last turn may be the assistant's.
    takes_late_system: Whether the system may speak in the conversation, right behind a turn of the user.
    takes_budgets: Whether a model that thinks adaptively takes budgets as well.
    output_efforts: Efforts of the whole output that it takes whether it thinks or not; if empty, those of its adaptive
        thinking.
    edits_context: Whether its provider clears old parts of a prompt on demand (`context_management`).
    max_tokens_per_s: More than it writes in a second, in one answer: bounds what was written and not delivered.
    schema_refuses: What it refuses in the schema of an answer: `recursion` or a keyword of JSON Schema.
    source: Where this is documented.
    """

    thinks: Thinks = "asked"
    thinking_form: ThinkingForm = ""
    efforts: tuple[Effort, ...] | None = None
    least_thinking_tokens: int = 0
    cannot: frozenset[str] = frozenset()
    refuses: frozenset[str] = frozenset()
    refuses_thinking: frozenset[str] = frozenset()
    most_temperature: float = 2.0
    one_of_temperature_and_top_p: bool = False
    least_top_p_thinking: float = 0.0
    forces_tools_thinking: bool = True
    chat_tools_thinking: bool = True
    stop_needs_text: bool = False
    most_stops: int = 1000
    takes_prefill: bool = True
    takes_late_system: bool = False
    takes_budgets: bool = False
    output_efforts: tuple[Effort, ...] = ()
    edits_context: bool = False
    schema_refuses: frozenset[str] = frozenset()
    max_tokens_per_s: int = MAX_TOKENS_PER_S
    source: str = ""


NO_RULES = ModelRules()
"""Of a model of which nothing is known: what is asked is sent, and the provider has the word."""
