"""Answers a single question through the gateway, and has an invalid answer corrected.

Two kinds of retries, kept apart: the gateway's failover asks other models and tells it in `attempts`; this loop asks
again because of what the answer says, and counts in `retry_count`. Each try is a request of its own: charged, recorded
and limited like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from gateway_core.batch.questions import Answer, Completer, Keeper, Question
from gateway_core.batch.structured import response_format
from gateway_core.batch.validation.base import InvalidAnswerError, Validator
from gateway_core.batch.validation.registry import Registry
from gateway_core.crowd.slot import own_slot
from gateway_core.domain.answer import Cost, ProviderAnswer, ToolCall, Usage
from gateway_core.domain.caller import Attribution, Caller
from gateway_core.domain.catalog import Catalog
from gateway_core.domain.chat import ChatRequest, Json, Model
from gateway_core.domain.errors import DeadlineExceeded, LLMError
from gateway_core.domain.result import Attempt, Completion
from gateway_core.ports import Clock
from gateway_core.wires.shapes import sendable

LEAST_TRY_S = 0.05
"""With less time left nobody is asked once more: it would be billed, and answer too late."""
MOST_QUOTED_CHARS = 20_000
"""How much of an invalid answer the model is shown again."""
VALIDATION_FAILED = "validation_failed"


class BrokenCheckError(Exception):
    """The check itself failed, so that asking again would not help; its text is the kind of exception alone."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"the check itself failed ({kind}).")


type Completed = Completion[ProviderAnswer]


@dataclass(slots=True)
class _Tally:
    """What the tries of one question came to."""

    tries: int = 0
    usage: Usage = field(default_factory=Usage)
    costs: list[Cost] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)

    def add(self, done: Completed) -> None:
        self.tries += 1
        self.usage += done.usage
        self.costs.append(done.cost)
        self.attempts += done.attempts

    @property
    def cost(self) -> Cost:
        source = self.costs[-1].price_source if self.costs else ""
        return Cost(
            sum(cost.input_nano for cost in self.costs),
            sum(cost.output_nano for cost in self.costs),
            source,
            sum(cost.estimated_nano for cost in self.costs),
        )


class QuestionAnswerer:
    """Answers the questions of one caller's batch. Implements `Answerer`.

    Args:
        completer: Answers a prompt, from the cache where the request wants that.
        catalog: Knows what a question's model can do.
        registry: Strategies and response models; questions have been checked against it.
        caller: Who asks.
        attribution: Whom it counts for.
        request_id: The batch's; each try has one of its own made of it.
        clock: For the deadline, which all tries of a question share.
    """

    def __init__(
        self,
        completer: Completer,
        catalog: Catalog,
        registry: Registry,
        caller: Caller,
        attribution: Attribution,
        request_id: str,
        clock: Clock,
    ) -> None:
        self._completer = completer
        self._catalog = catalog
        self._registry = registry
        self._caller = caller
        self._attribution = attribution
        self._request_id = request_id
        self._clock = clock

    async def answer(self, question: Question, prompt: str, number: int, *, timeout_s: float) -> Answer:
        tally, end_s = _Tally(), self._clock.monotonic_s() + timeout_s
        try:
            async with own_slot():
                validator = self._registry.validator(question)
                first = self._request(question, validator, prompt, timeout_s)
                return await self._valid_answer(question, validator, first, tally, number, end_s)
        except LLMError as error:
            return _failed(question, error, tally)

    async def _valid_answer(
        self, question: Question, validator: Validator, first: ChatRequest, tally: _Tally, number: int, end_s: float
    ) -> Answer:
        request, problems = first, ""
        for retry in range(question.max_validation_retries + 1):
            done = await self._ask_again(problems, request, validator, number, retry, end_s)
            tally.add(done)
            try:
                result = _result_of(validator, done.answer)
            except InvalidAnswerError as error:
                problems = str(error)
                request = _corrected(first, sendable(done.answer.text), error.problems)
                continue
            except BrokenCheckError as error:
                return _invalid(question, str(error), tally)
            if retry:
                await self._keep(first, done)
            return _answer(question, result, done, tally)
        return _invalid(question, problems, tally)

    async def _ask(
        self, request: ChatRequest, validator: Validator, number: int, retry: int, end_s: float
    ) -> Completed:
        """One try. Only the first one may be a kept answer: a correction is asked for because that was wrong."""
        left_s = end_s - self._clock.monotonic_s()
        if retry and left_s < LEAST_TRY_S:
            raise DeadlineExceeded("There was no time left to have an invalid answer corrected.")
        request_id = f"{self._request_id}-{number}" + (f"-r{retry}" if retry else "")
        wanted = replace(request, timeout_s=left_s, cache=request.cache and not retry)
        if wanted.cache and isinstance(self._completer, Keeper):
            accept = _accepting(validator)
            return await self._completer.complete(wanted, self._caller, request_id, timeout_s=left_s, accept=accept)
        return await self._completer.complete(wanted, self._caller, request_id, timeout_s=left_s)

    async def _ask_again(
        self, problems: str, request: ChatRequest, validator: Validator, number: int, retry: int, end_s: float
    ) -> Completed:
        """As `_ask`; an error of a correction says what it was to correct."""
        try:
            return await self._ask(request, validator, number, retry, end_s)
        except LLMError as error:
            if problems:
                error.message = f"{error.message} It was asked again because of an invalid answer: {problems}"
            raise

    async def _keep(self, first: ChatRequest, done: Completed) -> None:
        """An answer that became valid by correction is what the next equal question gets."""
        if first.cache and isinstance(self._completer, Keeper):
            await self._completer.keep(first, self._caller, done)

    def _request(self, question: Question, validator: Validator, prompt: str, timeout_s: float) -> ChatRequest:
        models = self._models(question)
        wanted = response_format(validator.schema, models)
        params = {**question.params, "temperature": question.temperature}
        if wanted and "response_format" not in params:
            params["response_format"] = wanted
        if question.options.get("logprobs") is True:
            params["logprobs"] = True
        is_native = wanted is not None and wanted["type"] == "json_schema"
        told = "" if is_native else validator.instruction
        instruction: tuple[Json, ...] = ({"role": "system", "content": told},) if told else ()
        return ChatRequest(
            messages=(*instruction, {"role": "user", "content": prompt}),
            attribution=self._attribution,
            model=None if question.model_group else question.model,
            model_group=question.model_group,
            max_output_tokens=question.max_tokens,
            params={name: value for name, value in params.items() if value is not None},
            timeout_s=timeout_s,
            cache=question.cache,
            api_base=question.api_base,
        )

    def _models(self, question: Question) -> Sequence[Model]:
        """Who may answer; raises UnknownModel."""
        if question.model_group:
            return self._catalog.group(question.model_group)
        return [self._catalog.resolve(question.model, question.api_base)]


