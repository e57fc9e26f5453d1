"""What can be called: providers, models, groups and the other names that clients may use for them."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from fnmatch import fnmatchcase
from typing import NoReturn

from gateway_core.domain.api_base import ApiBasePolicy
from gateway_core.domain.caller import Caller
from gateway_core.domain.chat import Engine, Model
from gateway_core.domain.errors import UnknownModel

_SHOWN_NAME = 80
type FindOutside = Callable[[str], Model | None]
"""The model with an identifier that the catalog does not have, None if it is no identifier. Raises UnknownModel."""
_REMEDY = "GET /v1/models lists what there is."
COUNT_FACTOR = 1.5
"""For providers whose tokeniser nobody has compared with the one that counts here."""
STOP_LAG_S = 0.5
"""A closed connection is seen after half a round trip and a step of the model; the rest is for proxies on the way."""


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider. `timeout_s` bounds an attempt; `rpm` and `tpm` are limits per minute, None means none.

    `key_env` and `base_env` name the environment variables of its key (None: it takes no key) and its base URL.
    `input_includes_cached`: see `cost.price`; `output_shares_window`: see `chat.Model`. `probe`: whether health
    checks ask for its list of models. `engine`: who translates for its models. Of ends that nobody tells the bill of:
    `count_factor` is the most tokens that it makes of one that is counted here, `stop_lag_s` how long it goes on after
    a stream was closed, and `stops_at_disconnect` tells that it does not finish a whole answer that nobody waits for.
    `region` is that of AWS which requests are signed for; empty where they carry a key.
    """

    name: str
    api_base: str
    key_env: str | None
    base_env: str
    timeout_s: float
    input_includes_cached: bool
    rpm: int | None = None
    tpm: int | None = None
    probe: bool = True
    output_shares_window: bool = True
    engine: Engine = "litellm"
    count_factor: float = COUNT_FACTOR
    stop_lag_s: float = STOP_LAG_S
    stops_at_disconnect: bool = False
    region: str = ""


def _nothing_outside(_name: str) -> None:
    """For a catalog that is all there is."""


@dataclass(frozen=True, slots=True)
class Catalog:
    """Everything that may be asked for. `groups` name model keys in order; `aliases` map other names to keys.

    `client_names` are patterns of names that clients choose by themselves, with what to ask instead, see `named`.
    `default_output_cap` is the output limit in tokens of a request that names none, `default_agent_output_cap` of one
    on `/v1/responses`, whose clients never name one; None is the same. `prices_sha256` identifies the snapshot of list
    prices, `prices_date` is its day. `find_outside` makes models for identifiers that are not here;
    `others` are the providers that only such models have. `api_bases` says which base URLs callers may name.
    """

    providers: Mapping[str, Provider]
    models: Mapping[str, Model]
    groups: Mapping[str, tuple[str, ...]]
    aliases: Mapping[str, str]
    default_output_cap: int
    prices_sha256: str
    prices_date: date | None = None
    others: Mapping[str, Provider] = field(default_factory=dict)
    find_outside: FindOutside = field(default=_nothing_outside, compare=False)
    api_bases: ApiBasePolicy = field(default_factory=ApiBasePolicy)
    client_names: tuple[tuple[str, str], ...] = ()
    default_agent_output_cap: int | None = None

    @classmethod
    def empty(cls) -> Catalog:
        """For who asks for nothing."""
        return cls({}, {}, {}, {}, 1, "")

    @property
    def all_providers(self) -> Mapping[str, Provider]:
        """Those of the catalog, and those outside."""
        return {**self.others, **self.providers}

    def provider(self, name: str) -> Provider:
        """The provider of a model that was resolved here."""
        return self.providers.get(name) or self.others[name]

    def named(self, name: str) -> str:
        """What a name on a client's wire stands for: a key or a group for itself, others as the first pattern says."""
        if name in self.models or name in self.groups:
            return name
        return next((target for pattern, target in self.client_names if fnmatchcase(name, pattern)), name)

    def resolve(self, name: str, api_base: str | None = None) -> Model:
        """The model with this key, alias or identifier, at `api_base` if one is named.

        Raises UnknownModel, which names close matches or what to configure, and what `ApiBasePolicy.allow` raises.
        """
        model = self.models.get(self.aliases.get(name, name))
        if model is None and name not in self.groups:
            model = self.find_outside(name)
        if model is None:
            self._unknown("model", name, [*self.models, *self.aliases])
        return self._located(model) if api_base is None else self._at(model, api_base)

    def _located(self, model: Model) -> Model:
        if not model.deployment.api_base:
            base_env = self.provider(model.provider).base_env
            raise UnknownModel(
                f"Nobody says where '{model.key}' is. The gateway's operator can set {base_env}, or "
                f"providers.{model.provider}.base_url.",
                param="model",
            )
        return model

    def _at(self, model: Model, api_base: str) -> Model:
        base, reach = self.api_bases.allow(api_base)
        if base == model.deployment.api_base:
            return model
        return replace(model, deployment=replace(model.deployment, api_base=base, reach=reach))

    def usable(self, caller: Caller) -> frozenset[str] | None:
        """The keys of the models here that the caller may use, None for all: of its groups, and of its models."""
        named = [self.aliases.get(name, name) for name in caller.catalog_models]
        if not caller.groups and not named:
            return None
        keys = {key for name in caller.groups for key in self.groups.get(name, ())} if caller.groups else {*self.models}
        return frozenset(key for key in keys if not named or any(fnmatchcase(key, pattern) for pattern in named))

    def group(self, name: str) -> tuple[Model, ...]:
        """The models of a group, in order. Raises UnknownModel, which names close matches."""
        keys = self.groups.get(name)
        if keys is None:
            self._unknown("model_group", name, list(self.groups))
        return tuple(self.models[key] for key in keys)

    def _unknown(self, param: str, name: str, known: list[str]) -> NoReturn:
        close = difflib.get_close_matches(name[:_SHOWN_NAME], known, n=3, cutoff=0.5)
        hint = f" Did you mean {' or '.join(close)}?" if close else ""
        other = self._group_hint(name) if param == "model" and name in self.groups else ""
        noun = param.replace("_", " ")
        raise UnknownModel(f"There is no {noun} '{name[:_SHOWN_NAME]}'.{other or hint} {_REMEDY}", param=param)

    def _group_hint(self, name: str) -> str:
        models = ", ".join(self.groups[name])
        return f" '{name}' is a model group: send it as model_group, or name one of its models: {models}."
