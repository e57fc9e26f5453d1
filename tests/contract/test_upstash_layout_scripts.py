"""The scripts as Upstash takes them: which keys they name, and that they may be forgotten."""

import hashlib
from dataclasses import fields

import pytest

from gateway_core.adapters.upstash.scripts import Script, Scripts
from gateway_core.domain.rates import RateView, ReportedLimit
from tests.contract.desk import MONTH, Desk, candidate, settled


@pytest.fixture
async def desk(upstash):
    return await Desk(upstash, user="bob", agent="bot").open()


async def test_every_key_of_a_script_is_declared(desk):
    """With `allow-key-locking` the stand-in refuses undeclared keys as Upstash does: all scripts run under it."""
    scripts = desk.store._scripts
    desk.store._scripts = Scripts(*(locking(getattr(scripts, field.name)) for field in fields(scripts)))
    await desk.open(rpm=60, tpm=1000)
    first, second = candidate(rpm=60, tpm=1000), candidate("m2", "two", rpm=60, tpm=1000)
    told = RateView(desk.now, ReportedLimit(60, 50), ReportedLimit(1000, 900))
    failed = settled(await desk.admitted("r1", first), first, "fail", unconfirmed=True, rates=told)
    answer = await desk.next("r1", failed, second)
    assert await desk.settle("r1", settled(answer, second, charge_tokens=5))
    assert await desk.hit("r2")
    (unconfirmed,) = await desk.store.open_holds("alpha", month=MONTH)
    assert await desk.store.book_hold("alpha", unconfirmed, now_ms=desk.now)
    assert await desk.store.book_due("alpha", now_ms=desk.now, limit=3) == []
    hold = {"month": MONTH, "request_id": "r1", "attempt": 1}
    assert await desk.store.resolve_hold("alpha", **hold, charge_nano=5, charge_tokens=0, now_ms=desk.now)


def locking(script):
    """The script with the flag that only Upstash knows."""
    text = f"#!lua flags=allow-key-locking\n{script.text}"
    return Script(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


async def test_a_server_that_forgot_the_scripts_is_sent_them_again(redis, desk):
    """After a restart the script cache is empty; the caller does not notice."""
    await desk.admitted("r1")
    redis.run("SCRIPT", "FLUSH")
    assert (await desk.admitted("r1")).index == 0
    assert await desk.money() == (0, 100)
