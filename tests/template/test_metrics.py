"""Every metric that an alarm or the dashboard looks at is one that the gateway prints, with those dimensions."""

import io
import json
import re
from contextlib import redirect_stdout
from dataclasses import replace

import pytest

from gateway_core.adapters.echo import EchoModelLister, echo
from gateway_core.adapters.insistence import BackgroundBacklog, Retrier
from gateway_core.adapters.memory.backlog import MemoryBacklog
from gateway_core.domain.answer import Chunk
from gateway_core.domain.caller import Attribution, Limits
from gateway_core.domain.chat import ChatRequest
from gateway_core.domain.errors import LLMError, StoreUnavailable, StoreUnreadable
from gateway_core.domain.provider_errors import ProviderUnavailable
from gateway_core.store.messages import Ticket
from gateway_core.store.probes import ModelList, Probe
from gateway_core.store.records import Unsettled
from gateway_core.triggers.health_checks import HealthChecks
from gateway_core.triggers.replay import Replayer
from tests.conftest import World, catalog_of, model, settings_for
from tests.template.test_template import ROOT, TEMPLATE
from tests.template.transformed import metrics_of

NAMESPACE = "LLMGateway"
REQUEST = ChatRequest(
    messages=({"role": "user", "content": "one two three"},),
    attribution=Attribution("alpha"),
    model_group="reasoning",
    max_output_tokens=3,
)
SERVICE, PROVIDER = frozenset({"service"}), frozenset({"service", "provider"})


def watched_by_alarms():
    """Metric and dimensions of all of ours that alarms look at."""
    for resource in TEMPLATE["Resources"].values():
        for metric in metrics_of(resource["Properties"]) if resource["Type"] == "AWS::CloudWatch::Alarm" else ():
            if metric["Namespace"] == NAMESPACE:
                assert {"Ref": "AWS::StackName"} in [dimension["Value"] for dimension in metric["Dimensions"]]
                yield metric["MetricName"], frozenset(dimension["Name"] for dimension in metric["Dimensions"])


def shown_by_dashboard():
    """Metric and dimensions of each line of the dashboard, searches included."""
    text, _names = TEMPLATE["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Sub"]
    body = json.loads(text)
    for widget in body["widgets"]:
        for line in widget["properties"]["metrics"]:
            if line[0] == NAMESPACE:
                names = line[2:-1:2] if isinstance(line[-1], dict) else line[2::2]
                yield line[1], frozenset(names)
            elif isinstance(line[0], dict):
                search = re.search(rf"{{{NAMESPACE},([a-z,]+)}} MetricName=\"(\w+)\"", line[0]["expression"])
                assert search, line
                yield search[2], frozenset(search[1].split(","))


WATCHED = {*watched_by_alarms(), *shown_by_dashboard()}


def failing(error):
    def behave(call):
        raise error

    return behave


async def away(*args, **kwargs):
    raise StoreUnavailable("The store is away.")


class Broken:
    async def emit(self, events):
        raise ZeroDivisionError


