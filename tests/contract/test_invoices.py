"""What providers bill: where it is kept, how it is asked for at the simulator, and what is told of a difference."""

from datetime import date, timedelta

import httpx
import pytest

from gateway_core.adapters.billing import HttpBillingReader
from gateway_core.bootstrap.invoices import invoice_checks
from gateway_core.config.settings import GatewaySettings
from gateway_core.domain.credentials import Secret
from gateway_core.domain.errors import ConfigError, ConfigUnavailable, LLMError, StoreUnreadable
from gateway_core.domain.provider_errors import BadCredentials, ProviderUnavailable, RateLimitError
from gateway_core.store.invoices import KEPT_MS, InvoiceDay, InvoiceLine
from gateway_core.triggers.health_checks import scheduled
from gateway_core.triggers.invoices import DAYS, InvoiceChecks, admin_keys
from local.providers import base_urls, create_app
from local.providers.control import Control
from local.serving import serve
from tests.conftest import World
from tests.contract.desk import NOON, Desk, candidate, settled

YESTERDAY, TODAY = date(2026, 11, 20), date(2026, 11, 21)
DAY_MS = 86_400_000
KEYS = {"openai": Secret("sk-admin-openai"), "anthropic": Secret("sk-ant-admin-anthropic")}
FOUND = InvoiceDay("openai", YESTERDAY, NOON, (InvoiceLine("größer", 5, 3), InvoiceLine("gpt-5.1", -1, 0)))


async def test_what_is_kept_is_read_by_day_and_provider(store):
    """A later check replaces an earlier one."""
    other = InvoiceDay("anthropic", TODAY, NOON, (), partial=True)
    await store.put_invoices([InvoiceDay("openai", YESTERDAY, 1, ()), other], kept_ms=KEPT_MS)
    await store.put_invoices([FOUND], kept_ms=KEPT_MS)
    days = [YESTERDAY, TODAY, TODAY + timedelta(days=1)]
    assert await store.invoices(["anthropic", "openai"], days) == [FOUND, other]
    assert await store.invoices(["openai"], days * 60) == [FOUND] * 60
    assert await store.invoices([], days) == []


async def test_what_nobody_can_read_is_told(upstash, redis):
    """And it goes when its time is over."""
    await upstash.put_invoices([FOUND], kept_ms=KEPT_MS)
    assert 0 < redis.run("PTTL", "inv:openai:20261120") <= KEPT_MS
    redis.run("SET", "inv:openai:20261120", "[1,")
    with pytest.raises(StoreUnreadable):
        await upstash.invoices(["openai"], [YESTERDAY])


@pytest.fixture(scope="module")
def simulator():
    """Its clock stands still at noon of the 20th."""
    with serve(create_app(now_s=lambda: NOON / 1000)) as url, Control(url) as control:
        control.url = url
        yield control


@pytest.fixture
def world(simulator):
    """The gateway of the catalog, a day later, in front of the simulator, whose books are empty."""
    simulator.reset()
    settings = GatewaySettings.from_env({**base_urls(simulator.url), "GATEWAY_ALLOW_HTTP": "1"})
    world = World(settings.catalog, settings)
    world.clock.advance((NOON + DAY_MS - world.clock.now_ms()) / 1000)
    return world


def ask(simulator, provider, words=1000):
    """One call of a model, as the gateway would send it; the nano-USD that it costs by the list."""
    messages = [{"role": "user", "content": f"[[words={words}]]"}]
    path, headers, model, rates = {
        "anthropic": (
            "/anthropic/v1/messages",
            {"x-api-key": "k", "anthropic-version": "2023-06-01"},
            "claude-opus-4-5",
            (5000, 25_000),
        ),
        "openai": ("/openai/v1/chat/completions", {"authorization": "Bearer k"}, "gpt-5.1", (1250, 10_000)),
    }[provider]
    limit = "max_tokens" if provider == "anthropic" else "max_completion_tokens"
    body = {"model": model, limit: 4000, "messages": messages}
    httpx.post(simulator.url + path, json=body, headers=headers).raise_for_status()
    counts = simulator.counts(provider, model)
    return counts["input_tokens"] * rates[0] + counts["output_tokens"] * rates[1]


async def book(world, project, model, provider, nano):
    """The same in the gateway's own books."""
    desk = await Desk(world.store, project).open()
    chosen = candidate(nano=nano)
    request = f"{project}-{model}"
    ended = settled(await desk.admitted(request, chosen), chosen, charge_nano=nano)
    assert await desk.settle(request, ended, model=model, provider=provider, input_nano=nano, output_nano=0)


