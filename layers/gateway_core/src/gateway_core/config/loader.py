"""Fetches what settings are made of: the environment, the secrets that it points to, the documents that it names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from gateway_core.config.documents import Document
from gateway_core.config.environment import completed
from gateway_core.config.freshness import version_of
from gateway_core.config.settings import GatewaySettings
from gateway_core.ports import ConfigSource

type FindSecrets = Callable[[], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Inputs:
    """What was read at one time."""

    documents: tuple[Document, ...]
    secrets: Mapping[str, str] = field(repr=False)

    @property
    def version(self) -> str:
        """Identifies the documents."""
        return version_of([(document.source, document.text) for document in self.documents])


class SettingsLoader:
    """Reads anew at each call; all of it blocks.

    `find_secrets` is None where there are none to find, and `with_catalog` false for who has no use for models: then
    there are none. Raises ConfigUnavailable for what cannot be read.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        sources: Sequence[ConfigSource],
        find_secrets: FindSecrets | None,
        *,
        with_catalog: bool = True,
    ) -> None:
        self._with_catalog = with_catalog
        self._environ = environ
        self._sources = sources
        self._find_secrets = find_secrets

    @property
    def reads_documents(self) -> bool:
        return bool(self._sources)

    @property
    def reads_secrets(self) -> bool:
        return self._find_secrets is not None

    def documents(self) -> tuple[Document, ...]:
        """All documents, in the order in which they are merged."""
        return tuple(Document(source.name, source.read()) for source in self._sources)

    def secrets(self) -> Mapping[str, str]:
        """All secrets, by the names of the variables that they stand for."""
        return self._find_secrets() if self._find_secrets else {}

    def settings(self, inputs: Inputs) -> GatewaySettings:
        """What the environment of now and `inputs` make together. Raises ConfigError with the field at fault."""
        environ = completed(self._environ, inputs.secrets)
        return GatewaySettings.from_env(environ, inputs.documents, with_catalog=self._with_catalog)
