"""What is in Redis: keys, times to live, and how many commands are billed."""

import hashlib
import json
import re
from dataclasses import fields
from itertools import count, pairwise

import pytest

from gateway_core.adapters.upstash.layout import pack_record, parse_record
from gateway_core.domain.rates import RateView, ReportedLimit
from tests.contract.desk import DAY, DIGEST, MONTH, Desk, candidate, record_of, settled
from tests.contract.wire import wired_store

DAY_S = 86_400


@pytest.fixture
async def desk(redis):
    """Past the stand-in: what the scripts leave and cost is the same, however they are called."""
    store = wired_store(redis.port)
    yield await Desk(store, user="bob", agent="bot").open()
    await store.close()


async def calls(desk):
    """How often each command ran so far, inner ones of scripts included."""
    told = await desk.store._client.execute("INFO", "commandstats")
    return {name: int(count) for name, count in re.findall(r"cmdstat_(\S+?):calls=(\d+)", told)}


async def billed(desk, work, times=1):
    """The commands that `work` costs each time, by name."""
    seen = [await calls(desk)]
    for _ in range(times):
        await work()
        seen.append(await calls(desk))
    changes = [{name: count - before.get(name, 0) for name, count in after.items()} for before, after in pairwise(seen)]
    costs = [{name: count for name, count in change.items() if count and name != "info"} for change in changes]
    return costs if times > 1 else costs[0]


TOLD = ReportedLimit(60, 50), ReportedLimit(90_000, 80_000)


@pytest.mark.parametrize("limits", [{}, {"rpm": 600, "tpm": 100_000}], ids=["free", "limited"])
@pytest.mark.parametrize("reports", [False, True], ids=["silent", "reporting"])
@pytest.mark.parametrize("candidates", [1, 3])
async def test_a_request_costs_ten_commands(redis, desk, limits, reports, candidates):
    """Admit and settle, inner calls too, whatever is limited: one candidate, or three with a user."""
    desk.user = "bob" if candidates == 3 else ""
    await desk.budget(month_nano=10**12)
    await desk.budget("bob", day_nano=10**12)
    offered = [candidate(f"m{n}", f"provider-{n}", likely_tokens=7, **limits) for n in range(candidates)]
    number = count()

    async def request():
        request_id, latency_ms = f"r{next(number)}", next(number)
        told = RateView(desk.now, *TOLD) if reports else None
        answer = await desk.admitted(request_id, *offered)
        ended = settled(answer, offered[0], charge_nano=70, charge_tokens=7, latency_ms=latency_ms, rates=told)
        assert await desk.settle(request_id, ended)

    for _ in range(2):
        await request()
    costs = await billed(desk, request, times=40)
    assert {cost["evalsha"] for cost in costs} == {2}
    plain = [sum(cost.values()) for cost in costs if "hdel" not in cost]
    assert set(plain) == {10}, costs
    assert len(costs) - len(plain) in {1, 2}
    assert sum(sum(cost.values()) for cost in costs) <= 10.1 * len(costs)


async def test_an_attempt_that_has_to_be_told_at_once_costs_two_commands_more(redis, desk):
    """The first of its process, a failure, a probe: whoever comes next is to know."""
    cost = await billed(desk, lambda: desk.call("r1", chosen=candidate(rpm=600), latency_ms=10))
    begun = {"sadd": 2, "expire": 3, "hmget": 1}  # of the month, the day and the hour, and of new names
    assert sum(cost.values()) <= 12 + sum(begun.values()) + 2, cost
    cost = await billed(desk, lambda: desk.call("r2", "fail", chosen=candidate(rpm=600), latency_ms=10))
    assert sum(cost.values()) == 12, cost


async def test_a_failed_attempt_costs_one_script(redis, desk):
    """`next` settles and admits in one trip."""
    first, second = candidate(rpm=600), candidate("m2", "two", rpm=600)
    await desk.call("warm-up", chosen=first)
    answer = await desk.admitted("r1", first)
    cost = await billed(desk, lambda: desk.next("r1", settled(answer, first, "fail"), second))
    assert cost["evalsha"] == 1
    assert sum(cost.values()) <= 9, cost


