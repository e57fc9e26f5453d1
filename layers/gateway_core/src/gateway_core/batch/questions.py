"""The values of a batch: questions, and what became of them. Pure.

Source of names and defaults: the batch service's specification (`BatchRequest`, `QuestionItem`, `ResultItem`).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

from gateway_core.domain.answer import Cost, ProviderAnswer, Usage
from gateway_core.domain.caller import Caller
from gateway_core.domain.chat import ChatRequest, Json
from gateway_core.domain.result import Attempt, Completion

TOOL = "litellm_batch_ask"
"""The right that a key needs, where it has a list of them."""
DEFAULT_MODEL = "openai/gpt-4o-mini"
DEFAULT_TEMPERATURE = 0.2
DEFAULT_MAX_TOKENS = 1000
DEFAULT_VALIDATION_RETRIES = 2

type Method = Literal["concurrent", "sequential"]
type Status = Literal["success", "error"]


@dataclass(frozen=True, slots=True)
class Question:
    """One question of a batch.

    Attributes:
        index: The caller's name for it, unique in the batch. It says nothing about the order.
        text: The prompt, in which `{Q<index>_result}` stands for the answer of an earlier question.
        method: Whether it waits for the sequential question before it.
        model: A model key, a group, or a LiteLLM identifier.
        model_group: The same, where `model` is the name of a group.
        validation_strategy: Name in the registry of strategies.
        response_model: Name in the registry of response models.
        response_schema: A JSON Schema that the answer is to satisfy.
        max_validation_retries: How often an invalid answer is asked for again.
        temperature: None where the model takes none.
        max_tokens: Of the answer.
        api_base: Where to call the provider instead of its configured base URL.
        cache: Whether an equal earlier answer may be given, and this one kept.
        options: Of the validation strategy, such as `pattern`.
        params: Further parameters by OpenAI's names, from an allow-list.
    """

    index: int
    text: str
    method: Method = "concurrent"
    model: str = DEFAULT_MODEL
    model_group: str | None = None
    validation_strategy: str = "pydantic"
    response_model: str | None = None
    response_schema: Json | None = None
    max_validation_retries: int = DEFAULT_VALIDATION_RETRIES
    temperature: float | None = DEFAULT_TEMPERATURE
    max_tokens: int = DEFAULT_MAX_TOKENS
    api_base: str | None = None
    cache: bool = True
    options: Json = field(default_factory=dict)
    params: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a question. `result` is a text or, where one was asked for, the parsed object.

    `usage` and `cost` are of all tries, content retries included; `cached` ones cost nothing and `saved_nano` says what
    they would have cost. `error_code` is the wire's stable word, None for a success. `retry_after_s` is set where
    asking again later may help, and is 0 where nobody knows how much later.
    """

    index: int
    status: Status
    result: Any = None
    error_message: str | None = None
    error_code: str | None = None
    confidence: float | None = None
    retry_count: int = 0
    usage: Usage = field(default_factory=Usage)
    cost: Cost = field(default_factory=lambda: Cost(0, 0, ""))
    cached: bool = False
    saved_nano: int = 0
    model: str | None = None
    attempts: tuple[Attempt, ...] = ()
    retry_after_s: float | None = None

    @property
    def text(self) -> str:
        """What a later question gets in the place of its placeholder: the text as it is, an object as JSON."""
        return as_text(self.result)


def as_text(result: object) -> str:
    """A result as it stands in a prompt."""
    return result if isinstance(result, str) else json.dumps(result, ensure_ascii=False)


class Answerer(Protocol):
    """Answers one question."""

    async def answer(self, question: Question, prompt: str, number: int, *, timeout_s: float) -> Answer:
        """The answer to `prompt`, which is the question's text with its placeholders filled in.

        `number` is the question's place in the list from 1, unique in the batch: request ids are made of it. Never
        raises, whatever goes wrong, but for cancellation.
        """
        ...


type Accept = Callable[[ProviderAnswer], bool]
"""Whether an answer is worth keeping for equal requests."""


class Completer(Protocol):
    """What answers a single prompt; `pipeline.gateway.Gateway` is one."""

    async def complete(
        self, request: ChatRequest, caller: Caller, request_id: str, *, timeout_s: float
    ) -> Completion[ProviderAnswer]:
        """A whole answer. Raises LLMError."""
        ...


@runtime_checkable
class Keeper(Protocol):
    """A completer that keeps answers for equal requests, where `request.cache` says so."""

    async def complete(
        self,
        request: ChatRequest,
        caller: Caller,
        request_id: str,
        *,
        timeout_s: float,
        accept: Accept | None = None,
    ) -> Completion[ProviderAnswer]:
        """A kept answer that is accepted, or a new one, which is kept if it is. Raises LLMError."""
        ...

    async def keep(self, request: ChatRequest, caller: Caller, completion: Completion[ProviderAnswer]) -> None:
        """Keep this answer for requests that equal this one."""
        ...
