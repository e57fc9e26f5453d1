"""A process whose configuration changes while it runs."""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gateway_core.config.loader import Inputs, SettingsLoader
from gateway_core.config.reload import ReloadingServices
from gateway_core.config.settings import GatewaySettings
from gateway_core.telemetry.events import Event
from gateway_core.telemetry.telemetry import Telemetry
from tests.manual_clock import ManualClock

RELOAD_S = 30


@dataclass
class Shelf:
    """Implements `ConfigSource` with a text that tests change; an error instead of it is raised."""

    text: str | Exception = "groups: {mine: [gpt-5.1]}"
    name: str = "shelf"
    reads: int = 0

    def read(self) -> str:
        self.reads += 1
        if isinstance(self.text, Exception):
            raise self.text
        return self.text


@dataclass
class Safe:
    """Secrets that tests change, and how often they were asked for."""

    content: Mapping[str, str] | Exception = field(default_factory=lambda: {"OPENAI_API_KEY": "sk-old"})
    reads: int = 0

    def __call__(self) -> Mapping[str, str]:
        self.reads += 1
        if isinstance(self.content, Exception):
            raise self.content
        return self.content


def _itself(settings: GatewaySettings) -> GatewaySettings:
    return settings


class Process:
    """A process that serves its settings. Reloads run when `work` is called, as a thread would beside requests."""

    def __init__(self, wire: Callable[[GatewaySettings], GatewaySettings] = _itself) -> None:
        self.shelf, self.safe, self.clock = Shelf(), Safe(), ManualClock()
        self.environ: dict[str, str] = {}
        self.jobs: list[Callable[[], None]] = []
        self.log = io.StringIO()
        telemetry = Telemetry(stream=self.log, service=uuid.uuid4().hex)
        loader = SettingsLoader(self.environ, [self.shelf], self.safe)
        inputs = Inputs(loader.documents(), loader.secrets())
        self.told: list[Event] = []
        settings = loader.settings(inputs)
        self.live = ReloadingServices(
            loader, inputs, settings, wire, telemetry, self.clock, self.jobs.append, tell=self.told.append
        )

    def work(self) -> None:
        while self.jobs:
            self.jobs.pop()()

    def later(self, seconds: float = RELOAD_S) -> GatewaySettings:
        """What serves after so many seconds and the reload that a request starts then."""
        self.clock.advance(seconds)
        self.live.now()
        self.work()
        return self.live.now()

    def reports(self, *fields: str) -> list[tuple[str, ...]]:
        """What was logged so far: message and fields."""
        lines = [json.loads(line) for line in self.log.getvalue().splitlines()]
        return [tuple(line[name] for name in ("message", *fields)) for line in lines]
