"""Which questions of a job wait, and for how long, because asking them again later may help. No I/O.

A batch that somebody waits for gives an answer to every question now. A job may wait: for a rate limit, an open
breaker, a store that is away. Then nobody is asked whose model waits already: a limit costs one refusal, not thousands.
One whose providers were called and failed waits alone.

A budget without room may have some once the questions that are under way are settled: they held more than they cost.
So its refusal is an answer only after a round that brought none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from gateway_core.batch.questions import Answer, Question

LEAST_WAIT_S = 1.0
UNKNOWN_WAIT_S = 5.0
"""Where nobody says when asking again may help; doubled with each round that brought nothing."""
MOST_WAIT_S = 900.0
MOST_TRIES = 4
"""How often a question is asked anew whose providers failed. What was refused without a call is not counted."""
REVOKED = "unauthenticated"
BUDGET_ENDED = "budget_exceeded"
_BUDGET = "budget"


class Patience:
    """What waits, in one round of a job after the other.

    `tries` counts by question how often its providers had failed before.
    """

    def __init__(self, tries: Mapping[int, int] | None = None) -> None:
        self._tries = Counter(tries or {})
        self._waits: dict[str, float] = {}
        self._stopped = False
        self._has_answers = False
        self._budget_has_ended = False
        self.is_revoked = False

    @property
    def is_stopped(self) -> bool:
        """Whether nobody is to be asked any more."""
        return self._stopped

    @property
    def wait_s(self) -> float | None:
        """How long the first of those that wait has to, 0 where nobody knows; None if nothing waits."""
        return min(self._waits.values(), default=None)

    def begin_round(self) -> None:
        """Nothing waits any more."""
        self._budget_has_ended = _BUDGET in self._waits and not self._has_answers
        self._waits.clear()
        self._has_answers = False

    def stop(self) -> None:
        """Ask nobody any more; those who were asked may answer."""
        self._stopped = True

    def holds(self, question: Question) -> bool:
        """Whether the question is not to be asked now."""
        return self._stopped or _BUDGET in self._waits or _who(question) in self._waits

    def postpones(self, number: int, question: Question, answer: Answer) -> bool:
        """Whether this is no answer yet, and the question is to be asked again."""
        if answer.error_code == REVOKED:
            self.is_revoked = True
            self.stop()
            return True
        self._has_answers |= answer.status == "success"
        if answer.error_code == BUDGET_ENDED and not self._budget_has_ended:
            self._waits[_BUDGET] = LEAST_WAIT_S
            return True
        if answer.retry_after_s is None:
            return False
        waiting = _who(question)
        if was_called(answer):  # it alone failed, and others may be answered
            self._tries[number] += 1
            if self._tries[number] >= MOST_TRIES:
                return False
            waiting = f"#{number}"
        self._waits[waiting] = min(answer.retry_after_s, MOST_WAIT_S)
        return True


def was_called(answer: Answer) -> bool:
    """Whether a provider was asked for it, and may have been paid."""
    return any(attempt.outcome != "skipped" for attempt in answer.attempts)


def pause_s(wait_s: float, idle_rounds: int) -> float:
    """How long to pause when the first of those that wait has to wait for `wait_s`."""
    return min(max(wait_s or UNKNOWN_WAIT_S * 2 ** min(idle_rounds, 10), LEAST_WAIT_S), MOST_WAIT_S)


def _who(question: Question) -> str:
    """What questions share that wait for the same: the model, and where it is called."""
    return f"{question.model} {question.api_base or ''}"
