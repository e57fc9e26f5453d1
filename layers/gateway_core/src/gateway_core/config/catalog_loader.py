"""Builds the catalog from the packaged YAML, the operator's own sections and the base URLs of the environment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache, reduce
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from gateway_core.config.client_names import Pattern, check_client_names
from gateway_core.config.documents import Schema, merge, packaged, read_yaml, validate
from gateway_core.config.known_providers import known_providers, provider_of
from gateway_core.config.model_map import listing_of, packaged_map
from gateway_core.config.model_rules import RulesEntry, merged_rules, rules_for
from gateway_core.config.outside import IDENTIFIER, OutsideModels
from gateway_core.config.price_list import Day, Listing, PriceList, PricingSection, load_prices
from gateway_core.config.provider_entry import Count, ProviderEntry, provider_from
from gateway_core.domain.api_base import ApiBasePolicy
from gateway_core.domain.catalog import Catalog, Provider
from gateway_core.domain.chat import Capability, Deployment, Model, ModelMode
from gateway_core.domain.errors import ConfigError

CATALOG = "catalog.yaml"
LONG_CONTEXT_TOKENS = 200_000
"""A model that reads this many tokens or more has the capability `long_context`."""

type Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/:-]{0,99}$")]
type ProviderName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,40}$")]
type Sendable = str | bool | int | Decimal | list[Sendable] | dict[str, Sendable] | None


class ModelEntry(Schema):
    """`map_key` names the model in LiteLLM's map: what is not given here is taken from its snapshot.

    `rules` are put over those of the packaged row.
    """

    provider: ProviderName
    upstream: Name
    tier: Count
    map_key: str | None = None
    successor_of: Name | None = None
    mode: ModelMode | None = None
    capabilities: list[Capability] | None = None
    context_window: Count | None = None
    max_output_tokens: Annotated[int, Field(ge=0)] | None = None
    max_image_tokens: Annotated[int, Field(ge=0)] = 0
    retires_on: Day | None = None
    fallbacks: list[Name] = Field(default_factory=list)
    fixed_params: dict[str, Sendable] = Field(default_factory=dict)
    rules: RulesEntry | None = None


class CatalogFile(Schema):
    default_output_cap: Count
    default_agent_output_cap: Count
    providers: dict[ProviderName, ProviderEntry]
    models: dict[Name, ModelEntry]
    groups: dict[Name, Annotated[list[Name], Field(min_length=1)]]
    aliases: dict[Name, Name]
    model_aliases: dict[Pattern, Name] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Overrides:
    """The operator's part: raw sections of each document, which merge in this order; `source` is what errors call them.

    `env_text` looks up what an environment variable sets, None if it sets nothing; a base URL wins over the file.
    """

    source: str = CATALOG
    layers: tuple[Mapping[str, Any], ...] = ()
    pricing: PricingSection = field(default_factory=PricingSection)
    env_text: Callable[[str], str | None] = field(default=lambda _: None)
    allow_http: bool = False
    allow_unpriced: bool = False
    api_base_hosts: frozenset[str] = frozenset()
    api_base_private_hosts: frozenset[str] = frozenset()


def load_catalog(overrides: Overrides | None = None) -> Catalog:
    """The catalog under `overrides`. Raises ConfigError that names the document, the field and the remedy."""
    overrides = overrides or Overrides()
    file = _merged(overrides)
    prices = load_prices(overrides.pricing, overrides.source)
    providers = {
        name: provider_from(name, entry, overrides.source, overrides.env_text, allow_http=overrides.allow_http)
        for name, entry in file.providers.items()
    }
    models = {key: _model(key, entry, providers, prices, overrides.source) for key, entry in file.models.items()}
    known = known_providers()
    others = {
        name: provider_of(name, row, overrides.env_text, allow_http=overrides.allow_http)
        for name, row in known.items()
        if name not in providers
    }
    groups = {name: tuple(keys) for name, keys in file.groups.items()}
    _check_names(models, groups, file.aliases, overrides)
    aliases = _aliases(models, groups, file.aliases)
    check_client_names(file.model_aliases, {*models, *groups, *aliases}, overrides.source)
    return Catalog(
        providers=MappingProxyType(providers),
        models=MappingProxyType(models),
        groups=MappingProxyType(groups),
        aliases=MappingProxyType(aliases),
        default_output_cap=file.default_output_cap,
        default_agent_output_cap=file.default_agent_output_cap,
        prices_sha256=prices.sha256,
        prices_date=prices.day,
        others=MappingProxyType(others),
        find_outside=OutsideModels(
            {**others, **providers},
            prices.declared,
            {name: row.upstream_prefix for name, row in known.items()},
            overrides.allow_unpriced,
        ),
        api_bases=ApiBasePolicy(
            overrides.api_base_hosts, overrides.api_base_private_hosts, allow_http=overrides.allow_http
        ),
        client_names=tuple(file.model_aliases.items()),
    )


def _merged(overrides: Overrides) -> CatalogFile:
    """The packaged catalog is the first document, and the operator's merge over it; null removes an entry."""
    document = reduce(merge, overrides.layers, _packaged_catalog())
    return validate(CatalogFile, {name: _without_removed(found) for name, found in document.items()}, overrides.source)


@cache
def _packaged_catalog() -> Mapping[str, Any]:
    """Once a process: a reload reads what can have changed. Nobody changes it: `merge` makes new mappings."""
    return read_yaml(packaged(CATALOG), CATALOG)


def _without_removed(section: object) -> object:
    if not isinstance(section, dict):
        return section
    return {name: entry for name, entry in section.items() if entry is not None}


