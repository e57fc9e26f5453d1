"""Cases about options: sampling, thinking, and OpenAI's own."""

from __future__ import annotations

from tests.wires.case import (
    WEATHER,
    Case,
    always,
    answered,
    effort_of,
    every,
    in_order,
    option,
    row,
    text,
    user,
)
from tests.wires.reading import Sent


def _marks(sent: Sent) -> int:
    return str(sent.body).count("'cache_control':") + str(sent.body).count("'cachePoint':")


_NULLS = (
    "frequency_penalty",
    "logit_bias",
    "max_tokens",
    "parallel_tool_calls",
    "prediction",
    "presence_penalty",
    "prompt_cache_key",
    "reasoning_effort",
    "response_format",
    "safety_identifier",
    "seed",
    "service_tier",
    "stop",
    "temperature",
    "tool_choice",
    "tools",
    "top_p",
    "verbosity",
)
_OWN_NULLS = (
    "audio",
    "function_call",
    "functions",
    "logprobs",
    "max_completion_tokens",
    "metadata",
    "modalities",
    "moderation",
    "n",
    "prompt_cache_options",
    "store",
    "stream_options",
    "top_logprobs",
    "user",
    "web_search_options",
)


SAMPLING: tuple[Case, ...] = (
    row(
        "temperature", "`temperature: 0.5`", "hello", option("temperature", 0.5), fields="temperature", temperature=0.5
    ),
    row("temperature-0", "`temperature: 0`", "hello", option("temperature", 0), fields="temperature", temperature=0),
    row("top-p", "`top_p: 0.9`", "hello", option("top_p", 0.9), fields="top_p", top_p=0.9),
    row(
        "both",
        "`temperature: 0.5` with `top_p: 0.9`",
        "hello",
        every(option("temperature", 0.5), option("top_p", 0.9)),
        fields="temperature top_p",
        temperature=0.5,
        top_p=0.9,
    ),
    row(
        "temperature-1.7",
        "`temperature: 1.7`",
        "hello",
        option("temperature", 1.7),
        fields="temperature",
        temperature=1.7,
    ),
    row(
        "temperature-thinking",
        "`temperature: 0.5` while thinking",
        "hello",
        option("temperature", 0.5),
        fields="temperature",
        temperature=0.5,
        reasoning_effort="medium",
    ),
    row(
        "top-p-thinking",
        "`top_p: 0.5` while thinking",
        "hello",
        option("top_p", 0.5),
        fields="top_p",
        top_p=0.5,
        reasoning_effort="medium",
    ),
    row("top-k", "`top_k: 20`", "hello", option("top_k", 20), fields="top_k", top_k=20),
    row("seed", "`seed: 7`", "hello", option("seed", 7), fields="seed", seed=7),
    row("seed-long", "`seed` of 63 bits", "hello", option("seed", 2**62), fields="seed", seed=2**62),
    row(
        "penalties",
        "`presence_penalty`, `frequency_penalty`",
        "hello",
        every(option("presence_penalty", 0.5), option("frequency_penalty", 0.25)),
        fields="presence_penalty frequency_penalty",
        presence_penalty=0.5,
        frequency_penalty=0.25,
    ),
    row(
        "stop",
        "`stop`",
        "[[say=ab STOP cd]]",
        lambda sent: sent.stops == ("STOP",),
        fields="stop",
        stop=["STOP"],
        heard=lambda told: told.text.startswith("ab") and told.finish == "stop",
    ),
    row("stop-text", "`stop` as a text", "hello", lambda sent: sent.stops == ("STOP",), fields="stop", stop="STOP"),
    row("stop-blank", "`stop` of white space", "hello", lambda sent: sent.stops == ("\n",), fields="stop", stop=["\n"]),
    row(
        "limit",
        "`max_tokens`",
        "hello",
        lambda sent: (
            300 in [value for name, value in sent.options.items() if name.lower().replace("_", "").startswith("max")]
        ),
        max_tokens=300,
    ),
    row(
        "limit-tiny",
        "`max_tokens: 5`",
        "hello",
        lambda sent: (
            5 in [value for name, value in sent.options.items() if name.lower().replace("_", "").startswith("max")]
        ),
        heard=lambda told: told.finish in ("stop", "length"),
        fields="max_tokens",
        max_tokens=5,
    ),
)

