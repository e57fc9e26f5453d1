"""Kept answers in Upstash: one value an answer, which Redis forgets by itself."""

from __future__ import annotations

from gateway_core.adapters.upstash import layout
from gateway_core.adapters.upstash.calls import parse_look_up, request_call
from gateway_core.adapters.upstash.part import Part
from gateway_core.adapters.upstash.reading import done, read, text
from gateway_core.store.messages import Terms, Ticket
from gateway_core.store.response_cache import HIT_LIFE_S, LookUp


class UpstashAnswers(Part):
    """Implements the port `ResponseCache`."""

    async def look_up(self, ticket: Ticket, entry: str | None, terms: Terms) -> LookUp:
        call = request_call(ticket, terms.now_ms)
        call.keys += [
            layout.answer_key(ticket.project_id, entry or ""),
            layout.hit_key(ticket.project_id, ticket.request_id),
        ]
        call.add(terms.max_wait_ms, int(entry is None), HIT_LIFE_S)
        asked = self._client.run(self._scripts.look_up, call.keys, call.arguments)
        return await read("answer of look_up", asked, lambda reply: parse_look_up(ticket, text(reply)))

    async def keep(self, project_id: str, entry: str, value: str, *, ttl_s: int, now_ms: int) -> None:  # noqa: ARG002 - Redis has a clock
        key = layout.answer_key(project_id, entry)
        await done("answer of keep", self._client.execute("SET", key, value, "EX", ttl_s))
