"""The body of `POST /v1/responses`: OpenAI's documented fields, and `client_metadata`, which Codex sends.

Docs: https://platform.openai.com/docs/api-reference/responses/create.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from gateway_core.api.body import Id, Strict, not_offered
from gateway_core.api.openai_responses.items import NOT_KEPT, Item
from gateway_core.api.openai_responses.tools import Choice, ResponseTool
from gateway_core.api.openai_wire import ModelName
from gateway_core.api.schemas import Share, Tokens
from gateway_core.api.tools import ToolName


def _unless(why: str, *allowed: str) -> BeforeValidator:
    """Refuses what says something, unless it is allowed."""

    def check(value: Any) -> Any:
        if value and value not in allowed:
            raise not_offered(why)
        return value

    return BeforeValidator(check)


type _NotKept = Annotated[Any, _unless(NOT_KEPT)]


class PlainText(Strict):
    type: Literal["text", "json_object"]


class SchemaText(Strict):
    type: Literal["json_schema"]
    name: ToolName
    schema_: Annotated[dict[str, Any], Field(alias="schema")]
    description: str | None = None
    strict: bool | None = None


class TextOptions(Strict):
    format: Annotated[PlainText | SchemaText, Field(discriminator="type")] | None = None
    verbosity: Literal["low", "medium", "high"] | None = None


class ReasoningOptions(Strict):
    effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    summary: Literal["auto", "concise", "detailed"] | None = None
    generate_summary: Literal["auto", "concise", "detailed"] | None = None
    context: Literal["auto", "current_turn", "all_turns"] | None = None
    mode: Annotated[str | None, _unless("no hold covers what the mode pro may cost", "standard")] = None


class ResponseStreamOptions(Strict):
    include_obfuscation: bool | None = None


def _is_known(name: str) -> str:
    if name not in _INCLUDES:
        raise ValueError(f"must be one of {', '.join(sorted(_INCLUDES))}")
    return name


_INCLUDES = frozenset(
    {
        "code_interpreter_call.outputs",
        "computer_call_output.output.image_url",
        "file_search_call.results",
        "message.input_image.image_url",
        "message.output_text.logprobs",
        "reasoning.encrypted_content",
        "web_search_call.action.sources",
        "web_search_call.results",
    }
)


class ResponsesBody(Strict):
    """What a model is told, and what is the gateway's; what would need a provider to keep something is refused."""

    model: ModelName
    input: str | Annotated[list[Item], Field(min_length=1)]
    instructions: str | None = None
    max_output_tokens: Tokens | None = None
    max_tool_calls: Tokens | None = None
    stream: bool | None = None
    stream_options: ResponseStreamOptions | None = None
    tools: Annotated[list[ResponseTool], Field(max_length=512)] | None = None
    tool_choice: Choice | None = None
    parallel_tool_calls: bool | None = None
    text: TextOptions | None = None
    reasoning: ReasoningOptions | None = None
    include: list[Annotated[str, AfterValidator(_is_known)]] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Share | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    truncation: Literal["auto", "disabled"] | None = None
    service_tier: Literal["auto", "default", "flex", "scale", "priority", "fast"] | None = None
    prompt_cache_key: Id | None = None
    prompt_cache_retention: Literal["in-memory", "in_memory", "24h"] | None = None
    prompt_cache_options: dict[str, Any] | None = None
    safety_identifier: Id | None = None
    moderation: dict[str, Any] | None = None
    metadata: Annotated[dict[str, str], Field(max_length=16)] | None = None
    client_metadata: dict[str, Any] | None = None
    user: str | None = None
    store: bool | None = None
    previous_response_id: _NotKept = None
    conversation: _NotKept = None
    prompt: Annotated[Any, _unless("prompts that a provider keeps belong to nobody here: send the input itself")] = None
    background: Annotated[Any, _unless("an answer comes in its own request: stream it, or send a job to POST /ask")] = (
        None
    )
    context_management: Annotated[Any, _unless("no hold covers a conversation that a provider shortens by itself")] = (
        None
    )
