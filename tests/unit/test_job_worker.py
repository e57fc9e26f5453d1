"""Work on a job: what waits, what is asked again, and what ends it. In virtual time."""

import asyncio

import pytest

from gateway_core.batch.job_recorder import Pace
from gateway_core.batch.job_worker import PAGE
from gateway_core.batch.patience import MOST_TRIES
from gateway_core.batch.questions import Question
from tests.unit.jobs import CALL_COST, Bench, Provider, Turn, asked
from tests.virtual_time import run


def outcome(bench, **options):
    """How the job ended, what it told by question, and after how many seconds."""

    async def main():
        await bench.accept()
        stay = await bench.work(**options)
        return stay, await bench.told(), asyncio.get_running_loop().time()

    return run(main())


def test_a_job_ends_with_an_answer_to_every_question():
    """And says what it came to."""
    bench = Bench([*asked(9), Question(10, "and {Q3_result}")])

    async def main():
        await bench.accept()
        stay = await bench.work()
        return stay, await bench.job()

    stay, job = run(main())
    assert (stay.state, job.state, job.error_code) == ("succeeded", "succeeded", "")
    assert (job.progress.answered, job.progress.succeeded, job.progress.cached) == (10, 10, 0)
    assert job.progress.cost.total_nano == 10 * CALL_COST
    assert job.progress.usage.total_tokens == 70
    assert bench.provider.prompts[10] == ["and <3>"]
    assert job.ended_ms is not None


def test_a_rate_limit_costs_one_refusal_and_a_wait():
    """Whoever has the same model waits with it; another model goes on meanwhile."""
    limited = [*asked(50, model="a"), *(Question(100 + n, "b", model="b") for n in range(5))]
    provider = Provider({1: [Turn("limited", 0.0, 40.0)]})
    bench = Bench(limited, provider, concurrency=1)
    stay, told, ended_s = outcome(bench)
    assert stay.state == "succeeded"
    assert len(told) == 55
    first_round = [number for at_s, number in provider.asked if at_s < 40]
    assert first_round == [1, *range(51, 56)]
    assert ended_s >= 40 + 50


def test_a_short_wait_is_waited_for_and_a_long_one_lets_go():
    """The worker leaves, and comes back when the wait is over."""
    bench = Bench(asked(1), Provider({1: [Turn("limited", 0.0, 1.5), Turn("limited", 0.0, 500.0)]}))

    async def main():
        await bench.accept()
        first = await bench.worker().work(bench.name, time_s=3600)
        left_s = asyncio.get_running_loop().time()
        await asyncio.sleep(first.pause_s)
        return first, left_s, await bench.worker().work(bench.name, time_s=3600)

    first, left_s, last = run(main())
    assert (first.state, first.pause_s) == (None, 500.0)
    assert left_s < 5
    assert last.state == "succeeded"


def test_a_refusal_may_be_repeated_for_as_long_as_the_job_may_take():
    """Nobody was called: no number of tries ends it, the job's time does."""
    bench = Bench(asked(2), Provider({1: [Turn("limited", 0.0, 60.0)] * 5000}), job_s=7200)
    stay, told, ended_s = outcome(bench)
    assert (stay.state, stay.error_code) == ("failed", "deadline_exceeded")
    assert told == {1: "deadline_exceeded", 2: "<2>"}
    assert bench.provider.calls[1] == 0
    assert 7200 <= ended_s < 7300


def test_no_wait_outlasts_the_job():
    """Its end is told when its time is over, not when the limit is."""
    bench = Bench(asked(2), Provider({1: [Turn("limited", 0.0, 600.0)]}), job_s=60)
    stay, told, ended_s = outcome(bench)
    assert (stay.state, stay.error_code) == ("failed", "deadline_exceeded")
    assert told == {1: "deadline_exceeded", 2: "<2>"}
    assert 60 <= ended_s < 62


def test_an_unknown_wait_grows_while_nothing_comes_of_it():
    """So that a model which is away for hours is not asked every second."""
    bench = Bench(asked(1), Provider({1: [Turn("limited", 0.0)] * 5000}), job_s=86_400)
    stay, _, _ = outcome(bench)
    assert stay.state == "failed"
    assert len(bench.provider.asked) < 24 * 3600 / 600


