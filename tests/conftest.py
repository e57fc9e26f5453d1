"""What several suites share: a small world of models, a memory store and a clock that obeys."""

from __future__ import annotations

import gc
import io
import json
import os
import re
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import pytest_timeout

from gateway_core.access.authenticator import Authenticator
from gateway_core.adapters.degraded import ResilientLedger
from gateway_core.adapters.echo import EchoProvider, echo
from gateway_core.adapters.feed import EventFeed
from gateway_core.adapters.log_backlog import LogBacklog
from gateway_core.adapters.memory import MemoryStore
from gateway_core.adapters.tokens import PromptCounter
from gateway_core.bootstrap import with_gateway
from gateway_core.config.settings import GatewaySettings
from gateway_core.domain.answer import ProviderAnswer
from gateway_core.domain.caller import Limits
from gateway_core.domain.catalog import Catalog, Provider
from gateway_core.domain.chat import Deployment, Model, ProviderCall
from gateway_core.domain.prices import Price
from gateway_core.ports import Store
from gateway_core.services import ModelServices, Services
from gateway_core.store.virtual_keys import KeyRecord, digest_of, new_key
from gateway_core.telemetry.ports import EventSink, Tracer
from gateway_core.telemetry.sinks import EventLog, FanOut
from gateway_core.telemetry.telemetry import Telemetry
from tests.aws import AwsServer, running_aws
from tests.explained import Explained
from tests.manual_clock import ManualClock
from tests.patience import patience
from tests.processes import Processes
from tests.quick_botocore import read_once
from tests.quick_logging import ForgottenLoggers, QuickLogging
from tests.quick_pytest import know_requests, share_hooks
from tests.shares import LOADED, is_measured, share_of

# No test speaks TLS to anybody, and each HTTP client would load all the world's certificates, which takes it 20 ms.
os.environ.pop("SSL_CERT_FILE", None)
os.environ["SSL_CERT_DIR"] = str(Path(__file__).parent)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let `make test` say how many processes run the tests."""
    parser.addoption("--shares", type=int, metavar="NUMBER", help="how many processes have a share of the tests each")


def pytest_configure(config: pytest.Config) -> None:
    """Choose the examples of property tests, unless the command line does; and what is quick, for `make test`."""
    import tests.properties  # noqa: F401, PLC0415 - not above: programs that tests start need no hypothesis

    config.pluginmanager.register(ForgottenLoggers())
    if workers := config.getoption("shares"):
        config.pluginmanager.register(Processes(workers, lambda nodeid: share_of(nodeid, workers)))
        config.pluginmanager.register(QuickLogging(config.pluginmanager))
        if config.getoption("assertmode") == "plain":
            config.pluginmanager.register(Explained())
        gc.set_threshold(100_000, 10, 10)  # looking for garbage after each 2,000 objects is a tenth of all CPU


_CASE_OF_LITELLM = re.compile(r"\[(.*-)?litellm[-\]]")
_ITS_FOLDERS = ("tests/contract/", "tests/wires/")
_BY_LITELLM = ("tests/contract/test_litellm", "tests/contract/test_outside", "tests/wires/test_litellm")
_MATRICES = ("tests/contract/test_litellm", "tests/wires/")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What goes through LiteLLM is a suite of its own: it takes seconds of CPU to load, in one worker.

    So are the large matrices. In `make test` what is not measured comes last: threads that run by then are not measured
    again.
    """
    for item in items:
        if item.nodeid.startswith(_MATRICES):
            item.add_marker(pytest.mark.matrix)
        is_all = item.nodeid.startswith(_BY_LITELLM) and "native" not in item.name
        if is_all or (item.nodeid.startswith(_ITS_FOLDERS) and _CASE_OF_LITELLM.search(item.name)):
            item.add_marker(pytest.mark.litellm)
            item.add_marker(pytest.mark.xdist_group("litellm"))
    if config.getoption("shares"):
        items.sort(key=lambda item: not is_measured(item.nodeid))


