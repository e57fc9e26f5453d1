"""The bodies of `/v1/messages` and `/v1/messages/count_tokens`: Anthropic's documented fields."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from gateway_core.api.anthropic.blocks import AskedEffort, CacheControl, Message, TextBlock, Tool
from gateway_core.api.body import Strict, not_offered
from gateway_core.api.openai_wire import ModelName
from gateway_core.api.schemas import Share, Tokens

_CONTAINERS = "containers run at Anthropic, and the gateway can neither price nor bound what they do"
_SERVERS = "the gateway has no provider call an address that a client names: give the model tools of your own"
_ELSEWHERE = "the gateway has fallbacks of its own: ask for a group"
_ONE_ACCOUNT = "all projects share one account there, so that nothing is kept for one of them"
_PRICED_HIGHER = "is billed at another rate, which the catalog does not list"
_EDITS = ("clear_thinking_", "clear_tool_uses_")


def _refused(why: str) -> AfterValidator:
    def check(value: Any) -> Any:
        if value not in (None, [], {}):
            raise not_offered(why)
        return value

    return AfterValidator(check)


def _at_the_list_price(value: str | None) -> str | None:
    if value not in (None, "global", "standard"):
        raise not_offered(_PRICED_HIGHER)
    return value


class AnyChoice(Strict):
    type: Literal["auto", "any"]
    disable_parallel_tool_use: bool | None = None


class NamedChoice(Strict):
    type: Literal["tool"]
    name: Annotated[str, Field(min_length=1, max_length=128)]
    disable_parallel_tool_use: bool | None = None


class NoChoice(Strict):
    type: Literal["none"]


type Display = Literal["summarized", "omitted", "updates"]


class Enabled(Strict):
    type: Literal["enabled"]
    budget_tokens: Annotated[int, Field(ge=1024)]
    display: Display | None = None


class Adaptive(Strict):
    type: Literal["adaptive"]
    display: Display | None = None
    block_binding: dict[str, Any] | None = None


class Disabled(Strict):
    type: Literal["disabled"]


class Format(Strict):
    type: Literal["json_schema"]
    schema_: Annotated[dict[str, Any], Field(alias="schema")]


class OutputConfig(Strict):
    effort: AskedEffort | None = None
    format: Format | None = None
    task_budget: dict[str, Any] | None = None


class Metadata(Strict):
    user_id: Annotated[str, Field(max_length=512)] | None = None


class ContextManagement(Strict):
    edits: list[dict[str, Any]] = Field(default_factory=list)

    @model_validator(mode="after")
    def _are_free(self) -> Self:
        kinds = (str(edit.get("type")) for edit in self.edits)
        if any(not kind.startswith(_EDITS) for kind in kinds):
            raise not_offered("takes edits of the types clear_thinking_* and clear_tool_uses_*; others cost extra")
        return self


class Prompt(Strict):
    """What is said to a model."""

    model: ModelName
    messages: Annotated[list[Message], Field(min_length=1)]
    system: str | list[TextBlock] | None = None
    tools: list[Tool] | None = None
    tool_choice: Annotated[AnyChoice | NamedChoice | NoChoice, Field(discriminator="type")] | None = None
    thinking: Annotated[Enabled | Adaptive | Disabled, Field(discriminator="type")] | None = None
    output_config: OutputConfig | None = None
    output_format: Format | None = None
    cache_control: CacheControl | None = None
    context_management: ContextManagement | None = None
    mcp_servers: Annotated[list[Any] | None, _refused(_SERVERS)] = None
    speed: Annotated[str | None, AfterValidator(_at_the_list_price)] = None

    @field_validator("tool_choice")
    @classmethod
    def _has_tools(
        cls, choice: AnyChoice | NamedChoice | NoChoice | None, info: ValidationInfo
    ) -> AnyChoice | NamedChoice | NoChoice | None:
        if choice and choice.type in ("any", "tool") and not info.data.get("tools", True):
            raise ValueError("there are no tools to choose from")
        return choice


class MessagesBody(Prompt):
    """`POST /v1/messages`."""

    max_tokens: Tokens
    stream: bool | None = None
    temperature: Share | None = None
    top_p: Share | None = None
    top_k: Annotated[int, Field(ge=0)] | None = None
    stop_sequences: Annotated[list[Annotated[str, Field(min_length=1)]], Field(max_length=1000)] | None = None
    metadata: Metadata | None = None
    service_tier: Literal["auto", "standard_only"] | None = None
    inference_geo: Annotated[str | None, AfterValidator(_at_the_list_price)] = None
    container: Annotated[Any, _refused(_CONTAINERS)] = None
    fallbacks: Annotated[Any, _refused(_ELSEWHERE)] = None
    fallback_credit_token: Annotated[Any, _refused(_ELSEWHERE)] = None
    compaction: Annotated[Any, _refused("costs a request of its own, which nobody would see")] = None
    diagnostics: Annotated[Any, _refused(_ONE_ACCOUNT)] = None
    thread: Annotated[Any, _refused(_ONE_ACCOUNT)] = None
    user_profile_id: Annotated[Any, _refused(_ONE_ACCOUNT)] = None
    workspace_id: Annotated[Any, _refused(_ONE_ACCOUNT)] = None


class CountBody(Prompt):
    """`POST /v1/messages/count_tokens`."""