THINKING: tuple[Case, ...] = (
    *(
        row(
            f"effort-{effort}",
            f"`reasoning_effort: {effort}`",
            "hello",
            lambda sent, effort=effort: effort_of(sent) == effort,
            fields="reasoning_effort",
            reasoning_effort=effort,
            max_tokens=32000,
        )
        for effort in ("none", "minimal", "low", "medium", "high", "xhigh", "max")
    ),
    row(
        "thinking-budget",
        "`thinking` with a budget",
        "hello",
        lambda sent: "3000" in str(sent.body),
        fields="thinking reasoning_effort",
        thinking={"type": "enabled", "budget_tokens": 3000},
    ),
    row(
        "thinking-off",
        "`thinking` turned off",
        "hello",
        lambda sent: effort_of(sent) in ("none", None) and sent.wire in ("anthropic", "bedrock", "chat", "deepseek"),
        fields="thinking reasoning_effort",
        thinking={"type": "disabled"},
    ),
    row(
        "verbosity",
        "`verbosity`",
        "hello",
        lambda sent: (
            sent.options.get("verbosity") == "low" or (sent.options.get("text") or {}).get("verbosity") == "low"
        ),
        fields="verbosity",
        verbosity="low",
    ),
)

OWN: tuple[Case, ...] = (
    row("n", "`n: 2`", "hello", option("n", 2), heard=lambda told: told.choices == {0, 1}, n=2),
    row("n-1", "`n: 1`", "hello", in_order("hello"), heard=answered(), n=1),
    row(
        "logprobs",
        "`logprobs`",
        "hello",
        option("logprobs", value=True),
        heard=lambda told: told.logprobs,
        logprobs=True,
        top_logprobs=2,
    ),
    row("logprobs-false", "`logprobs: false`", "hello", in_order("hello"), logprobs=False),
    row("logit-bias", "`logit_bias`", "hello", option("logit_bias", {"50256": -100}), logit_bias={"50256": -100}),
    row("logit-bias-empty", "`logit_bias: {}`", "hello", in_order("hello"), logit_bias={}),
    row(
        "prediction",
        "`prediction`",
        "hello",
        option("prediction", _GUESS := {"type": "content", "content": "guess"}),
        fields="prediction",
        prediction=_GUESS,
    ),
    row(
        "tier",
        "`service_tier: flex`",
        "hello",
        option("service_tier", "flex"),
        fields="service_tier",
        service_tier="flex",
    ),
    row(
        "cache-key",
        "`prompt_cache_key`",
        "hello",
        lambda sent: "k1" in str(sent.options.get("prompt_cache_key")),
        fields="prompt_cache_key",
        prompt_cache_key="k1",
    ),
    row(
        "cache-retention",
        "`prompt_cache_retention`",
        "hello",
        option("prompt_cache_retention", "24h"),
        fields="prompt_cache_retention",
        prompt_cache_retention="24h",
    ),
    row(
        "safety",
        "`safety_identifier`",
        "hello",
        lambda sent: "who1" in str(sent.options.get("safety_identifier") or sent.options.get("metadata")),
        fields="safety_identifier",
        safety_identifier="who1",
    ),
    row("store", "`store: true`", "hello", option("store", value=True), fields="store", store=True),
    row(
        "cache-control",
        "`cache_control` on a part",
        [user([text("long", cache_control={"type": "ephemeral", "ttl": "1h"}), text("short")])],
        lambda sent: _marks(sent) == 1 and "1h" in str(sent.body),
        fields="cache_control",
    ),
    row(
        "cache-control-message",
        "`cache_control` on a message",
        [user("hello", cache_control={"type": "ephemeral"})],
        lambda sent: _marks(sent) == 1,
        fields="cache_control",
    ),
    row(
        "cache-control-tool",
        "`cache_control` on a tool",
        "hello",
        lambda sent: _marks(sent) == 1,
        fields="cache_control",
        tools=[{**WEATHER, "cache_control": {"type": "ephemeral"}}],
    ),
    row(
        "search",
        "`web_search_options`",
        "hello",
        always,
        web_search_options={},
    ),
    row(
        "nulls",
        "Null for every option",
        "hello",
        in_order("hello"),
        heard=answered(),
        **dict.fromkeys(_NULLS),
    ),
    row(
        "nulls-own",
        "Null for the options of OpenAI's route",
        "hello",
        in_order("hello"),
        heard=answered(),
        **dict.fromkeys(_OWN_NULLS),
    ),
)
