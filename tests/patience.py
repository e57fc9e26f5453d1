"""How long tests wait for what has to come: the longer, the slower and the busier the machine is.

Nothing here is a limit of the product. A test that ends well never waits so long; one that hangs ends all the same.
"""

from __future__ import annotations

import math
import os
import time
from collections import deque

_WORK = 1_000_000
_USUAL_S = 0.01
"""How long `_WORK` additions take where nobody else computes."""
_WORTH_S = 10.0
"""How long a measurement counts as the last one."""
_MEASUREMENTS = 6


class _Machine:
    """How many times longer than usual this process needs for its work: the most that was seen of late."""

    def __init__(self) -> None:
        self._seen: deque[float] = deque(maxlen=_MEASUREMENTS)
        self._measured_s = -_WORTH_S

    def slowness(self) -> float:
        began_s = time.monotonic()
        if began_s - self._measured_s >= _WORTH_S:
            sum(range(_WORK))
            self._measured_s = time.monotonic()
            self._seen.append((self._measured_s - began_s) / _USUAL_S)
        return max(1.0, *self._seen)


_MACHINE = _Machine()


def patience(seconds: float, most: float = math.inf) -> float:
    """As long as `seconds` are on a quick machine that has nothing else to do; times PATIENCE of the environment.

    No more than `most` times as long, for who waits all of it.
    """
    return seconds * min(most, float(os.environ.get("PATIENCE", "1")) * _MACHINE.slowness())
