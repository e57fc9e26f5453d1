"""Settles what waits in the backlog: on Lambda each batch that SQS hands over, elsewhere in a loop over the files.

A message counts once, however often it comes: settling is idempotent, see ADR 19.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections import Counter
from collections.abc import Callable
from typing import Any

from gateway_core.domain.errors import InvalidRequest, LLMError, ProjectMisplaced, StoreUnavailable
from gateway_core.ports import LocalBacklog
from gateway_core.ports.replaying import replay
from gateway_core.services import Current, Services
from gateway_core.store.messages import Settled, Terms
from gateway_core.store.records import Unsettled
from gateway_core.store.unsettled import Verdict, parse
from gateway_core.telemetry.events import of_changes
from gateway_core.triggers.foreign import IGNORED, is_foreign

LOOK_S = 1.0
"""How often the files are looked at: nobody pays for it, and after half a second of outage nobody waits for long."""
MOST_PAUSE_S = 30.0
LAST_S = 3.0
"""How long the last round may take. What it does not reach is on the disk."""
SPARED_S = 3.0
"""Of several databases one that did not answer is left alone for so long, and what is for the others goes on."""

type Handler = Callable[[Any, Any], dict[str, Any]]


class Replayer:
    """Settles messages, each with the services of then."""

    def __init__(self, source: Current[Services]) -> None:
        self._source = source
        self._spared: dict[str, float] = {}

    async def replay(self, text: str) -> Verdict:
        """Implements `ports.Replay`. Where there are several databases, nothing is `away` as a whole."""
        services = self._source.now()
        try:
            return await self._settle(services, parse(text))
        except InvalidRequest as error:
            services.telemetry.replay_refused(error)
            return "refused"
        except LLMError:
            return "waits"
        except Exception as error:  # noqa: BLE001 - a fault of ours in one message must not keep the others
            services.telemetry.crashed("", error, "replay")
            return "waits"

    async def _settle(self, services: Services, unsettled: Unsettled) -> Verdict:
        database = self._database_of(services, unsettled)
        if services.clock.monotonic_s() < self._spared.get(database, -math.inf):
            return "waits"
        try:
            settled = await replay(services.store, unsettled, Terms(services.clock.now_ms(), services.settings.breaker))
        except ProjectMisplaced:
            return "waits"
        except StoreUnavailable:
            if not database:
                return "away"
            self._spared[database] = services.clock.monotonic_s() + SPARED_S
            return "waits"
        services.telemetry.replayed(unsettled.record, written=settled.written)
        await self._tell(services, unsettled, settled)
        return "settled"

    def refuse(self, error: InvalidRequest) -> dict[str, Any]:
        """For an event that nobody understands: to repeat it would not help."""
        self._source.now().telemetry.event_refused(error)
        return {"error": {"code": error.code, "message": error.message, "param": error.param}}

    def spare_none(self) -> None:
        """Ask every database again, however lately it failed: for a last round."""
        self._spared.clear()

    async def close(self) -> None:
        """Close the store's connections; a later message opens new ones."""
        await self._source.now().store.close()

    @staticmethod
    def _database_of(services: Services, unsettled: Unsettled) -> str:
        """Empty where there is one only."""
        is_spread = len(services.store.databases) > 1
        return services.settings.placement.database_of(unsettled.ticket.project_id) if is_spread else ""

    @staticmethod
    async def _tell(services: Services, unsettled: Unsettled, settled: Settled) -> None:
        """What it changed, to whom it may concern, unless that was told when it was written."""
        if not (settled.written and settled.changes):
            return
        models = {(m.provider, m.deployment.id): m.key for m in services.settings.catalog.models.values()}
        events = of_changes(settled.changes, unsettled.ticket, models, services.clock.now_ms())
        try:
            await services.events.emit(events)
        except Exception as error:  # noqa: BLE001 - a sink that breaks its promise may not undo what is settled
            services.telemetry.events_failed(len(events), type(error).__name__)


class ReplayLoop:
    """Drains a local backlog while its process lives. Where several do, each takes the files that it can lock."""

    def __init__(self, replayer: Replayer, backlog: LocalBacklog, look_s: float = LOOK_S) -> None:
        self._replayer = replayer
        self._backlog = backlog
        self._look_s = look_s

    async def run(self) -> None:
        """Until cancelled; while the store is away it looks less and less often. Then it tries once more."""
        pause_s = self._look_s
        try:
            while True:
                told = await self.drain()
                is_stuck = told["away"] or told["waits"]
                pause_s = min(2 * pause_s, MOST_PAUSE_S) if is_stuck else self._look_s
                await asyncio.sleep(pause_s)
        finally:
            self._replayer.spare_none()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LAST_S):
                    await self.drain()
            await self._replayer.close()

    async def drain(self) -> Counter[Verdict]:
        """One round. A folder that cannot be read has nothing to drain now."""
        try:
            return await self._backlog.drain(self._replayer.replay)
        except OSError:
            return Counter()


def queued(replayer: Replayer) -> Handler:
    """A Lambda handler for batches of SQS messages. What is not settled is left to the queue, message by message.

    Each batch has an event loop, and with it connections, of its own.
    """

    async def batch(event: Any) -> dict[str, Any]:
        if is_foreign(event, "Records"):
            return IGNORED
        records = event.get("Records") if isinstance(event, dict) else None
        if not isinstance(records, list):
            return replayer.refuse(InvalidRequest("event.Records: is not there.", param="Records"))
        left: list[str] = []
        is_away = False
        try:
            for record in records:
                verdict: Verdict = "away" if is_away else await replayer.replay(record["body"])
                is_away = verdict == "away"
                if verdict != "settled":
                    left.append(record["messageId"])
        finally:
            await replayer.close()
        return {"batchItemFailures": [{"itemIdentifier": message} for message in left]}

    return lambda event, _context: asyncio.run(batch(event))