async def test_a_key_with_its_own_token_limit_costs_two_commands_more(redis, desk):
    """They are paid only by keys that have one."""
    chosen = candidate(rpm=600, tpm=100_000)
    await desk.open(rpm=600, tpm=100_000)
    await desk.call("warm-up", chosen=chosen)
    cost = await billed(desk, lambda: desk.call("r1", chosen=chosen, charge_tokens=7, latency_ms=10))
    assert sum(cost.values()) <= 13, cost


async def test_an_estimate_costs_no_command_and_doubt_four(redis, desk):
    """What is estimated is read and written along; who may have been billed is put where it waits to be booked."""
    for number, (changes, most) in enumerate([({"estimated": True}, 17), ({"unconfirmed": True}, 21)]):
        await desk.call(f"warm-up-{number}", charge_nano=5, latency_ms=10)

        async def request(number=number, changes=changes):
            await desk.call(f"r{number}", charge_nano=5, latency_ms=11, **changes)

        cost = await billed(desk, request)
        assert sum(cost.values()) <= most, cost


async def test_admissions_pay_for_bookings_only_when_one_is_due(redis, desk):
    """That some attempt waits is read along."""
    await desk.call("r1", "fail", unconfirmed=True)
    alone = await billed(desk, lambda: desk.admit("r2"))
    desk.at = 18 * 3_600_000
    await desk.admit("r3")
    after = await billed(desk, lambda: desk.admit("r4"))
    assert sum(after.values()) == sum(alone.values()) == 5


async def test_keys_and_their_times_to_live(redis, desk):
    """Budgets and counters live 400 days, an hour's records 31 from the first; keys and breakers for ever."""
    await desk.call("r1", chosen=candidate(rpm=600))
    lives = {key: redis.run("TTL", key) for key in redis.run("KEYS", "*")}
    assert lives == {
        "prj:alpha": -1,
        f"bud:alpha:{MONTH}": 400 * DAY_S,
        "pv": -1,
        f"use:alpha:{DAY}:12": 31 * DAY_S,
        "projects": -1,
    }
    await desk.call("r2", unconfirmed=True)
    assert redis.run("TTL", "ux:alpha") == 62 * DAY_S


async def test_a_record_lives_at_least_thirty_days_from_its_own_write(redis, desk):
    """One that is written after its hour prolongs its neighbours' life: there may be none of them left."""
    await desk.call("r1")
    redis.run("EXPIRE", f"use:alpha:{DAY}:12", 100)
    await desk.call("r2")
    assert redis.run("TTL", f"use:alpha:{DAY}:12") == 100
    desk.at = 3_600_000
    await desk.call("r3")
    assert redis.run("TTL", f"use:alpha:{DAY}:12") == 31 * DAY_S


async def test_records_of_earlier_releases_are_read(desk):
    """What they did not know of has its default; what follows a record's older fields is told by later ones alone."""
    later = {"cache_write_1h_tokens": 7, "audio_input_tokens": 8, "audio_output_tokens": 9, "service_tier": "flex"}
    later |= {"estimated_nano": 5, "session_id": "s"}
    told = record_of(desk.ticket(), **later)
    assert parse_record(pack_record(told)) == told
    known = [field.name for field in fields(told)].index("cache_write_1h_tokens")
    earlier = json.dumps(json.loads(pack_record(told))[: 1 + known])
    assert parse_record(earlier) == record_of(desk.ticket())


async def test_other_times_to_live_are_set_once(redis, desk):
    """They start with the first request, and cost no command after it."""
    await desk.call("r1")
    redis.run("EXPIRE", f"bud:alpha:{MONTH}", 100)
    await desk.call("r2")
    assert redis.run("TTL", f"bud:alpha:{MONTH}") == 100


