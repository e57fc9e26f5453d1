"""Providers that LiteLLM knows and the catalog may have no models of: where they are, and what their keys are called.

`providers.json` has them. Base URLs and names of variables are LiteLLM 1.106's. All but Cohere and Bedrock speak
OpenAI's wire, each in the dialect that its row in `wires.table` names;
`tests/contract/test_outside_models.py` calls all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType

from pydantic import Field

from gateway_core.config.documents import Schema, packaged, read_json, validate
from gateway_core.config.regions import AwsPlace, place_of
from gateway_core.domain.base_url import check_base_url
from gateway_core.domain.catalog import Provider
from gateway_core.wires.table import traits_of

PROVIDERS = "providers.json"
_PATIENCE_S = 60.0


class KnownProvider(Schema):
    """`base_url` is empty for servers of one's own. Of `keys`, the first that is set counts; `{NAME}_API_KEY` if none.

    needs_key: Without one it cannot be called.
    upstream_prefix: What stands before a model's name when LiteLLM is asked for it.
    stops_at_disconnect: See `Provider`.
    """

    base_url: str = ""
    keys: list[str] = Field(default_factory=list)
    needs_key: bool = True
    upstream_prefix: str = ""
    stops_at_disconnect: bool = False


@cache
def known_providers() -> Mapping[str, KnownProvider]:
    """All that ship with the package, by LiteLLM's name."""
    rows = read_json(packaged(PROVIDERS), PROVIDERS).items()
    return MappingProxyType({name: validate(KnownProvider, row, PROVIDERS) for name, row in rows})


def provider_of(name: str, row: KnownProvider, env_text: Callable[[str], str | None], *, allow_http: bool) -> Provider:
    """The provider, where the environment or LiteLLM says that it is; `api_base` is empty where neither does."""
    base_env = f"{name.upper()}_API_BASE"
    place = place_of(name, env_text) or AwsPlace()
    base = env_text(base_env) or place.base_url or row.base_url
    names = row.keys or [f"{name.upper()}_API_KEY"]
    is_set = [key for key in names if env_text(key)]
    return Provider(
        name=name,
        api_base=check_base_url(base, base_env, allow_http=allow_http) if base else "",
        key_env=is_set[0] if is_set else names[0] if row.needs_key else None,
        base_env=base_env,
        timeout_s=_PATIENCE_S,
        input_includes_cached=traits_of(name).chat.input_includes_cached,
        probe=False,
        stops_at_disconnect=row.stops_at_disconnect,
        region=place.region,
    )