def checks(world, keys=KEYS):
    return InvoiceChecks(world.services, HttpBillingReader(), keys)


async def test_books_that_agree(simulator, world):
    """Of all projects together, by the provider's names; no event, a line and a metric for each day that is over."""
    claude, gpt = ask(simulator, "anthropic"), ask(simulator, "openai")
    await book(world, "alpha", "claude-opus-4.5", "anthropic", claude - 7)
    await book(world, "beta", "claude-opus-4.5", "anthropic", 7)
    await book(world, "alpha", "openai/gpt-5.1", "openai", gpt)
    found = {(one.provider, one.day): one for one in await checks(world).check()}
    assert len(found) == 2 * (DAYS + 1)
    assert found["anthropic", YESTERDAY].lines == (InvoiceLine("claude-opus-4-5", claude, claude),)
    assert found["openai", YESTERDAY].lines == (InvoiceLine("gpt-5.1", gpt, gpt),)
    assert [one.partial for one in found.values() if one.day == TODAY] == [True, True]
    assert world.events() == []
    lines = [line for line in world.lines() if line["message"] == "invoice checked"]
    assert [line["difference_usd"] for line in lines] == ["0"] * 2 * DAYS
    assert await world.store.invoices(["openai"], [YESTERDAY]) == [found["openai", YESTERDAY]]


async def test_a_difference_is_told_once_and_again_when_it_changes(simulator, world, capsys):
    """Late data corrects the day until it is too old."""
    world = World(world.catalog, world.settings, clock=world.clock, metrics=True)
    claude = ask(simulator, "anthropic")
    await book(world, "alpha", "claude-opus-4.5", "anthropic", claude)
    await book(world, "alpha", "somebody-elses", "anthropic", 11)
    simulator.disagree("anthropic", "2")
    for _ in range(2):
        await checks(world).check()
    (event,) = world.events()
    assert event["detail-type"] == "invoice.differs"
    assert (event["detail"]["provider"], event["detail"]["day"]) == ("anthropic", "2026-11-20")
    (kept,) = await world.store.invoices(["anthropic"], [YESTERDAY])
    assert kept.lines == (InvoiceLine("claude-opus-4-5", 2 * claude, claude), InvoiceLine("(rest)", 0, 11))
    assert kept.differs
    told = capsys.readouterr().out
    assert f'"InvoiceDifference":[{(claude - 11) / 1e9}]' in told
    simulator.disagree("anthropic", "3")
    await checks(world).check()
    assert len(world.events()) == 2


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("server_error", ProviderUnavailable),
        ("unavailable", ProviderUnavailable),
        ("rate_limit", RateLimitError),
        ("auth", BadCredentials),
        ("html", ProviderUnavailable),
        ("malformed", ProviderUnavailable),
        ("redirect", ProviderUnavailable),
        ("reset", ProviderUnavailable),
    ],
)
async def test_a_provider_that_does_not_tell_is_told_of_and_nothing_else(simulator, world, kind, error):
    """The other's days are checked all the same, and what is kept of it stays."""
    simulator.fault("openai", kind, endpoint="costs")
    with pytest.raises(error) as failure:
        await HttpBillingReader().billed(world.catalog.providers["openai"], KEYS["openai"], YESTERDAY, TODAY)
    assert isinstance(failure.value, LLMError)
    await world.store.put_invoices([FOUND], kept_ms=KEPT_MS)
    assert {one.provider for one in await checks(world).check()} == {"anthropic"}
    assert await world.store.invoices(["openai"], [YESTERDAY]) == [FOUND]
    (line,) = [line for line in world.lines() if line["message"] == "invoice not read"]
    assert line["gen_ai.provider.name"] == "openai"
    assert "sk-admin" not in world.log.getvalue()


async def test_reports_come_in_pages(simulator, world):
    """Forty days are two pages at Anthropic; only those that were asked for are told."""
    claude = ask(simulator, "anthropic", words=10)
    first = YESTERDAY - timedelta(days=38)
    provider = world.catalog.providers["anthropic"]
    found = await HttpBillingReader().billed(provider, KEYS["anthropic"], first, TODAY)
    assert sorted(found) == [first + timedelta(days=ago) for ago in range(40)]
    assert sum(item.nano for item in found[YESTERDAY]) == claude
    asked = [call for call in simulator.calls()["requests"] if call["endpoint"] == "costs"]
    assert [call["query"].get("page") for call in asked] == [None, "page_31"]