async def test_what_is_kept_of_answers_and_hits_ends_by_itself(redis, desk):
    """An answer when it is told to, a hit that nobody records after 30 days; a recorded one leaves nothing."""
    await desk.keep("e1", "value", ttl_s=90)
    assert redis.run("TTL", "rc:alpha:e1") == 90
    await desk.look_up("r1", "e1")
    assert redis.run("TTL", "rh:alpha:r1") == 30 * DAY_S
    await desk.settle("r1", None, attempts=0)
    assert [key for key in redis.run("KEYS", "*") if key.startswith("rh:")] == []


async def test_a_hit_costs_nine_commands(redis, desk):
    """Two scripts and what they call; a command more for a key with a limit of requests a minute."""
    await desk.keep("e1", "value")
    await desk.hit("warm-up")

    async def request():
        await desk.look_up("r1", "e1")
        await desk.settle("r1", None, attempts=0, cache_hit=True)

    cost = await billed(desk, request)
    assert cost["evalsha"] == 2
    assert sum(cost.values()) == 9, cost
    await desk.open(rpm=60)
    await desk.hit("warm-up-again")
    request_id = iter(["r2", "r3"])

    async def limited():
        name = next(request_id)
        await desk.look_up(name, "e1")
        await desk.settle(name, None, attempts=0, cache_hit=True)

    assert sum((await billed(desk, limited)).values()) == 10


async def test_a_miss_costs_three_commands_and_keeping_its_answer_one(redis, desk):
    """On top of what the request itself costs."""
    await desk.look_up("warm-up", "e1")
    assert sum((await billed(desk, lambda: desk.look_up("r1", "e1"))).values()) == 3
    assert sum((await billed(desk, lambda: desk.keep("e1", "value"))).values()) == 1


async def test_a_finished_request_leaves_no_field_behind(redis, desk):
    """Neither holds nor marks pile up: they are empty at once, and some requests later they are gone."""
    await desk.budget("bob", day_nano=500)
    answer = await desk.admitted("r1")
    ended = settled(answer, candidate(), "fail", charge_nano=3)
    await desk.budget("bob")
    await desk.budget(day_nano=50)
    await desk.next("r1", ended)
    await desk.settle("r1", None)
    await desk.budget()
    await desk.call("r2")
    left = await fields_of_requests(redis)
    scopes = ["p", f"k:{desk.key_id}", "u:bob"]
    accounts = {f"{scope}|{period}" for scope in scopes for period in ("M", "D20")}
    assert {name for name, value in left.items() if value} == accounts | {"n", "z"}
    for number in range(40):
        await desk.call(f"r{number}")
        left = await fields_of_requests(redis)
        assert len(left) <= len(accounts) + 2 + 32
        assert await desk.holds() == []
    assert len(left) < len(accounts) + 2 + 32


async def fields_of_requests(redis):
    """All of the month but counters and names."""
    fields = redis.hash(f"bud:alpha:{MONTH}")
    return {name: value for name, value in fields.items() if not name.startswith(("c", "i|"))}


async def test_a_hold_that_came_back_is_not_removed(redis, desk):
    """A request may begin anew under its name, after its first life was settled: its money stays held."""
    await desk.call("again")
    await desk.admitted("again")
    for number in range(40):
        await desk.call(f"r{number}")
    assert await desk.holds() == [("again", 1, 100, False)]
    assert await desk.money() == (0, 100)


async def test_removing_what_is_finished_costs_two_commands_in_thirty_two(redis, desk):
    """One to see what is still empty, one to remove it."""
    await desk.call("warm-up")

    async def requests():
        for number in range(64):
            await desk.call(f"r{number}")

    cost = await billed(desk, requests)
    assert cost["hdel"] == 2


async def test_the_rights_of_a_key_are_kept_apart_from_its_limits(redis, desk):
    """Empty numbers are no limits; the tag is the SHA-1 of the JSON part, which a script can compute."""
    limits, _, rights = redis.hash("prj:alpha")[f"k|{DIGEST}"].partition("|")
    assert limits == ";;;;;"
    assert hashlib.sha1(rights.encode(), usedforsecurity=False).hexdigest() == desk.tag


async def test_the_secret_of_a_key_is_nowhere(redis, desk):
    """Only its digest is stored."""
    assert "secret" not in str(redis.hash("prj:alpha"))
