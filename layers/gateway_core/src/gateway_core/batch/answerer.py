"""Answers a single question through the gateway: its budgets, failover and books are those of any completion."""

from __future__ import annotations

from gateway_core.batch.questions import Answer, Completer, Question
from gateway_core.domain.caller import Attribution, Caller
from gateway_core.domain.chat import ChatRequest, Json
from gateway_core.domain.errors import LLMError


class QuestionAnswerer:
    """Answers the questions of one caller's batch. Implements `Answerer`."""

    def __init__(self, completer: Completer, caller: Caller, attribution: Attribution, request_id: str) -> None:
        self._completer = completer
        self._caller = caller
        self._attribution = attribution
        self._request_id = request_id

    async def answer(self, question: Question, prompt: str, number: int, *, timeout_s: float) -> Answer:
        request = self._request(question, ({"role": "user", "content": prompt},), timeout_s)
        request_id = f"{self._request_id}-{number}"
        try:
            done = await self._completer.complete(request, self._caller, request_id, timeout_s=timeout_s)
        except LLMError as error:
            return failed(question, error)
        return Answer(
            index=question.index,
            status="success",
            result=done.answer.content,
            usage=done.usage,
            cost=done.cost,
            cached=done.cached,
            model=done.model.key,
            attempts=done.attempts,
        )

    def _request(self, question: Question, messages: tuple[Json, ...], timeout_s: float) -> ChatRequest:
        params = {**question.params, "temperature": question.temperature}
        return ChatRequest(
            messages=messages,
            attribution=self._attribution,
            model=question.model,
            max_output_tokens=question.max_tokens,
            params={name: value for name, value in params.items() if value is not None},
            timeout_s=timeout_s,
            cache=question.cache,
            api_base=question.api_base,
        )


def failed(question: Question, error: LLMError) -> Answer:
    """The answer that says why there is none."""
    return Answer(question.index, "error", None, error.message, error.code, attempts=error.attempts)
