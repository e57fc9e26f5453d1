"""A request as the books keep it. Pure."""

from __future__ import annotations

from gateway_core.pipeline.request_state import RequestState
from gateway_core.store.records import UsageRecord
from gateway_core.store.trail import packed


def record_of(
    state: RequestState, *, at_ms: int, latency_ms: int, error_code: str, input_includes_cached: bool
) -> UsageRecord:
    """The request in the books, with everything that its attempts were billed."""
    model, cost = state.last.model, state.cost
    return UsageRecord(
        request_id=state.ticket.request_id,
        at_ms=at_ms,
        project_id=state.ticket.project_id,
        key_id=state.ticket.key_id,
        agent_id=state.ticket.agent_id,
        user_id=state.ticket.user_id,
        kind=state.kind,
        model=model.key,
        provider=model.provider,
        model_group=state.model_group,
        error_code=error_code,
        attempts=state.made,
        input_tokens=state.usage.input_tokens,
        output_tokens=state.usage.output_tokens,
        cached_input_tokens=state.usage.cached_input_tokens,
        cache_write_tokens=state.usage.cache_write_tokens,
        reasoning_tokens=state.usage.reasoning_tokens,
        input_nano=cost.input_nano,
        output_nano=cost.output_nano,
        latency_ms=latency_ms,
        cache_hit=state.cache_hit,
        price_source=model.price.source,
        input_includes_cached=input_includes_cached,
        price_hash=model.price_hash or state.price_hash,
        cache_write_1h_tokens=state.usage.cache_write_1h_tokens,
        audio_input_tokens=state.usage.audio_input_tokens,
        audio_output_tokens=state.usage.audio_output_tokens,
        service_tier=state.usage.service_tier,
        session_id=state.ticket.session_id,
        estimated_nano=cost.estimated_nano,
        downgraded=state.downgraded,
        tried=packed(state.attempts),
    )
