"""Kept answers in the memory store."""

from __future__ import annotations

from gateway_core.adapters.memory.state import Bucket, Part
from gateway_core.store import rate_limit as ratelimit
from gateway_core.store.messages import Refusal, Refused, StaleCaller, Terms, Ticket
from gateway_core.store.response_cache import Hit, LookUp, Miss


class MemoryAnswers(Part):
    """Implements the port `ResponseCache` over a `State`. Nothing awaits: each call is one atomic step."""

    async def look_up(self, ticket: Ticket, entry: str | None, terms: Terms) -> LookUp:
        key = self._state.keys.get(ticket.key_home, {}).get(ticket.digest)
        if key is None or key.rights_tag != ticket.rights_tag or key.has_ended(terms.now_ms):
            return StaleCaller()
        value = "" if entry is None else self._value(ticket.project_id, entry, terms.now_ms)
        if value is None:
            return Miss()
        hit = (ticket.project_id, ticket.request_id)
        if (told_ms := self._state.hits.get(hit)) is not None:
            return Hit(value, told_ms)
        wait_ms = self._reserve(ticket, key.limits.rpm or 0, terms)
        if wait_ms > terms.max_wait_ms:
            return Refused((Refusal(0, "rate", f"k:{ticket.key_id}:rpm", wait_ms),))
        self._state.hits[hit] = wait_ms
        return Hit(value, wait_ms)

    async def keep(self, project_id: str, entry: str, value: str, *, ttl_s: int, now_ms: int) -> None:
        self._state.answers[project_id, entry] = (value, now_ms + ttl_s * 1000)

    def _value(self, project_id: str, entry: str, now_ms: int) -> str | None:
        value, until_ms = self._state.answers.get((project_id, entry), ("", 0))
        return value if now_ms < until_ms else None

    def _reserve(self, ticket: Ticket, rpm: int, terms: Terms) -> int:
        """Book one of the key's requests a minute, unless the wait for it is too long; gives the wait."""
        if not rpm:
            return 0
        bucket: Bucket = ("key", ticket.key_id, "rpm")
        arrival = self._state.arrival(bucket, terms.now_ms)
        slot = ratelimit.reserve(arrival.tat_us, 1, rpm, terms.now_ms)
        if slot.wait_ms <= terms.max_wait_ms:
            self._state.arrivals[bucket] = ratelimit.booked(arrival, slot, terms.now_ms)
        return slot.wait_ms