class Driven:
    """A world in which things go wrong, one after another; `ask` lets them."""

    def __init__(self):
        catalog = catalog_of(model("first"), model("second"))
        self.world = World(catalog, settings_for(catalog, queue_timeout_s=0), sinks=(Broken(),), metrics=True)
        self.gateway = self.world.services.gateway

    async def ask(self, caller, request_id):
        try:
            await self.gateway.complete(REQUEST, caller, request_id, timeout_s=60)
        except LLMError as error:
            return error.code
        return "ok"

    async def caller(self, **rights):
        return await self.world.services.authenticator.authenticate(await self.world.key(**rights))

    async def stream(self, caller):
        try:
            async for _ in self.gateway.stream(REQUEST, caller, "stream", timeout_s=60):
                pass
        except LLMError as error:
            return error.code
        return "ok"

    async def break_and_heal(self):
        caller = await self.caller()
        self.world.behave["first"] = failing(ProviderUnavailable("down"))
        for number in range(5):
            await self.ask(caller, f"down{number}")
        self.world.behave["first"] = echo
        self.world.clock.advance(30)
        await self.ask(caller, "probe")

    async def stream_and_break(self):
        caller = await self.caller()
        assert await self.stream(caller) == "ok"

        async def cut(call):
            yield Chunk(text="one ")
            raise ProviderUnavailable("cut", unconfirmed=True)

        self.world.provider.stream = cut
        assert await self.stream(caller) == "provider_error"

    async def refuse(self):
        limited = await self.caller(limits=Limits(rpm=1))
        assert [await self.ask(limited, f"limited{n}") for n in range(2)] == ["ok", "rate_limited"]
        await self.world.budget(month_nano=300_000)
        caller, code = await self.caller(), "ok"
        while code == "ok":
            code = await self.ask(caller, f"spent{len(self.world.events())}")
        assert code == "budget_exceeded"
        await self.world.budget()

    async def leave_a_hold(self):
        caller = await self.caller()
        broken = failing(ProviderUnavailable("cut", unconfirmed=True))
        self.world.behave["first"] = self.world.behave["second"] = broken
        assert await self.ask(caller, "left") != "ok"
        self.world.behave["first"] = self.world.behave["second"] = echo
        await HealthChecks(self.world.services, EchoModelLister(lambda _: ModelList(frozenset()))).check_holds()

    async def lose_the_store(self):
        known, unknown = await self.caller(), await self.caller(limits=Limits(rpm=9))
        await self.ask(known, "known")
        for name in ("admit", "next", "settle"):
            setattr(self.world.store, name, away)
        assert await self.ask(known, "degraded") == "ok"
        assert await self.ask(unknown, "lost") == "store_unavailable"

    async def put_and_replay(self):
        kept, services = MemoryBacklog(), self.world.services
        backlog = BackgroundBacklog(Retrier(self.world.store, self.world.clock, services.telemetry, kept))
        ticket = Ticket("r1", "alpha", "key", "", "", self.world.clock.now_ms())
        record = replace((await self.world.records())[0], request_id="r1", project_id="alpha")
        await backlog.put(Unsettled(ticket, (), None, record), StoreUnavailable("away"))
        kept.waiting.append("nonsense")
        told = await kept.drain(Replayer(services).replay)
        assert told == {"settled": 1, "refused": 1}


@pytest.fixture(scope="module")
async def printed():
    """What a life with every kind of trouble prints: metric, dimensions, value of `service`."""
    driven = Driven()
    with redirect_stdout(io.StringIO()) as out:
        for trouble in (
            driven.break_and_heal,
            driven.stream_and_break,
            driven.refuse,
            driven.leave_a_hold,
            driven.put_and_replay,
        ):
            await trouble()
        telemetry = driven.world.services.telemetry
        telemetry.probed(Probe("first-provider", "timeout", 120, 0, 0))
        telemetry.request_failed("r1", StoreUnreadable("The store answers what nobody can read."))
        await driven.lose_the_store()
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert {line["service"] for line in lines} == {driven.world.service}
    return {
        (metric["Name"], frozenset(dimensions))
        for line in lines
        for directive in line["_aws"]["CloudWatchMetrics"]
        if directive["Namespace"] == NAMESPACE
        for metric in directive["Metrics"]
        for dimensions in directive["Dimensions"]
    }


def test_the_template_watches_ours():
    """The test below means something only if these are found."""
    assert ("StreamErrors", SERVICE) in WATCHED
    assert ("TimeToFirstToken", SERVICE) in WATCHED
    assert ("Requests", PROVIDER) in WATCHED
    assert len(WATCHED) >= 15


async def test_what_is_watched_is_printed(printed):
    """An alarm on a metric that nobody prints never goes off."""
    assert WATCHED - printed == set()
    assert ("StreamErrors", PROVIDER) in printed


async def test_what_is_printed_and_watched_is_documented(printed):
    """docs/operations.md has every metric and every alarm, and none that there is not."""
    page = (ROOT / "docs" / "operations.md").read_text()
    metrics, alarms = (page.split(f"\n## {heading}")[1].split("\n## ")[0] for heading in ("Metrics", "Alarms"))
    assert {name for name, _ in printed} <= _first_column(metrics)
    resources = TEMPLATE["Resources"].items()
    assert _first_column(alarms) == {name for name, r in resources if r["Type"] == "AWS::CloudWatch::Alarm"}


def _first_column(section):
    rows = re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)}


def test_the_service_is_the_stack():
    """The alarms and the dashboard look for the stack's name, and each function is told it."""
    environ = TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]
    assert environ["POWERTOOLS_SERVICE_NAME"] == {"Ref": "AWS::StackName"}
