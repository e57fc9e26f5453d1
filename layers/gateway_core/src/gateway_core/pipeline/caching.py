"""The response cache in front of the gateway: an equal question of a project is answered once.

digest of the request -> turn among equal ones -> look-up -> the kept answer, or the gateway's, which is then kept
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace

from gateway_core.crowd.slot import waited
from gateway_core.domain.answer import Cost, ProviderAnswer, Usage
from gateway_core.domain.caller import Caller
from gateway_core.domain.chat import ChatRequest
from gateway_core.domain.embedding import Embeddings, EmbedRequest
from gateway_core.domain.errors import LLMError, StoreUnavailable
from gateway_core.domain.result import Completion, Opened
from gateway_core.pipeline.admission import LEAST_ATTEMPT_S, CallerChangedError, FailoverPolicy
from gateway_core.pipeline.failover import Failover
from gateway_core.pipeline.final_error import refusal_error
from gateway_core.pipeline.gateway import Compose, Gateway, RequestContext, StreamPart
from gateway_core.pipeline.request_state import RequestState
from gateway_core.pipeline.single_flight import SingleFlight, Turn
from gateway_core.ports import Clock, ResponseCache
from gateway_core.routing.bounds import BoundedCandidate
from gateway_core.store.kept_answers import KeptAnswer, chunks_of, digest_of_request, is_whole, pack, unpack
from gateway_core.store.messages import Refused, StaleCaller, Terms
from gateway_core.store.response_cache import CachePolicy, Hit, LookUp, Miss
from gateway_core.telemetry.telemetry import Telemetry
from gateway_core.wires.demands import needs_forwarding

type _Parts = AsyncGenerator[StreamPart]
type Accept = Callable[[ProviderAnswer], bool]
"""Whether an answer is worth keeping for equal requests, and worth giving where it was kept."""


@dataclass(frozen=True, slots=True)
class _Question:
    """A request as the cache sees it: its entry, and the models whose answer it may be given."""

    state: RequestState
    entry: str
    resolved: Mapping[str, BoundedCandidate]


@dataclass(frozen=True, slots=True)
class _Looked:
    """Where a request stands after its look-up; its hit may be given after `wait_ms`.

    Without the store nothing is kept either.
    """

    question: _Question
    context: RequestContext
    turn: Turn
    hit: KeptAnswer | None
    wait_ms: int = 0
    store_is_away: bool = False


class CachingGateway:
    """The gateway for requests with `cache` and without. Answers and raises like `Gateway`.

    A hit passes the key's rights and its requests a minute, needs no money, and is in the books with a cost of 0.
    """

    def __init__(
        self,
        gateway: Gateway,
        answers: ResponseCache,
        failover: Failover,
        clock: Clock,
        telemetry: Telemetry,
        policy: CachePolicy,
        failover_policy: FailoverPolicy,
    ) -> None:
        self._gateway = gateway
        self._answers = answers
        self._failover = failover
        self._clock = clock
        self._telemetry = telemetry
        self._policy = policy
        self._limits = failover_policy
        self._flights = SingleFlight()

    async def complete(
        self,
        request: ChatRequest,
        caller: Caller,
        request_id: str,
        *,
        timeout_s: float,
        accept: Accept | None = None,
    ) -> Completion[ProviderAnswer]:
        """A whole answer. Without `accept` every whole one is worth keeping."""
        if not self._applies(request):
            return await self._gateway.complete(request, caller, request_id, timeout_s=timeout_s)
        return await self._kept_or_fresh(request, caller, request_id, timeout_s, accept)

    async def composed[R](
        self, request: ChatRequest, caller: Caller, request_id: str, compose: Compose[R], *, timeout_s: float
    ) -> R:
        """What `compose` makes of a whole answer, see `Gateway.composed`."""
        if not self._applies(request):
            return await self._gateway.composed(request, caller, request_id, compose, timeout_s=timeout_s)
        return compose(await self._kept_or_fresh(request, caller, request_id, timeout_s))

    async def _kept_or_fresh(
        self, request: ChatRequest, caller: Caller, request_id: str, timeout_s: float, accept: Accept | None = None
    ) -> Completion[ProviderAnswer]:
        request = replace(request, spoken=None)  # an answer is the same, kept or not
        started_s = self._clock.monotonic_s()
        looked = await self._look(request, RequestContext(caller, request_id, started_s + timeout_s), accept)
        try:
            if looked.hit:
                return await self._hit(looked, looked.hit, started_s)
            current, left_s = looked.context, self._left_s(looked.context)
            done = await self._gateway.complete(request, current.caller, request_id, timeout_s=left_s)
            await self._keep(looked, done, accept)
            return done
        finally:
            looked.turn.end()

    def stream(
        self, request: ChatRequest, caller: Caller, request_id: str, *, timeout_s: float, accept: Accept | None = None
    ) -> _Parts:
        """An answer in pieces, kept before its completion is given. Close it to end it early."""
        if not self._applies(request):
            return self._gateway.stream(request, caller, request_id, timeout_s=timeout_s)
        request = replace(request, spoken=None)  # as above
        return self._cached(request, RequestContext(caller, request_id, self._clock.monotonic_s() + timeout_s), accept)

    async def _cached(self, request: ChatRequest, context: RequestContext, accept: Accept | None) -> _Parts:
        started_s = self._clock.monotonic_s()
        looked = await self._look(request, context, accept)
        try:
            source = self._replay(looked, looked.hit, started_s) if looked.hit else self._fresh(request, looked, accept)
            async with aclosing(source) as parts:
                async for part in parts:
                    yield part
        finally:
            looked.turn.end()

    async def embed(
        self, request: EmbedRequest, caller: Caller, request_id: str, *, timeout_s: float
    ) -> Completion[Embeddings]:
        """A vector for each text; embeddings are not kept."""
        return await self._gateway.embed(request, caller, request_id, timeout_s=timeout_s)

    async def keep(self, request: ChatRequest, caller: Caller, completion: Completion[ProviderAnswer]) -> None:
        """Keep an answer to `request` that another request gave, such as a repetition. Never raises an LLMError."""
        if not self._applies(request) or completion.cached:
            return
        try:
            question = await self._question(
                request, RequestContext(caller, completion.id, self._clock.monotonic_s() + request.timeout_s)
            )
        except LLMError:
            return
        if kept := _worth_keeping(question, completion, None):
            await self._put(question, kept)

    def _applies(self, request: ChatRequest) -> bool:
        # What only the provider's own answer holds, such as log probabilities, is not kept.
        return request.cache and self._policy.enabled and not needs_forwarding(request.messages, request.params)

    async def _question(self, request: ChatRequest, context: RequestContext) -> _Question:
        """The request with whom it would be sent to. Asks nobody: whoever is the fastest now, all of them may answer.

        Raises what planning does, above all for models that the caller may not use.
        """
        fastest = request.routing == "latency" and request.model is None
        lasting = replace(request, explain=False)
        lasting = replace(lasting, routing="order", fallback=True) if fastest else lasting
        state = await self._gateway.chat_state(lasting, context)
        resolved = state.untried if fastest else state.untried[:1]
        models = ((bounded.model, bounded.output_cap) for bounded in resolved)
        entry = digest_of_request(request, models, state.price_hash)
        return _Question(state, entry, {bounded.model.key: bounded for bounded in resolved})

    async def _look(self, request: ChatRequest, context: RequestContext, accept: Accept | None) -> _Looked:
        async def look(current: RequestContext) -> _Looked:
            question = await self._question(request, current)
            turn = await waited(self._flights.join(question.entry, self._left_s(current)))
            try:
                hit, wait_ms = await self._found(question, current, turn, accept)
            except StoreUnavailable as error:
                self._telemetry.cache_failed(current.request_id, error)
                turn.land(None)
                return _Looked(question, current, turn, None, store_is_away=True)
            except BaseException:
                turn.end()
                raise
            if hit:
                turn.land(hit)
            return _Looked(question, current, turn, hit, wait_ms)

        return await self._gateway.with_fresh_rights(context, look)

    async def _found(
        self, question: _Question, context: RequestContext, turn: Turn, accept: Accept | None
    ) -> tuple[KeptAnswer | None, int]:
        """The answer that the request may have, and after how long. Raises CallerChangedError and RateLimited."""
        shared = turn.answer
        if not turn.leads and (shared is None or not _may_have(question, shared, accept)):
            return None, 0
        entry = None if shared else question.entry
        found = self._checked(await self._answers.look_up(question.state.ticket, entry, self._terms(context)))
        if isinstance(found, Miss):
            return None, 0
        kept = shared or unpack(found.value, self._policy.max_bytes)
        if kept is None or not _may_have(question, kept, accept):
            return None, 0
        return kept, found.wait_ms

    def _checked(self, found: LookUp) -> Hit | Miss:
        if isinstance(found, StaleCaller):
            raise CallerChangedError
        if isinstance(found, Refused):
            self._telemetry.refused(found.main)
            raise refusal_error(found.main, ())
        return found

    async def _hit(self, looked: _Looked, kept: KeptAnswer, started_s: float) -> Completion[ProviderAnswer]:
        """The completion of a kept answer, in the books as a hit."""
        if looked.wait_ms:
            await waited(self._clock.sleep(looked.wait_ms / 1000))
        state, bounded = looked.question.state, looked.question.resolved[kept.model]
        state.serve_kept(bounded)
        await self._failover.close_hit(state, started_s)
        return Completion(
            id=state.ticket.request_id,
            answer=kept.answer,
            model=bounded.model,
            model_group=state.model_group or None,
            usage=Usage(),
            cost=Cost(0, 0, bounded.model.price.source),
            latency_ms=round((self._clock.monotonic_s() - started_s) * 1000),
            attempts=(),
            cached=True,
            saved_nano=kept.cost.total_nano,
        )

    async def _replay(self, looked: _Looked, kept: KeptAnswer, started_s: float) -> _Parts:
        done = await self._hit(looked, kept, started_s)
        yield Opened(done.model, 0, cached=True, dropped_params=kept.answer.dropped_params)
        for chunk in chunks_of(kept.answer):
            yield chunk
        yield done

    async def _fresh(self, request: ChatRequest, looked: _Looked, accept: Accept | None) -> _Parts:
        current, left_s = looked.context, self._left_s(looked.context)
        stream = self._gateway.stream(request, current.caller, current.request_id, timeout_s=left_s)
        async with aclosing(stream) as parts:
            async for part in parts:
                if isinstance(part, Completion):
                    await self._keep(looked, part, accept)
                yield part

    async def _keep(self, looked: _Looked, done: Completion[ProviderAnswer], accept: Accept | None) -> None:
        """Keep the answer if it is worth it, and give it to those that wait."""
        kept = _worth_keeping(looked.question, done, accept)
        if kept and not looked.store_is_away:
            await self._put(looked.question, kept)
        looked.turn.land(kept)

    async def _put(self, question: _Question, kept: KeptAnswer) -> None:
        value = pack(kept, self._policy.max_bytes)
        if value is None:
            return
        ticket = question.state.ticket
        try:
            await self._answers.keep(
                ticket.project_id, question.entry, value, ttl_s=self._policy.ttl_s, now_ms=self._clock.now_ms()
            )
        except StoreUnavailable as error:
            self._telemetry.cache_failed(ticket.request_id, error)

    def _terms(self, context: RequestContext) -> Terms:
        patience_s = min(self._limits.queue_timeout_s, self._left_s(context) - LEAST_ATTEMPT_S)
        return Terms(self._clock.now_ms(), self._limits.breaker, max(0, round(patience_s * 1000)))

    def _left_s(self, context: RequestContext) -> float:
        return context.deadline_s - self._clock.monotonic_s()


def _may_have(question: _Question, kept: KeptAnswer, accept: Accept | None) -> bool:
    return kept.model in question.resolved and (accept is None or accept(kept.answer))


def _worth_keeping(question: _Question, done: Completion[ProviderAnswer], accept: Accept | None) -> KeptAnswer | None:
    """The answer to keep: a whole one, of the model that was meant, that is accepted."""
    kept = KeptAnswer(done.answer, done.model.key, done.cost)
    return kept if is_whole(done.answer) and _may_have(question, kept, accept) else None
