"""Keys, budgets, holds and reports: what the command line and the reports ask of a store."""

import json

import pytest

from gateway_core.access.administration import Administration
from gateway_core.adapters.memory import MemoryStore
from gateway_core.adapters.upstash import layout
from gateway_core.domain.caller import Limits
from gateway_core.domain.errors import ConfigError, InvalidRequest, StoreUnreadable
from gateway_core.store.counters import RECONCILED, Counters
from gateway_core.store.earlier_counters import EarlierFields
from gateway_core.store.records import BudgetLine, OpenHold
from gateway_core.store.virtual_keys import KeyRecord, digest_of
from tests.contract.desk import DAY, DIGEST, MONTH, NOON, Desk, candidate, settled
from tests.manual_clock import ManualClock

FULL = KeyRecord(
    project_id="alpha",
    digest=digest_of("gk_alpha_full"),
    user_id="zoë|;",
    admin=True,
    groups=("fast", "code"),
    tools=("complete",),
    api_base_hosts=("proxy.example.com",),
    limits=Limits(day_nano=1, month_nano=2, day_tokens=3, month_tokens=4, rpm=5, tpm=6),
    created_ms=NOON,
)


@pytest.fixture(params=["memory", "upstash", "administered"])
def store(request):
    """The command line's way to a store beside the others."""
    return MemoryStore() if request.param == "memory" else request.getfixturevalue(request.param)


async def test_a_key_is_found_by_its_digest_with_all_its_rights(store):
    """What was stored comes back, with a tag that names the rights."""
    await store.put_key(FULL)
    found = await store.find_key("alpha", FULL.digest)
    assert found is not None
    assert len(found.rights_tag) == 40
    assert (found.limits, found.user_id, found.groups, found.admin) == (FULL.limits, "zoë|;", ("fast", "code"), True)
    assert await store.list_keys("alpha") == [found]


async def test_an_unknown_digest_or_project_finds_nothing(store):
    """Neither is an error."""
    await store.put_key(FULL)
    assert await store.find_key("alpha", DIGEST) is None
    assert await store.find_key("beta", FULL.digest) is None
    assert await store.list_keys("beta") == []


async def test_the_tag_changes_with_the_rights_and_not_with_the_limits(store):
    """A changed limit must not turn callers away, a changed right must."""
    tags = []
    for record in (
        KeyRecord("alpha", DIGEST),
        KeyRecord("alpha", DIGEST, limits=Limits(rpm=1)),
        KeyRecord("alpha", DIGEST, admin=True),
    ):
        await store.put_key(record)
        tags.append((await store.find_key("alpha", DIGEST)).rights_tag)
    assert tags[0] == tags[1] != tags[2]


async def test_a_revoked_key_stays_with_the_time_of_its_revocation(store):
    """It is listed and found as revoked; a second revocation does not move the time."""
    await store.put_key(FULL)
    assert await store.revoke_key(FULL.id, now_ms=NOON + 1)
    assert await store.revoke_key(FULL.id, now_ms=NOON + 2)
    assert (await store.find_key("alpha", FULL.digest)).revoked_ms == NOON + 1


@pytest.mark.parametrize("key_id", ["key_alpha_0123456789abcdef", "key_beta_0123456789abcdef", "nonsense", ""])
async def test_a_key_that_is_not_there_cannot_be_revoked(store, key_id):
    """The answer is False, whatever the id looks like."""
    await store.put_key(FULL)
    assert not await store.revoke_key(key_id, now_ms=NOON)


@pytest.mark.parametrize("limits", [{"rpm": 0}, {"tpm": 0}, {"day_nano": -1}, {"month_tokens": 2**53}])
async def test_limits_that_cannot_be_kept_are_refused(store, limits):
    """A rate of nothing, and what Redis cannot count."""
    with pytest.raises(ConfigError):
        await store.put_key(KeyRecord("alpha", DIGEST, limits=Limits(**limits)))
    with pytest.raises(ConfigError):
        await store.set_budget("alpha", "", Limits(**limits))


async def test_budget_lines_tell_both_periods_of_each_scope(desk):
    """Spent, held and the limits, in the order asked; None where there is no limit."""
    desk.user = "bob"
    await desk.open(day_nano=900, month_tokens=90)
    await desk.budget(month_nano=5000)
    await desk.budget("bob", day_tokens=70)
    await desk.call("r1", charge_nano=60, charge_tokens=6)
    await desk.admitted("r2")
    lines = await desk.store.budget_lines("alpha", day=DAY, scopes=["u:bob", "p", f"k:{desk.key_id}"])
    assert lines == [
        BudgetLine("u:bob", DAY, 60, 100, 6, 10, None, 70),
        BudgetLine("u:bob", MONTH, 60, 100, 6, 10, None, None),
        BudgetLine("p", DAY, 60, 100, 6, 10, None, None),
        BudgetLine("p", MONTH, 60, 100, 6, 10, 5000, None),
        BudgetLine(f"k:{desk.key_id}", DAY, 60, 100, 6, 10, 900, None),
        BudgetLine(f"k:{desk.key_id}", MONTH, 60, 100, 6, 10, None, 90),
    ]
    assert await desk.store.budget_lines("alpha", day=DAY, scopes=[]) == []