def _model(key: str, entry: ModelEntry, providers: Mapping[str, Provider], prices: PriceList, source: str) -> Model:
    where = f"{source}: models.{key}"
    if entry.provider not in providers:
        raise ConfigError(f"{where}.provider: no such provider. Choose one of {', '.join(providers)}, or add it.")
    listing = _listing(entry, prices, where)
    price = prices.price(key, listing)
    if price is None:
        raise ConfigError(f"{where}: has no price. Add it to pricing.models, with 0 if it is free.")
    context_window = _fact(entry.context_window, listing, "context_window", where)
    return Model(
        key=key,
        deployment=_deployment(entry, listing, providers[entry.provider]),
        context_window=context_window,
        max_output_tokens=_fact(entry.max_output_tokens, listing, "max_output_tokens", where),
        capabilities=_capabilities(entry, listing, context_window),
        tier=entry.tier,
        price=price,
        fallbacks=tuple(entry.fallbacks),
        successor_of=entry.successor_of,
        retires_on=entry.retires_on or (listing.retires_on if listing else None),
        max_image_tokens=entry.max_image_tokens,
        output_shares_window=providers[entry.provider].output_shares_window,
        fixed_params=MappingProxyType({name: _sendable(value) for name, value in entry.fixed_params.items()}),
        rules=merged_rules(rules_for(entry.provider, entry.upstream), entry.rules, f"{where}.rules"),
    )


def _deployment(entry: ModelEntry, listing: Listing | None, provider: Provider) -> Deployment:
    mode: ModelMode = entry.mode or (listing.mode if listing else "chat")
    return Deployment(provider.name, entry.upstream, provider.api_base, mode, engine=provider.engine)


def _sendable(value: Sendable) -> object:
    """`value` for a JSON body, which has no exact fractions."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, list):
        return [_sendable(item) for item in value]
    if isinstance(value, dict):
        return {name: _sendable(item) for name, item in value.items()}
    return value


def _listing(entry: ModelEntry, prices: PriceList, where: str) -> Listing | None:
    if entry.map_key is None:
        return None
    found = prices.listings.get(entry.map_key) or listing_of(packaged_map().find(entry.map_key))
    if found is None:
        raise ConfigError(f"{where}.map_key: not in the price snapshot. Remove it and give the facts and a price here.")
    return found


def _fact(given: int | None, listing: Listing | None, name: str, where: str) -> int:
    if given is not None:
        return given
    if listing is None:
        raise ConfigError(f"{where}.{name}: Field required. Add it, in tokens, or name a map_key.")
    return int(getattr(listing, name))


def _capabilities(entry: ModelEntry, listing: Listing | None, context_window: int) -> frozenset[str]:
    listed = listing.capabilities if listing else frozenset[str]()
    known = listed if entry.capabilities is None else frozenset(entry.capabilities)
    return known | {"long_context"} if context_window >= LONG_CONTEXT_TOKENS else known


def _check_names(
    models: Mapping[str, Model], groups: Mapping[str, tuple[str, ...]], aliases: Mapping[str, str], overrides: Overrides
) -> None:
    problems = [
        *_clashes(models, groups, aliases),
        *_dangling(models, groups, aliases),
        *_mixed(models, groups),
        *(
            f"pricing.models.{key}: no such model. Correct the key"
            for key in overrides.pricing.models
            if key not in models and (key in aliases or not IDENTIFIER.fullmatch(key))
        ),
    ]
    if problems:
        raise ConfigError(f"{overrides.source}: {'. '.join(problems)}.")


def _clashes(models: Iterable[str], groups: Iterable[str], aliases: Iterable[str]) -> Iterator[str]:
    taken = set(models)
    yield from (f"groups.{name}: is a model key as well. Rename the group" for name in groups if name in taken)
    taken |= set(groups)
    yield from (f"aliases.{name}: is a model key or a group as well. Rename it" for name in aliases if name in taken)


def _dangling(
    models: Mapping[str, Model], groups: Mapping[str, tuple[str, ...]], aliases: Mapping[str, str]
) -> Iterator[str]:
    named = {f"groups.{name}": keys for name, keys in groups.items()}
    named |= {f"models.{key}.fallbacks": model.fallbacks for key, model in models.items()}
    named |= {f"aliases.{name}": (key,) for name, key in aliases.items()}
    for path, keys in named.items():
        yield from (f"{path}: there is no model '{key}'. Correct or remove it" for key in keys if key not in models)
        if len(set(keys)) != len(keys):
            yield f"{path}: names a model twice. Remove one"


def _mixed(models: Mapping[str, Model], groups: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    for name, keys in groups.items():
        kinds = {models[key].deployment.mode == "embedding" for key in keys if key in models}
        if len(kinds) > 1:
            yield f"groups.{name}: mixes embedding models with others. Split the group"


def _aliases(
    models: Mapping[str, Model], groups: Mapping[str, tuple[str, ...]], given: Mapping[str, str]
) -> dict[str, str]:
    """The given aliases, then what each model is called elsewhere; the first model to claim a name keeps it."""
    aliases = dict(given)
    for key, model in models.items():
        for name in _other_names(model):
            if name not in models and name not in groups:
                aliases.setdefault(name, key)
    return aliases


def _other_names(model: Model) -> Iterator[str]:
    plain = [model.deployment.upstream_model, *([model.successor_of] if model.successor_of else [])]
    yield from plain
    yield from (f"{model.provider}/{name}" for name in (model.key, *plain))
