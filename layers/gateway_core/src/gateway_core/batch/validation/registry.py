"""The registries of strategies and response models: what ships, and what the configuration adds by import path."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel

from gateway_core.batch.questions import Question
from gateway_core.batch.validation import strategies
from gateway_core.batch.validation.base import InvalidAnswerError, Validator
from gateway_core.batch.validation.response_models import SHIPPED
from gateway_core.domain.chat import Json
from gateway_core.domain.errors import ConfigError, InvalidRequest

type Models = Mapping[str, type[BaseModel]]
type Strategy = Callable[[Question, Models], Validator]
type UsersCheck = Callable[[str, Mapping[str, Any]], Any]
"""A strategy of a user's own: takes the answer's text and the question's `options`, gives the result.

Raises ValueError with a sentence that the model can mend its answer by. What it gives has to be a JSON value.
"""

SHIPPED_STRATEGIES: Mapping[str, Strategy] = MappingProxyType(
    {
        "pydantic": strategies.pydantic,
        "json_schema": strategies.json_schema,
        "citation_check": strategies.citation_check,
        "regex": strategies.regex,
        "none": strategies.none,
    }
)


@dataclass(frozen=True, slots=True)
class UsersOwn:
    """A user's check as a validator."""

    check: UsersCheck
    options: Mapping[str, Any]
    schema: Json | None = None
    instruction: str = ""

    def result_of(self, text: str) -> Any:
        try:
            result = self.check(text, self.options)
        except ValueError as error:
            raise InvalidAnswerError([str(error)]) from None
        json.dumps(result, allow_nan=False)  # raises here, for this question, and not for the whole batch
        return result


@dataclass(frozen=True, slots=True)
class Registry:
    """Strategies and response models by name."""

    strategies: Mapping[str, Strategy] = field(default_factory=lambda: SHIPPED_STRATEGIES)
    models: Models = field(default_factory=lambda: SHIPPED)

    @classmethod
    def load(cls, strategies: Mapping[str, str], models: Mapping[str, str]) -> Registry:
        """With what the import paths `package.module:name` lead to. Raises ConfigError that names the entry."""
        checks = {name: _strategy(f"batch.strategies.{name}", path) for name, path in strategies.items()}
        own = {name: _model(f"batch.response_models.{name}", path) for name, path in models.items()}
        return cls(MappingProxyType({**SHIPPED_STRATEGIES, **checks}), MappingProxyType({**SHIPPED, **own}))

    def validator(self, question: Question) -> Validator:
        """The question's strategy, with its options. Raises InvalidRequest that names the field at fault."""
        strategy = self.strategies.get(question.validation_strategy)
        if strategy is None:
            known = ", ".join(sorted(self.strategies))
            text = f"validation_strategy: there is no such strategy. Choose one of: {known}."
            raise InvalidRequest(text, param="validation_strategy", schema=True)
        return strategy(question, self.models)


def _strategy(where: str, path: str) -> Strategy:
    found = _imported(where, path)
    if not callable(found):
        raise ConfigError(f"{where}: {path} is not a function. Name one that takes a text and options.")
    return lambda question, _models: UsersOwn(found, question.options)


def _model(where: str, path: str) -> type[BaseModel]:
    found = _imported(where, path)
    if not (isinstance(found, type) and issubclass(found, BaseModel)):
        raise ConfigError(f"{where}: {path} is not a Pydantic model. Name a class that derives from BaseModel.")
    return found


def _imported(where: str, path: str) -> Any:
    module, _, name = path.partition(":")
    try:
        return getattr(importlib.import_module(module), name)
    except Exception as error:  # noqa: BLE001 - a module may raise anything while it is imported
        kind = type(error).__name__
        raise ConfigError(f"{where}: {path} cannot be imported ({kind}). Give package.module:name.") from None
