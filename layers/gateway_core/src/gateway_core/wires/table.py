"""The providers that something is known of, a row each. Any other speaks OpenAI's chat wire, as most do.

Names for telemetry: https://github.com/open-telemetry/semantic-conventions-genai (`gen_ai.provider.name`).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gateway_core.domain.chat import Deployment
from gateway_core.wires.anthropic import ANTHROPIC
from gateway_core.wires.anthropic import record as anthropic
from gateway_core.wires.bedrock import BEDROCK
from gateway_core.wires.cohere import COHERE
from gateway_core.wires.gemini import GEMINI
from gateway_core.wires.gemini import record as gemini
from gateway_core.wires.ollama import OLLAMA
from gateway_core.wires.openai_chat import OPENAI_CHAT
from gateway_core.wires.openai_embeddings import OPENAI_EMBEDDINGS
from gateway_core.wires.openai_responses import OPENAI_RESPONSES
from gateway_core.wires.provider import LiteLLMTraits, ProviderTraits
from gateway_core.wires.wire import LimitHeaders, Wire

_BY_SDK = LiteLLMTraits(by_openai_sdk=True)
_ROWS = (
    ProviderTraits(
        "anthropic",
        chat=ANTHROPIC,
        display="Anthropic",
        native=True,
        image_tokens=anthropic.image_tokens,
        page_tokens=3800,  # docs, "PDF support": 1500 to 3000 for the text, and an image of the page
    ),
    ProviderTraits(
        "openai",
        embeddings=OPENAI_EMBEDDINGS,
        display="OpenAI",
        native=True,
        serves_responses=True,
        stores=True,
        has_developer_role=True,
        has_refusals=True,
        json_needs_word=True,
        output_limit="max_completion_tokens",  # `max_tokens` is deprecated there
        has_public_tokenizer=True,
        litellm=LiteLLMTraits(by_openai_sdk=True, translates_chat=False),
    ),
    ProviderTraits(
        "gemini",
        chat=GEMINI,
        otel="gcp.gemini",
        display="Gemini",
        native=True,
        takes_signatures=True,
        image_tokens=gemini.image_tokens,
        page_tokens=560,  # docs, "Media resolution"
        audio_tokens_per_s=32,  # docs, "Understand and count tokens"
    ),
    ProviderTraits(
        "deepseek",
        display="DeepSeek",
        native=True,
        has_allowed_tools=False,
        json_needs_word=True,
        takes_text_only=True,
        takes_reasoning=True,
        shows_reasoning=True,
        litellm=LiteLLMTraits(translates_chat=False),
    ),
    ProviderTraits("azure", otel="azure.ai.openai"),
    ProviderTraits("baseten", litellm=_BY_SDK),
    ProviderTraits(
        "bedrock",
        chat=BEDROCK,
        otel="aws.bedrock",
        display="Bedrock",
        signs_for="bedrock",
        guests=(("anthropic.", "anthropic"),),
        regional_base="https://bedrock-runtime.{region}.amazonaws.com",
        image_tokens=anthropic.image_tokens,
        page_tokens=3800,  # Claude's, which count the most
        litellm=LiteLLMTraits(model_prefix="converse/"),
    ),
    ProviderTraits("cerebras", litellm=_BY_SDK),
    ProviderTraits("codestral", litellm=_BY_SDK),
    ProviderTraits("cohere", chat=COHERE, litellm=LiteLLMTraits("cohere_chat", takes_client=False)),
    ProviderTraits("dashscope", litellm=_BY_SDK),
    ProviderTraits("deepinfra", litellm=_BY_SDK),
    ProviderTraits("featherless_ai", litellm=_BY_SDK),
    ProviderTraits("friendliai", litellm=_BY_SDK),
    ProviderTraits("github", litellm=_BY_SDK),
    # LiteLLM's own handler of Groq fails for answers without a `service_tier`.
    ProviderTraits("groq", litellm=LiteLLMTraits("custom_openai", by_openai_sdk=True)),
    ProviderTraits("hyperbolic", litellm=_BY_SDK),
    ProviderTraits("inception", litellm=_BY_SDK),
    ProviderTraits("lambda_ai", litellm=_BY_SDK),
    ProviderTraits("llamafile", litellm=_BY_SDK),
    ProviderTraits("lm_studio", litellm=_BY_SDK),
    ProviderTraits("meta_llama", litellm=_BY_SDK),
    ProviderTraits("mistral", otel="mistral_ai"),
    ProviderTraits("moonshot", litellm=_BY_SDK),
    ProviderTraits("nebius", litellm=_BY_SDK),
    ProviderTraits("novita", litellm=_BY_SDK),
    ProviderTraits("nscale", litellm=_BY_SDK),
    ProviderTraits("nvidia_nim", litellm=_BY_SDK),
    # Its own wire tells less than OpenAI's, which it serves beside it; LiteLLM takes the former.
    ProviderTraits(
        "ollama",
        native=True,
        chat_prefix="/v1",
        models=OLLAMA.models,
        litellm=LiteLLMTraits("ollama_chat", chat=OLLAMA),
    ),
    ProviderTraits("perplexity", litellm=_BY_SDK),
    ProviderTraits("sambanova", litellm=_BY_SDK),
    ProviderTraits("vercel_ai_gateway", litellm=_BY_SDK),
    ProviderTraits("vertex_ai", otel="gcp.vertex_ai", takes_signatures=True),
    ProviderTraits("volcengine", litellm=_BY_SDK),
    ProviderTraits("wandb", litellm=_BY_SDK),
    ProviderTraits("xai", otel="x_ai"),
    ProviderTraits("zai", litellm=_BY_SDK),
)

PROVIDERS: Mapping[str, ProviderTraits] = MappingProxyType({row.name: row for row in _ROWS})
WIRES: Mapping[str, Wire] = MappingProxyType(
    {
        wire.name: wire
        for wire in (OPENAI_CHAT, OPENAI_RESPONSES, OPENAI_EMBEDDINGS, ANTHROPIC, BEDROCK, GEMINI, COHERE, OLLAMA)
    }
)
LIMIT_HEADERS: tuple[LimitHeaders, ...] = tuple(
    dict.fromkeys(wire.limit_headers for wire in WIRES.values() if wire.limit_headers)
)
"""What is looked for in every answer: proxies hand on the headers of whatever stands behind them."""


def traits_of(provider: str) -> ProviderTraits:
    """The provider's row, or the default one."""
    return PROVIDERS.get(provider) or ProviderTraits(provider)


def maker_of(provider: str, upstream_model: str) -> tuple[str, str]:
    """Who made a model, and what it is called there: whatever holds of it there holds of it here."""
    for mark, maker in traits_of(provider).guests:
        _, found, name = upstream_model.partition(mark)
        if found:
            return maker, name
    return provider, upstream_model


def wire_of(deployment: Deployment) -> Wire:
    """The wire that a deployment answers on, called by its engine."""
    traits = traits_of(deployment.provider)
    match deployment.mode:
        case "responses":
            return traits.responses
        case "embedding":
            return traits.embeddings or OPENAI_EMBEDDINGS
        case _ if deployment.engine == "litellm":
            return traits.litellm.chat or traits.chat
        case _:
            return traits.chat
