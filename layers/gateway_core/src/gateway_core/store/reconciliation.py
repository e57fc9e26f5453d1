"""What an operator's decision on a hold leaves in the books."""

from __future__ import annotations

from datetime import UTC, datetime

from gateway_core.store.budget import Amount
from gateway_core.store.counters import RECONCILED
from gateway_core.store.messages import Ticket
from gateway_core.store.records import OpenHold, UsageRecord
from gateway_core.store.virtual_keys import project_of_key_id


def reconciled_ticket(project_id: str, hold: OpenHold) -> Ticket:
    """A ticket that charges the same scopes, on the same day, as the attempt that the hold was made for."""
    noon = datetime.strptime(hold.day, "%Y%m%d").replace(hour=12, tzinfo=UTC)
    return Ticket(
        request_id=hold.request_id,
        project_id=project_id,
        key_id=hold.key_id,
        digest="",
        rights_tag="",
        admitted_ms=round(noon.timestamp() * 1000),
        user_id=hold.user_id,
        key_project_id=project_of_key_id(hold.key_id) or "",
    )


def reconciled_record(ticket: Ticket, charge: Amount, now_ms: int, estimated_nano: int = 0) -> UsageRecord:
    """The record of money without a request: nobody knows any more what was asked of which model.

    Amounts are negative where they take back what an earlier record said.
    """
    return UsageRecord(
        request_id=ticket.request_id,
        at_ms=now_ms,
        project_id=ticket.project_id,
        key_id=ticket.key_id,
        agent_id="",
        user_id=ticket.user_id,
        kind=RECONCILED,
        model="",
        provider="",
        model_group="",
        error_code="",
        attempts=0,
        input_tokens=charge.tokens,
        output_tokens=0,
        cached_input_tokens=0,
        cache_write_tokens=0,
        reasoning_tokens=0,
        input_nano=charge.nano,
        output_nano=0,
        latency_ms=0,
        cache_hit=False,
        price_source="",
        input_includes_cached=False,
        estimated_nano=estimated_nano,
    )