async def test_of_keys_those_are_read_that_are_asked_for(upstash, monkeypatch):
    """Once: a report on all of them takes as long as there are keys, not as their square."""
    keys = [KeyRecord("alpha", digest_of(str(n)), limits=Limits(day_nano=n)) for n in range(1, 5)]
    for key in keys:
        await upstash.put_key(key)
    read, parse = [], layout.parse_key
    monkeypatch.setattr(layout, "parse_key", lambda *stored: read.append(stored) or parse(*stored))
    lines = await upstash.budget_lines("alpha", day=DAY, scopes=[f"k:{key.id}" for key in keys[:3]])
    assert ([line.limit_nano for line in lines[::2]], len(read)) == ([1, 2, 3], 3)


async def test_a_budget_that_is_set_anew_replaces_the_old_one(desk):
    """None lifts a limit."""
    await desk.budget(day_nano=1, month_nano=2)
    await desk.budget(month_nano=3)
    day, month = await desk.lines()
    assert (day.limit_nano, month.limit_nano) == (None, 3)


async def test_an_open_hold_tells_whose_it_is(desk):
    """Enough to decide about it; the oldest comes first."""
    desk.user = "a|b;c"
    desk.at = 50
    await desk.admitted("second.1")
    desk.at = 0
    await desk.admitted("first")
    oldest, other = await desk.store.open_holds("alpha", month=MONTH)
    assert other.request_id == "second.1"
    assert oldest == OpenHold("first", 1, desk.key_id, "a|b;c", DAY, 100, 10, NOON, unconfirmed=False)


async def resolve(desk, request_id, nano=0, tokens=0):
    return await desk.store.resolve_hold(
        "alpha", month=MONTH, request_id=request_id, attempt=1, charge_nano=nano, charge_tokens=tokens, now_ms=desk.now
    )


async def test_a_hold_is_released_without_a_trace(desk):
    """Nothing was billed: the money is free again, and no report changes."""
    desk.user = "bob"
    await desk.admitted("r1")
    assert await resolve(desk, "r1")
    assert not await resolve(desk, "r1")
    for scope in ("p", "u:bob", f"k:{desk.key_id}"):
        assert await desk.money(scope) == (0, 0)
    assert await desk.records() == []


async def test_a_hold_is_released_for_a_charge_that_shows_in_reports(desk):
    """What the provider billed after all is spent, and in the books, though it is not a request."""
    answer = await desk.admitted("r1")
    await desk.settle(
        "r1", settled(answer, candidate(), "fail", charge_nano=30, unconfirmed=True), input_nano=30, output_nano=0
    )
    assert await resolve(desk, "r1", nano=20, tokens=2)
    assert (await desk.money(), await desk.tokens()) == ((50, 0), (2, 0))
    total = (await desk.counters())["c|20"]
    assert (total.requests, total.cost_nano) == (1, 50)
    assert [record.kind for record in await desk.records()] == ["chat", RECONCILED]


async def test_an_attempt_resolved_by_hand_cannot_be_settled_any_more(desk):
    """Whoever comes first decides; nothing is counted twice."""
    answer = await desk.admitted("r1")
    await resolve(desk, "r1", nano=20)
    assert not await desk.settle("r1", settled(answer, candidate(), charge_nano=70))
    assert await desk.money() == (20, 0)


async def test_a_charge_that_cannot_be_counted_is_refused(desk):
    """The hold stays."""
    await desk.admitted("r1")
    with pytest.raises(InvalidRequest):
        await resolve(desk, "r1", nano=-1)
    assert await desk.money() == (0, 100)


async def test_every_dimension_of_a_record_is_counted(desk):
    """All, hour, model, key, agent, user and the combinations that reports offer."""
    desk.user, desk.agent = "bob@x", "build|bot"
    answer = await desk.admitted("r1")
    await desk.settle("r1", settled(answer, candidate(), "fail"), error_code="timeout", model="gpt-5.1")
    expected = Counters(1, 1, 0, 6, 4, 70, 900, 0, (0, 0, 0, 1))
    names = ["ck|{}|" + desk.key_id, "cm|{}|gpt-5.1", "cp|{}|one", "ca|{}|build%7Cbot", "cu|{}|bob%40x"]
    names += ["cam|{}|build%7Cbot|gpt-5.1", "cum|{}|bob%40x|gpt-5.1"]
    of_day = [name.format("20") for name in (*names, "c|{}", "c|{}12", "chm|{}12|gpt-5.1")]
    assert await desk.counters() == dict.fromkeys(of_day, expected)
    assert await desk.counters("M") == dict.fromkeys([name.format("M") for name in names], expected)


