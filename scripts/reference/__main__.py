"""`python -m scripts.reference`: writes docs/reference.md."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from gateway_core.config.catalog_loader import CATALOG, CatalogFile
from gateway_core.config.documents import packaged, read_yaml
from gateway_core.config.schema import ConfigFile

type Json = dict[str, Any]

TARGET = Path(__file__).parents[2] / "docs/reference.md"
TEXTS = Path(__file__).with_name("texts.yaml")
ELSEWHERE = frozenset({"RulesEntry", "TierEntry", "ServiceTierEntry", "ServiceLengthEntry"})
"""Described in docs/models.md, and with the rates that they repeat."""
ANYTHING = "Sendable"
HEAD = """# Reference of the configuration

Every field of the [documents](configuration.md#the-documents) that `GATEWAY_CONFIG` names, made from the schema by
which they are checked; `gateway config check FILE` checks yours. [Configuration](configuration.md) has examples, and
the variables of the [environment](configuration.md#environment); [`config.example.yaml`](../config.example.yaml) has
all of it as a document.
"""


def schema() -> Json:
    """The schema of a document, with the sections that are checked once they are merged over the packaged ones."""
    own, catalog = ConfigFile.model_json_schema(), CatalogFile.model_json_schema()
    shipped = read_yaml(packaged(CATALOG), CATALOG)
    sections = {
        name: {**found, "default": shipped[name]} if isinstance(shipped.get(name), int) else found
        for name, found in catalog["properties"].items()
    }
    return {"properties": own["properties"] | sections, "$defs": catalog["$defs"] | own["$defs"]}


def sections(document: Json) -> Iterator[tuple[str, str, Json]]:
    """Name, place and schema of each table, parents first; the first one has no name."""
    waiting = [("top", "", document)]
    while waiting:
        name, path, found = waiting.pop(0)
        yield name, path, found
        for field, described in found["properties"].items():
            inner, steps = _inner(described, document)
            if inner and inner not in ELSEWHERE:
                waiting.append((inner, f"{path}{field}{steps}.", document["$defs"][inner]))


def _inner(described: Json, document: Json) -> tuple[str, str]:
    """The table that a field has, with how one gets there; empty where it has none."""
    for way, steps in (
        (described, ""),
        (described.get("additionalProperties"), ".NAME"),
        (described.get("items"), "[]"),
    ):
        name = str(way.get("$ref", "")).rpartition("/")[2] if isinstance(way, Mapping) else ""
        if "properties" in document["$defs"].get(name, {}):
            return name, steps
    return "", ""


def kind(described: Json, document: Json) -> str:
    """What a field takes, in words."""
    if "$ref" in described:
        return _named(described["$ref"].rpartition("/")[2], document)
    if "enum" in described:
        return ", ".join(f"`{value}`" for value in described["enum"])
    if ways := described.get("anyOf"):
        return " or ".join(dict.fromkeys(kind(way, document) for way in ways))
    if described.get("type") == "array":
        return f"list of {kind(described['items'], document)}"
    values = described.get("additionalProperties")
    return f"table of {kind(values, document)}" if isinstance(values, Mapping) else _scalar(described)


def _named(name: str, document: Json) -> str:
    found = document["$defs"][name]
    if name == ANYTHING:
        return "anything"
    if "properties" in found:
        return "table" if name in ELSEWHERE else "what is below"
    return kind(found, document)


def _scalar(described: Json) -> str:
    names = {"integer": "whole number", "boolean": "`true`, `false`", "string": "text"}
    name = "a date" if described.get("format") == "date" else names.get(described["type"], described["type"])
    bounds = {
        "minimum": "from {}",
        "exclusiveMinimum": "above {}",
        "maximum": "at most {}",
        "exclusiveMaximum": "below {}",
    }
    said = [form.format(f"{described[bound]:,}") for bound, form in bounds.items() if bound in described]
    return ", ".join([name, *said])


def default(field: str, described: Json, found: Json) -> str:
    """As it would be written."""
    if field in found.get("required", []):
        return "required"
    value = described.get("default")
    return f"`{json.dumps(value)}`" if "default" in described and not isinstance(value, dict) else ""


def text() -> str:
    """The page as it is kept."""
    document, texts = schema(), yaml.safe_load(TEXTS.read_text("utf-8"))
    parts = [HEAD]
    for name, path, found in sections(document):
        title = f"`{path.rstrip('.')}`" if path else "All sections"
        rows = [
            f"| `{field}` | {kind(value, document)} | {default(field, value, found)} | {texts[name][field]} |"
            for field, value in found["properties"].items()
        ]
        parts.append(
            "\n".join([f"## {title}", "", "| field | takes | default | what |", "|---|---|---|---|", *rows, ""])
        )
    return "\n".join(parts)


if __name__ == "__main__":
    TARGET.write_text(text(), "utf-8")
