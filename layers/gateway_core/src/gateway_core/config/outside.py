"""Models that the catalog does not have, made when somebody asks for one by LiteLLM's identifier."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from gateway_core.config.model_map import KnownModel, ModelMap, packaged_map
from gateway_core.config.model_rules import rules_for
from gateway_core.domain.catalog import Provider
from gateway_core.domain.chat import Deployment, Model
from gateway_core.domain.errors import UnknownModel
from gateway_core.domain.prices import Price

UNPRICED = Price(Decimal(0), Decimal(0), Decimal(0), Decimal(0), "unpriced")
UNKNOWN_TOKENS = 10_000_000
"""Where nobody says how much a model reads or writes, the provider has the word."""
MOST_IMAGE_TOKENS = 50_000
"""GPT-4o mini counts 2,833 tokens and 5,667 for each of up to eight tiles; others count less."""
IDENTIFIER = re.compile(r"([a-z0-9_-]{1,40})/((?!.*(?:\.\.|//))[A-Za-z0-9@][A-Za-z0-9@._:/+-]{0,99})")
"""`provider/model`. The model's name may become part of a path: it must not climb."""
_LONG_CONTEXT_TOKENS = 200_000
_ANYTHING = frozenset({"json", "json_schema", "reasoning", "tools", "vision"})
_LAST_TIER = 3


@dataclass(frozen=True, slots=True)
class OutsideModels:
    """Makes them from LiteLLM's map, or from nothing where the operator set a price or needs none.

    `providers` are those of the catalog and the well-known ones, `declared` the operator's prices by identifier,
    `prefixes` what LiteLLM wants before the names of a provider's models.
    """

    providers: Mapping[str, Provider]
    declared: Mapping[str, Price]
    prefixes: Mapping[str, str]
    allow_unpriced: bool = False
    read_map: Callable[[], ModelMap] = packaged_map

    def __call__(self, name: str) -> Model | None:
        """The model with this identifier, None if it is none. Raises UnknownModel with what to configure."""
        known = self.read_map().find(name)
        identifier = known.identifier if known else name
        match = IDENTIFIER.fullmatch(identifier)
        if not match:
            return None
        provider = self.providers.get(match[1])
        if provider is None:
            if known is None:
                return None
            raise UnknownModel(
                f"The gateway has no provider '{match[1]}' for '{name}'. Its operator can add it to providers.",
                param="model",
            )
        return self._model(identifier, match[2], provider, known)

    def _model(self, identifier: str, upstream: str, provider: Provider, known: KnownModel | None) -> Model:
        window = (known and known.context_window) or UNKNOWN_TOKENS
        capabilities = known.capabilities if known else _ANYTHING
        name = self._upstream(provider.name, upstream)
        is_long = known is not None and _LONG_CONTEXT_TOKENS <= window < UNKNOWN_TOKENS
        return Model(
            key=identifier,
            deployment=Deployment(
                provider.name, name, provider.api_base, known.mode if known else "chat", engine=provider.engine
            ),
            context_window=window,
            max_output_tokens=(known and known.max_output_tokens) or UNKNOWN_TOKENS,
            capabilities=capabilities | {"long_context"} if is_long else capabilities,
            tier=_LAST_TIER,
            price=self._price(identifier, known),
            retires_on=known.retires_on if known else None,
            max_image_tokens=MOST_IMAGE_TOKENS,
            output_shares_window=provider.output_shares_window,
            listed=False,
            price_hash=self.read_map().sha256[:16],
            rules=rules_for(provider.name, name),
        )

    def _price(self, identifier: str, known: KnownModel | None) -> Price:
        price = self.declared.get(identifier) or (known.price if known else None)
        if price is None and not self.allow_unpriced:
            raise UnknownModel(
                f"There is no price for '{identifier}': LiteLLM's map has none. "
                "The gateway's operator can set one in pricing.models, or set allow_unpriced.",
                param="model",
            )
        return price or UNPRICED

    def _upstream(self, provider: str, name: str) -> str:
        prefix = self.prefixes.get(provider, "")
        return name if name.startswith(prefix) else prefix + name