def test_the_schedule_does_nothing_without_a_key(world):
    """Which is how a stack begins. Keys are read from the environment, without blanks around them."""
    assert scheduled(checks(world, {}))({"check": "invoices"}, None) == {"days": []}
    found = admin_keys({"OPENAI_ADMIN_KEY": " sk ", "ANTHROPIC_ADMIN_KEY": " "})
    assert {name: key.reveal() for name, key in found.items()} == {"openai": "sk"}


def test_the_simulator_refuses_what_providers_refuse(simulator):
    """Fields that are missing or out of range, and keys."""
    openai, anthropic = f"{simulator.url}/openai/v1/organization/costs", f"{simulator.url}/anthropic/v1/organizations/"
    anthropic += "cost_report"
    admin = {"authorization": "Bearer k", "x-api-key": "k", "anthropic-version": "2023-06-01"}
    for url, query, headers, status in (
        (openai, {"start_time": "0"}, {}, 401),
        (openai, {}, admin, 400),
        (openai, {"start_time": "0", "limit": "181"}, admin, 400),
        (openai, {"start_time": "0", "bucket_width": "1h"}, admin, 400),
        (openai, {"start_time": "0", "page": "x"}, admin, 400),
        (openai, {"start_time": "0", "limit": "3"}, admin, 200),
        (anthropic, {}, admin, 400),
        (anthropic, {"starting_at": "soon"}, admin, 400),
        (anthropic, {"starting_at": "2026-11-20T00:00:00Z"}, admin, 200),
    ):
        assert httpx.get(url, params=query, headers=headers).status_code == status, (url, query)
    for given in ({"provider": "gemini", "factor": 1}, {"provider": "openai", "factor": "much"}, []):
        assert httpx.post(f"{simulator.url}/__bills", json=given).status_code == 422


def test_without_grouping_a_bill_is_one_sum(simulator):
    """As both tell it."""
    simulator.reset()
    openai, anthropic = ask(simulator, "openai", 10), ask(simulator, "anthropic", 10)
    admin = {"authorization": "Bearer k", "x-api-key": "k", "anthropic-version": "2023-06-01"}
    day = {"start_time": "1795132800", "end_time": "1795219200"}
    page = httpx.get(f"{simulator.url}/openai/v1/organization/costs", params=day, headers=admin).json()
    (row,) = page["data"][0]["results"]
    assert (round(row["amount"]["value"] * 1e9), row["line_item"]) == (openai, None)
    query = {"starting_at": "2026-11-20T00:00:00Z", "limit": "1"}
    page = httpx.get(f"{simulator.url}/anthropic/v1/organizations/cost_report", params=query, headers=admin).json()
    (row,) = page["data"][0]["results"]
    assert (round(float(row["amount"]) * 1e7), row["model"], page["has_more"]) == (anthropic, None, True)


def test_the_function_reads_its_keys_where_they_are(monkeypatch):
    """From the environment or a secret of its own, which may be missing; what cannot be read is an error."""
    environ = {"UPSTASH_REDIS_REST_URL": "https://s.example", "UPSTASH_REDIS_REST_TOKEN": "t"}
    assert keys_of(environ | {"OPENAI_ADMIN_KEY": "a"}) == ["openai"]
    asked = environ | {"GATEWAY_SECRETS_BILLING": "ssm:/x-billing"}

    def answer(found):
        def read(sources, _connect):
            assert sources == ["ssm:/x-billing"]
            if isinstance(found, Exception):
                raise found
            return found

        monkeypatch.setattr("gateway_core.adapters.secrets.read_secrets", read)

    answer({"ANTHROPIC_ADMIN_KEY": "b"})
    assert keys_of(asked) == ["anthropic"]
    answer(ConfigError("There are no secrets at ssm:/x-billing."))
    assert keys_of(asked) == []
    answer(ConfigUnavailable("cannot be read", detail="ResourceNotFoundException"))
    assert keys_of(asked) == []
    answer(ConfigUnavailable("cannot be read", detail="AccessDeniedException"))
    with pytest.raises(ConfigUnavailable):
        keys_of(asked)


def keys_of(environ):
    return sorted(invoice_checks(environ)._keys)
