"""`model_aliases`: what is asked where a client names a model by itself."""

import pytest

from gateway_core.api.openai_wire import group_or_model
from gateway_core.config.catalog_loader import Overrides, load_catalog
from gateway_core.domain.errors import ConfigError

NAMES = {"claude-haiku-*": "fast", "claude-*": "reasoning", "gpt-[45]*": "codex-max", "o?": "openai/o3"}
CATALOG = load_catalog(Overrides(source="config.yaml", layers=({"model_aliases": NAMES},)))


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("claude-opus-4-8", ("reasoning", None)),
        ("claude-opus-4-5-20251101", ("reasoning", None)),
        ("claude-haiku-4-5-20251001", ("fast", None)),
        ("gpt-5-nano", (None, "codex-max")),
        ("o3", (None, "openai/o3")),
        ("claude-opus-4.5", (None, "claude-opus-4.5")),
        ("code", ("code", None)),
        ("Claude-opus-4-8", (None, "Claude-opus-4-8")),
        ("nobody", (None, "nobody")),
    ],
)
def test_the_first_pattern_decides(name, asked):
    """Keys and groups of the catalog mean themselves; what no pattern fits is as it came, its case included."""
    assert group_or_model(CATALOG, name) == asked


def test_later_documents_add_to_earlier_ones():
    """In their order; null takes one out."""
    catalog = load_catalog(
        Overrides(layers=({"model_aliases": NAMES}, {"model_aliases": {"claude-*": None, "claude-o*": "code"}}))
    )
    assert dict(catalog.client_names) == {**{n: t for n, t in NAMES.items() if n != "claude-*"}, "claude-o*": "code"}
    assert load_catalog().client_names == ()


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"claude-*": "resoning"}, r"config.yaml: model_aliases.claude-\*: there is no model or group 'resoning'"),
        ({"a b": "fast"}, r"model_aliases.a b"),
    ],
)
def test_a_target_has_to_be_there(given, problem):
    """And a pattern has to be one."""
    with pytest.raises(ConfigError, match=problem):
        load_catalog(Overrides(source="config.yaml", layers=({"model_aliases": given},)))
