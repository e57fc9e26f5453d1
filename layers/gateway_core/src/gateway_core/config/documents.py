"""Reads YAML and JSON documents without losing a digit, and turns what is wrong with them into ConfigError.

Fractions become Decimal, duplicate keys are refused, and no error text repeats a value: it may be a secret.
"""

from __future__ import annotations

import json
import re
from collections.abc import Hashable
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from importlib import resources
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from gateway_core.domain.errors import ConfigError

_SHOWN_PROBLEMS = 5
_QUOTED = re.compile(r"'.{2,}'|\".{2,}\"")
"""What the YAML parser quotes from the document; single characters stay."""
_EXPECTED = re.compile(r"did not find expected '.' or '.'")
"""Nothing of it is the document's."""
_MERGE = "tag:yaml.org,2002:merge"
_MESSAGES = {
    "extra_forbidden": "There is no such field",
    "model_type": "Should have fields of its own, in lines below it",
    "model_attributes_type": "Should have fields of its own, in lines below it",
}
"""For what pydantic says in words of its own."""
_REMEDIES = {
    "extra_forbidden": "Remove it or correct its spelling",
    "missing": "Add it",
}
_REMEDY = "Correct it; config.example.yaml documents every option"


@dataclass(frozen=True, slots=True)
class Document:
    """A text and the name of where it comes from. Its content does not show."""

    source: str
    text: str = field(repr=False)


class Schema(BaseModel):
    """Base of every document's schema: unknown fields and guessed conversions are refused."""

    # Deferred: most of a cold start's configuration is nested, or a file that nobody wrote.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)


def _exact(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        raise ValueError("should be a number, quoted or not")  # noqa: TRY004 -- pydantic reports ValueError only
    try:
        return Decimal(value)
    except InvalidOperation:
        raise ValueError("should be a number, quoted or not") from None


type Rate = Annotated[Decimal, BeforeValidator(_exact), Field(ge=0, max_digits=20)]
"""A price in USD, exact, zero allowed. LiteLLM has some with 18 decimals."""
type Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


def packaged(*path: str) -> str:
    """Text of a data file that ships with the package."""
    return resources.files("gateway_core").joinpath("data", *path).read_text("utf-8")


def packaged_names(*path: str) -> list[str]:
    """Names of the data files in a packaged folder, without their suffix."""
    folder = resources.files("gateway_core").joinpath("data", *path)
    return sorted(entry.name.rpartition(".")[0] for entry in folder.iterdir())


def read_yaml(text: str, source: str) -> dict[str, Any]:
    """The mapping at the top of a YAML document; empty text is an empty mapping. Raises ConfigError."""
    try:
        document = yaml.load(text, _ExactLoader)  # noqa: S506 -- a subclass of the safe loader
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else "?"
        problem = str(error.problem)
        problem = problem if _EXPECTED.fullmatch(problem) else _QUOTED.sub("...", problem)
        raise ConfigError(f"{source}, line {line}: {problem}. Correct the YAML, or quote the text.") from None
    except yaml.YAMLError:
        raise ConfigError(f"{source}: not readable as YAML. Save it as UTF-8 text.") from None
    except RecursionError:
        raise ConfigError(f"{source}: is nested deeper than any configuration.") from None
    return _mapping(document, source)


def merge(old: object, new: object) -> Any:
    """`new` over `old`: mappings merge field by field, at every depth; anything else replaces, null included."""
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return new
    return old | {name: merge(old.get(name), value) for name, value in new.items()}


def read_json(text: str, source: str) -> dict[str, Any]:
    """The object at the top of a JSON document. Raises ConfigError."""
    try:
        document = json.loads(text, parse_float=Decimal)
    except ValueError as error:
        where = f", line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise ConfigError(f"{source}{where}: not readable as JSON. Correct or restore the file.") from None
    return _mapping(document, source)


def validate[T: Schema](schema: type[T], document: dict[str, Any], source: str) -> T:
    """`document` as `schema`. Raises ConfigError with the source, the path of each wrong field and the remedy."""
    try:
        return schema.model_validate(document)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False, include_input=False)
    lines = [
        _problem(schema, problem["loc"], problem["msg"], problem["type"]) for problem in problems[:_SHOWN_PROBLEMS]
    ]
    raise ConfigError(f"{source}: {' '.join(lines)}")


def _problem(schema: type[Schema], path: tuple[int | str, ...], message: str, kind: str) -> str:
    field = ".".join(str(step) for step in path if step != "[key]")
    close = _close_to(schema, path) if kind == "extra_forbidden" else []
    remedy = f"Did you mean {close[0]}?" if close else f"{_REMEDIES.get(kind, _REMEDY)}."
    return f"{field}: {_MESSAGES.get(kind, message)}. {remedy}"


def _close_to(schema: type[Schema], path: tuple[int | str, ...]) -> list[str]:
    """The field that was meant, of the document or of a section of it; none below names of the user's own."""
    for step in path[:-1]:
        known = schema.model_fields.get(str(step))
        section = known.annotation if known else None
        if not (isinstance(section, type) and issubclass(section, Schema)):
            return []
        schema = section
    return get_close_matches(str(path[-1]), schema.model_fields, n=1)


def _mapping(document: object, source: str) -> dict[str, Any]:
    if document is None:
        return {}
    if not isinstance(document, dict) or not all(isinstance(key, str) for key in document):
        raise ConfigError(f"{source}: the document is not a mapping. Start it with 'name: value' lines.")
    return document


def _decimal(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> Decimal:
    text = str(loader.construct_scalar(node))
    try:
        return Decimal(text.replace("_", ""))
    except InvalidOperation:
        raise yaml.constructor.ConstructorError(None, None, "not a decimal number", node.start_mark) from None


def _unique(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[Hashable, Any]:
    own = [key for key, _ in node.value if key.tag != _MERGE]
    mapping: dict[Hashable, Any] = loader.construct_mapping(node, deep=True)
    if len(own) != len({loader.construct_object(key) for key in own}):
        raise yaml.constructor.ConstructorError(None, None, "a key appears twice in one mapping", node.start_mark)
    return mapping


class _ExactLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc] # libyaml is optional
    """The safe loader, except that fractions are Decimal and a key may appear once."""

    yaml_constructors = {  # noqa: RUF012 -- the library's own seam, typed by it
        **yaml.SafeLoader.yaml_constructors,
        "tag:yaml.org,2002:float": _decimal,
        "tag:yaml.org,2002:map": _unique,
    }
