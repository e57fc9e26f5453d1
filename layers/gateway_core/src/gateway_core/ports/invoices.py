"""The seam to what providers say that they bill."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Protocol

from gateway_core.domain.catalog import Provider
from gateway_core.domain.credentials import Secret
from gateway_core.wires.billing import BilledItem


class BillingReader(Protocol):
    """Asks a provider what it bills."""

    async def billed(
        self, provider: Provider, key: Secret, first: date, last: date
    ) -> Mapping[date, Sequence[BilledItem]]:
        """The items of each day from the first to the last, both included; a day that it does not tell is missing.

        The key goes to the provider's base URL and nowhere else. Raises BadCredentials, RateLimitError, and
        ProviderUnavailable for what is no such report.
        """
        ...