def pytest_collection_finish(session: pytest.Session) -> None:
    """What is there now stays: nobody need look through it for garbage."""
    if session.config.getoption("shares"):
        read_once()
        for name in LOADED:
            import_module(name)
        know_requests()
        share_hooks(session)
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """In `make test` stop measuring before the first test that is not measured."""
    if item.config.getoption("shares") and "coverage" in sys.modules and not is_measured(item.nodeid):
        from coverage import Coverage  # noqa: PLC0415 - who does not measure need not load it

        if measuring := Coverage.current():
            measuring.stop()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A worker gets the files of a group, or a file, as a whole: what its tests share is made once.

    The one exception is a matrix that is as large as all else of its suite.
    """
    from xdist.scheduler import LoadGroupScheduling  # noqa: PLC0415 - needed by the process that schedules

    class ByGroupOrFile(LoadGroupScheduling):
        def _split_scope(self, nodeid: str) -> str:
            scope: str = super()._split_scope(nodeid)
            return scope if scope.startswith("tests/faults/") else scope.partition("::")[0]

    return ByGroupOrFile(config, log) if config.getvalue("dist") == "loadgroup" else None


@pytest.hookimpl(optionalhook=True)
def pytest_timeout_set_timer(item: pytest.Item, settings: pytest_timeout.Settings) -> Any:
    """Give tests more time on a busy machine: one that hangs is to end, not one that waits for its turn."""
    patient = settings._replace(timeout=patience(settings.timeout))
    return pytest_timeout.pytest_timeout_set_timer(item, patient)


PRICE = Price(Decimal(1000), Decimal(2000), Decimal(100), Decimal(1250), "test-prices")


def model(key: str, provider: str | None = None, **changes: Any) -> Model:
    """A model that can do little, at 1000 and 2000 nano-USD a token, unless `changes` say otherwise."""
    provider = provider or f"{key}-provider"
    defaults: dict[str, Any] = {
        "deployment": Deployment(provider, key, f"https://{provider}.example"),
        "context_window": 100_000,
        "max_output_tokens": 8192,
        "capabilities": frozenset({"tools", "json", "json_schema"}),
        "tier": 1,
        "price": PRICE,
        "max_image_tokens": 1000,
    }
    return Model(key=key, **{**defaults, **changes})


def catalog_of(*models: Model, groups: dict[str, tuple[str, ...]] | None = None) -> Catalog:
    """A catalog of these models, all of them in the group `reasoning` unless `groups` says otherwise."""
    names = {m.provider for m in models}
    return Catalog(
        providers={
            name: Provider(
                name, f"https://{name}.example", None, f"{name.upper()}_API_BASE", 60.0, input_includes_cached=True
            )
            for name in names
        },
        models={m.key: m for m in models},
        groups=groups or {"reasoning": tuple(m.key for m in models)},
        aliases={},
        default_output_cap=4096,
        prices_sha256="0" * 64,
    )


@dataclass
class World:
    """The whole gateway in memory. `behave` maps an upstream model to what its provider does; chance is `draw`."""

    catalog: Catalog
    settings: GatewaySettings
    store: Store = field(default_factory=MemoryStore)
    clock: ManualClock = field(default_factory=ManualClock)
    log: io.StringIO = field(default_factory=io.StringIO)
    behave: dict[str, Callable[[ProviderCall], ProviderAnswer]] = field(default_factory=dict)
    feed: EventFeed = field(default_factory=EventFeed)
    sinks: tuple[EventSink, ...] = ()
    metrics: bool = False
    tracer: Tracer | None = None
    draw: float = 0.5

    def __post_init__(self) -> None:
        self.provider = EchoProvider(lambda call: self.behave.get(call.deployment.upstream_model, echo)(call))
        # Powertools keeps one logger a name, with its first stream.
        self.service = uuid.uuid4().hex
        telemetry = Telemetry(
            level="DEBUG", stream=self.log, metrics=self.metrics, service=self.service, tracer=self.tracer
        )
        degrade = self.settings.store_on_failure == "degrade"
        placement = self.settings.placement
        ledger = ResilientLedger(self.store, self.clock, LogBacklog(telemetry), degrade=degrade, placement=placement)
        events = FanOut(EventLog(telemetry), self.feed, *self.sinks)
        authenticator = Authenticator(ledger, self.clock)
        light = Services(self.settings, self.store, authenticator, telemetry, self.clock, ledger, events)
        self.services: ModelServices = with_gateway(light, self.provider, lambda: self.draw)

    async def key(self, project: str = "alpha", **rights: Any) -> str:
        """A fresh virtual key of a project."""
        key = new_key(project)
        await self.store.put_key(KeyRecord(project_id=project, digest=digest_of(key), **rights))
        return key

    async def budget(self, project: str = "alpha", user: str = "", **limits: int) -> None:
        """Set the limits of a project or user."""
        await self.store.set_budget(project, user, Limits(**limits))

    async def spent(self, project: str = "alpha") -> tuple[int, int]:
        """Nano-USD of the project's month: spent and held."""
        _day, month = await self.store.budget_lines(project, day=self._day(), scopes=["p"])
        return month.spent_nano, month.held_nano

    async def records(self, project: str = "alpha") -> list[Any]:
        """The usage records of today."""
        page = await self.store.usage_records(project, day=self._day())
        return list(page.records)

    def lines(self) -> list[dict[str, Any]]:
        """What was logged."""
        return [json.loads(line) for line in self.log.getvalue().splitlines()]

    def events(self) -> list[dict[str, Any]]:
        """What the feed was told, rendered."""
        return [entry.event.render() for entry in self.feed.entries]

    def _day(self) -> str:
        return datetime.fromtimestamp(self.clock.now_ms() / 1000, UTC).strftime("%Y%m%d")


@cache
def _defaults() -> GatewaySettings:
    return GatewaySettings.from_env({})


def settings_for(catalog: Catalog, **changes: Any) -> GatewaySettings:
    """The default settings with another catalog."""
    return replace(_defaults(), catalog=catalog, provider_keys=MappingProxyType({}), **changes)


@cache
def one_counter() -> PromptCounter:
    """Of tokens; one for all tests: each would load the tokenisers anew."""
    return PromptCounter()


@pytest.fixture(scope="session")
def counter() -> PromptCounter:
    """The same, for tests of it."""
    return one_counter()


@pytest.fixture
def world() -> World:
    """Three models, `first`, `second` and `third`, each of a provider of its own."""
    catalog = catalog_of(model("first"), model("second"), model("third"))
    return World(catalog, settings_for(catalog))


@pytest.fixture
def aws() -> Iterator[AwsServer]:
    """An AWS account with nothing in it."""
    with running_aws() as server:
        yield server