async def test_counters_add_up_over_requests(desk):
    """The sum of the records, in every field."""
    for i in range(3):
        await desk.call(f"r{i}")
    await desk.call("r3")
    assert (await desk.counters())["cm|20|claude"] == Counters(4, 0, 0, 24, 16, 280, 3600, 0, (0, 0, 0, 4))
    assert (await desk.counters("M"))["cm|M|claude"] == (await desk.counters())["c|20"]


async def test_what_was_not_counted_is_left_out(desk):
    """Of counters, of names and of days that an earlier release might have counted."""
    await desk.call("r1")
    wanted = {MONTH: ["c|19", "c|20"], "202610": ["c|20"]}
    assert {month: list(found) for month, found in (await desk.store.counted("alpha", wanted)).items()} == {
        MONTH: ["c|20"],
        "202610": [],
    }
    assert await desk.store.names("alpha", {MONTH: ["i|m|20", "i|m|19"]}) == {MONTH: {"i|m|20": ["claude"]}}
    assert await desk.store.counted("beta", {}) == await desk.store.names("beta", {}) == {}
    assert await desk.store.earlier_counters("alpha", ["20261119", DAY], EarlierFields(("t",), "m|")) == [{}, {}]


async def test_estimates_and_latencies_are_counted(desk):
    """How much of the cost is an estimate, and how many requests fell into each bucket of the histogram."""
    for number, latency_ms in enumerate((100, 101, 90_000)):
        await desk.close(
            f"r{number}",
            settled(await desk.admitted(f"r{number}"), candidate()),
            latency_ms=latency_ms,
            estimated_nano=7,
        )
    total = (await desk.counters())["c|20"]
    assert (total.estimated_nano, total.latencies) == (21, (1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1))


async def test_a_record_comes_back_as_it_was_written(desk):
    """Every field, whatever characters are in it."""
    desk.agent = 'ключ "quoted"\n'
    await desk.call("r1")
    (record,) = await desk.records()
    assert (record.agent_id, record.cost_nano, record.input_includes_cached) == (desk.agent, 70, True)


async def test_records_come_in_pages(desk):
    """Oldest first; the cursor of one page starts the next."""
    for i in range(5):
        await desk.call(f"r{i}")
    seen, cursor = [], ""
    for _ in range(3):
        page = await desk.store.usage_records("alpha", day=DAY, after=cursor, limit=2)
        seen += [record.request_id for record in page.records]
        cursor = page.cursor
    assert (seen, cursor) == (["r0", "r1", "r2", "r3", "r4"], "")


async def test_projects_are_those_that_had_a_request(store):
    """A key alone makes no project."""
    for project in ("beta", "alpha", "idle"):
        desk = await Desk(store, project=project).open()
        if project != "idle":
            await desk.call("r1")
    assert await store.projects() == ["alpha", "beta"]


async def test_records_of_earlier_releases_are_changed_and_read_by_them(redis, upstash):
    """Fields that they did not write are absent. To them a rotated secret is revoked: they would count it twice."""
    office = Administration(upstash, ManualClock(NOON))
    digest = digest_of("gk_alpha_old")
    rights = '{"user":"","admin":false,"groups":[],"tools":[],"hosts":[],"created_ms":5,"revoked_ms":null}'
    redis.run("HSET", "prj:alpha", f"k|{digest}", f";;;;;7|{rights}")
    key_id = f"key_alpha_{digest[:16]}"
    assert (await office.update_key(key_id, {}, {"rpm": 8}))["rpm"] == 8
    rotated = await office.rotate_key(key_id)
    stored = redis.hash("prj:alpha")
    assert stored[f"k|{digest}"].startswith(";;;;8;7|")
    of_new = json.loads(stored[f"k|{digest_of(rotated['key'])}"].partition("|")[2])
    assert (of_new["revoked_ms"], of_new["of"]) == (NOON, digest[:16])
    assert (await upstash.find_key("alpha", digest_of(rotated["key"]))).revoked_ms is None


@pytest.mark.parametrize("field", ["expires_ms", "replaced_ms"])
async def test_an_end_that_is_no_moment_cannot_be_read(redis, upstash, field):
    """Nobody is let in by a key whose end nobody knows."""
    rights = '{"user":"","admin":false,"groups":[],"tools":[],"hosts":[],"created_ms":5,"revoked_ms":null,"%s":%d}'
    redis.run("HSET", "prj:alpha", f"k|{DAY}", f";;;;;|{rights % (field, 10**18)}")
    with pytest.raises(StoreUnreadable):
        await upstash.find_key("alpha", DAY)
