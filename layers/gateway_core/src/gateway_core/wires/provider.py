"""The row of a provider: which wires it speaks, what it is called where, and its quirks that no wire explains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from gateway_core.wires.openai_chat import OPENAI_CHAT
from gateway_core.wires.openai_chat.record import image_tokens as openai_image_tokens
from gateway_core.wires.openai_responses import OPENAI_RESPONSES
from gateway_core.wires.wire import Image, ModelsEndpoint, Wire


@dataclass(frozen=True, slots=True)
class LiteLLMTraits:
    """How LiteLLM 1.106 treats a provider.

    name: What it goes by there, if that differs: the plain name may mean an older API of two.
    by_openai_sdk: It is called through OpenAI's SDK; for the others LiteLLM has clients of its own.
    takes_client: Whether its handler uses the client that it is given.
    model_prefix: What stands before the names of its models there, where LiteLLM has several APIs of it.
    translates_chat: Whether events on OpenAI's chat wire go through a translator of LiteLLM's. Who speaks it purely
        needs none; others have dialects that LiteLLM knows.
    chat: The wire of chats that it takes there, if that is not the provider's `chat`.
    """

    name: str = ""
    by_openai_sdk: bool = False
    takes_client: bool = True
    model_prefix: str = ""
    translates_chat: bool = True
    chat: Wire | None = None


@dataclass(frozen=True, slots=True)
class ProviderTraits:
    """What is known of a provider beside its catalog entry. The defaults are those of one that nobody has heard of.

    chat, responses, embeddings: The wires of its models by mode. No `embeddings`: the gateway cannot embed there.
    otel: `gen_ai.provider.name` in the semantic conventions, if it differs from `name`.
    display: What callers read in errors, if it differs from `name`.
    output_limit: The option that holds the most tokens of an answer.
    native: Whether its models are called by wires of our own unless the configuration says otherwise.
    chat_prefix: What stands between its base URL and the path of OpenAI's chat wire.
    serves_responses: Whether it serves the models of its chat wire on `responses` as well.
    stores: Whether it keeps answers unless told not to.
    has_developer_role: Whether it knows the role `developer`; else it is told as `system`.
    has_refusals: Whether it knows refusals apart from content.
    has_allowed_tools: Whether it can be told which of the tools may be called.
    json_needs_word: Whether it refuses JSON mode where no message has the word JSON in it.
    takes_text_only: Whether it takes contents as texts only, not as parts.
    takes_reasoning: Whether the `reasoning_content` of earlier answers goes back to it; others refuse the field.
    shows_reasoning: Whether its streams say all the reasoning that it bills, and not a summary of it or nothing.
    takes_signatures: Whether the signatures of earlier tool calls go back to it; others refuse ids as long as that.
    has_public_tokenizer: Whether its models count tokens with the tokenisers that OpenAI publishes.
    image_tokens: How many tokens an image counts, by the model's upstream name.
    page_tokens: About how many a page of a PDF counts: its text and its image.
    audio_tokens_per_s: About how many a second of audio counts.
    models: Where it lists its models, if that is not where its chat wire has the list.
    signs_for: The service of AWS that its requests are signed for, where they are signed and carry no key.
    regional_base: Its base URL, with `{region}` in it, if it has one for each region.
    guests: Whose models it serves as they are, by what stands before their own names.
    litellm: How LiteLLM treats it.
    """

    name: str
    chat: Wire = OPENAI_CHAT
    responses: Wire = OPENAI_RESPONSES
    embeddings: Wire | None = None
    otel: str = ""
    display: str = ""
    output_limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    native: bool = False
    chat_prefix: str = ""
    serves_responses: bool = False
    stores: bool = False
    has_developer_role: bool = False
    has_refusals: bool = False
    has_allowed_tools: bool = True
    json_needs_word: bool = False
    takes_text_only: bool = False
    takes_reasoning: bool = False
    shows_reasoning: bool = False
    takes_signatures: bool = False
    has_public_tokenizer: bool = False
    image_tokens: Callable[[str, Image], int] = openai_image_tokens
    page_tokens: int = 3000
    audio_tokens_per_s: int = 10  # OpenAI, "Managing costs" of its Realtime API: a token for 100 ms
    models: ModelsEndpoint | None = None
    signs_for: str = ""
    regional_base: str = ""
    guests: tuple[tuple[str, str], ...] = ()
    litellm: LiteLLMTraits = field(default_factory=LiteLLMTraits)

    @property
    def otel_name(self) -> str:
        return self.otel or self.name

    @property
    def display_name(self) -> str:
        return self.display or self.name

    @property
    def models_endpoint(self) -> ModelsEndpoint:
        return self.models or self.chat.models

    @property
    def litellm_name(self) -> str:
        return self.litellm.name or self.name
