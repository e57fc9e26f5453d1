"""Which attempts may be told of later."""

from dataclasses import replace

import pytest

from gateway_core.adapters.upstash.news import FRESH_MS, News, NewsDesk
from gateway_core.domain.rates import RateView
from gateway_core.store.messages import DEGRADED, BreakerPolicy, Settlement, Terms

PLAIN = Settlement(1, "one", "m1", 0, probe=False, effect="ok")


def at(now_ms):
    return Terms(now_ms, BreakerPolicy())


@pytest.fixture
def desk():
    """One that has told of the deployment."""
    desk = NewsDesk()
    assert not desk.may_wait(PLAIN, at(1000))
    return desk


@pytest.mark.parametrize(
    "changes",
    [
        {"effect": "fail"},
        {"effect": "skip"},
        {"probe": True},
        {"unconfirmed": True},
        {"generation": DEGRADED},
        {"deployment_id": "m2"},
        {"provider": "two"},
        {"streamed": True},
        {"rates": RateView(1, until_ms=2001)},
    ],
)
def test_what_others_act_on_may_not(desk, changes):
    """Nor what is the first of its kind."""
    assert desk.may_wait(PLAIN, at(2000))
    assert not desk.may_wait(replace(PLAIN, **changes), at(2000))


def test_a_limit_that_is_over_may_wait(desk):
    """It keeps nobody any more."""
    assert desk.may_wait(replace(PLAIN, rates=RateView(1, until_ms=2000)), at(2000))


@pytest.mark.parametrize(("now_ms", "may"), [(1000 + FRESH_MS - 1, True), (1000 + FRESH_MS, False), (999, False)])
def test_it_is_told_again_after_a_while(desk, now_ms, may):
    """And when the clock was set back."""
    assert desk.may_wait(PLAIN, at(now_ms)) is may


def test_the_desk_is_bounded(desk):
    """In what waits, and in the deployments that it remembers."""
    news = News(PLAIN, 0, 1, 2, 3)
    while desk.may_wait(PLAIN, at(1001)):
        desk.put(news)
    taken = desk.take()
    assert (len(taken), desk.take()) == (16, [])
    desk.put_back(taken[:2])
    assert len(desk.take()) == 2
    for number in range(256):
        desk.may_wait(replace(PLAIN, deployment_id=str(number)), at(1002))
    assert not desk.may_wait(PLAIN, at(1003))