def _accepting(validator: Validator) -> Callable[[ProviderAnswer], bool]:
    def accept(answer: ProviderAnswer) -> bool:
        try:
            _result_of(validator, answer)
        except (InvalidAnswerError, BrokenCheckError):
            return False
        return True

    return accept


def _result_of(validator: Validator, answer: ProviderAnswer) -> object:
    """What the caller gets. A call of a tool is no answer yet, and is handed on. Raises also BrokenCheckError."""
    if answer.tool_calls:
        return {"content": sendable(answer.text), "tool_calls": [_call(call) for call in answer.tool_calls]}
    try:
        return validator.result_of(sendable(answer.text))
    except InvalidAnswerError as error:
        cut = ("It was cut off at max_tokens: say it in fewer words.",) if answer.finish_reason == "length" else ()
        raise InvalidAnswerError([*cut, *error.problems]) from None
    except Exception as error:  # a user's model or strategy may raise anything
        raise BrokenCheckError(type(error).__name__) from error


def _call(call: ToolCall) -> dict[str, object]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _corrected(first: ChatRequest, wrong: str, problems: Sequence[str]) -> ChatRequest:
    """The first request with the latest invalid answer and what is wrong with it; earlier ones would only add cost."""
    listed = "\n".join(f"- {problem}" for problem in problems)
    text = f"That answer is not valid:\n{listed}\nAnswer the question again, so that none of this is true any more."
    said: tuple[Json, ...] = (
        {"role": "assistant", "content": wrong[:MOST_QUOTED_CHARS] or "(nothing)"},
        {"role": "user", "content": text},
    )
    return replace(first, messages=(*first.messages, *said))


def _answer(question: Question, result: object, done: Completed, tally: _Tally) -> Answer:
    return Answer(
        index=question.index,
        status="success",
        result=result,
        confidence=done.answer.confidence,
        retry_count=tally.tries - 1,
        usage=tally.usage,
        cost=tally.cost,
        cached=done.cached,
        saved_nano=done.saved_nano,
        model=done.model.key,
        attempts=tuple(tally.attempts),
    )


def _invalid(question: Question, problems: str, tally: _Tally) -> Answer:
    tries = "once" if tally.tries == 1 else f"{tally.tries} times"
    text = f"Asked {tries}, the model gave no answer that is valid by {question.validation_strategy}: {problems}"
    failed = Answer(question.index, "error", error_message=text, error_code=VALIDATION_FAILED)
    return _with_tally(failed, tally)


def _failed(question: Question, error: LLMError, tally: _Tally) -> Answer:
    """The answer that says why there is none, with what earlier tries cost."""
    failed = Answer(
        question.index,
        "error",
        error_message=error.message,
        error_code=error.code,
        retry_after_s=(error.retry_after_s or 0.0) if error.retryable else None,
    )
    if error.billed:
        usage, cost = error.billed
        tally.usage += usage
        tally.costs.append(cost)
    return _with_tally(replace(failed, attempts=error.attempts), tally)


def _with_tally(failed: Answer, tally: _Tally) -> Answer:
    return replace(
        failed,
        retry_count=max(0, tally.tries - 1),
        usage=tally.usage,
        cost=tally.cost,
        attempts=(*tally.attempts, *failed.attempts),
    )