def test_a_question_whose_providers_failed_is_asked_again_so_often():
    """Then its last failure is its answer, with what all tries cost."""
    bench = Bench(asked(2), Provider({1: [Turn("failed")] * 10}))

    async def main():
        await bench.accept()
        await bench.work()
        return await bench.answers(), await bench.job()

    answers, job = run(main())
    assert bench.provider.calls == {1: MOST_TRIES, 2: 1}
    assert answers.known[1].error_code == "failed"
    assert answers.known[1].cost.total_nano == MOST_TRIES * CALL_COST
    assert len(answers.known[1].attempts) == MOST_TRIES
    assert job.progress.cost.total_nano == (MOST_TRIES + 1) * CALL_COST
    assert (job.state, job.progress.succeeded) == ("succeeded", 1)


def test_a_budget_is_used_up_before_it_is_said_to_have_ended():
    """What is under way holds more than it costs: once it is settled, there may be room for more."""
    bench = Bench(asked(8), Provider({3: [Turn("poor", 0.0)] * 2, 4: [Turn("poor", 0.0)]}), concurrency=3)
    stay, told, ended_s = outcome(bench)
    assert stay.state == "succeeded"
    assert set(told.values()) == {f"<{number}>" for number in range(1, 9)}
    assert ended_s < 20


def test_a_budget_that_has_ended_ends_the_rest():
    """Each is refused once more when nothing is under way, and its answer says so."""
    poor = {number: [Turn("poor", 0.0)] * 9 for number in range(5, 41)}
    bench = Bench(asked(40), Provider(poor), concurrency=4)
    stay, told, _ = outcome(bench)
    assert stay.state == "succeeded"
    assert [number for number, said in told.items() if said == "budget_exceeded"] == list(range(5, 41))
    assert len(bench.provider.asked) <= 4 + 36 + 2 * 4


def test_a_question_that_fails_keeps_no_other_waiting():
    """Only a refusal without a call says anything of the model."""
    bench = Bench(asked(100), Provider({1: [Turn("failed", 0.0)]}), concurrency=1)
    outcome(bench)
    order = [number for _, number in bench.provider.asked]
    assert order == [*range(1, 101), 1]


def test_a_question_that_succeeds_at_last_has_what_it_cost():
    """The failed tries are part of its story."""
    bench = Bench(asked(1), Provider({1: [Turn("failed"), Turn("failed")]}))

    async def main():
        await bench.accept()
        await bench.work()
        return (await bench.answers()).known[1]

    answer = run(main())
    assert (answer.result, answer.cost.total_nano) == ("<1>", 3 * CALL_COST)
    assert [attempt.outcome for attempt in answer.attempts] == ["failed", "failed", "ok"]
    assert answer.cost.price_source == "list"


def test_tries_are_counted_over_deaths():
    """What failed before stands in the log."""
    bench = Bench(asked(1), Provider({1: [Turn("failed", 1.0, 100.0)] * 10}))

    async def main():
        await bench.accept()
        for _ in range(MOST_TRIES):
            stay = await bench.worker().work(bench.name, time_s=3600)
            await asyncio.sleep(stay.pause_s)
        return stay

    assert run(main()).state == "succeeded"
    assert bench.provider.calls[1] == MOST_TRIES


def test_what_fails_for_good_is_the_answer_and_ends_those_that_cite_it():
    """As in a batch."""
    bench = Bench([Question(1, "a"), Question(2, "{Q1_result}"), Question(3, "c")], Provider({1: [Turn("fatal")]}))
    stay, told, _ = outcome(bench)
    assert stay.state == "succeeded"
    assert told == {1: "fatal", 2: "dependency_failed", 3: "<3>"}


def test_a_postponed_question_keeps_those_waiting_that_need_it():
    """They are asked after it."""
    questions = [Question(1, "a"), Question(2, "{Q1_result}", model="b"), Question(3, "c", "sequential")]
    bench = Bench([*questions, Question(4, "d", "sequential", model="b")], Provider({1: [Turn("limited", 0.0, 30.0)]}))
    bench.provider.turns[3] = [Turn("limited", 0.0, 30.0)]
    stay, told, _ = outcome(bench)
    assert stay.state == "succeeded"
    assert set(told.values()) == {"<1>", "<2>", "<3>", "<4>"}
    order = [number for _, number in bench.provider.asked if number in {2, 4}]
    assert min(at for at, number in bench.provider.asked if number in {2, 4}) >= 30
    assert sorted(order) == [2, 4]


def test_a_revoked_key_ends_the_job():
    """What was answered stays; what was not says why."""
    bench = Bench(asked(20), Provider({5: [Turn("revoked", 0.0)]}), concurrency=2)
    stay, told, _ = outcome(bench)
    assert (stay.state, stay.error_code) == ("failed", "unauthenticated")
    assert told[1] == "<1>"
    assert told[5] == told[20] == "unauthenticated"
    assert bench.provider.calls.total() < 8


def test_a_key_that_is_gone_asks_nobody():
    """Looked up before each round."""
    bench = Bench(asked(3), known_key=False)
    stay, told, _ = outcome(bench)
    assert (stay.state, stay.error_code) == ("failed", "unauthenticated")
    assert set(told.values()) == {"unauthenticated"}
    assert not bench.provider.asked


def test_a_cancelled_job_asks_nobody_any_more_and_keeps_what_it_paid_for():
    """Those on their way are answered and written."""
    bench = Bench(asked(100), concurrency=3, pace=Pace(lease_ms=3000))

    async def main():
        await bench.accept()
        working = asyncio.create_task(bench.work())
        await asyncio.sleep(10.5)
        assert await bench.store.end_job(bench.name, "cancelled", now_ms=1) == "cancelled"
        return await working, await bench.told(), await bench.job()

    stay, told, job = run(main())
    assert stay.state == job.state == "cancelled"
    assert 30 <= len(told) <= 40
    assert bench.provider.calls.total() == len(told) == job.progress.answered


def test_a_job_whose_questions_are_gone_fails():
    """Nothing can be asked, and nobody waits for ever."""
    bench = Bench(asked(1))

    async def main():
        job = await bench.accept()
        bench.store._state.job_inputs.clear()
        return await bench.work(), await bench.store.find_job(job.name)

    stay, job = run(main())
    assert (stay.state, job.state, job.error_code) == ("failed", "failed", "questions_lost")


def test_questions_that_are_lost_take_no_answer_with_them():
    """Who cancels a job drops its questions, perhaps as somebody goes on with it: what is paid stays told."""
    bench = Bench(asked(2), Provider({2: [Turn("limited", 0.0, 60.0)]}))

    async def main():
        await bench.accept()
        await bench.worker().work(bench.name, time_s=3600)
        read_input = bench.store.read_input

        async def cancelled_meanwhile(name):
            await bench.store.end_job(name, "cancelled", now_ms=(await bench.job()).created_ms)
            await bench.store.drop_input(name)
            return await read_input(name)

        bench.store.read_input = cancelled_meanwhile
        return await bench.worker().work(bench.name, time_s=3600), await bench.job()

    stay, job = run(main())
    assert (stay.state, job.state, job.error_code) == ("cancelled", "cancelled", "")
    assert (job.progress.answered, job.progress.cost.total_nano) == (1, CALL_COST)


def test_a_job_that_has_ended_keeps_its_answers_and_not_its_questions():
    """Nobody needs them any more."""
    bench = Bench(asked(2))

    async def main():
        await bench.accept()
        await bench.work()
        return await bench.store.read_input(bench.name), await bench.told()

    assert run(main()) == (None, {1: "<1>", 2: "<2>"})


def test_a_crash_of_ours_is_told_and_ends_one_question():
    """Its text goes nowhere."""
    bench = Bench(asked(2), Provider({1: [Turn("crash")]}))
    stay, told, _ = outcome(bench)
    assert stay.state == "succeeded"
    assert told == {1: "internal_error", 2: "<2>"}
    assert [type(error) for error in bench.crashes] == [ZeroDivisionError]


@pytest.mark.parametrize("count", [1500, pytest.param(10_000, marks=pytest.mark.long)])
def test_many_questions_take_no_more_than_their_calls(count):
    """Answers that come together are written together, and reading them all again is in pages."""
    assert count > 2 * PAGE
    bench = Bench(asked(count), concurrency=256)
    stay, told, ended_s = outcome(bench)
    assert stay.state == "succeeded"
    assert len(told) == count
    assert ended_s < 1.5 * count / 256
